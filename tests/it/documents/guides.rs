//! Runs each guide of `docs/guides` against a sandbox, and compares the output of its last command.
//!
//! `OFFBOARDD_BLESS=1 cargo test --test it guides` writes the real output into the guides.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::binary::{Folder, settings};

/// Who is on the site.
const SEED: &str = r#"{"accounts": [
    {"email": "ann@example.com", "display_name": "Ann Archer"}, {"email": "ben@example.com", "display_name": "Ben Becker"},
    {"email": "eve@example.com", "display_name": "Eve Example"}, {"email": "dora@example.com", "display_name": "Dora D."},
    {"email": "dora@example.com", "display_name": "Dora Dorn"}, {"email": "carla@customer.example", "display_name": "Carla"},
    {"email": "cem@customer.example", "display_name": "Cem"},
    {"email": "agent@customer.example", "display_name": "Agent", "account_type": "atlassian"}]}"#;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Guides whose output `screens.rs` makes.
const BY_STORIES: [&str; 1] = ["old-address.md"];

/// A fenced block with its indentation; the second word of its first line names a file.
struct Block {
    language: String,
    file: Option<String>,
    text: String,
    /// The lines of the text within the document.
    lines: std::ops::Range<usize>,
    indent: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let lines: Vec<&str> = document.lines().collect();
    let (mut blocks, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        let Some(head) = line.trim_start().strip_prefix("```").filter(|head| !head.is_empty()) else { continue };
        let indent = line.split("```").next().unwrap().to_owned();
        let begin = at;
        while lines[at].trim_start() != "```" {
            at += 1;
        }
        let unindented = lines[begin..at].iter().map(|line| line.strip_prefix(&indent).unwrap_or(line));
        let text: String = unindented.flat_map(|line| [line, "\n"]).collect();
        let mut words = head.split(' ').map(str::to_owned);
        blocks.push(Block { language: words.next().unwrap(), file: words.next(), text, lines: begin..at, indent });
        at += 1;
    }
    blocks
}

/// The words of an output, with one letter for all that differs between two runs.
fn normalized(output: &str) -> Vec<String> {
    let is_id = |word: &str| word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let words = output.split(|c: char| c.is_whitespace() || "(),|".contains(c)).filter(|word| !word.is_empty());
    let words = words.map(|word| {
        // The fingerprint of a key and the origin of a journal are random, too.
        if is_id(word) || ["SHA256:", "offboardd/journal/"].iter().any(|begin| word.starts_with(begin)) {
            return "ID".to_owned();
        }
        // A fraction of a second has as many digits as it needs.
        let mut letters: Vec<char> = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        letters.dedup_by(|next, previous| *next == '0' && *previous == '0');
        letters.into_iter().collect::<String>()
    });
    // A line of a table is as long as its cells.
    words.filter(|word: &String| !word.chars().all(|c| "-─━".contains(c))).collect()
}

fn guides() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides");
    let mut guides: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    guides.retain(|guide| !BY_STORIES.iter().any(|name| guide.ends_with(name)));
    guides.sort();
    guides
}

#[test]
fn commands_of_the_guides_print_what_the_guides_show() {
    let guides = guides();
    assert!(guides.len() >= 5, "{guides:?}");
    for guide in guides {
        let document = std::fs::read_to_string(&guide).unwrap();
        let printed = run(&document);
        let shown = blocks(&document).into_iter().rfind(|block| block.language == "text").unwrap();
        if std::env::var_os("OFFBOARDD_BLESS").is_some() {
            std::fs::write(&guide, with_output(&document, &shown, &printed)).unwrap();
        } else {
            let sorted = |output: &str| {
                let mut words = normalized(output);
                // Cases of one millisecond are in no order.
                words.sort();
                words
            };
            assert_eq!(sorted(&printed), sorted(&shown.text), "{}\n{printed}", guide.display());
        }
    }
}

fn with_output(document: &str, shown: &Block, printed: &str) -> String {
    let lines: Vec<&str> = document.lines().collect();
    let output = printed.trim_end().lines().map(|line| format!("{}{line}", shown.indent).trim_end().to_owned());
    let lines = lines[..shown.lines.start]
        .iter()
        .map(|line| (*line).to_owned())
        .chain(output)
        .chain(lines[shown.lines.end..].iter().map(|line| (*line).to_owned()));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// The keys of the policy that a guide shows.
fn policy(document: &str) -> String {
    let shown = blocks(document).into_iter().find(|block| block.language == "toml").map(|block| block.text);
    shown.map(|text| text.strip_prefix("[policies.leavers]\n").unwrap().to_owned()).unwrap_or_default()
}

/// Runs the commands of a guide in their order. Returns the output of the last one.
fn run(document: &str) -> String {
    let sandbox = Folder::new("");
    let seed = sandbox.file("seed.json", SEED);
    let (_process, site) = sandbox.sandbox(&["--seed", &seed, "--deletion-grace", "1s"]);
    let tokens = "admin.tokens = [{ name = \"rosa\", role = \"approver\", token = { env = \"ROSA_TOKEN\" } }]";
    let policy = policy(document);
    let settings = settings(site, &policy).replace("local_grace = \"1s\"", "local_grace = \"30d\"");
    let folder = Folder::new(&format!("{tokens}\n{settings}"));
    let daemon = Folder::serve_as(folder.command(&["serve"]).env("ROSA_TOKEN", TOKEN));
    let mut last = String::new();
    for block in blocks(document) {
        if let Some(file) = &block.file {
            folder.file(file, &block.text);
        }
        if block.language != "sh" {
            continue;
        }
        for line in block.text.lines() {
            let begun = Instant::now();
            last = shell(&folder, &daemon, line);
            // The events of a delivery take effect a moment after it was accepted.
            while line.contains(" list") && !is_settled(&last) && begun.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(200));
                last = shell(&folder, &daemon, line);
            }
        }
    }
    last
}

/// Whether a list shows the effect of the delivery.
fn is_settled(printed: &str) -> bool {
    ["ambiguous_account", "held: approval", "erased"].iter().any(|state| printed.contains(state))
        || printed.matches("revoked").count() >= 2
}

fn shell(folder: &Folder, daemon: &crate::binary::Daemon, line: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_offboardd"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let secrets = folder.command(&[]);
    let mut command = Command::new("sh");
    let url = format!("offboardd send hr --url http://{}/webhooks/hr", daemon.webhooks);
    command
        .args(["-c", &line.replace("offboardd send hr", &url)])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .env("PATH", path);
    for (name, value) in secrets.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
        .env("ROSA_TOKEN", TOKEN)
        .env("OFFBOARDD_TOKEN", TOKEN)
        .env("OFFBOARDD_URL", format!("http://{}", daemon.admin))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .env("TZ", "UTC");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
