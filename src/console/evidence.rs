//! `/evidence`: a period to read and to print, its signed list, and the public key.

use askama::Template;
use axum::response::Response;

use super::case::download;
use super::failure::Failure;
use super::fields::Fields;
use super::layout::{Nav, Shell, render};
use super::period::Period;
use super::problems::Sentence;
use super::visitor::Visitor;
use crate::domain::operator::Role;

#[derive(Debug, Template)]
#[template(path = "evidence.html")]
struct EvidencePage {
    shell: Shell,
    from: String,
    to: String,
    key: String,
    may_download: bool,
    period: Option<Period>,
    /// Why the API refused it.
    problem: Option<Sentence>,
}

/// The form, and what the signed list says about the period that was entered.
pub(super) async fn form(visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    let (Some(from), Some(to)) = (fields.get("from"), fields.get("to")) else {
        return page(&visitor, &fields, None, None).await;
    };
    visitor.require(Role::Operator)?;
    match visitor.text(&fields.only(&["from", "to"]).on("/evidence")).await {
        Ok(file) => {
            let calendar = visitor.calendar(None);
            let period = Period::of(visitor.t(), &calendar, (from, to), &file, visitor.now);
            page(&visitor, &fields, period, None).await
        }
        Err(Failure::Invalid(why)) => page(&visitor, &fields, None, Some(why)).await,
        Err(failure) => Err(failure),
    }
}

/// The signed file, as a download.
pub(super) async fn period(visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let query = fields.only(&["from", "to"]);
    match visitor.text(&query.on("/evidence")).await {
        Ok(text) => {
            let day = |name: &str| {
                let text = fields.get(name).unwrap_or_default().chars();
                text.filter(|character| character.is_ascii_alphanumeric() || *character == '-').collect::<String>()
            };
            Ok(download(text, &format!("offboardd-{}-{}.evidence", day("from"), day("to"))))
        }
        Err(Failure::Invalid(why)) => page(&visitor, &fields, None, Some(why)).await,
        Err(failure) => Err(failure),
    }
}

pub(super) async fn key(visitor: Visitor) -> Result<Response, Failure> {
    Ok(download(visitor.text("/evidence/key").await?, "offboardd-evidence.pub"))
}

async fn page(
    visitor: &Visitor,
    fields: &Fields,
    period: Option<Period>,
    problem: Option<String>,
) -> Result<Response, Failure> {
    let t = visitor.t();
    let today = visitor.calendar(None).local(visitor.now).date();
    let first = today.first_of_month();
    let day = |name: &str, or: jiff::civil::Date| fields.get(name).map_or_else(|| or.to_string(), str::to_owned);
    render(&EvidencePage {
        from: day("from", first),
        to: day("to", today),
        key: visitor.text("/evidence/key").await?,
        may_download: visitor.is_operator(),
        period,
        problem: problem.map(|why| Sentence::of(t, &why)),
        shell: Shell::of(visitor, Nav::Evidence, t.s("nav-evidence")).await?,
    })
}
