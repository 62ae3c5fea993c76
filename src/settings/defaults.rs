//! The default of every setting.

use super::http_url::{HttpUrl, ListenAddress};
use super::policy::Zone;
use super::retry::RetryTable;
use super::server::ServerTable;
use super::size::ByteSize;
use super::store::StoreTable;
use super::store_url::StoreUrl;
use crate::duration::ConfigDuration;

impl Default for ServerTable {
    fn default() -> Self {
        Self {
            webhooks: ListenAddress::loopback(8080),
            admin: ListenAddress::loopback(9090),
            public_url: None,
            admin_url: None,
            max_body: ByteSize::from_mebibytes(1),
            shutdown: ConfigDuration::from_secs(30),
        }
    }
}

impl Default for StoreTable {
    fn default() -> Self {
        Self {
            url: StoreUrl::file("offboardd.db"),
            key: None,
            keep_backups: ConfigDuration::from_days(30),
            keep_payloads: ConfigDuration::from_days(7),
            keep_deliveries: ConfigDuration::from_days(400),
            keep_people: ConfigDuration::from_days(400),
            keep_attempts: ConfigDuration::from_days(400),
            keep_cases: ConfigDuration::from_days(1100),
        }
    }
}

impl Default for RetryTable {
    fn default() -> Self {
        Self {
            base: ConfigDuration::from_secs(5),
            max: ConfigDuration::from_hours(1),
            give_up_after: ConfigDuration::from_hours(72),
        }
    }
}

// Tables with required keys have no `Default`: serde needs a function for each of their optional keys.

#[expect(clippy::expect_used, reason = "a constant address, read by a test")]
pub(super) fn gateway() -> HttpUrl {
    "https://api.atlassian.com".parse().expect("the address is correct")
}
pub(super) const fn deletion_grace() -> ConfigDuration {
    ConfigDuration::from_days(14)
}
pub(super) fn look_again() -> Vec<ConfigDuration> {
    vec![ConfigDuration::from_mins(1), ConfigDuration::from_mins(10), ConfigDuration::from_hours(1)]
}
pub(super) const fn watch_grant() -> ConfigDuration {
    ConfigDuration::from_mins(5)
}
pub(super) const fn watch_erased_every() -> ConfigDuration {
    ConfigDuration::from_days(1)
}
pub(super) const fn probe_every() -> ConfigDuration {
    ConfigDuration::from_mins(1)
}
pub(super) const fn probe_idle() -> ConfigDuration {
    ConfigDuration::from_mins(15)
}
pub(super) const fn concurrency() -> u32 {
    4
}
pub(super) const fn timeout() -> ConfigDuration {
    ConfigDuration::from_secs(30)
}

pub(super) const fn local_grace() -> ConfigDuration {
    ConfigDuration::from_days(30)
}
pub(super) fn import_at() -> String {
    "02:00".to_owned()
}
pub(super) const fn erasure_within() -> ConfigDuration {
    ConfigDuration::from_days(28)
}
pub(super) const fn timezone() -> Zone {
    Zone::UTC
}

pub(super) const fn dedupe_window() -> ConfigDuration {
    ConfigDuration::from_days(3)
}
