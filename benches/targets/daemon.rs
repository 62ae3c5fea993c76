//! Processes that are measured: the real binary, and the reference servers.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::folder::{Folder, with_secrets};

/// The token of the admin API.
pub(crate) const ROSA: &str = "rosa-4pprover-secret-0123456789";

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_mins(10);

/// A process that ends with this.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it with its output in a file, like a container's log.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Sends SIGTERM, and waits for the end.
    pub(crate) fn stop(mut self) {
        let killed = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.0.id().to_string()]).status();
        assert!(killed.unwrap().success());
        assert!(self.0.wait().unwrap().success(), "it did not stop as it should");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The daemon at work.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) webhooks: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Daemon {
    /// The real binary, in its folder.
    pub(crate) fn serve(folder: &Folder) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offboardd"));
        let log = folder.path().join("daemon.log");
        let process = Process::start(with_secrets(command.arg("serve").current_dir(folder.path())), &log);
        let serving = wait_for(&log, |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["message"] == "serving").then_some(line)
        });
        let address = |name: &str| serving[name].as_str().unwrap().parse().unwrap();
        Self { process, webhooks: address("webhooks"), admin: address("admin") }
    }

    /// Calls the admin API.
    pub(crate) fn request(&self, method: &str, path: &str) -> (u16, String) {
        request(self.admin, method, path, ROSA)
    }

    /// One of its metrics, added up over its labels; those of which a part of the labels is given.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> u64 {
        let (_, text) = self.request("GET", "/metrics");
        let of_it = text.lines().filter(|line| line.starts_with(name) && line.contains(labels));
        of_it.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap() as u64).sum()
    }
}

/// The sandbox on loopback, with so many people; returns its URL.
pub(crate) fn sandbox(folder: &Folder, people: usize) -> (Process, String) {
    let seed = folder.write("seed.json", &crate::folder::seed(people));
    let mut command = Command::new(env!("CARGO_BIN_EXE_offboardd"));
    command.args(["sandbox", "--listen", "127.0.0.1:0", "--seed"]).arg(seed);
    let log = folder.path().join("sandbox.log");
    let process = Process::start(&mut command, &log);
    let place = wait_for(&log, |line| {
        let rest = line.strip_prefix("the sandbox is at ")?;
        Some(rest.split(": ").next().unwrap().to_owned())
    });
    (process, place)
}

/// Waits for a line of a file.
pub(crate) fn wait_for<T>(file: &Path, read: impl Fn(&str) -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(file).unwrap();
        if let Some(found) = text.lines().find_map(&read) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not start: {text}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until a condition holds; returns the time that it took.
pub(crate) fn until(mut so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "what was waited for did not come");
        // Not more often: a query takes time from the measurement.
        std::thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

/// One request of its own connection.
pub(crate) fn request(to: SocketAddr, method: &str, path: &str, token: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(to).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap();
    (status, answer)
}
