//! The vendors' document: the steps for each vendor, the table of presets, and a vendor without a preset.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{document, local, of_language, ports, secret, section, succeed};
use crate::binary::Folder;

/// Waits until this many deliveries are routed; how long that takes is no part of the document.
fn wait_for_routed(count: usize) -> String {
    format!(
        "for i in $(seq 100); do [ $(offboardd delivery list | grep -c routed) -ge {count} ] && break; sleep 0.1; done\n"
    )
}

/// Follows the section of a vendor, and returns what its commands printed.
fn follow(vendor: &str) -> String {
    let vendors = document("docs/vendors.md");
    let first = section(&vendors, "### Before you begin");
    let own = section(&vendors, &format!("### {vendor}"));
    let ports = ports();
    let settings = of_language(first, "toml").concat() + "\n" + &of_language(own, "toml")[0];
    let folder = Folder::new(&local(&settings, ports));
    let lines = of_language(first, "sh").concat() + &of_language(own, "sh").concat();
    let list = "offboardd delivery list\n";
    let printed = succeed(&folder, ports[1], &lines.replace(list, &(wait_for_routed(1) + list)));
    assert!(printed.contains("item 0: departed") || printed.contains("item 0: erasure_requested"), "{printed}");
    assert!(printed.contains("202 Accepted") && printed.contains("routed"), "{printed}");
    printed
}

#[test]
fn steps_for_bamboohr_end_in_a_case() {
    assert!(follow("BambooHR").contains("bamboohr"));
}

#[test]
fn lookup_for_bamboohr_is_valid() {
    let vendors = document("docs/vendors.md");
    let blocks = of_language(section(&vendors, "### BambooHR"), "toml");
    let settings = of_language(section(&vendors, "### Before you begin"), "toml").concat() + &blocks.concat();
    Folder::new(&settings).check_without_warnings();
}

#[test]
fn steps_for_okta_end_in_a_case() {
    follow("Okta");
}

#[test]
fn steps_for_hubspot_end_in_a_routed_delivery() {
    follow("HubSpot");
}

#[test]
fn steps_for_personio_end_in_a_routed_delivery() {
    follow("Personio");
}

#[test]
fn steps_for_zapier_end_in_a_case() {
    follow("Zapier");
}

#[test]
fn vendor_without_a_preset_sends_a_delivery_that_is_read() {
    let vendors = document("docs/vendors.md");
    let generic = section(&vendors, "## A vendor without a preset");
    let ports = ports();
    let own = "[sources.own]\npreset = \"standard-webhooks\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{ env = \"OWN_KEY\" }]\n";
    let readme = of_language(section(&document("README.md"), "## Run it"), "toml").concat();
    let settings = readme + &of_language(generic, "toml").concat() + own;
    Folder::new(&settings).check_without_warnings();
    let folder = Folder::new(&local(&settings, ports));
    folder.file("own.json", &of_language(generic, "json").concat());
    let body =
        r#"{"event_name":"employment.terminated","payload":{"person":{"id":"7","work_email":"bea@example.com"}}}"#;
    folder.file("acmehr.json", body);
    let examples = of_language(section(&vendors, "## Presets"), "sh").remove(0);
    let wait = wait_for_routed(3);
    let lines = format!(
        "export ROSA_TOKEN=0123456789abcdef0123456789abcdef ACME_TOKEN=token-of-the-site BAMBOOHR_KEY=a-private-key-of-bamboohr\n\
         export ACMEHR_KEY=0123456789abcdef0123 OWN_KEY=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw OFFBOARDD_TOKEN=$ROSA_TOKEN\n\
         {examples}\noffboardd serve\n\
         offboardd send own --body own.json\noffboardd send acmehr --body acmehr.json\n\
         offboardd preset show bamboohr --example | offboardd send bamboohr --body -\n\
         {wait}offboardd case list --json\n"
    );
    let printed = succeed(&folder, ports[1], &lines);
    assert_eq!(printed.matches("202 Accepted").count(), 3, "{printed}");
    // The events of `own` and of BambooHR are about the same person: one case.
    for source in ["own", "acmehr"] {
        assert!(printed.contains(&format!("\"source\":\"{source}\"")), "{source}: {printed}");
    }
}

/// The presets that `preset list --json` prints, by name.
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

/// A row of the table of presets.
#[derive(Debug)]
struct Row {
    results_in: String,
    write: String,
    presets: Vec<String>,
}

fn rows() -> Vec<Row> {
    let vendors = document("docs/vendors.md");
    let table = section(&vendors, "## Presets").lines().filter(|line| line.starts_with("| ")).skip(1);
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
fn table_of_presets_states_what_each_results_in() {
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
    assert_eq!(named, known.keys().cloned().collect::<Vec<_>>(), "each preset is in the table once");
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
fn check_warns_only_of_rows_that_miss_a_line() {
    let known = presets();
    for row in rows() {
        for name in &row.presets {
            let preset = &known[name];
            let needs_lookup = row.write.contains("a `lookup`");
            let (code, lines) = Folder::new(&settings_of(&row, preset, needs_lookup)).check_with_secrets();
            assert_eq!(code, Some(0), "{name}: {lines:?}");
            let opts_in = row.write.contains("mapping.types.");
            if row.results_in == "nothing by itself" && !opts_in {
                let warns = |line: &String| line.starts_with("warning: ") && line.contains("no event of this source");
                assert!(lines.iter().any(warns), "{name}: {lines:?}");
            } else {
                assert_eq!(lines, Vec::<String>::new(), "{name}");
            }
            if preset["lookup"]["needed"] == true {
                let (code, lines) = Folder::new(&settings_of(&row, preset, false)).check_with_secrets();
                let missing = format!("add [sources.{name}.lookup] with ");
                assert!(code == Some(0) && lines.iter().any(|line| line.contains(&missing)), "{name}: {lines:?}");
            }
            if row.results_in == "needs a mapping" {
                let without = Row { write: String::new(), results_in: row.results_in.clone(), presets: Vec::new() };
                let (_, lines) = Folder::new(&settings_of(&without, preset, false)).check_with_secrets();
                let missing = format!("[sources.{name}.mapping]");
                assert!(lines.iter().any(|line| line.contains(&missing)), "{name}: {lines:?}");
            }
        }
    }
}

#[test]
fn each_example_is_explained_and_accepted() {
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
    let printed = succeed(&folder, ports[1], &lines);
    for part in printed.split("#### ").skip(1) {
        let (name, printed) = part.split_once('\n').unwrap();
        assert!(printed.contains("202 Accepted"), "{name}: {printed}");
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
        assert!(expected.iter().any(|event| printed.contains(event)), "{name} ({results}): {printed}");
    }
}

#[test]
fn show_prints_every_part_of_each_preset() {
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
