//! `/settings`: what takes effect, with references to secrets only.

use askama::Template;
use axum::response::Response;

use super::failure::Failure;
use super::layout::{Nav, Shell, render, role};
use super::visitor::Visitor;

#[derive(Debug, Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    shell: Shell,
    text: String,
    hides_people: bool,
    people: Vec<(String, String)>,
}

pub(super) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let t = visitor.t();
    let hides_people = !visitor.caller.sees_personal_data();
    let text = visitor.console.settings.clone();
    let tokens = visitor.admin().access.tokens.load();
    render(&SettingsPage {
        text: if hides_people { without_addresses(&text) } else { text },
        hides_people,
        people: tokens.iter().map(|token| (token.name.clone(), role(t, token.role))).collect(),
        shell: Shell::of(&visitor, Nav::Settings, t.s("nav-settings")).await?,
    })
}

/// For viewers: values that may name a person are left out.
fn without_addresses(text: &str) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some((key, value)) if value.contains('@') || key.starts_with("protect") => format!("{key} = …"),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewer_sees_no_address_of_the_settings() {
        let text = "url = \"https://a\"\nauth = { email = \"bot@a.example\" }\nprotect = { account_ids = [\"qm:1\"] }";
        assert_eq!(without_addresses(text), "url = \"https://a\"\nauth = …\nprotect = …");
    }
}
