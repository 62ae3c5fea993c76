//! The parts that open the cases of imports and read the lists of customers.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;

use super::parts::Parts;
use crate::atlassian::Client;
use crate::domain::ids::SiteName;
use crate::domain::own_request::RequestRules;
use crate::import::{Folder, FolderSettings, Importer, Options};
use crate::listing::Lister;
use crate::settings::ImportSettings;
use crate::store::Duty;

impl Parts<'_> {
    pub(super) fn start_imports(&self, sites: &BTreeMap<SiteName, Client>) -> anyhow::Result<()> {
        for client in sites.values() {
            let store = self.store.on_duty(Duty::Site(client.site().name.clone()));
            let lister = Lister {
                store: store.clone(),
                client: client.clone(),
                clock: Arc::clone(&self.clock),
                retry: self.settings.retry,
                awakened: Arc::clone(&self.wakeups.listers),
                router: Arc::clone(&self.wakeups.router),
            };
            self.spawn_on_duty("listing", store, move |stopping| lister.clone().run(stopping));
        }
        let importer = Importer {
            store: self.background(),
            clock: Arc::clone(&self.clock),
            awakened: Arc::clone(&self.wakeups.importer),
            worker: Arc::clone(&self.wakeups.worker),
        };
        self.spawn_on_duty("import", self.background(), move |stopping| importer.clone().run(stopping));
        if let Some(import) = &self.settings.import {
            let folder = Folder {
                settings: self.folder_settings(import)?,
                store: self.background(),
                clock: Arc::clone(&self.clock),
                awakened: Arc::clone(&self.wakeups.folder),
                importer: Arc::clone(&self.wakeups.importer),
                listers: Arc::clone(&self.wakeups.listers),
            };
            self.spawn_on_duty("import.folder", self.background(), move |stopping| folder.clone().run(stopping));
        }
        Ok(())
    }

    fn folder_settings(&self, import: &ImportSettings) -> anyhow::Result<FolderSettings> {
        let of_site = self.settings.sources.values().filter(|source| source.table.all_sites().contains(&import.site));
        let of_site: Vec<_> = of_site.map(|source| &source.table.policy).collect();
        let rules = RequestRules::of(import.policy.as_ref(), &of_site, &self.settings.policies);
        Ok(FolderSettings {
            path: import.folder.clone(),
            format: import.format,
            options: Options { domain: import.domain.clone(), inactive_for: import.inactive_for },
            site: import.site.clone(),
            rules: rules.context("[import] needs a policy")?,
            at: import.at,
            timezone: import.timezone.clone(),
        })
    }
}
