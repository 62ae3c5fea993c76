//! What holds when the settings say nothing: the one place for it.

use super::address::{HttpUrl, Listen};
use super::duration::Duration;
use super::policy::Zone;
use super::size::ByteSize;
use super::store::StoreUrl;

pub(super) const WEBHOOKS: Listen = Listen::loopback(8080);
pub(super) const ADMIN: Listen = Listen::loopback(9090);
pub(super) const MAX_BODY: ByteSize = ByteSize::from_mebibytes(1);
pub(super) const SHUTDOWN: Duration = Duration::from_secs(30);

pub(super) fn store_url() -> StoreUrl {
    StoreUrl::file("offboardd.db")
}
pub(super) const KEEP_PAYLOADS: Duration = Duration::from_days(7);

pub(super) const RETRY_BASE: Duration = Duration::from_secs(5);
pub(super) const RETRY_MAX: Duration = Duration::from_hours(1);
pub(super) const RETRY_GIVE_UP_AFTER: Duration = Duration::from_hours(72);

// Of the tables that have keys without a default serde wants a function for each key that has one.

#[expect(clippy::expect_used, reason = "a constant address, read by a test")]
pub(super) fn gateway() -> HttpUrl {
    "https://api.atlassian.com".parse().expect("the address is correct")
}
pub(super) const fn deletion_grace() -> Duration {
    Duration::from_days(14)
}
pub(super) fn look_again() -> Vec<Duration> {
    vec![Duration::from_mins(1), Duration::from_mins(10), Duration::from_hours(1)]
}
pub(super) const fn watch_grant() -> Duration {
    Duration::from_mins(5)
}
pub(super) const fn probe_every() -> Duration {
    Duration::from_mins(1)
}
pub(super) const fn probe_idle() -> Duration {
    Duration::from_mins(15)
}
pub(super) const fn concurrency() -> u32 {
    4
}
pub(super) const fn timeout() -> Duration {
    Duration::from_secs(30)
}

pub(super) const fn local_grace() -> Duration {
    Duration::from_days(30)
}
pub(super) const fn timezone() -> Zone {
    Zone::UTC
}

pub(super) const fn dedupe_window() -> Duration {
    Duration::from_days(3)
}
