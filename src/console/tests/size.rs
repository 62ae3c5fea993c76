//! Target T20: a page of 200 cases of 100,000.

use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::{Visit, daemon};
use crate::admin::tests::{Daemon, ROSA};
use crate::domain::case::{Cause, Terms};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::domain::policy::{Action, Approvals};
use crate::store::{NewCase, Note};

/// The cases of one unit of work.
const BATCH: usize = 500;

pub(super) async fn open(daemon: &Daemon, cases: usize) {
    for first in (0..cases).step_by(BATCH) {
        let mut tx = daemon.store.begin().await.unwrap();
        for number in first..(first + BATCH).min(cases) {
            daemon.clock.advance(SignedDuration::from_millis(1));
            let email = format!("first.last-name.{number}@department.example.com");
            let new = NewCase {
                site: "acme".parse().unwrap(),
                source: Some("bamboohr".parse().unwrap()),
                person: Person {
                    id: Some(PersonId::parse(&format!("number-{number}")).unwrap()),
                    email: Some(EmailAddress::parse(&email).unwrap()),
                },
                terms: Terms {
                    action: Action::RevokeThenDelete,
                    local_grace: SignedDuration::from_hours(720),
                    approvals: Approvals::default(),
                    detach: Vec::new(),
                    reinvite: false,
                    requested_by: None,
                    policy: None,
                },
                cause: Cause::Departed,
                deadline: None,
                effective_at: daemon.now() + SignedDuration::from_hours(24),
            };
            tx.open_case(new, None, Note::default(), daemon.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn page_of_200_cases_is_at_most_200_kb() {
    let daemon = daemon().await;
    open(&daemon, 201).await;
    let visit = Visit::of(&daemon, ROSA).await;
    for language in ["en", "de"] {
        let page = visit.get(&format!("/cases?limit=200&lang={language}")).await.text;
        assert_eq!(page.matches("@department.example.com</a>").count(), 200);
        assert!(page.len() <= 200_000, "{language}: {} bytes", page.len());
    }
}

#[tokio::test]
#[ignore = "takes minutes, and measures: run it in release mode on a quiet machine"]
async fn page_of_200_of_100_000_cases_takes_at_most_30_ms() {
    let daemon = daemon().await;
    open(&daemon, 100_000).await;
    let visit = Visit::of(&daemon, ROSA).await;
    let mut slow = Vec::new();
    for path in ["/cases?limit=200", "/cases?limit=200&state=scheduled&source=bamboohr", "/"] {
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..21 {
            let begun = Instant::now();
            assert_eq!(visit.get(path).await.status, 200);
            times.push(begun.elapsed());
        }
        times.sort();
        println!("{path}: median {:?}, longest {:?}", times[10], times[20]);
        if times[10] > Duration::from_millis(30) {
            slow.push((path, times));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}
