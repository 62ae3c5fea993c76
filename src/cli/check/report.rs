//! The findings of `check --online`, and how they are printed.

use std::fmt;

use serde::Serialize;

use crate::domain::ids::SiteName;

#[derive(Debug, Serialize)]
pub(super) struct SiteReport {
    pub(super) site: SiteName,
    pub(super) url: String,
    /// In the order in which they have to be fixed.
    pub(super) findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// The subject of the check.
    pub(super) what: &'static str,
    pub(super) status: CheckStatus,
    pub(super) detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CheckStatus {
    Ok,
    Fix,
    /// Reads cannot decide it.
    Unknown,
}

impl SiteReport {
    pub(super) fn is_fine(&self) -> bool {
        self.findings.iter().all(|finding| finding.status != CheckStatus::Fix)
    }
}

impl Finding {
    pub(super) fn ok(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, status: CheckStatus::Ok, detail: detail.into(), fix: None }
    }

    pub(super) fn fix(what: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what, status: CheckStatus::Fix, detail: detail.into(), fix: Some(fix.into()) }
    }

    pub(super) fn unknown(what: &'static str, detail: impl Into<String>) -> Self {
        Self { what, status: CheckStatus::Unknown, detail: detail.into(), fix: None }
    }
}

impl fmt::Display for SiteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "site {} at {}", self.site, self.url)?;
        self.findings.iter().try_for_each(|finding| finding.fmt(f))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, status, detail, fix } = self;
        let status = match status {
            CheckStatus::Ok => "ok ",
            CheckStatus::Fix => "FIX",
            CheckStatus::Unknown => " ? ",
        };
        writeln!(f, "  {status}  {what}: {detail}")?;
        fix.iter().try_for_each(|fix| writeln!(f, "         → {fix}"))
    }
}
