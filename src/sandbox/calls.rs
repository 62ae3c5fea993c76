//! The log of calls: the request, the response, and the change.

use jiff::Timestamp;
use serde::Serialize;

use super::call::CallName;

/// One call, as the site received it.
#[derive(Debug, Clone, Serialize)]
pub struct CallRecord {
    /// Counts from 1, and continues after the log is cleared.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// Which call it is.
    pub call: CallName,
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// The account that the call is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// What was answered; nothing when the connection was dropped or the caller did not wait.
    pub status: Option<u16>,
    /// Whether it changed anything.
    pub changed: bool,
}

/// The log.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    records: Vec<CallRecord>,
}

impl Calls {
    /// Writes down that a call came, and returns its number.
    pub(super) fn record(&mut self, record: CallRecord) -> u64 {
        self.last += 1;
        self.records.push(CallRecord { number: self.last, ..record });
        self.last
    }

    /// Writes down what became of a call, unless the log was cleared since.
    pub(super) fn complete(&mut self, number: u64, status: Option<u16>, changed: bool) {
        if let Ok(at) = self.records.binary_search_by_key(&number, |record| record.number)
            && let Some(record) = self.records.get_mut(at)
        {
            record.status = status;
            record.changed = changed;
        }
    }

    /// Every call since the log was last cleared, in order of arrival.
    pub(super) fn records(&self) -> &[CallRecord] {
        &self.records
    }

    /// Deletes all calls.
    pub(super) fn clear(&mut self) {
        self.records.clear();
    }
}
