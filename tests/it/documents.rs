//! The commands and settings of README and `docs/`, run as they are written.
//!
//! Only what belongs to a machine is replaced: ports, and the addresses of systems that no test may reach.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::binary::Folder;

/// A block of a document: what kind it is of, and its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    kind: String,
    text: String,
}

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The part of a document below a heading, up to the next one of the same depth.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let depth = heading.split(' ').next().unwrap();
    rest.split(&format!("\n{depth} ")).next().unwrap()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(Block { kind: kind.to_owned(), text: text.join("\n") + "\n" });
    }
    blocks
}

fn of_kind(text: &str, kind: &str) -> Vec<String> {
    blocks(text).into_iter().filter(|block| block.kind == kind).map(|block| block.text).collect()
}

/// Two ports that nobody uses at the moment.
fn ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// The settings on other ports, and a site that nobody can reach.
fn local(settings: &str, [webhooks, admin]: [u16; 2]) -> String {
    let server = format!("server.webhooks = \"127.0.0.1:{webhooks}\"\nserver.admin = \"127.0.0.1:{admin}\"\n");
    server + &settings.replace("https://acme.atlassian.net\"", "https://127.0.0.1:9\"")
}

/// Runs lines as a shell would; the daemon in the background, until the last line has been run.
fn shell(folder: &Folder, admin: u16, lines: &str) -> (Option<i32>, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_offboardd"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let wait = format!("until offboardd healthcheck http://127.0.0.1:{admin}; do sleep 0.1; done");
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
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

/// Follows a section of `docs/vendors.md`, and says what the commands printed.
fn follow(vendor: &str) -> String {
    let vendors = document("docs/vendors.md");
    let first = section(&vendors, "## Before you begin");
    let own = section(&vendors, &format!("## {vendor}"));
    let ports = ports();
    let settings = of_kind(first, "toml").concat() + "\n" + &of_kind(own, "toml")[0];
    let folder = Folder::new(&local(&settings, ports));
    let lines = of_kind(first, "sh").concat() + &of_kind(own, "sh").concat();
    // What came is shown when it was read; how long that takes is no part of the document.
    let read = "for i in $(seq 100); do offboardd delivery list | grep -q routed && break; sleep 0.1; done\n";
    let lines = lines.replace("offboardd delivery list\n", &format!("{read}offboardd delivery list\n"));
    let (code, said) = shell(&folder, ports[1], &lines);
    let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
    assert_eq!(code, Some(0), "{said}\n{log}");
    assert!(said.contains("item 0: departed") || said.contains("item 0: erasure_requested"), "{said}");
    assert!(said.contains("202 Accepted") && said.contains("routed"), "{said}");
    said
}

#[test]
fn the_way_for_bamboohr_ends_in_a_case() {
    assert!(follow("BambooHR").contains("bamboohr"));
}

#[test]
fn the_lookup_for_bamboohr_is_understood() {
    let vendors = document("docs/vendors.md");
    let blocks = of_kind(section(&vendors, "## BambooHR"), "toml");
    let settings = of_kind(section(&vendors, "## Before you begin"), "toml").concat() + &blocks.concat();
    Folder::new(&settings).check_without_warnings();
}

#[test]
fn the_way_for_okta_ends_in_a_case() {
    follow("Okta");
}

#[test]
fn the_way_for_hubspot_ends_in_a_routed_delivery() {
    follow("HubSpot");
}

#[test]
fn the_way_for_personio_ends_in_a_routed_delivery() {
    follow("Personio");
}

#[test]
fn the_way_for_zapier_ends_in_a_case() {
    follow("Zapier");
}

impl Folder {
    /// Checks the settings, with every variable set that they name.
    fn check_with_secrets(&self) -> (Option<i32>, Vec<String>) {
        let settings = std::fs::read_to_string(self.path().join("offboardd.toml")).unwrap();
        let names = settings.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
        let output = self.command(&["check"]).envs(names.map(|name| (name, secret(name)))).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said.lines().map(str::to_owned).collect())
    }

    fn check_without_warnings(&self) {
        let (code, said) = self.check_with_secrets();
        assert_eq!((code, said), (Some(0), Vec::new()));
    }
}

