//! `[sources.NAME]`: one HR or CRM system that sends webhooks.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::defaults;
use super::http_url::HttpUrl;
use super::lookup::LookupTable;
use super::problem::{Faults, Problem};
use super::secret::{Environment, SecretRef};
use super::wait::{positive, some_positive};
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::duration::ConfigDuration;
use crate::sources::{self, CompileError, Step, lookup::Lookup, preset};

/// The largest number of errors of one source in one report.
const MOST_FAULTS: usize = 20;

/// `[sources.NAME]`: one HR or CRM system that sends webhooks to `/webhooks/NAME`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// The vendor: a name that `offboardd preset list` prints. Without it, `signature` must describe how the vendor
    /// signs. Example: `"bamboohr"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Name of the site on which the people have accounts; either this or `sites`. Example: `"acme"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteName>,
    /// Names of several sites: each event acts on all of them, with one case on each. Example: `["acme", "acme-eu"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<SiteName>,
    /// Name of the policy. Example: `"leavers"`.
    pub policy: PolicyName,
    /// Secrets that the vendor signs with. Any of them is accepted, so that one can be rotated without a gap. `[]` is
    /// valid only if the vendor offers the secret itself and an operator accepts it. Example: `[{ env = "HR_KEY" }, { env
    /// = "HR_OLD_KEY" }]`.
    pub secrets: Vec<SecretRef>,
    /// Report the source as quiet after this time without a delivery. Default: never. Example: `"7d"`.
    #[serde(default, deserialize_with = "some_positive", skip_serializing_if = "Option::is_none")]
    pub quiet_after: Option<ConfigDuration>,
    /// How long a delivery without an id of its own is recognized as a duplicate by its body. Default: `"3d"`. Example:
    /// `"7d"`.
    #[serde(default = "defaults::dedupe_window", deserialize_with = "positive")]
    pub dedupe_window: ConfigDuration,
    /// How the vendor signs. Overrides the preset key by key, or stands alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<toml::Table>,
    /// How bodies become events. Overrides the preset key by key. Default: offboardd's own event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<toml::Table>,
    /// The vendor API that returns the email address when deliveries carry only an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup: Option<LookupTable>,
}

/// A source with its secrets, ready to verify and to read.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// The name in the settings.
    pub name: SourceName,
    /// The table as written; its site and policy exist.
    pub table: SourceTable,
    /// What was compiled, secrets included.
    pub spec: sources::Spec,
    /// Ready to verify and to read.
    pub compiled: Arc<sources::Source>,
    /// The vendor API that returns the email address when deliveries carry none.
    pub lookup: Option<Arc<Lookup>>,
}

impl SourceSettings {
    /// Its name with each of its sites.
    pub fn sites(&self) -> impl Iterator<Item = (&SourceName, &SiteName)> {
        self.table.site.iter().chain(&self.table.sites).map(|site| (&self.name, site))
    }
}

impl SourceTable {
    /// The sites on which the people have accounts.
    pub fn all_sites(&self) -> Vec<SiteName> {
        self.site.iter().chain(&self.sites).cloned().collect()
    }

    /// Whether the sites are named in one way, and each once.
    fn check_sites(&self) -> Result<(), Problem> {
        match (&self.site, self.sites.as_slice()) {
            (Some(_), []) => Ok(()),
            (Some(_), [_, ..]) => Err(Problem::at(
                "sites",
                "`site` and `sites` exclude each other: write all of them in `sites`, and remove `site`",
            )),
            (None, []) => Err(Problem::at("site", "this key is missing: name the site, or several in `sites`")),
            (None, sites) => {
                let mut seen = HashSet::new();
                let twice = sites.iter().position(|site| !seen.insert(site));
                twice.map_or(Ok(()), |i| Err(Problem::here("written twice").under_index(i).under("sites")))
            }
        }
    }

    /// The names of site and policy are looked up by the caller, who knows them.
    pub(super) fn convert(
        &self,
        name: &SourceName,
        public_url: Option<&HttpUrl>,
        base_dir: &Path,
        env: &Environment<'_>,
    ) -> Result<SourceSettings, Vec<Problem>> {
        let mut faults = Faults::default();
        faults.take(self.check_sites());
        let secrets = self.read_secrets(base_dir, env, &mut faults);
        let spec = sources::Spec {
            preset: self.preset.clone(),
            signature: self.signature.clone(),
            mapping: self.mapping.clone(),
            secrets,
            public_url: public_url.map(|url| url.below(&["webhooks", name.as_str()])),
        };
        let compiled = faults.take(self.known_preset()).and_then(|()| self.compile(&spec, &mut faults));
        let lookup = self.lookup.as_ref();
        let lookup = lookup.map(|lookup| lookup.convert(self.preset.as_deref(), base_dir, env)).transpose();
        let lookup = faults.take_all("lookup", lookup);
        faults.or(compiled.zip(lookup).map(|(compiled, lookup)| SourceSettings {
            name: name.clone(),
            table: self.clone(),
            spec,
            compiled: Arc::new(compiled),
            lookup: lookup.map(Arc::new),
        }))
    }

