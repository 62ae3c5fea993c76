//! Reads what the steps of the demo check: the daemon's database, the sandbox's accounts and calls, and files.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;

use super::calendar::Calendar;
use super::cast::Character;
use super::folder::{Folder, SITE};
use super::hr::{HrSystem, Webhook, WebhookResponse};
use super::narrator::{self, Speaker, short};
use crate::domain::case::{State, StateName};
use crate::domain::ids::DeliveryId;
use crate::domain::person::EmailAddress;
use crate::sandbox::{AccountView, CallRecord, Sandbox};
use crate::store::{CaseFilter, CaseRecord, HistoryEntry, Store};

const POLL_INTERVAL: Duration = Duration::from_millis(10);

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Observer {
    pub(super) calendar: Calendar,
    pub(super) hr: HrSystem,
    pub(super) sandbox: Sandbox,
    /// The address of the sandbox.
    pub(super) site: SocketAddr,
    /// The address of the admin listener.
    pub(super) admin: SocketAddr,
    pub(super) store: Store,
    pub(super) folder: Folder,
    pub(super) http: reqwest::Client,
}

/// A journal entry of a case, and the case after it.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) at: Timestamp,
    pub(super) record: CaseRecord,
}

impl Fact {
    pub(super) fn require_state(&self, expected: StateName) -> anyhow::Result<()> {
        let state = self.record.case.state.name();
        anyhow::ensure!(state == expected, "expected the case in state `{expected}`, found `{state}`");
        Ok(())
    }
}

impl Observer {
    /// Prints a line with the current day.
    pub(super) fn narrate(&self, speaker: Speaker, words: &str) {
        narrator::narrate(self.calendar.today(), speaker, words);
    }

    /// Prints a line with the day of `at`.
    pub(super) fn narrate_at(&self, at: Timestamp, speaker: Speaker, words: &str) {
        narrator::narrate(self.calendar.day_of(at), speaker, words);
    }

    /// Posts a webhook that must be accepted as new, and returns the id of the delivery.
    pub(super) async fn deliver(&self, webhook: &Webhook) -> anyhow::Result<DeliveryId> {
        let WebhookResponse { status, body } = self.hr.post(webhook).await?;
        anyhow::ensure!(status == 202, "expected status 202 for a new webhook, received {status}");
        let id: DeliveryId = body.delivery.context("the response 202 contains no delivery id")?.parse()?;
        let stored = self.store.delivery(id).await?;
        anyhow::ensure!(stored.is_some(), "the acknowledged delivery is not in the database");
        self.narrate(
            Speaker::Daemon,
            &format!("verifies {}, stores the delivery {}, answers 202", webhook.signature_header(), short(&id)),
        );
        Ok(id)
    }

    /// Waits until the history of the person's newest case contains an entry of this kind.
    pub(super) async fn until(&self, who: &Character, kind: &str, by: Timestamp) -> anyhow::Result<Fact> {
        loop {
            let too_late = self.calendar.now() > by;
            let case = self.case_of(who).await?;
            let mut found = "there is no case".to_owned();
            if let Some(record) = &case {
                if let Some(entry) = self.entry_of(record, kind).await? {
                    let record = self.store.case(record.case.id).await?.context("the case is not in the database")?;
                    return Ok(Fact { at: entry.at, record });
                }
                // A closed case gets no more entries. The history was read after the state.
                let state = &record.case.state;
                found = format!("the case is `{}`", state.name());
                if let State::NeedsAttention(attention) = state {
                    found = format!("{found}: {}", attention.detail);
                }
                if state.name().is_closed() || matches!(state, State::NeedsAttention(_)) {
                    anyhow::bail!("expected `{kind}` in the case of {}, but {found}", who.name);
                }
            }
            anyhow::ensure!(!too_late, "expected `{kind}` in the case of {} by now, but {found}", who.name);
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The same for an entry that is expected immediately.
    pub(super) async fn soon(&self, who: &Character, kind: &str) -> anyhow::Result<Fact> {
        self.until(who, kind, self.calendar.deadline(self.calendar.now())).await
    }

    pub(super) async fn case_of(&self, who: &Character) -> anyhow::Result<Option<CaseRecord>> {
        Ok(self.cases_of(who).await?.into_iter().next())
    }

    /// Newest first. A shredded case is found too, by the hash of its email address.
    pub(super) async fn cases_of(&self, who: &Character) -> anyhow::Result<Vec<CaseRecord>> {
        let hash = self.store.key().hash_email(&SITE.parse()?, &EmailAddress::parse(who.email)?);
        let filter = CaseFilter { email_hashes: Some(vec![hash]), limit: 10, ..CaseFilter::default() };
        Ok(self.store.cases(&filter).await?.items)
    }

    async fn entry_of(&self, record: &CaseRecord, kind: &str) -> anyhow::Result<Option<HistoryEntry>> {
        let history = self.store.history(record).await?;
        Ok(history.into_iter().find(|entry| entry.kind == kind))
    }

    /// Reads a path of the admin listener.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<String> {
        let request = self.http.get(format!("http://{}{path}", self.admin)).bearer_auth(&self.folder.token);
        let response = request.timeout(TIMEOUT).send().await.with_context(|| format!("no response from {path}"))?;
        anyhow::ensure!(response.status() == 200, "expected status 200 from {path}, received {}", response.status());
        response.text().await.with_context(|| format!("the response of {path} ended early"))
    }

    /// The only account with the person's email address.
    pub(super) fn account_of(&self, who: &Character) -> anyhow::Result<AccountView> {
        let mut accounts = self.sandbox.accounts();
        accounts.retain(|account| account.email.as_deref() == Some(who.email));
        let found = accounts.len();
        let account = accounts.pop().filter(|_| found == 1);
        account.with_context(|| format!("expected one account of {} in the sandbox, found {found}", who.name))
    }

    /// The calls that changed an account.
    pub(super) fn changes_to(&self, account_id: &str) -> Vec<CallRecord> {
        let mut calls = self.sandbox.calls();
        calls.retain(|call| call.method != "GET" && call.account_id.as_deref() == Some(account_id));
        calls
    }
}
