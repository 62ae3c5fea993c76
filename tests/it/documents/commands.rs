//! Runs the settings and commands of README and operations, and checks each command line of every document against the help.

use std::collections::{BTreeMap, BTreeSet};

use super::{blocks, document, documents, local, of_language, ports, section, succeed};
use crate::binary::Folder;

const SECRETS: &str = "export ROSA_TOKEN=0123456789abcdef0123456789abcdef OFFBOARDD_TOKEN=0123456789abcdef0123456789abcdef \
                       ACME_TOKEN=token-of-the-site BAMBOOHR_KEY=a-private-key-of-bamboohr\n";

/// The settings of the README, on ports of their own.
fn readme_settings(ports: [u16; 2]) -> String {
    local(&of_language(section(&document("README.md"), "## Run it"), "toml").concat(), ports)
}

/// Lines that send the example of BambooHR and wait for its case, whose id is then in `$CASE`.
const OPEN_A_CASE: &str = "offboardd preset show bamboohr --example | offboardd send bamboohr --body -
    for i in $(seq 100); do offboardd case list --json | grep -q '\"id\"' && break; sleep 0.1; done
    CASE=$(offboardd case list --json | sed 's/.*\"items\":\\[{\"id\":\"\\([^\"]*\\)\".*/\\1/')\n";

#[test]
fn settings_and_commands_of_the_readme_work() {
    let ports = ports();
    let folder = Folder::new(&readme_settings(ports));
    let commands = of_language(section(&document("README.md"), "## Run it"), "sh").concat();
    let mut lines = SECRETS.to_owned();
    for line in commands.lines() {
        let command = line.split('#').next().unwrap().trim();
        // The site of the settings does not exist, so that the online check reports it.
        let is_online = command.contains("--online");
        let line = if is_online { format!("if {command}; then exit 9; fi\n") } else { format!("{command}\n") };
        lines.push_str(&line);
    }
    succeed(&folder, ports[1], &lines);
}

/// A text in which only the words count: without line breaks, and with `N` for each number.
fn words(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let mut letters: Vec<char> = word.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }).collect();
        letters.dedup_by(|next, previous| *next == 'N' && *previous == 'N');
        letters.into_iter().collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn quoted_output_of_the_demo_is_printed_by_the_demo() {
    let quoted = of_language(&document("README.md"), "text").remove(0);
    let run = Folder::new("").run(&["demo", "--once"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let printed = words(&run.stdout);
    let mut rest = printed.as_str();
    for line in quoted.lines().filter(|line| !line.is_empty()) {
        let (_, after) = rest
            .split_once(&words(line))
            .unwrap_or_else(|| panic!("the demo does not print, in this order: {line}\n{}", run.stdout));
        rest = after;
    }
}

#[test]
fn commands_of_operations_work() {
    let ports = ports();
    let folder = Folder::new(&readme_settings(ports));
    let operations = document("docs/operations.md");
    let mut lines = format!("{SECRETS}offboardd serve\n{OPEN_A_CASE}");
    for command in of_language(section(&operations, "## Commands"), "sh").concat().lines() {
        let command = command.split('#').next().unwrap().replace(" ID", " $CASE");
        // The site of the settings cannot be reached, which is a problem.
        let is_status = command.trim() == "offboardd status";
        lines += &(command + if is_status { "|| true\n" } else { "\n" });
    }
    for command in of_language(section(&operations, "## Back up"), "sh") {
        lines += &command.replace("/backup/", "");
    }
    lines += "kill $SERVE; wait $SERVE || true; SERVE=\n";
    for command in of_language(section(&operations, "## Restore"), "sh") {
        lines += &command.trim_start().replace("/backup/", "");
    }
    let printed = succeed(&folder, ports[1], &lines);
    assert!(printed.contains("intact: "), "{printed}");
}

#[test]
fn sandbox_of_the_vendors_document_runs() {
    let command = of_language(section(&document("docs/vendors.md"), "## A site to test with"), "sh").concat();
    let arguments: Vec<&str> = command.split_whitespace().skip(2).collect();
    let (_process, address) = Folder::new("").sandbox(&arguments);
    assert!(address.ip().is_loopback());
}

/// A command line of a document: the words after `offboardd`.
#[derive(Debug)]
struct Line {
    document: String,
    words: Vec<String>,
}

fn command_lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for name in documents() {
        let text = document(&name);
        let in_blocks = blocks(&text).into_iter().filter(|block| block.language == "sh").map(|block| block.text);
        let code: String = in_blocks.collect();
        let prose: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("```")).collect();
        let prose = prose.join("\n");
        let inline = prose.split('`').skip(1).step_by(2).map(str::to_owned);
        for piece in code.lines().map(str::to_owned).chain(inline) {
            let piece = piece.split('#').next().unwrap().to_owned();
            for command in piece.split('|') {
                let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
                if words.first().is_some_and(|first| first == "offboardd") && words.len() > 1 {
                    lines.push(Line { document: name.clone(), words: words[1..].to_vec() });
                }
            }
        }
    }
    lines
}

#[test]
fn each_command_line_of_the_documents_is_one_of_the_help() {
    let folder = Folder::new("");
    let mut helps: BTreeMap<Vec<String>, Option<String>> = BTreeMap::new();
    let mut help_of = |command: &[String]| {
        let found = helps.entry(command.to_vec()).or_insert_with(|| {
            let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
            let run = folder.run(&arguments);
            (run.code == Some(0)).then_some(run.stdout)
        });
        found.clone()
    };
    let lines = command_lines();
    assert!(lines.len() > 50, "only {} command lines", lines.len());
    let mut documents = BTreeSet::new();
    for line in lines {
        documents.insert(line.document.clone());
        if line.words[0].starts_with('-') {
            continue;
        }
        let help = help_of(&line.words[..1]).unwrap_or_else(|| panic!("{line:?}: no such command"));
        let has_commands = help.contains("\nCommands:\n");
        let help = match line.words.get(1) {
            Some(_) if has_commands => help_of(&line.words[..2]).unwrap_or_else(|| panic!("{line:?}: no such command")),
            _ => help,
        };
        for flag in line.words.iter().filter(|word| word.starts_with("--")) {
            let name = flag.split('=').next().unwrap();
            let is_known = help.split(|c: char| c.is_whitespace() || c == ',' || c == '[').any(|word| word == name);
            assert!(is_known, "{line:?}: no option {flag}");
        }
    }
    assert!(documents.len() > 3, "{documents:?}");
}
