//! `[import]`: a folder whose CSV files are imported on a schedule.

use std::path::PathBuf;

use jiff::SignedDuration;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::Zone;
use super::defaults;
use super::problem::Problem;
use super::wait::some_positive;
use crate::domain::ids::{PolicyName, SiteName};
use crate::domain::import_format::ImportFormat;
use crate::domain::person::canonical_domain;
use crate::duration::ConfigDuration;

/// `[import]`: a folder whose CSV files are imported at a time of day, without a review. Approvals and the brake apply.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportTable {
    /// The watched folder. Each `*.csv` in it is imported at the next `at` and moved to the folder `done` or `refused` below
    /// it. Example: `"/var/lib/offboardd/import"`.
    pub folder: PathBuf,
    /// What the files contain: the people who leave, Atlassian's "Export customers", or the people who stay. Default:
    /// `"departures"`. Example: `"roster"`.
    #[serde(default)]
    pub format: ImportFormat,
    /// Name of the site. Default: the only site. Example: `"acme"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteName>,
    /// Name of the policy. Default: the most careful one of the site's sources. Example: `"leavers"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
    /// Only email addresses of this domain; required for a roster. Example: `"acme.example"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Only customers without activity for so long, for `atlassian-export`. Example: `"180d"`.
    #[serde(default, deserialize_with = "some_positive", skip_serializing_if = "Option::is_none")]
    pub inactive_for: Option<ConfigDuration>,
    /// The time of day. A file must not change in the minute before. Default: `"02:00"`. Example: `"22:30"`.
    #[serde(default = "defaults::import_at")]
    pub at: String,
    /// Time zone of `at`. Default: `"UTC"`. Example: `"Europe/Berlin"`.
    #[serde(default = "defaults::timezone")]
    pub timezone: Zone,
}

/// A watched folder, ready for use.
#[derive(Debug, Clone)]
pub struct ImportSettings {
    pub folder: PathBuf,
    pub format: ImportFormat,
    pub site: SiteName,
    pub policy: Option<PolicyName>,
    /// In its canonical spelling.
    pub domain: Option<String>,
    pub inactive_for: Option<SignedDuration>,
    pub at: Time,
    pub timezone: jiff::tz::TimeZone,
}

impl ImportTable {
    /// The caller checks the names of site and policy.
    pub(super) fn convert(&self, sites: &[&str]) -> Result<ImportSettings, Problem> {
        let at = self.at.parse::<Time>().ok().filter(|_| self.at.len() == "02:00".len());
        let at = at.ok_or_else(|| Problem::at("at", "expected a time of day like \"02:00\""))?;
        let only = match sites {
            [only] => only.parse().ok(),
            _ => None,
        };
        let site = self.site.clone().or(only);
        let site = site.ok_or_else(|| Problem::at("site", "this key is missing: name one of the sites"))?;
        let domain = self.domain.as_deref().map(canonical_domain).transpose();
        let domain = domain.map_err(|_invalid| Problem::at("domain", "expected a domain like \"acme.example\""))?;
        if self.format == ImportFormat::Roster && domain.is_none() {
            return Err(Problem::at(
                "domain",
                "this key is missing: a roster needs the domain whose customers it lists",
            ));
        }
        if self.inactive_for.is_some() && self.format != ImportFormat::AtlassianExport {
            return Err(Problem::at("inactive_for", "only for format = \"atlassian-export\""));
        }
        if !self.folder.is_dir() {
            return Err(Problem::at("folder", "no such folder: create it"));
        }
        Ok(ImportSettings {
            folder: self.folder.clone(),
            format: self.format,
            site,
            policy: self.policy.clone(),
            domain,
            inactive_for: self.inactive_for.map(ConfigDuration::get),
            at,
            timezone: self.timezone.time_zone().clone(),
        })
    }
}
