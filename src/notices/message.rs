//! The text of a message, composed when it is sent: the same for each attempt, apart from what changed meanwhile.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::domain::case::{Stage, State};
use crate::domain::ids::SourceName;
use crate::domain::notice::{NoticeGroup, NoticeKind, SampledCase};
use crate::proof::confirm_link::ConfirmLink;
use crate::store::{CaseRecord, PendingMessage, Store, StoreError};

/// The maximum number of cases in the text. A webhook lists all cases of the sample.
const LISTED: usize = 10;

/// Composes messages.
#[derive(Debug, Clone)]
pub struct Composer {
    pub store: Store,
    /// The URL of the console.
    pub admin_url: Option<Url>,
    /// Whether messages name the person.
    pub personal_data: bool,
}

/// A message, ready for every channel.
#[derive(Debug, Clone)]
pub struct Message {
    /// The same for each channel and each attempt: a receiver recognizes a repetition.
    pub id: String,
    pub kind: String,
    pub site: Option<String>,
    pub source: Option<String>,
    /// The time of the first transition.
    pub at: Timestamp,
    /// The number of transitions.
    pub count: u32,
    /// What happened, in one line.
    pub subject: String,
    /// What to do, and the reasons.
    lines: Vec<String>,
    pub cases: Vec<MessageCase>,
    /// The page of the console.
    pub url: Option<String>,
}

/// A case of a message.
#[derive(Debug, Clone, Serialize)]
pub struct MessageCase {
    pub id: String,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Only if personal data is configured, and as long as the case holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The page on which the action can be approved or the case held, after signing in. It can be used once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_url: Option<String>,
}

impl Composer {
    pub(super) async fn compose(&self, pending: &PendingMessage, now: Timestamp) -> Result<Message, StoreError> {
        let PendingMessage { notice_id, group, sample, first_at, .. } = pending;
        let mut cases = Vec::with_capacity(sample.cases.len());
        for case in &sample.cases {
            cases.push(self.case(case, pending).await?);
        }
        let mut lines = Vec::new();
        let mut count = sample.count;
        if let (NoticeKind::Brake, Some(source)) = (group.kind, &group.source)
            && let Ok(source) = source.parse::<SourceName>()
            && let Some(brake) = self.store.braked(&source, now).await?
        {
            // The list has grown since the brake tripped.
            lines.push(format!("{} cases are held ({}).", brake.held, brake.why));
            lines.push(format!("Review them, then: offboardd source release {source}"));
            count = brake.held;
        } else {
            lines.extend(reasons(group.kind, &sample.reasons));
        }
        lines.extend(remedy(group));
        Ok(Message {
            id: notice_id.clone(),
            kind: group.kind.to_string(),
            site: group.site.clone(),
            source: group.source.clone(),
            at: *first_at,
            count,
            subject: subject(group, count),
            lines,
            cases,
            url: self.page(group, sample.cases.as_slice()),
        })
    }

    async fn case(&self, case: &SampledCase, pending: &PendingMessage) -> Result<MessageCase, StoreError> {
        let record = match self.store.case(case.id).await {
            Ok(record) => record,
            // A row that cannot be read must not hold the message.
            Err(error) if error.is_about_one_row() => None,
            Err(error) => return Err(error),
        };
        let email = record.as_ref().filter(|_| self.personal_data).and_then(|record| record.person.email.clone());
        Ok(MessageCase {
            id: case.id.to_string(),
            reason: case.reason.clone(),
            url: self.below(&["cases", &case.id.to_string()]),
            email: email.map(|email| email.as_str().to_owned()),
            confirm_url: record.and_then(|record| self.confirm_url(&record, pending)),
        })
    }

    /// A link for the action that waits for an approval.
    fn confirm_url(&self, record: &CaseRecord, pending: &PendingMessage) -> Option<String> {
        let is_approval = pending.group.kind == NoticeKind::Approval && matches!(record.case.state, State::Held(_));
        let stage: Stage = record.case.next_stage().filter(|_| is_approval)?;
        let (key, id) = (self.store.key(), record.case.id);
        let link = ConfirmLink::of_notice(key, &pending.notice_id, (id, stage), pending.first_at);
        let page = self.below(&["cases", &id.to_string(), "approve"])?;
        Some(format!("{page}?for={stage}&link={}", link.token(key)))
    }

    fn page(&self, group: &NoticeGroup, cases: &[SampledCase]) -> Option<String> {
        if let [case] = cases {
            return self.below(&["cases", &case.id.to_string()]);
        }
        let (page, query) = match group.kind {
            NoticeKind::Attention | NoticeKind::Deadline => ("cases", "?attention=true"),
            NoticeKind::Approval => ("cases", "?held=approval"),
            NoticeKind::Brake => ("cases", "?held=brake"),
            NoticeKind::Closed => ("cases", ""),
            NoticeKind::SitePaused => ("sites", ""),
            NoticeKind::SourceQuiet => ("sources", ""),
            NoticeKind::Unreadable => ("deliveries", "?status=unreadable"),
            NoticeKind::Fence => ("journal", ""),
        };
        self.below(&[page]).map(|url| url + query)
    }

