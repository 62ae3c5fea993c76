//! What is in `deploy/`: checked against the documents and the program here, and by its own tools in the ignored tests.

mod compose;
mod kubernetes;
mod litestream;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary::{Folder, own_loopback_address, settings};
use crate::documents::{document, section};

const SERVICE: &str = "deploy/systemd/offboardd.service";
const RULES: &str = "deploy/prometheus/offboardd.rules.yaml";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The names of metrics in a query or a document, without the suffixes of a histogram.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.starts_with("offboardd_"));
    words.map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned()).collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    headings.map(|heading| heading.to_lowercase().replace(' ', "-").replace([',', '`', '\'', '.'], "")).collect()
}

#[test]
fn rules_and_dashboard_use_metrics_that_exist() {
    let operations = document("docs/operations.md");
    let listed = metrics(section(&operations, "## Metrics"));
    for file in [RULES, "deploy/prometheus/dashboard.json"] {
        let unknown: Vec<_> = metrics(&document(file)).difference(&listed).cloned().collect();
        assert!(unknown.is_empty(), "{file} uses {unknown:?}, which docs/operations.md does not list");
    }
}

#[test]
fn dashboard_is_valid_json_with_a_query_in_each_panel() {
    let dashboard: Value = serde_json::from_str(&document("deploy/prometheus/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 10);
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "two panels with one id: {panel}");
        for target in panel["targets"].as_array().unwrap() {
            assert!(!metrics(target["expr"].as_str().unwrap()).is_empty(), "{panel}");
        }
    }
}

#[test]
fn runbooks_of_the_rules_are_sections_of_operations() {
    let anchors = anchors(&document("docs/operations.md"));
    let rules = document(RULES);
    let alerts = rules.lines().filter(|line| line.trim().starts_with("- alert:")).count();
    let runbooks: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: ")).collect();
    assert_eq!(alerts, runbooks.len());
    for runbook in runbooks {
        let anchor = runbook.strip_prefix("docs/operations.md#").unwrap();
        assert!(anchors.contains(anchor), "docs/operations.md has no section {anchor}");
    }
}

#[test]
fn supervisors_wait_longer_than_the_daemon_needs_to_stop() {
    let shutdown = document("docs/settings.md");
    // Each supervisor waits longer than the daemon's own `server.shutdown` of 30 seconds.
    assert!(
        shutdown.contains(
            "| `shutdown` | How long a stop waits for requests and jobs in progress | duration | `\"30s\"` |"
        )
    );
    assert!(document(SERVICE).contains("\nTimeoutStopSec=45s\n"));
    for compose in ["deploy/compose.yaml", "deploy/compose.postgres.yaml"] {
        assert!(document(compose).contains("stop_grace_period: 45s"), "{compose}");
    }
    assert!(document("deploy/kubernetes/base/deployment.yaml").contains("terminationGracePeriodSeconds: 45\n"));
}

#[test]
fn systemd_is_notified_of_start_life_and_stop() {
    let folder = Folder::new(&settings("127.0.0.1:9".parse().unwrap(), ""));
    let socket = folder.path().join("notify");
    let supervisor = UnixDatagram::bind(&socket).unwrap();
    supervisor.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut command = folder.command(&["serve"]);
    let mut daemon =
        Folder::serve_as(command.env("RUST_LOG", "info").env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "200000"));
    let next = || {
        let mut buffer = [0; 256];
        let read = supervisor.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..read]).trim().to_owned()
    };
    let mut states = vec![next()];
    // A busy machine may report life before readiness.
    let count = |states: &[String], sought: &str| states.iter().filter(|state| *state == sought).count();
    while count(&states, "WATCHDOG=1") < 3 || count(&states, "READY=1") == 0 {
        states.push(next());
    }
    daemon.process.send_sigterm();
    while states.last().is_some_and(|state| state != "STOPPING=1") {
        states.push(next());
    }
    assert!(daemon.process.wait().success());
}

fn run(command: &mut Command) -> String {
    let output =
        command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {printed}");
    printed
}

#[test]
#[ignore = "needs promtool (Debian: prometheus)"]
fn prometheus_accepts_the_rules_and_their_tests() {
    run(Command::new("promtool").args(["check", "rules", RULES]));
    run(Command::new("promtool").args(["test", "rules", "deploy/prometheus/offboardd.rules.test.yaml"]));
    let tests = document("deploy/prometheus/offboardd.rules.test.yaml");
    for alert in document(RULES).lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        for end in ["fires", "is silent"] {
            assert!(tests.contains(&format!("- name: {alert} {end}\n")), "no test says that {alert} {end}");
        }
    }
}

