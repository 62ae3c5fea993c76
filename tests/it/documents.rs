//! Runs the commands and settings of README, CONTRIBUTING and `docs/` as they are written.
//!
//! Only what belongs to a machine is replaced: ports, paths, and URLs of systems that a test must not reach.

mod commands;
mod guides;
mod metrics;
mod reference;
mod screens;
mod settings;
mod vendors;

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binary::Folder;

/// A fenced block of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    language: String,
    text: String,
}

/// A document by its path in the repository.
pub(crate) fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The paths of all documents.
fn documents() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let guides = std::fs::read_dir(root.join("docs/guides")).unwrap().map(|entry| entry.unwrap().path());
    let in_root = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let is_document = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let paths = in_docs.chain(guides).chain(in_root).filter(is_document);
    paths.map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()).collect()
}

/// The part of a document below a heading, up to the next heading of the same or a higher level.
pub(crate) fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let level = heading.split(' ').next().unwrap().len();
    let ends = (2..=level).filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))));
    rest.get(..ends.min().unwrap_or(rest.len())).unwrap()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```").filter(|language| !language.is_empty()) else {
            continue;
        };
        let text: Vec<_> = lines.by_ref().take_while(|line| line.trim_start() != "```").collect();
        blocks.push(Block { language: language.to_owned(), text: text.join("\n") + "\n" });
    }
    blocks
}

/// The blocks of one language.
pub(crate) fn of_language(text: &str, language: &str) -> Vec<String> {
    blocks(text).into_iter().filter(|block| block.language == language).map(|block| block.text).collect()
}

/// Two ports that are free at the moment.
fn ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// The settings on other ports, with a site that cannot be reached.
fn local(settings: &str, [webhooks, admin]: [u16; 2]) -> String {
    let server = format!("server.webhooks = \"127.0.0.1:{webhooks}\"\nserver.admin = \"127.0.0.1:{admin}\"\n");
    server + &settings.replace("https://acme.atlassian.net\"", "https://127.0.0.1:9\"")
}

/// Runs lines in a shell, the daemon in the background until the last line has ended. Returns the exit code and the output.
fn shell(folder: &Folder, admin: u16, lines: &str) -> (Option<i32>, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_offboardd"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let wait = format!("until offboardd healthcheck --ready http://127.0.0.1:{admin}; do sleep 0.1; done");
    let serve = format!("offboardd serve 2> serve.log & SERVE=$!\n{wait}\n");
    let script = format!(
        "set -eu\nSERVE=\ntrap '[ -z \"$SERVE\" ] || kill \"$SERVE\"' EXIT\n{}",
        lines.replace("offboardd serve\n", &serve)
    );
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).current_dir(folder.path()).env("PATH", path).stdin(Stdio::null());
    command
        .env("OFFBOARDD_URL", format!("http://127.0.0.1:{admin}"))
        .env_remove("OFFBOARDD_CONFIG")
        .env_remove("RUST_LOG");
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), printed)
}

/// Runs lines that must succeed, and returns their output.
fn succeed(folder: &Folder, admin: u16, lines: &str) -> String {
    let (code, printed) = shell(folder, admin, lines);
    let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
    assert_eq!(code, Some(0), "{printed}\n{log}");
    printed
}

impl Folder {
    /// Checks the settings, with every variable set that they name. Returns the exit code and the lines of standard error.
    fn check_with_secrets(&self) -> (Option<i32>, Vec<String>) {
        let settings = std::fs::read_to_string(self.path().join("offboardd.toml")).unwrap();
        let names = settings.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
        let output = self.command(&["check"]).envs(names.map(|name| (name, secret(name)))).output().unwrap();
        let printed = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), printed.lines().map(str::to_owned).collect())
    }

    fn check_without_warnings(&self) {
        let (code, lines) = self.check_with_secrets();
        assert_eq!((code, lines), (Some(0), Vec::new()));
    }
}

/// A secret that is base64 as well as hexadecimal, and different for each name.
fn secret(name: &str) -> String {
    let mut digits = String::new();
    for byte in name.bytes() {
        write!(digits, "{byte:02x}").unwrap();
    }
    let padded = format!("{digits:0<64}");
    if name.starts_with("BASIC") { format!("user:{padded}") } else { padded }
}
