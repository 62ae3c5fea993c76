//! Several mistakes together, and random ones.

use proptest::prelude::*;

use super::*;

#[test]
fn all_faults_are_reported_together_in_the_order_of_the_text() {
    let text = sample()
        .replace("max = \"1h\"", "max = \"0s\"")
        .replace("local_grace", "local_grce")
        .replace("departed =", "#")
        .replace("per_hour = 25", "per_hour = 0")
        .replace("Europe/Berlin", "GMT+1")
        .replace("{ env = \"BAMBOOHR_KEY\" }, ", "\"hunter2\", { env = \"NONE\" }, ")
        .replace("preset = \"bamboohr\"", "preset = \"bambohr\"")
        .replace("policy = \"leavers\"", "policy = \"leaver\"")
        .replace("quiet_after = \"7d\"", "quiet_after = \"0s\"")
        .replace("name = \"rosa\"", "name = \"\"");
    let env = |name: &str| (name != "NONE").then(|| format!("hunter2-{name}"));
    let refusal = Settings::parse(&text, with_key().path(), &env).unwrap_err().to_string();
    insta::assert_snapshot!(refusal, @r#"
    the settings have 11 errors:
      offboardd.toml:11:8: admin.tokens[0].name: a name has 1 to 64 characters
      offboardd.toml:22:7: retry.max: must be longer than zero: write a duration like "30s"
      offboardd.toml:34:1: policies.leavers.departed: this key is missing: write the action for a departure: ignore, revoke, revoke_then_delete or delete
      offboardd.toml:38:1: policies.leavers.local_grce: unknown key; did you mean `local_grace`?
      offboardd.toml:39:12: policies.leavers.timezone: an offset is not a time zone: write the name in the IANA database, like "Europe/Berlin"
      offboardd.toml:44:22: policies.leavers.brake.per_hour: the brake would stop every action: write 1 or more
      offboardd.toml:47:10: sources.bamboohr.preset: no preset is called `bambohr`: did you mean `bamboohr`?
      offboardd.toml:49:10: sources.bamboohr.policy: no policy is called `leaver`: did you mean `leavers`? There are `leavers`
      offboardd.toml:50:12: sources.bamboohr.secrets[0]: a secret must not be written in the settings: write { env = "NAME" } or { file = "PATH" }
      offboardd.toml:50:23: sources.bamboohr.secrets[1]: the environment variable `NONE` is not set
      offboardd.toml:51:15: sources.bamboohr.quiet_after: must be longer than zero: write a duration like "30s"
    "#);
}

#[test]
fn each_wrong_key_of_a_mapping_and_a_signature_is_reported() {
    let own = "[sources.own]\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{ env = \"A\" }]\n\
        [sources.own.signature]\nheaders = [\"X-S\"]\nalgorithm = \"md5\"\nencodng = \"hex\"\n\
        [sources.own.mapping]\ntype = \"event\"\ntypes = { left = \"gone\" }\nmail = \"$.m\"\n";
    insta::assert_snapshot!(parse(&format!("{SAMPLE}{own}")).unwrap_err(), @"
    the settings have 5 errors:
      offboardd.toml:58:13: sources.own.signature.algorithm: write one of: `sha1`, `sha256`, `sha512`
      offboardd.toml:59:11: sources.own.signature.encodng: unknown key; did you mean `encoding`?
      offboardd.toml:61:8: sources.own.mapping.type: `event` is no JSONPath (RFC 9535): write `$.event`
      offboardd.toml:62:18: sources.own.mapping.types.left: write one of: departed, departure_cancelled, returned, email_changed, erasure_requested, company_departed, profile, ignored
      offboardd.toml:63:8: sources.own.mapping.mail: unknown key; did you mean `email`?
    ");
}

#[test]
fn a_table_or_a_key_that_is_there_twice_names_the_line_of_the_first() {
    let again =
        "[sources.bamboohr]\npreset = \"okta\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{ env = \"A\" }]\n";
    insta::assert_snapshot!(parse(&format!("{SAMPLE}{again}[sources.crm]\nsite = \"acme\"\n")).unwrap_err(), @"
    the settings have 4 errors:
      offboardd.toml:52:10: this table exists already in line 46: keep one of them
      offboardd.toml:57:1: sources.crm.policy: this key is missing: write the name of one of the [policies]
      offboardd.toml:57:1: sources.crm.secrets: this key is missing: write where the secrets are, like [{ env = \"NAME\" }]
      offboardd.toml:57:1: sources.crm.preset: this key is missing: name the vendor, or \"standard-webhooks\", or describe it in [sources.NAME.signature]
    ");
    insta::assert_snapshot!(refusal("max = \"1h\"", "base = \"1h\""), @"offboardd.toml:22:1: this key exists already in line 21: keep one of them");
}

/// One fault a line, each with its place, and no secret.
fn is_well_formed(refusal: &str) -> bool {
    let mut lines = refusal.lines();
    let several = refusal.starts_with("the settings have ") && lines.next().is_some();
    let faults: Vec<_> = lines.collect();
    let begins = |line: &&str| line.trim_start().starts_with("offboardd.toml:");
    !refusal.contains("hunter2") && (faults.len() > 1) == several && faults.iter().all(begins)
}

proptest! {
    #[test]
    fn a_slip_of_the_pen_gives_one_line_and_shows_no_secret(at in 0..SAMPLE.len(), slip in "\\PC?", dropped in 0..12_usize) {
        let mut text: Vec<char> = sample().chars().collect();
        let from = at.min(text.len());
        text.splice(from..(from + dropped).min(text.len()), slip.chars());
        let text: String = text.into_iter().collect();
        if let Err(refusal) = Settings::parse(&text, Path::new("/nowhere"), &env) {
            let refusal = refusal.to_string();
            prop_assert!(is_well_formed(&refusal), "{}", refusal);
        }
    }
}

/// The long run of the same: `FUZZ_SECONDS=180 cargo test --lib fuzz -- --ignored --nocapture --test-threads 1`.
#[test]
#[ignore = "runs for minutes: see the command above"]
fn fuzz_no_settings_panic_and_no_refusal_shows_a_secret() {
    use proptest::strategy::ValueTree as _;

    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let budget = std::time::Duration::from_secs(seconds);
    let piece = prop_oneof![
        "\\PC{0,3}",
        prop::sample::select(SAMPLE.lines().collect::<Vec<_>>()).prop_map(str::to_owned),
        prop::sample::select(vec![
            "[",
            "]",
            "[[",
            "=",
            "\"",
            "'",
            "{",
            "}",
            ",",
            "\n",
            "-1",
            "1e999",
            "1979-05-27",
            "nan",
            "[sources.x]",
            "[sources.bamboohr.mapping]",
            "type = \"$.a\"",
            "[sources.bamboohr.lookup]",
            "auth = { user = { env = \"K\" } }",
            "rules = [{ when = \"@.a\", event = \"departed\" }]",
            "[sources.bamboohr.signature]",
            "template = \"{body}\"",
        ])
        .prop_map(str::to_owned),
    ];
    let slips = prop::collection::vec((0..SAMPLE.len(), piece, 0..40_usize), 1..6);
    let mut runner = proptest::test_runner::TestRunner::default();
    let (begun, mut inputs) = (std::time::Instant::now(), 0_u64);
    let mut understood = 0_u64;
    let dir = with_key();
    while begun.elapsed() < budget {
        let mut text: Vec<char> = sample().chars().collect();
        for (at, piece, dropped) in slips.new_tree(&mut runner).unwrap().current() {
            let from = at.min(text.len());
            text.splice(from..(from + dropped).min(text.len()), piece.chars());
        }
        let text: String = text.into_iter().collect();
        match Settings::parse(&text, dir.path(), &env) {
            Ok(_) => understood += 1,
            Err(refusal) => {
                let refusal = refusal.to_string();
                assert!(is_well_formed(&refusal), "{refusal}\n{text}");
            }
        }
        inputs += 1;
    }
    eprintln!("settings: {inputs} inputs in {:?}, {understood} of them settings", begun.elapsed());
}
