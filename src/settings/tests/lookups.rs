//! `[sources.NAME.lookup]`.

use super::*;

#[test]
fn a_lookup_is_understood() {
    let lookup = |text: &str| {
        let text = format!("{SAMPLE}[sources.bamboohr.lookup]\n{text}");
        Settings::parse(&text, with_key().path(), &env)
            .map(|settings| settings.sources.into_values().next().unwrap().lookup.unwrap())
            .map_err(|error| without_places(&error.to_string()))
    };
    let url = "url = \"https://api.example.com/people/{person_id}?fields=email\"";
    let email = "email = \"$.workEmail\"";
    let good = lookup(&format!("{url}\n{email}\nauth = {{ user = {{ env = \"KEY\" }} }}")).unwrap();
    insta::assert_debug_snapshot!(good.auth(), @"
    Basic {
        user: SecretBox<str>([REDACTED]),
        password: Some(
            SecretBox<str>([REDACTED]),
        ),
    }
    ");
    let refused = |url: &str, email: &str, auth: &str| lookup(&format!("{url}\n{email}\nauth = {auth}")).unwrap_err();
    insta::assert_snapshot!(refused("url = \"https://api.example.com/\"", email, "{}"), @"
    the settings have 2 errors:
    sources.bamboohr.lookup.url: the URL is the same for every person: write {person_id} in place of the id
    sources.bamboohr.lookup.auth: write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and { client_id = …, client_secret = … }
    ");
    insta::assert_snapshot!(refused("url = \"api/{person_id}\"", email, "{}"), @r#"
    the settings have 2 errors:
    sources.bamboohr.lookup.url: not an HTTP URL: write it like "https://acme.example/people/{person_id}"
    sources.bamboohr.lookup.auth: write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and { client_id = …, client_secret = … }
    "#);
    insta::assert_snapshot!(refused(url, "email = \"workEmail\"", "{}"), @"
    the settings have 2 errors:
    sources.bamboohr.lookup.email: `workEmail` is no JSONPath (RFC 9535): write `$.workEmail`
    sources.bamboohr.lookup.auth: write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and { client_id = …, client_secret = … }
    ");
    insta::assert_snapshot!(refused(url, email, "{}"), @"sources.bamboohr.lookup.auth: write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and { client_id = …, client_secret = … }");
    insta::assert_snapshot!(refused(&format!("{url}\nfallback_url = \"https://api.example.com/gone/{{person_id}}?api_key=hunter2\"\nheaders.X-Api-Key = \"hunter2\""), email, "{ bearer = { env = \"KEY\" } }"), @r#"
    the settings have 2 errors:
    sources.bamboohr.lookup.fallback_url: a secret must not be written in the settings: write {secret} in its place, and auth = { secret = { env = "NAME" } }
    sources.bamboohr.lookup.headers.X-Api-Key: a secret must not be written in the settings: write it in `auth`, as { env = "NAME" } or { file = "PATH" }
    "#);
    let with_secret = "url = \"https://api.example.com/people/{person_id}?key={secret}\"";
    insta::assert_snapshot!(refused(&format!("{with_secret}\nfallback_url = \"https://api.example.com/gone/{{person_id}}\""), email, "{ secret = { env = \"KEY\" } }"), @"sources.bamboohr.lookup.fallback_url: `auth.secret` is not used: write {secret} in place of the key");
    insta::assert_snapshot!(refused(with_secret, email, "{ secret = { env = \"KEY\" }, scope = \"people\" }"), @"sources.bamboohr.lookup.auth: write { secret = … } without other keys: the secret is sent in the URL only");
    insta::assert_snapshot!(refused(url, email, "{ header = \"a b\", value = { env = \"KEY\" } }"), @r#"sources.bamboohr.lookup.auth.header: not the name of a header: write it like "X-Api-Key""#);
}

#[test]
fn what_may_be_a_key_of_a_lookup_is_not_printed() {
    let key = "hunter2-very-secret-0123456789";
    let text = format!(
        "{SAMPLE}[sources.bamboohr.lookup]\nurl = \"https://api.example.com/{key}/{{person_id}}\"\n\
         fallback_url = \"https://api.example.com/gone/{{person_id}}?k={key}\"\nheaders.X-Company = \"{key}\"\n\
         body = '{{\"k\":\"{key}\",\"id\":\"{{person_id}}\"}}'\nemail = \"$.mail\"\nauth = {{ bearer = {{ env = \"KEY\" }} }}\n"
    );
    let settings = Settings::parse(&text, with_key().path(), &env).unwrap();
    let printed = serde_json::to_string(&settings.file).unwrap();
    assert!(printed.contains("/gone/{person_id}?k=…") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn a_lookup_preset_lookup_wants_only_what_the_customer_knows() {
    let lookup = |text: &str| {
        let text = format!("{SAMPLE}[sources.bamboohr.lookup]\n{text}");
        Settings::parse(&text, with_key().path(), &env)
            .map(|settings| format!("{:?}", settings.sources.into_values().next().unwrap().lookup.unwrap()))
            .map_err(|error| without_places(&error.to_string()))
    };
    let user = "auth = { user = { env = \"KEY\" } }";
    let good = lookup(&format!("company = \"acme\"\n{user}")).unwrap();
    assert!(good.contains("gateway.php/acme/v1/employees/{person_id}?fields=workEmail"), "{good}");
    insta::assert_snapshot!(lookup(user).unwrap_err(), @"sources.bamboohr.lookup.company: this key is missing: the URL contains {company}, your name at the vendor");
    insta::assert_snapshot!(lookup(&format!("vendor = \"x\"\n{user}")).unwrap_err(), @"sources.bamboohr.lookup.vendor: no lookup preset has this name; there are `bamboohr`, `close`, `finch`, `gusto`, `hibob`, `hubspot`, `microsoft-graph`, `personio`, `remote`");
    let client = "auth = { client_id = { env = \"ID\" }, client_secret = { env = \"KEY\" } }";
    let personio = lookup(&format!("vendor = \"personio\"\n{client}")).unwrap();
    assert!(personio.contains("/v2/auth/token") && !personio.contains("hunter2"), "{personio}");
    insta::assert_snapshot!(lookup(&format!("company = \"acme\"\n{client}")).unwrap_err(), @"sources.bamboohr.lookup.auth.token_url: this key is missing: write the URL that issues access tokens");
}