    fn below(&self, segments: &[&str]) -> Option<String> {
        let mut url = self.admin_url.clone()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
        Some(url.into())
    }
}

impl Message {
    /// The message of `check --send-test-notice`.
    pub fn test(id: String, at: Timestamp) -> Self {
        Self {
            id,
            kind: "test".to_owned(),
            site: None,
            source: None,
            at,
            count: 1,
            subject: "a test message".to_owned(),
            lines: vec!["This channel works. Nothing happened.".to_owned()],
            cases: Vec::new(),
            url: None,
        }
    }

    /// The text of a chat message or a mail.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        self.lines.iter().for_each(|text| line(text));
        for case in self.cases.iter().take(LISTED) {
            let mut words = format!("- case {}: {}", case.id, case.reason);
            if let Some(email) = &case.email {
                write!(words, ", {email}").unwrap_or_default();
            }
            if let Some(url) = case.confirm_url.as_ref().or(case.url.as_ref()) {
                write!(words, ", {url}").unwrap_or_default();
            }
            line(&words);
        }
        let listed = u32::try_from(self.cases.len().min(LISTED)).unwrap_or(u32::MAX);
        if listed > 0 && self.count > listed {
            line(&format!("- and {} more", self.count - listed));
        }
        if let Some(url) = &self.url {
            line(url);
        }
        line(&format!("First at {} (notice {}).", self.at, self.id));
        text
    }

    /// The body of a webhook.
    pub(super) fn json(&self) -> Value {
        json!({
            "type": self.kind,
            "timestamp": self.at,
            "data": {
                "id": self.id,
                "site": self.site,
                "source": self.source,
                "count": self.count,
                "subject": self.subject,
                "text": self.text(),
                "cases": self.cases,
                "url": self.url,
            },
        })
    }
}

fn subject(group: &NoticeGroup, count: u32) -> String {
    let site = group.site.as_deref().unwrap_or("the site");
    let source = group.source.as_deref().unwrap_or("a source");
    let many = |one: &str, more: &str| if count == 1 { one.to_owned() } else { format!("{count} {more}") };
    match group.kind {
        NoticeKind::Attention => format!("{site}: {} a decision", many("a case needs", "cases need")),
        NoticeKind::Approval => format!("{site}: {} for approval", many("a case waits", "cases wait")),
        NoticeKind::Brake => format!("{source}: the brake tripped, nothing is carried out until released"),
        NoticeKind::SitePaused => format!("{site}: the site is paused"),
        NoticeKind::SourceQuiet => format!("{source}: the source is quiet"),
        NoticeKind::Deadline => {
            format!("{site}: {} open near the deadline", many("an erasure request is", "erasure requests are"))
        }
        NoticeKind::Unreadable => format!("{source}: {} be read", many("a delivery cannot", "deliveries cannot")),
        NoticeKind::Closed => format!("{site}: {} closed", many("a case was", "cases were")),
        NoticeKind::Fence => "the database is not what was recorded: no change is made".to_owned(),
    }
}

fn reasons(kind: NoticeKind, reasons: &std::collections::BTreeMap<String, u32>) -> Vec<String> {
    let line =
        |(reason, count): (&String, &u32)| if *count == 1 { reason.clone() } else { format!("{reason}: {count}") };
    match kind {
        // Every reason is an id, which the list of deliveries shows, or the same word.
        NoticeKind::Unreadable | NoticeKind::Approval => Vec::new(),
        NoticeKind::Attention
        | NoticeKind::Brake
        | NoticeKind::SitePaused
        | NoticeKind::SourceQuiet
        | NoticeKind::Deadline
        | NoticeKind::Closed
        | NoticeKind::Fence => reasons.iter().map(line).collect(),
    }
}

fn remedy(group: &NoticeGroup) -> Option<String> {
    let remedy = match group.kind {
        NoticeKind::Attention => "See: offboardd case list --attention",
        NoticeKind::Approval => "See: offboardd case list --held approval",
        NoticeKind::Brake | NoticeKind::Closed => return None,
        NoticeKind::SitePaused => "The site resumes by itself when the cause is fixed. See: offboardd site list",
        NoticeKind::SourceQuiet => "Check the webhook at the vendor.",
        NoticeKind::Deadline => "The law allows a month. See: offboardd case list",
        NoticeKind::Unreadable => "Fix the mapping, then replay them. See: offboardd delivery list",
        NoticeKind::Fence => "An approver lifts the fence. See: offboardd fence show",
    };
    Some(remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_list_is_cut_in_the_text() {
        let case = |n: u32| MessageCase {
            id: format!("case-{n}"),
            reason: "protected".to_owned(),
            url: None,
            email: None,
            confirm_url: None,
        };
        let message = Message {
            count: 812,
            cases: (0..20).map(case).collect(),
            url: Some("https://offboardd.acme.example/cases".to_owned()),
            ..Message::test("id".to_owned(), Timestamp::UNIX_EPOCH)
        };
        let text = message.text();
        assert!(
            text.contains("- case case-9: protected\n- and 802 more\nhttps://offboardd.acme.example/cases\n"),
            "{text}"
        );
        assert_eq!(message.json()["data"]["cases"].as_array().unwrap().len(), 20);
    }
}