    /// After how long without a delivery the source is reported as quiet.
    pub fn quiet_after(&self) -> Option<SignedDuration> {
        self.quiet_after.map(ConfigDuration::get)
    }

    fn known_preset(&self) -> Result<(), Problem> {
        let Some(name) = &self.preset else {
            return if self.signature.is_some() {
                Ok(())
            } else {
                Err(Problem::at(
                    "preset",
                    "this key is missing: name the vendor, or \"standard-webhooks\", or describe it in \
                     [sources.NAME.signature]",
                ))
            };
        };
        if preset::find(name).is_some() {
            return Ok(());
        }
        let instead = match preset::nearest(name) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`offboardd preset list` prints the names; without one, describe the vendor in \
                     [sources.NAME.signature]"
                .to_owned(),
        };
        Err(Problem::at("preset", format!("no preset is called `{name}`: {instead}")))
    }

    /// Compiles the source. Each wrong key of its description is reported: the key is removed, and the rest is compiled
    /// again.
    fn compile(&self, spec: &sources::Spec, faults: &mut Faults) -> Option<sources::Source> {
        let mut error = match sources::Source::of_spec(spec.clone()) {
            Ok(compiled) => return Some(compiled),
            Err(error) => Some(error),
        };
        let mut found = FoundErrors { rest: spec.clone(), problems: Vec::new() };
        while let Some(next) = error {
            error = if found.record(self.problem_of(next)) {
                sources::Source::of_spec(found.rest.clone()).err()
            } else {
                None
            };
        }
        // An error elsewhere in the source may have hidden errors of the mapping.
        while let Err(error) = sources::check_mapping(&found.rest) {
            if !found.record(self.problem_of(error)) {
                break;
            }
        }
        // An unreadable secret explains why none is left.
        let unread = faults.any_below("secrets");
        for problem in found.problems.into_iter().filter(|problem| !unread || !problem.is_at("secrets")) {
            faults.add(problem);
        }
        None
    }

    /// An error without a path is about the preset if nothing else describes the source.
    fn problem_of(&self, error: CompileError) -> (Problem, bool) {
        let is_of_one_value = error.is_of_one_value;
        let is_of_preset = error.path.0.is_empty() && self.signature.is_none() && self.mapping.is_none();
        let problem = Problem::from(error);
        (if is_of_preset { problem.under("preset") } else { problem }, is_of_one_value)
    }

    fn read_secrets(&self, base_dir: &Path, env: &Environment<'_>, faults: &mut Faults) -> Vec<SecretString> {
        let read = |(i, reference): (usize, &SecretRef)| {
            let secret = reference.based_on(base_dir).read(env);
            faults.take(secret.map_err(|error| Problem::from(error).under_index(i).under("secrets")))
        };
        self.secrets.iter().enumerate().filter_map(read).collect()
    }

    /// The secrets that it refers to, those of its lookup among them.
    pub(super) fn references(&self) -> impl Iterator<Item = &SecretRef> {
        self.secrets.iter().chain(self.lookup.iter().flat_map(LookupTable::references))
    }
}

/// The errors of a description, and what is left of it without the wrong keys.
struct FoundErrors {
    rest: sources::Spec,
    problems: Vec<Problem>,
}

impl FoundErrors {
    /// Keeps the problem, and removes its key if only its value is wrong. `false`: there is nothing more to try.
    fn record(&mut self, (problem, is_of_one_value): (Problem, bool)) -> bool {
        let continues =
            is_of_one_value && self.problems.len() < MOST_FAULTS && leave_out(&mut self.rest, problem.path());
        if !self.problems.iter().any(|other| other.path().starts_with(problem.path())) {
            self.problems.push(problem);
        }
        continues
    }
}

/// Takes a key out of the description of a signature or a mapping; `false`: there is none there.
fn leave_out(spec: &mut sources::Spec, path: &[Step]) -> bool {
    let [Step::Key(table), steps @ .., last] = path else { return false };
    let mut at = match table.as_str() {
        "signature" => spec.signature.as_mut(),
        "mapping" => spec.mapping.as_mut(),
        _ => None,
    };
    for step in steps {
        at = match (step, at) {
            (Step::Key(key), Some(table)) if table.get(key).is_some_and(toml::Value::is_table) => {
                table.get_mut(key).and_then(toml::Value::as_table_mut)
            }
            // A fault in a list takes the list out: without one of its elements it would mean something else.
            (Step::Key(key), Some(table)) => return table.remove(key).is_some(),
            _ => None,
        };
    }
    match (last, at) {
        (Step::Key(key), Some(table)) => table.remove(key).is_some(),
        _ => false,
    }
}