/// Base64 and hexadecimal at the same time, and different for each name.
fn secret(name: &str) -> String {
    let mut digits = String::new();
    for byte in name.bytes() {
        write!(digits, "{byte:02x}").unwrap();
    }
    let padded = format!("{digits:0<64}");
    if name.starts_with("BASIC") { format!("user:{padded}") } else { padded }
}

#[test]
fn the_settings_of_the_readme_work_as_they_are() {
    let readme = document("README.md");
    let settings = of_kind(section(&readme, "## Run it"), "toml").concat();
    Folder::new(&settings).check_without_warnings();
    let generic = of_kind(section(&readme, "### A vendor without a preset"), "toml").concat();
    Folder::new(&(settings + &generic)).check_without_warnings();
}

#[test]
fn the_deliveries_of_the_readme_are_taken_and_read() {
    let readme = document("README.md");
    let generic = section(&readme, "### A vendor without a preset");
    let ports = ports();
    let own = "[sources.own]\npreset = \"standard-webhooks\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{ env = \"OWN_KEY\" }]\n";
    let settings = of_kind(section(&readme, "## Run it"), "toml").concat() + &of_kind(generic, "toml").concat() + own;
    let folder = Folder::new(&local(&settings, ports));
    folder.file("own.json", &of_kind(generic, "json").concat());
    let body =
        r#"{"event_name":"employment.terminated","payload":{"person":{"id":"7","work_email":"bea@example.com"}}}"#;
    folder.file("acmehr.json", body);
    let examples = of_kind(section(&readme, "## Vendors"), "sh").remove(0);
    let lines = format!(
        "export ROSA_TOKEN=0123456789abcdef0123456789abcdef ACME_TOKEN=token-of-the-site BAMBOOHR_KEY=a-private-key-of-bamboohr\n\
         export ACMEHR_KEY=0123456789abcdef0123 OWN_KEY=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw OFFBOARDD_TOKEN=$ROSA_TOKEN\n\
         {examples}\noffboardd serve\n\
         offboardd send own --body own.json\noffboardd send acmehr --body acmehr.json\n\
         offboardd preset show bamboohr --example | offboardd send bamboohr --body -\n\
         for i in $(seq 100); do [ $(offboardd delivery list | grep -c routed) = 3 ] && break; sleep 0.1; done\n\
         offboardd case list --json\n"
    );
    let (code, said) = shell(&folder, ports[1], &lines);
    let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
    assert_eq!(code, Some(0), "{said}\n{log}");
    assert_eq!(said.matches("202 Accepted").count(), 3, "{said}");
    // The same person left by the own event and by BambooHR's: one case.
    for source in ["own", "acmehr"] {
        assert!(said.contains(&format!("\"source\":\"{source}\"")), "{source}: {said}");
    }
}

/// What `preset list --json` says of each preset.
fn presets() -> BTreeMap<String, Value> {
    let listed = Folder::new("").run(&["preset", "list", "--json"]);
    let presets: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    presets.into_iter().map(|preset| (preset["name"].as_str().unwrap().to_owned(), preset)).collect()
}

fn results_in(preset: &Value) -> String {
    let events: Vec<_> = preset["results_in"].as_array().unwrap().iter().map(|event| event.as_str().unwrap()).collect();
    match events.as_slice() {
        [] if preset["needs_mapping"] == true => "needs a mapping".to_owned(),
        [] => "nothing by itself".to_owned(),
        events if events.len() == 5 => "every event".to_owned(),
        events => events.join(", "),
    }
}

/// A row of the README's table of vendors.
#[derive(Debug)]
struct Row {
    results_in: String,
    write: String,
    presets: Vec<String>,
}

