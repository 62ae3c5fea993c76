//! What every page has: navigation, language, theme, and who is signed in.

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use super::assets::{Assets, assets};
use super::failure::Failure;
use super::fields::Query;
use super::html::Icon;
use super::i18n::Texts;
use super::visitor::{Preferences, Visitor};
use crate::domain::operator::Role;
use crate::store::Badges;

/// An entry of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nav {
    Today,
    Cases,
    Evidence,
    Sources,
    Deliveries,
    Sites,
    Journal,
    Settings,
    Api,
}

/// A group of the navigation.
#[derive(Debug)]
pub(super) struct NavGroup {
    pub(super) name: String,
    pub(super) items: Vec<NavItem>,
}

#[derive(Debug)]
pub(super) struct NavItem {
    pub(super) path: &'static str,
    pub(super) name: String,
    pub(super) current: bool,
    /// `3 need you`, for screen readers, and its number.
    pub(super) need: Option<(u32, String)>,
}

/// The frame of a page without a session.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) t: Texts,
    pub(super) title: String,
    pub(super) theme: &'static str,
    pub(super) assets: &'static Assets,
    /// This page in the other language.
    pub(super) switch: String,
    pub(super) here: String,
    pub(super) zone: String,
    pub(super) now: Timestamp,
}

/// The frame of a page for an operator.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) frame: Frame,
    pub(super) operator: String,
    pub(super) role: String,
    pub(super) enforce: bool,
    pub(super) fenced: bool,
    pub(super) groups: Vec<NavGroup>,
    /// Reads the page again after so many seconds.
    pub(super) refresh: Option<u32>,
}

impl Frame {
    pub(super) fn new(preferences: &Preferences, title: String, zone: String, now: Timestamp) -> Self {
        let other = preferences.t.0.other();
        let (path, query) = preferences.here.split_once('?').unwrap_or((&preferences.here, ""));
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let query = pairs.fold(Query::default(), |query, (name, value)| query.with(&name, value));
        Self {
            t: preferences.t,
            title,
            theme: preferences.theme,
            assets: assets(),
            switch: query.with("lang", other.as_str()).on(path),
            here: preferences.here.clone(),
            zone,
            now,
        }
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn icon(&self, name: &'static str) -> Icon {
        Icon(name)
    }

    pub(super) fn lang(&self) -> &'static str {
        self.t.0.as_str()
    }

    pub(super) fn other_lang(&self) -> &'static str {
        self.t.0.other().as_str()
    }
}

impl Shell {
    /// The frame of a page with this title.
    pub(super) async fn of(visitor: &Visitor, nav: Nav, title: String) -> Result<Self, Failure> {
        let badges = visitor.admin().store.badges().await?;
        Ok(Self::with(visitor, nav, title, badges))
    }

    pub(super) fn with(visitor: &Visitor, nav: Nav, title: String, badges: Badges) -> Self {
        let t = visitor.t();
        let zone = visitor.calendar(None).zone.iana_name().unwrap_or("UTC").to_owned();
        Self {
            frame: Frame::new(&visitor.preferences, title, zone, visitor.now),
            operator: visitor.caller.name.clone(),
            role: role(t, visitor.caller.role),
            enforce: visitor.admin().enforce,
            fenced: badges.fenced,
            groups: groups(t, nav, badges),
            refresh: None,
        }
    }

    pub(super) fn refreshed(mut self, seconds: u32) -> Self {
        self.refresh = Some(seconds);
        self
    }
}

pub(super) fn role(t: Texts, role: Role) -> String {
    t.s(match role {
        Role::Viewer => "role-viewer",
        Role::Operator => "role-operator",
        Role::Approver => "role-approver",
    })
}

fn groups(t: Texts, current: Nav, badges: Badges) -> Vec<NavGroup> {
    let sources = badges.frozen_sources;
    let tasks = badges.attention + badges.unreadable + sources + badges.paused_sites;
    let item = |nav: Nav, path: &'static str, name: &str, need: u32| NavItem {
        path,
        name: t.s(name),
        current: nav == current,
        need: (need > 0).then(|| (need, t.n("nav-need-you", need))),
    };
    let group = |name: &str, items| NavGroup { name: t.s(name), items };
    vec![
        group(
            "nav-work",
            vec![
                item(Nav::Today, "/", "nav-today", tasks),
                item(Nav::Cases, "/cases", "nav-cases", badges.attention),
                item(Nav::Evidence, "/evidence", "nav-evidence", 0),
            ],
        ),
        group(
            "nav-intake",
            vec![
                item(Nav::Sources, "/sources", "nav-sources", sources),
                item(Nav::Deliveries, "/deliveries", "nav-deliveries", badges.unreadable),
            ],
        ),
        group(
            "nav-system",
            vec![
                item(Nav::Sites, "/sites", "nav-sites", badges.paused_sites),
                item(Nav::Journal, "/journal", "nav-journal", 0),
                item(Nav::Settings, "/settings", "nav-settings", 0),
                item(Nav::Api, "/api", "nav-api", 0),
            ],
        ),
    ]
}

/// A page as a response.
pub(super) fn render(page: &impl Template) -> Result<Response, Failure> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "console: a page cannot be rendered");
        Failure::Unavailable
    })?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

pub(super) fn theme_text(theme: &str) -> &'static str {
    match theme {
        "light" => "theme-light",
        "dark" => "theme-dark",
        _ => "theme-auto",
    }
}
