//! What holds when the settings say nothing: the one place for it.

use super::http_url::{HttpUrl, ListenAddress};
use super::policy::Zone;
use super::size::ByteSize;
use super::store::StoreUrl;
use crate::duration::ConfigDuration;

pub(super) const WEBHOOKS: ListenAddress = ListenAddress::loopback(8080);
pub(super) const ADMIN: ListenAddress = ListenAddress::loopback(9090);
pub(super) const MAX_BODY: ByteSize = ByteSize::from_mebibytes(1);
pub(super) const SHUTDOWN: ConfigDuration = ConfigDuration::from_secs(30);

pub(super) fn store_url() -> StoreUrl {
    StoreUrl::file("offboardd.db")
}
pub(super) const KEEP_PAYLOADS: ConfigDuration = ConfigDuration::from_days(7);

pub(super) const RETRY_BASE: ConfigDuration = ConfigDuration::from_secs(5);
pub(super) const RETRY_MAX: ConfigDuration = ConfigDuration::from_hours(1);
pub(super) const RETRY_GIVE_UP_AFTER: ConfigDuration = ConfigDuration::from_hours(72);

// Of the tables that have keys without a default serde wants a function for each key that has one.

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
pub(super) const fn timezone() -> Zone {
    Zone::UTC
}

pub(super) const fn dedupe_window() -> ConfigDuration {
    ConfigDuration::from_days(3)
}