fn rows() -> Vec<Row> {
    let readme = document("README.md");
    let table = section(&readme, "## Vendors").lines().filter(|line| line.starts_with("| ")).skip(1);
    let known = presets();
    table
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [_vendor, _clicks, results_in, write] = cells.as_slice() else { panic!("{line}") };
            let named = write.split('`').skip(1).step_by(2).filter_map(|code| {
                let name = code.strip_prefix("preset = ").unwrap_or(code).trim_matches('"');
                (code.ends_with('"') && known.contains_key(name)).then(|| name.to_owned())
            });
            Row { results_in: (*results_in).to_owned(), write: (*write).to_owned(), presets: named.collect() }
        })
        .collect()
}

#[test]
fn the_table_of_vendors_says_what_each_preset_results_in() {
    let known = presets();
    let mut named = Vec::new();
    for row in rows() {
        assert!(!row.presets.is_empty(), "{row:?}");
        for preset in &row.presets {
            assert_eq!(results_in(&known[preset]), row.results_in, "{preset}");
        }
        named.extend(row.presets);
    }
    named.sort();
    assert_eq!(named, known.keys().cloned().collect::<Vec<_>>(), "each preset stands in the table once");
}

/// The settings of a row for one of its presets; `lookup`: with the lookup that it names.
fn settings_of(row: &Row, preset: &Value, lookup: bool) -> String {
    let name = preset["name"].as_str().unwrap();
    let basic = preset["secret"] == "user:password";
    let (upper, key) = (name.to_uppercase().replace('-', "_"), if basic { "BASIC_KEY" } else { "SIGNING_KEY" });
    let policy =
        if row.write.contains("erasure_requested = \"delete\"") { "erasure_requested = \"delete\"\n" } else { "" };
    let mut text = format!(
        "mode = \"enforce\"\nserver.public_url = \"https://hooks.acme.example\"\n\
         [[admin.tokens]]\nname = \"rosa\"\nrole = \"approver\"\ntoken = {{ env = \"ROSA_TOKEN\" }}\n\
         [sites.acme]\nurl = \"https://acme.atlassian.net\"\ncloud_id = \"11111111-2222-3333-4444-555555555555\"\n\
         auth = {{ email = \"bot@acme.example\", token = {{ env = \"ACME_TOKEN\" }} }}\n\
         [policies.leavers]\ndeparted = \"revoke_then_delete\"\n{policy}\
         [sources.{name}]\npreset = \"{name}\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{{ env = \"{key}\" }}]\n"
    );
    for opt_in in row.write.split('`').filter(|code| code.starts_with("mapping.types.")) {
        writeln!(text, "{opt_in}").unwrap();
    }
    if row.write.contains("a `mapping`") {
        write!(
            text,
            "[sources.{name}.mapping]\ntype = \"$.t\"\ntypes = {{ left = \"departed\" }}\nemail = \"$.mail\"\n"
        )
        .unwrap();
    }
    if lookup {
        let lines = preset["settings"].as_str().unwrap();
        let (_, lookup) = lines.split_once(".lookup]\n").unwrap();
        write!(text, "[sources.{name}.lookup]\n{}", lookup.replace('…', "acme")).unwrap();
        assert!(lookup.contains(&upper), "{lookup}");
    }
    text
}

#[test]
fn check_has_no_warning_for_a_row_that_works_and_names_the_missing_line_else() {
    let known = presets();
    for row in rows() {
        for name in &row.presets {
            let preset = &known[name];
            let wants_lookup = row.write.contains("a `lookup`");
            let (code, said) = Folder::new(&settings_of(&row, preset, wants_lookup)).check_with_secrets();
            assert_eq!(code, Some(0), "{name}: {said:?}");
            let opts_in = row.write.contains("mapping.types.");
            if row.results_in == "nothing by itself" && !opts_in {
                let warns = |line: &String| line.starts_with("warning: ") && line.contains("no event of this source");
                assert!(said.iter().any(warns), "{name}: {said:?}");
            } else {
                assert_eq!(said, Vec::<String>::new(), "{name}");
            }
            if preset["lookup"]["needed"] == true {
                let (code, said) = Folder::new(&settings_of(&row, preset, false)).check_with_secrets();
                let missing = format!("write [sources.{name}.lookup] with ");
                assert!(code == Some(0) && said.iter().any(|line| line.contains(&missing)), "{name}: {said:?}");
            }
            if row.results_in == "needs a mapping" {
                let without = Row { write: String::new(), results_in: row.results_in.clone(), presets: Vec::new() };
                let (_, said) = Folder::new(&settings_of(&without, preset, false)).check_with_secrets();
                let missing = format!("write a [sources.{name}.mapping]");
                assert!(said.iter().any(|line| line.contains(&missing)), "{name}: {said:?}");
            }
        }
    }
}

