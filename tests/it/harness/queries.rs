//! What can be seen of a story: its cases, their history, the deliveries, and what was done at the site.

use offboardd::domain::case::{AttentionReason, State, StateName};
use offboardd::domain::ids::DeliveryId;
use offboardd::domain::person::EmailAddress;
use offboardd::sandbox::{AccountType, AccountView, CallName};
use offboardd::store::{CaseFilter, CaseRecord, DeliveryRow, EventRow, HistoryEntry, JobRow};

use super::{Harness, site_name};

impl Harness {
    /// The newest case of this email address, also after it was shredded.
    pub(crate) async fn case(&self, email: &str) -> CaseRecord {
        self.cases_of(email).await.into_iter().next().unwrap_or_else(|| panic!("there is no case of {email}"))
    }

    pub(crate) async fn cases_of(&self, email: &str) -> Vec<CaseRecord> {
        let hash = self.store().key().hash_email(&site_name(), &EmailAddress::parse(email).unwrap());
        let filter = CaseFilter { email_hashes: Some(vec![hash]), limit: 1000, ..CaseFilter::default() };
        self.store().cases(&filter).await.unwrap().items
    }

    /// All cases, the newest first.
    pub(crate) async fn cases(&self) -> Vec<CaseRecord> {
        self.store().cases(&CaseFilter { limit: 1000, ..CaseFilter::default() }).await.unwrap().items
    }

    pub(crate) async fn state(&self, email: &str) -> StateName {
        self.case(email).await.case.state.name()
    }

    pub(super) async fn states(&self) -> Vec<StateName> {
        self.cases().await.iter().map(|record| record.case.state.name()).collect()
    }

    /// Whether the site refuses us.
    pub(crate) async fn is_paused(&self) -> bool {
        self.store().sites().await.unwrap().iter().any(|site| site.paused_at.is_some())
    }

    /// Why a human is needed for the case of this address.
    pub(crate) async fn attention(&self, email: &str) -> AttentionReason {
        let state = self.case(email).await.case.state;
        let State::NeedsAttention(attention) = state else {
            panic!("{email} needs no attention: it is {}", state.name())
        };
        attention.reason
    }

    /// The open job of the case of this address.
    pub(crate) async fn job(&self, email: &str) -> Option<JobRow> {
        self.store().job_of(self.case(email).await.case.id).await.unwrap()
    }

    pub(crate) async fn history(&self, email: &str) -> Vec<HistoryEntry> {
        self.store().history(&self.case(email).await).await.unwrap()
    }

    /// The history of the case of this address, a line an entry: when, what, how.
    pub(crate) async fn history_text(&self, email: &str) -> String {
        let lines = self.history(email).await.into_iter().map(|entry| {
            let how = entry.detail["how"].as_str().map(|how| format!(" ({how})")).unwrap_or_default();
            format!("{} {}{how}", entry.at, entry.kind)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(crate) async fn delivery(&self, id: DeliveryId) -> DeliveryRow {
        self.store().delivery(id).await.unwrap().expect("the delivery is stored")
    }

    pub(crate) async fn events(&self, id: DeliveryId) -> Vec<EventRow> {
        self.store().events_of(id).await.unwrap()
    }

    /// What became of the only event of a delivery: its status, and why it led to nothing.
    pub(crate) async fn outcome(&self, id: DeliveryId) -> (String, Option<String>) {
        let mut events = self.events(id).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let event = events.remove(0);
        (event.status.to_string(), event.reason)
    }

    /// The only account of this address at the site.
    pub(crate) fn account(&self, email: &str) -> AccountView {
        let mut accounts = self.site.accounts();
        accounts.retain(|account| account.email.as_deref() == Some(email));
        assert_eq!(accounts.len(), 1, "accounts of {email}");
        accounts.remove(0)
    }

    /// How often the site received this call.
    pub(crate) fn count(&self, call: CallName) -> usize {
        self.site.calls().iter().filter(|record| record.call == call).count()
    }

    /// Everything that was changed at the site, as `revoke ann@example.com`, in order.
    pub(crate) fn changes(&self) -> Vec<String> {
        let changed = self.site.calls().into_iter().filter(|record| record.changed);
        let named = changed.map(|record| {
            let call = serde_json::to_value(record.call).unwrap();
            let account = record.account_id.as_deref().and_then(|id| self.site.account(id));
            let email = account.as_ref().and_then(|account| account.email.clone()).unwrap_or_default();
            let stranger = account.is_some_and(|account| account.account_type != AccountType::Customer);
            let stranger = if stranger { " (no customer)" } else { "" };
            format!("{} {email}{stranger}", call.as_str().unwrap_or_default()).trim_end().to_owned()
        });
        named.collect()
    }
}
