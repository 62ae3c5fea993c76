//! Behind a proxy: what is on this machine is called directly, everything else through it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::binary::{Folder, settings, vendor};
use crate::stress::load;

/// A proxy that answers everything by itself, and records the requests.
struct Proxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::default());
        let received: Arc<Mutex<Vec<String>>> = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let first = BufReader::new(&stream).lines().map_while(Result::ok).next();
                received.lock().unwrap().extend(first);
                // The client may be gone.
                drop((&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"));
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// A command with this proxy in these variables, and in no others.
    fn configure<'a>(&self, command: &'a mut Command, variables: &[&str]) -> &'a mut Command {
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(variable).env_remove(variable.to_lowercase());
        }
        command.envs(variables.iter().map(|variable| (variable, format!("http://{}", self.address))))
    }
}

#[tokio::test]
async fn local_addresses_are_called_without_the_proxy() {
    let (folder, proxy) = (Folder::new(""), Proxy::start());
    let (_sandbox, site) = folder.sandbox(&[]);
    let token = "[[admin.tokens]]\nname = \"rosa\"\nrole = \"approver\"\ntoken = { env = \"ACME_TOKEN\" }\n";
    let by_name = format!("gateway = \"http://localhost:{}\"", site.port());
    let settings = settings(site, "").replace(&format!("gateway = \"http://{site}\""), &by_name);
    folder.file("offboardd.toml", &format!("{settings}\n{token}"));
    let everywhere = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"];
    let mut serve = folder.command(&["serve"]);
    let daemon = Folder::serve_as(proxy.configure(&mut serve, &everywhere).env("RUST_LOG", "info"));
    let body = r#"{"type":"departed","person":{"email":"ann@example.com"}}"#;
    let http = crate::http::client();
    let answer = load::post(&http, &vendor(), daemon.webhooks, "msg_1", body).await;
    assert_eq!(answer.map(|(status, _)| status), Some(202));
    daemon.process.wait_for_lines("revoke_confirmed", 1);

    let (admin, body) = (format!("http://{}", daemon.admin), folder.file("body.json", "{}"));
    let hook = format!("http://{}/webhooks/hr", daemon.webhooks);
    for arguments in [
        ["healthcheck", &admin].as_slice(),
        &["case", "list"],
        &["check", "--online"],
        &["send", "hr", "--body", &body, "--url", &hook],
    ] {
        let mut command = folder.command(arguments);
        command.env("OFFBOARDD_URL", &admin).env("OFFBOARDD_TOKEN", crate::binary::SITE_TOKEN);
        let output = proxy.configure(&mut command, &everywhere).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
    assert!(proxy.requests().is_empty());
}

#[test]
fn remote_addresses_are_called_through_the_proxy_unless_excluded() {
    let (folder, proxy) = (Folder::new(""), Proxy::start());
    let elsewhere = "http://elsewhere.invalid/readyz";
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let mut command = folder.command(&["healthcheck", elsewhere]);
        let output = proxy.configure(&mut command, &[variable]).output().unwrap();
        assert_eq!(
            (output.status.code(), proxy.requests()),
            (Some(0), vec![format!("GET {elsewhere} HTTP/1.1")]),
            "{variable}"
        );
        for excepted in ["invalid", "other.example, .elsewhere.invalid", "*"] {
            let mut command = folder.command(&["healthcheck", elsewhere]);
            let output = proxy.configure(&mut command, &[variable]).env("NO_PROXY", excepted).output().unwrap();
            assert_eq!(
                (output.status.code(), proxy.requests()),
                (Some(1), Vec::new()),
                "{variable}, but not {excepted}"
            );
        }
    }
}

#[test]
fn invalid_proxy_is_reported_without_its_value() {
    let folder = Folder::new("");
    let mut command = folder.command(&["healthcheck", "http://elsewhere.invalid/readyz"]);
    let output = command.env("HTTP_PROXY", "http://user:pa55word@[nowhere").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("HTTP_PROXY") && !stderr.contains("pa55word"), "{stderr}");
}