#[test]
fn each_example_is_explained_and_sent() {
    let known = presets();
    let ports = ports();
    let mut settings = local(
        "mode = \"observe\"\nserver.public_url = \"https://hooks.acme.example\"\n\
         [[admin.tokens]]\nname = \"rosa\"\nrole = \"approver\"\ntoken = { env = \"ROSA_TOKEN\" }\n\
         [sites.acme]\nurl = \"https://acme.atlassian.net\"\ncloud_id = \"11111111-2222-3333-4444-555555555555\"\n\
         auth = { email = \"bot@acme.example\", token = { env = \"ACME_TOKEN\" } }\n\
         [policies.leavers]\ndeparted = \"revoke\"\nerasure_requested = \"delete\"\n",
        ports,
    );
    let mut lines = String::new();
    for (name, preset) in &known {
        let key = format!(
            "{}{}",
            if preset["secret"] == "user:password" { "BASIC_" } else { "KEY_" },
            name.replace('-', "_")
        );
        writeln!(
            settings,
            "[sources.{name}]\npreset = \"{name}\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{{ env = \"{key}\" }}]"
        )
        .unwrap();
        writeln!(lines, "export {key}={}", secret(&key)).unwrap();
    }
    write!(lines, "export ROSA_TOKEN={} ACME_TOKEN=token-of-the-site\noffboardd serve\n", secret("ROSA_TOKEN"))
        .unwrap();
    for name in known.keys() {
        write!(
            lines,
            "echo '#### {name}'\noffboardd preset show {name} --example | offboardd explain {name} --body -\n\
             offboardd preset show {name} --example | offboardd send {name} --body -\n"
        )
        .unwrap();
    }
    let folder = Folder::new(&settings);
    let (code, said) = shell(&folder, ports[1], &lines);
    let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
    assert_eq!(code, Some(0), "{said}\n{log}");
    for part in said.split("#### ").skip(1) {
        let (name, said) = part.split_once('\n').unwrap();
        assert!(said.contains("202 Accepted"), "{name}: {said}");
        let results = results_in(&known[name]);
        let expected: &[&str] = if results == "needs a mapping" {
            // The example is one of the preset whose mapping this one shares.
            &[": departed, ", ": erasure_requested, "]
        } else if results.contains("departed") || results.contains("every") {
            &[": departed, "]
        } else if results.contains("erasure_requested") {
            &[": erasure_requested, "]
        } else {
            &[""]
        };
        assert!(expected.iter().any(|event| said.contains(event)), "{name} ({results}): {said}");
    }
}

#[test]
fn show_prints_clicks_notes_and_lines_of_each_preset() {
    let folder = Folder::new("");
    for name in presets().keys() {
        let shown = folder.run(&["preset", "show", name]);
        for heading in ["Event mapping:", "Notes:", "At the vendor:", "Configuration:"] {
            assert!(
                shown.code == Some(0) && shown.stdout.contains(heading),
                "{name}: {heading} is missing in {}",
                shown.stdout
            );
        }
    }
    let typo = folder.run(&["preset", "show", "bambohr"]);
    assert!(typo.code == Some(1) && typo.stderr.contains("did you mean `bamboohr`?"), "{typo:?}");
}
