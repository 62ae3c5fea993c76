//! Everything that can be observed, and waiting for it: the daemon's store, the sandbox's accounts and log, the files.

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
use crate::store::{CaseFilter, Dossier, HistoryEntry, Store};

/// How often is looked, where nobody tells.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Everything that can be observed.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) calendar: Calendar,
    pub(super) hr: HrSystem,
    pub(super) sandbox: Sandbox,
    /// Where the sandbox is.
    pub(super) site: SocketAddr,
    /// Where the daemon's admin listener is.
    pub(super) admin: SocketAddr,
    pub(super) store: Store,
    pub(super) folder: Folder,
    pub(super) http: reqwest::Client,
}

/// Something that the daemon wrote down about a case, and the case after it.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) at: Timestamp,
    pub(super) dossier: Dossier,
}

impl Fact {
    /// Fails unless the case stands there.
    pub(super) fn require_state(&self, expected: StateName) -> anyhow::Result<()> {
        let stands = self.dossier.case.state.name();
        anyhow::ensure!(stands == expected, "the case should be `{expected}` now, but is `{stands}`");
        Ok(())
    }
}

impl Observer {
    /// Tells what is so now.
    pub(super) fn narrate(&self, speaker: Speaker, words: &str) {
        narrator::narrate(self.calendar.today(), speaker, words);
    }

    /// Tells what happened then.
    pub(super) fn narrate_at(&self, at: Timestamp, speaker: Speaker, words: &str) {
        narrator::narrate(self.calendar.day_of(at), speaker, words);
    }

    /// Posts a webhook that has to be taken as new, and tells that it was. Says the delivery's id.
    pub(super) async fn deliver(&self, webhook: &Webhook) -> anyhow::Result<DeliveryId> {
        let WebhookResponse { status, body } = self.hr.post(webhook).await?;
        anyhow::ensure!(status == 202, "a new webhook should be answered by 202, not by {status}");
        let id: DeliveryId = body.delivery.context("the answer 202 names no delivery")?.parse()?;
        let stored = self.store.delivery(id).await?;
        anyhow::ensure!(stored.is_some(), "the delivery that was acknowledged is not in the database");
        self.narrate(
            Speaker::Daemon,
            &format!("verifies {}, stores it, answers 202 (delivery {})", webhook.proof(), short(&id)),
        );
        Ok(id)
    }

    /// Waits until `kind` stands in the history of somebody's newest case.
    pub(super) async fn until(&self, who: &Character, kind: &str, by: Timestamp) -> anyhow::Result<Fact> {
        loop {
            let too_late = self.calendar.now() > by;
            let case = self.case_of(who).await?;
            let mut stands = "there is none".to_owned();
            if let Some(dossier) = &case {
                if let Some(entry) = self.entry_of(dossier, kind).await? {
                    let dossier = self.store.case(dossier.case.id).await?.context("a case has vanished")?;
                    return Ok(Fact { at: entry.at, dossier });
                }
                // What is over will not happen any more; the history was read after the state.
                let state = &dossier.case.state;
                stands = format!("it is `{}`", state.name());
                if let State::NeedsAttention(attention) = state {
                    stands = format!("{stands}: {}", attention.detail);
                }
                if state.name().is_closed() || matches!(state, State::NeedsAttention(_)) {
                    anyhow::bail!("the case of {} should have seen `{kind}`, but {stands}", who.name);
                }
            }
            anyhow::ensure!(!too_late, "the case of {} should have seen `{kind}` by now, but {stands}", who.name);
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The same for what is expected at once.
    pub(super) async fn soon(&self, who: &Character, kind: &str) -> anyhow::Result<Fact> {
        self.until(who, kind, self.calendar.deadline(self.calendar.now())).await
    }

    /// Somebody's newest case.
    pub(super) async fn case_of(&self, who: &Character) -> anyhow::Result<Option<Dossier>> {
        Ok(self.cases_of(who).await?.into_iter().next())
    }

    /// All of somebody's cases, the newest first. A case is found by its address after it has forgotten it, too.
    pub(super) async fn cases_of(&self, who: &Character) -> anyhow::Result<Vec<Dossier>> {
        let hash = self.store.key().hash_email(&SITE.parse()?, &EmailAddress::parse(who.email)?);
        let filter = CaseFilter { email_hashes: Some(vec![hash]), limit: 10, ..CaseFilter::default() };
        Ok(self.store.cases(&filter).await?.items)
    }

    /// When something happened to a case, if it did.
    async fn entry_of(&self, dossier: &Dossier, kind: &str) -> anyhow::Result<Option<HistoryEntry>> {
        let history = self.store.history(dossier).await?;
        Ok(history.into_iter().find(|entry| entry.kind == kind))
    }

    /// What the admin listener says, with the token that was made for it.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<String> {
        let asked = self.http.get(format!("http://{}{path}", self.admin)).bearer_auth(&self.folder.token);
        let answer = asked.timeout(TIMEOUT).send().await.with_context(|| format!("{path} does not answer"))?;
        anyhow::ensure!(answer.status() == 200, "{path} should answer 200, not {}", answer.status().as_u16());
        answer.text().await.with_context(|| format!("the answer of {path} ended early"))
    }

    /// What the sandbox knows of somebody's account, which is there once.
    pub(super) fn account_of(&self, who: &Character) -> anyhow::Result<AccountView> {
        let mut accounts = self.sandbox.accounts();
        accounts.retain(|account| account.email.as_deref() == Some(who.email));
        let found = accounts.len();
        let account = accounts.pop().filter(|_| found == 1);
        account.with_context(|| format!("the sandbox has {found} accounts of {}, not one", who.name))
    }

    /// The calls about an account that the sandbox saw, those that only read left out.
    pub(super) fn changes_to(&self, account_id: &str) -> Vec<CallRecord> {
        let mut calls = self.sandbox.calls();
        calls.retain(|call| call.method != "GET" && call.account_id.as_deref() == Some(account_id));
        calls
    }
}