#[test]
#[ignore = "needs systemd-analyze (Debian: systemd)"]
fn systemd_finds_the_unit_hardened() {
    let printed = run(Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager", SERVICE]));
    let level =
        printed.lines().find_map(|line| line.split_once("Overall exposure level for offboardd.service: ")).unwrap().1;
    let level: f64 = level.split(' ').next().unwrap().parse().unwrap();
    assert!(level <= 1.5, "exposure level {level}");
}

/// A proxy in front of a daemon. Killed at the end.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A certificate for localhost, and the daemon behind the proxy.
struct Site {
    folder: Folder,
    daemon: crate::binary::Daemon,
    /// The port of the proxy.
    port: u16,
}

impl Site {
    fn start() -> Self {
        let folder = Folder::new(&settings(own_loopback_address(), ""));
        let in_folder = |command: &mut Command| {
            let output = command.current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        in_folder(Command::new("openssl").args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=offboardd test CA",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]));
        in_folder(Command::new("openssl").args([
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            "privkey.pem",
            "-out",
            "server.csr",
        ]));
        folder.file("san", "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
        in_folder(Command::new("openssl").args([
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "san",
            "-out",
            "fullchain.pem",
        ]));
        let daemon = folder.serve("info");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder, daemon, port }
    }

    fn start_proxy(&self, command: &mut Command) -> Proxy {
        let child =
            command.current_dir(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let proxy = Proxy(child);
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the proxy does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        proxy
    }

    fn curl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("curl");
        command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", "ca.pem"]).args(arguments);
        String::from_utf8(command.current_dir(self.folder.path()).output().unwrap().stdout).unwrap()
    }

    /// Deliveries pass, below a path too; everything else does not.
    fn passes_webhooks_only(&self) {
        let body =
            self.folder.file("body.json", r#"{"type":"departed","person":{"id":"1","email":"ann@example.com"}}"#);
        let port = self.port;
        for url in [
            format!("https://localhost:{port}/webhooks/hr"),
            format!("https://127.0.0.1:{port}/offboarding/webhooks/hr"),
        ] {
            let mut command = self.folder.command(&["send", "hr", "--body", &body, "--url", &url]);
            let sent = command.env("SSL_CERT_FILE", self.folder.path().join("ca.pem")).output().unwrap();
            let printed = String::from_utf8_lossy(&sent.stdout).into_owned() + &String::from_utf8_lossy(&sent.stderr);
            assert!(sent.status.success() && printed.contains("202"), "{url}: {printed}");
        }
        let root = format!("https://localhost:{port}");
        for size in [1024 * 1024 + 1, 16 * 1024 * 1024] {
            let large = self.folder.file("large.json", &"x".repeat(size));
            // With `Expect: 100-continue`, which curl sends by itself, and without it.
            for expect in ["Expect: 100-continue", "Expect:"] {
                let sent =
                    self.curl(&["-H", expect, "--data-binary", &format!("@{large}"), &format!("{root}/webhooks/hr")]);
                assert_eq!(sent, "413", "{size} bytes, {expect}");
            }
        }
        assert_eq!(self.curl(&["--data-binary", "{}", &format!("{root}/webhooks/hr")]), "401");
        for path in ["/livez", "/readyz", "/metrics", "/api/v1/cases", "/"] {
            assert_eq!(self.curl(&[&format!("{root}{path}")]), "404", "{path}");
        }
    }
}

#[test]
#[ignore = "needs nginx, curl and openssl"]
fn nginx_passes_webhooks_and_nothing_else() {
    let site = Site::start();
    let conf = document("deploy/proxy/nginx.conf")
        .replace("127.0.0.1:8080", &site.daemon.webhooks.to_string())
        .replace("listen 443 ssl", &format!("listen 127.0.0.1:{} ssl", site.port))
        .replace("hooks.example.com", "localhost")
        .replace("www.example.com", "127.0.0.1")
        .replace("/etc/nginx/tls/", &format!("{}/", site.folder.path().display()));
    let here = site.folder.path().display();
    let main = site.folder.file(
        "nginx.conf",
        &format!("daemon off;\npid {here}/nginx.pid;\nerror_log {here}/nginx.log;\nevents {{}}\nhttp {{\naccess_log off;\nclient_body_temp_path {here}/body;\nproxy_temp_path {here}/proxy;\nfastcgi_temp_path {here}/f;\nuwsgi_temp_path {here}/u;\nscgi_temp_path {here}/s;\n{conf}}}\n"),
    );
    let _proxy = site.start_proxy(Command::new("nginx").args(["-c", &main]));
    site.passes_webhooks_only();
}

#[test]
#[ignore = "needs caddy, curl and openssl"]
fn caddy_passes_webhooks_and_nothing_else() {
    let site = Site::start();
    let tls = "{\n\ttls fullchain.pem privkey.pem\n";
    let file = document("deploy/proxy/Caddyfile")
        .replace("127.0.0.1:8080", &site.daemon.webhooks.to_string())
        .replace("hooks.example.com {\n", &format!("localhost:{} {tls}", site.port))
        .replace("www.example.com {\n", &format!("127.0.0.1:{} {tls}", site.port));
    let file = site.folder.file("Caddyfile", &format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{file}"));
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config", &file]).env("XDG_DATA_HOME", site.folder.path());
    let _proxy = site.start_proxy(&mut command);
    site.passes_webhooks_only();
}
