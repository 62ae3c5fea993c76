//! The real binary: run to its end, or run beside a test and be stopped or killed.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use offboardd::sources::{Source, Spec};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The secrets that [`Folder::command`] puts into the environment.
pub(crate) const SITE_TOKEN: &str = "t0ken-that-is-never-shown";
pub(crate) const HR_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Settings of a daemon for a sandbox at `site` in which days pass in seconds; `policy` are the keys of its policy.
pub(crate) fn settings(site: SocketAddr, policy: &str) -> String {
    let webhooks = own_loopback_address();
    format!(
        "mode = \"enforce\"
         server = {{ webhooks = \"{webhooks}\", admin = \"127.0.0.1:0\" }}
         retry = {{ base = \"200ms\", max = \"1s\" }}
         [sites.acme]
         url = \"http://{site}\"
         gateway = \"http://{site}\"
         cloud_id = \"11111111-2222-3333-4444-555555555555\"
         auth = {{ email = \"admin@example.com\", token = {{ env = \"ACME_TOKEN\" }} }}
         deletion_grace = \"1s\"
         timeout = \"2s\"
         look_again = [\"1s\"]
         [policies.leavers]
         departed = \"revoke_then_delete\"
         local_grace = \"1s\"
         {policy}
         [sources.hr]
         preset = \"standard-webhooks\"
         site = \"acme\"
         policy = \"leavers\"
         secrets = [{{ env = \"HR_KEY\" }}]
         [sources.bamboohr]
         preset = \"bamboohr\"
         site = \"acme\"
         policy = \"leavers\"
         secrets = [{{ env = \"BAMBOOHR_KEY\" }}]"
    )
}

/// Where the webhooks of one story's daemons are, and those of no other's. A daemon that is started again gets another port,
/// and the process that gets its old one would acknowledge what is sent there, because all have the same secrets. (All of 127.0.0.0/8
/// is this machine on Linux only.)
pub(crate) fn own_loopback_address() -> SocketAddr {
    static STORIES: AtomicU8 = AtomicU8::new(1);
    let story = STORIES.fetch_add(1, Ordering::Relaxed);
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = if cfg!(target_os = "linux") { [127, high | 1, low, story] } else { [127, 0, 0, 1] };
    SocketAddr::from((address, 0))
}

/// The vendor behind the source `hr`.
pub(crate) fn vendor() -> Source {
    let spec = Spec { preset: Some("standard-webhooks".to_owned()), secrets: vec![HR_KEY.into()], ..Spec::default() };
    Source::compile(&"hr".parse().unwrap(), spec).unwrap()
}

/// Reads one of the lists of the sandbox at `site`.
pub(crate) async fn sandbox_list(site: SocketAddr, what: &str) -> Vec<Value> {
    let request = crate::http::client().get(format!("http://{site}/_sandbox/{what}"));
    let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
    serde_json::from_value(answer["items"].take()).unwrap()
}

/// A folder with a settings file, in which commands are run.
pub(crate) struct Folder(tempfile::TempDir);

/// What a command came to.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that keeps running.
pub(crate) struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Folder {
    pub(crate) fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("offboardd.toml"), settings).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.path().join("offboardd.db")
    }

    /// Writes a file, and says where.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offboardd"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_remove("RUST_LOG")
            .env_remove("OFFBOARDD_CONFIG")
            .env("ACME_TOKEN", SITE_TOKEN)
            .env("HR_KEY", HR_KEY)
            .env("BAMBOOHR_KEY", "123b929362d51613054f71e5e5d4bf2c")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> CommandOutput {
        let output = self.command(arguments).output().unwrap();
        CommandOutput {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the daemon, with this `RUST_LOG`.
    pub(crate) fn serve(&self, log: &str) -> Daemon {
        Self::serve_as(self.command(&["serve"]).env("RUST_LOG", log))
    }

    /// Runs the daemon by a command that is more than its name.
    pub(crate) fn serve_as(command: &mut Command) -> Daemon {
        Self::try_serve_as(command).unwrap_or_else(|ended| panic!("it does not start: {ended:?}"))
    }

    /// Runs the daemon, which may refuse to start.
    pub(crate) fn try_serve(&self) -> Result<Daemon, CommandOutput> {
        Self::try_serve_as(self.command(&["serve"]).env("RUST_LOG", "info"))
    }

    #[expect(
        clippy::panic_in_result_fn,
        reason = "that it neither serves nor ends is no answer, but the end of a test"
    )]
    fn try_serve_as(command: &mut Command) -> Result<Daemon, CommandOutput> {
        let mut process = Process::start(command);
        let begun = Instant::now();
        loop {
            let ended = process.child.try_wait().unwrap();
            let lines_so_far = process.output_lines();
            let lines = lines_so_far.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(serving) = lines.into_iter().find(|line| line["message"] == "serving") {
                let address = |name: &str| serving[name].as_str().unwrap().parse().unwrap();
                return Ok(Daemon { webhooks: address("webhooks"), admin: address("admin"), process });
            }
            if let Some(status) = ended {
                // What it printed last may still be on its way.
                std::thread::sleep(Duration::from_millis(100));
                return Err(CommandOutput {
                    code: status.code(),
                    stdout: String::new(),
                    stderr: process.output_lines().join("\n"),
                });
            }
            assert!(begun.elapsed() < TIMEOUT, "it does not start: {lines_so_far:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs a sandbox site, and says where it is.
    pub(crate) fn sandbox(&self, arguments: &[&str]) -> (Process, SocketAddr) {
        let process = Process::start(self.command(&["sandbox", "--listen", "127.0.0.1:0"]).args(arguments));
        let address = process.wait_for_line(|line| {
            let rest = line.strip_prefix("the sandbox is at http://")?;
            rest.split(':').take(2).collect::<Vec<_>>().join(":").parse().ok()
        });
        (process, address)
    }
}

/// A daemon that keeps running.
pub(crate) struct Daemon {
    pub(crate) webhooks: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) process: Process,
}

impl Daemon {
    /// What `/readyz` shows.
    pub(crate) async fn readiness(&self) -> Value {
        let request = crate::http::client().get(format!("http://{}/readyz", self.admin));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Waits until it works these sites.
    pub(crate) async fn wait_until_it_works(&self, sites: &[&str]) {
        let begun = Instant::now();
        while self.readiness().await["sites"] != serde_json::json!(sites) {
            assert!(begun.elapsed() < TIMEOUT, "it does not work {sites:?}: {:#?}", self.process.output_lines());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Process {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        collect_lines(child.stdout.take().unwrap(), &lines);
        collect_lines(child.stderr.take().unwrap(), &lines);
        Self { child, lines }
    }

    /// Everything that it printed so far, on either of its outputs.
    pub(crate) fn output_lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until it has printed this `times` times.
    pub(crate) fn wait_for_lines(&self, what: &str, times: usize) {
        let begun = Instant::now();
        while self.output_lines().iter().filter(|line| line.contains(what)).count() < times {
            assert!(begun.elapsed() < TIMEOUT, "it does not say {what:?}: {:#?}", self.output_lines());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that says something.
    pub(crate) fn wait_for_line<T>(&self, read: impl Fn(&str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = self.lines.lock().unwrap().iter().find_map(|line| read(line)) {
                return found;
            }
            assert!(begun.elapsed() < TIMEOUT, "it does not start: {:?}", self.output_lines());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends SIGTERM, as a container does; returns how it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.send_sigterm();
        self.wait()
    }

    pub(crate) fn send_sigterm(&self) {
        let killed = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.id().to_string()]).status();
        assert!(killed.unwrap().success());
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < TIMEOUT, "it does not end: {:?}", self.output_lines());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn collect_lines(from: impl std::io::Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    });
}
