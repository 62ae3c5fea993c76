//! Every call of the client fails in every way. However it fails, the change is made at most once and for no other account, and
//! the case ends well as soon as Atlassian works again, or the site is paused, or a human decides.
//!
//! Each row is a call at the place where it is made: what leads there, and what the good end is. Each column is a way to fail.
//! A row is one story, in which a new person walks into each of the failures.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use offboardd::domain::case::{AttentionReason, Direction, State, StateName};
use offboardd::sandbox::{
    CallName, CallRecord, Fault, FaultTiming, NewAccount, Organization, Request, Seed, ServiceDesk,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::harness::{Harness, ROSA, Setup, duration};
use crate::rng::SeededRng;
use crate::stress::is_full_run;
use crate::stress::table::expect_row;

/// A call, and the place where it is made.
struct Row {
    name: &'static str,
    call: CallName,
    /// How many calls of this name come first.
    skip: u32,
    /// Where several calls share a name: a part of the path.
    path: Option<&'static str>,
    policy: &'static str,
    site: &'static str,
    road: Road,
}

/// The way to the call, and the good end after it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Road {
    /// A departure; ends revoked.
    Revoke,
    /// The departure of a person whom no search finds, because a human revoked them before; ends revoked.
    RevokedBefore,
    /// The departure of a person without an account.
    NoAccount,
    /// A departure, and ten minutes; ends in the deletion grace.
    Delete,
    /// A deletion, and its grace; ends erased.
    Verify,
    /// A departure whose person leaves places too; ends revoked and detached.
    Detach,
    /// A return after a revoke, and access granted again; ends restored.
    Restore,
    /// A return after a deletion, and its grace; ends restored.
    Reinvite,
}

const REVOKE: &str = "departed = \"revoke\"";
const DELETE: &str = "departed = \"revoke_then_delete\"\nlocal_grace = \"10m\"";
const DETACH: &str = "departed = \"revoke\"\ndetach = [\"organizations\", \"service_desks\", \"participants\"]";
const ERASE: &str = "departed = \"delete\"\nreinvite = true";

const fn row(name: &'static str, call: CallName, policy: &'static str, road: Road) -> Row {
    Row { name, call, skip: 0, path: None, policy, site: "", road }
}

fn rows() -> Vec<Row> {
    use CallName as C;
    vec![
        row("search", C::Search, REVOKE, Road::Revoke),
        row("scan", C::Scan, REVOKE, Road::RevokedBefore),
        row("read before the revoke", C::Read, REVOKE, Road::Revoke),
        row("revoke", C::Revoke, REVOKE, Road::Revoke),
        Row { skip: 1, ..row("read after the revoke", C::Read, REVOKE, Road::Revoke) },
        row("myself", C::Myself, REVOKE, Road::NoAccount),
        row("permissions", C::Permissions, REVOKE, Road::NoAccount),
        row("tenant info", C::TenantInfo, REVOKE, Road::NoAccount),
        row("read before the deletion", C::Read, DELETE, Road::Delete),
        Row { path: Some("/jsm/csm/"), ..row("delete a customer account", C::Delete, DELETE, Road::Delete) },
        Row {
            path: Some("/rest/api/3/user"),
            site: "delete_with = \"jira-user\"",
            ..row("delete a user", C::Delete, DELETE, Road::Delete)
        },
        Row { skip: 1, ..row("read after the deletion", C::Read, DELETE, Road::Delete) },
        row("read after the grace", C::Read, ERASE, Road::Verify),
        row("organizations", C::ListOrganizations, DETACH, Road::Detach),
        row("leave an organization", C::DetachOrganization, DETACH, Road::Detach),
        row("service desks", C::ListDesks, DETACH, Road::Detach),
        row("leave a service desk", C::DetachDesk, DETACH, Road::Detach),
        row("open requests", C::SearchRequests, DETACH, Road::Detach),
        row("leave a request", C::DetachRequest, DETACH, Road::Detach),
        row("read for a grant", C::Read, REVOKE, Road::Restore),
        row("invite", C::Invite, ERASE, Road::Reinvite),
        row("token", C::Token, REVOKE, Road::Revoke),
    ]
}

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    TimeoutBefore,
    TimeoutAfter,
    DroppedBefore,
    DroppedAfter,
    Reset,
    SlowBody,
    Garbage,
    Status(u16),
    /// With a page instead of an answer.
    Page(u16),
    /// The change is made, but the response differs.
    Done(u16),
    /// `Retry-After`: in seconds.
    Seconds(u16),
    /// `Retry-After`: an HTTP date.
    Date(u16),
    /// The same, by a clock that is behind ours.
    PastDate(u16),
}

const COLUMNS: [Column; 25] = [
    Column::TimeoutBefore,
    Column::TimeoutAfter,
    Column::DroppedBefore,
    Column::DroppedAfter,
    Column::Reset,
    Column::SlowBody,
    Column::Garbage,
    Column::Status(204),
    Column::Status(400),
    Column::Status(401),
    Column::Status(403),
    Column::Status(404),
    Column::Status(409),
    Column::Status(412),
    Column::Status(429),
    Column::Seconds(429),
    Column::Date(429),
    Column::PastDate(429),
    Column::Page(500),
    Column::Done(500),
    Column::Status(503),
    Column::Seconds(503),
    Column::Date(503),
    Column::PastDate(503),
    Column::Done(503),
];

/// Longer than a call may take, which is longer than one takes on a busy machine.
const TOO_LONG_MS: u64 = 2000;
const TIMEOUT: &str =
    "timeout = \"1200ms\"\nlook_again = []\nlook_back = \"0s\"\nwatch_grant = \"5m\"\nprobe_every = \"100d\"";

impl Column {
    fn fault(self, call_at: Timestamp) -> Fault {
        let status = |status| Fault { status: Some(status), ..Fault::default() };
        match self {
            Self::TimeoutBefore => Fault { delay_ms: TOO_LONG_MS, ..Fault::default() },
            Self::TimeoutAfter => Fault { delay_ms: TOO_LONG_MS, after_effect: true, ..Fault::default() },
            Self::DroppedBefore => Fault { drop: Some(FaultTiming::Before), ..Fault::default() },
            Self::DroppedAfter => Fault { drop: Some(FaultTiming::After), ..Fault::default() },
            Self::Reset => Fault { reset: true, ..Fault::default() },
            Self::SlowBody => Fault { slow_ms: Some(TOO_LONG_MS), ..Fault::default() },
            Self::Garbage => Fault { garbage: true, after_effect: true, ..Fault::default() },
            Self::Status(code) => status(code),
            Self::Page(code) => Fault { body: Some(json!("<html>Oops</html>")), ..status(code) },
            Self::Done(code) => Fault { after_effect: true, ..status(code) },
            Self::Seconds(code) => Fault { retry_after: Some(json!(120)), ..status(code) },
            Self::Date(code) | Self::PastDate(code) => {
                let past = matches!(self, Self::PastDate(_));
                let then = if past { call_at - duration("1d") } else { call_at + duration("2m") };
                let at = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&then).unwrap();
                Fault { retry_after: Some(json!(at)), ..status(code) }
            }
        }
    }
}

/// The result of a failure while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    /// To the good end, by itself, at the latest when it is over.
    GoodEnd,
    /// To a site that is paused, until an operator resumes it.
    Pause,
    /// To a wait of this kind of call, until an operator resumes the site and retries the job.
    CallPause,
    /// To a human, who retries it when it is over.
    Human(AttentionReason),
}

/// What is documented of each failure of each call.
fn leads(row: &Row, column: Column) -> Leads {
    use CallName as C;
    if is_an_answer(row.call, column) {
        return Leads::GoodEnd;
    }
    match (row.call, column) {
        (
            C::Token | C::Myself | C::Permissions,
            Column::Status(400 | 401 | 403 | 404 | 409 | 412) | Column::Page(_),
        )
        | (_, Column::Status(401)) => Leads::Pause,
        (_, Column::Status(403))
        | (
            C::Search | C::Scan | C::ListOrganizations | C::ListDesks | C::SearchRequests | C::Invite,
            Column::Status(404),
        ) => Leads::CallPause,
        // Two looks, the first of them at the return.
        (C::Read, Column::Status(404)) if row.road == Road::Restore => Leads::Human(AttentionReason::GrantNeeded),
        // Elsewhere it is looked at again, and looked up in the list of everyone, before it is believed.
        (C::Read, Column::Status(404)) => Leads::GoodEnd,
        (_, Column::Status(400 | 404 | 409 | 412)) => Leads::Human(AttentionReason::Refused),
        _ => Leads::GoodEnd,
    }
}

/// Whether this call means something by this failure.
fn is_an_answer(call: CallName, column: Column) -> bool {
    use CallName as C;
    // The first one is not documented, so that its failures say nothing. Then: there is nothing to leave, or nothing to
    // delete; it took Atlassian too long; another account has the address.
    call == C::TenantInfo
        || (matches!(column, Column::Status(400 | 404)) && matches!(call, C::DetachDesk | C::DetachRequest))
        || (column == Column::Status(404) && matches!(call, C::DetachOrganization | C::Delete))
        || (column == Column::Status(409) && matches!(call, C::Scan | C::Invite | C::Delete))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_of_every_call_ends_well() {
    let row = expect_row(
        "every call fails in every way",
        "the change at most once and for no other account; good as soon as the site is",
    );
    let rows: Vec<(Row, Vec<Column>)> = {
        let mut rng = SeededRng::from_environment();
        rows().into_iter().map(|row| (row, columns(&mut rng))).collect()
    };
    let ways: usize = rows.iter().map(|(_, columns)| columns.len()).sum();
    // Most of the time a row waits for a timeout: the next row runs meanwhile.
    let turns = Semaphore::new(12);
    let walks = rows.iter().map(async |(row, columns)| {
        let _turn = turns.acquire().await.unwrap();
        walk(row, columns).await;
    });
    join_all(walks).await;
    row.passed(format!("{ways} ways"), "0 lost, 0 doubled");
}

/// The ways to fail that a row walks into: all of them in a full run, else a random third.
fn columns(rng: &mut SeededRng) -> Vec<Column> {
    let mut columns = COLUMNS.to_vec();
    while !is_full_run() && columns.len() > COLUMNS.len() / 3 {
        let left_out = rng.below(u64::try_from(columns.len()).unwrap());
        columns.remove(usize::try_from(left_out).unwrap());
    }
    columns
}

/// One row: a new person for each column.
async fn walk(row: &Row, columns: &[Column]) {
    let seed = Seed { accounts: vec![admin()], ..Seed::default() };
    let site = format!("{TIMEOUT}\n{}", row.site);
    let policy = format!("{}\nbrake = {{ per_hour = 1000, per_day = 1000 }}", row.policy);
    let mut story = Harness::with(Setup { seed, policy: policy.leak(), site: site.leak(), ..Setup::default() }).await;
    if row.call == CallName::Token {
        let basic = "{ email = \"admin@example.com\", token = { env = \"ACME_TOKEN\" } }";
        let client = "{ client_id = \"robot\", client_secret = { env = \"ACME_TOKEN\" } }";
        story.restart_with(|settings| settings.replace(basic, client)).await;
    }
    for (nth, column) in columns.iter().copied().enumerate() {
        let walker = Walker { story: &story, row, column, email: format!("p{nth}@example.com") };
        walker.walk().await;
    }
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

fn admin() -> NewAccount {
    NewAccount {
        account_type: offboardd::sandbox::AccountType::Atlassian,
        ..NewAccount::customer("admin@example.com", "Rosa")
    }
}

/// One person on the way into one failure.
struct Walker<'a> {
    story: &'a Harness,
    row: &'a Row,
    column: Column,
    email: String,
}

impl Walker<'_> {
    async fn walk(&self) {
        let Self { story, row, column, email } = self;
        let whom = format!("{} fails with {column:?}", row.name);
        let account = (row.road != Road::NoAccount).then(|| self.settle_in());
        self.go_there().await;

        let fault = Fault {
            call: Some(row.call),
            path_contains: row.path.map(str::to_owned),
            skip: row.skip,
            ..column.fault(story.now() + self.until_the_call())
        };
        story.inject(fault);
        self.trigger().await;
        let leads = leads(row, *column);
        assert_eq!(story.is_paused().await, leads == Leads::Pause, "{whom}: paused");
        if let Leads::Human(reason) = leads {
            assert_eq!(story.attention(email).await, reason, "{whom}");
        } else {
            assert_ne!(story.state(email).await, StateName::NeedsAttention, "{whom}");
        }
        if self.is_at_the_good_end().await {
            self.has_been_done(account.as_deref(), &whom);
        }

        story.site.clear_faults();
        match leads {
            Leads::GoodEnd => {}
            Leads::Pause => story.resume_site().await,
            Leads::CallPause => {
                story.resume_site().await;
                if !self.is_at_the_good_end().await {
                    // What only waits for its time cannot be retried, and needs no retry.
                    let reply = story.try_action(ROSA, email, "retry").await;
                    assert!(matches!(reply.status, 200 | 409), "{reply:?}");
                    story.settle().await;
                }
            }
            Leads::Human(_) => story.act(email, "retry").await,
        }
        for _ in 0..3 {
            if !self.is_at_the_good_end().await {
                story.advance("1h").await;
            }
        }
        let case = story.case(email).await.case;
        let job = story.job(email).await;
        assert!(
            self.is_at_the_good_end().await,
            "{whom}: it ends {:?} {:?} {job:?}",
            case.state,
            story.history_text(email).await
        );
        self.has_been_done(account.as_deref(), &whom);
    }

    /// The person, another one of nearly the same address, and the places where the person is found.
    fn settle_in(&self) -> String {
        let Self { story, row, email, .. } = self;
        let active = row.road != Road::RevokedBefore;
        let id = story.site.add(NewAccount { active, ..NewAccount::customer(email, "A Person") }).unwrap();
        story.site.add(NewAccount::customer(&format!("{email}.au"), "Another Person")).unwrap();
        if row.road == Road::Detach {
            let alone = [id.clone()];
            let request = Request {
                key: format!("HELP-{}", id.len() + story.site.accounts().len()),
                reporter: "admin@example.com".to_owned(),
                participants: alone.clone().into(),
                done: false,
                summary: "Printer".to_owned(),
                status: None,
            };
            let desk = ServiceDesk {
                id: "1".to_owned(),
                key: "HELP".to_owned(),
                name: "Help".to_owned(),
                open: false,
                customers: alone.clone().into(),
            };
            let organization = Organization { id: "1".to_owned(), name: "Acme".to_owned(), members: alone.into() };
            let places = Seed {
                organizations: vec![organization],
                desks: vec![desk],
                requests: vec![request],
                ..Seed::default()
            };
            story.site.add_seed(places).unwrap();
        }
        id
    }

    /// Everything up to the last step before the call.
    async fn go_there(&self) {
        let Self { story, row, email, .. } = self;
        match row.road {
            Road::Revoke | Road::RevokedBefore | Road::NoAccount | Road::Detach => {
                if row.call == CallName::Token {
                    story.advance("2h").await; // The token of before is over.
                }
            }
            Road::Delete | Road::Verify | Road::Restore => drop(story.send_departed(email).await),
            Road::Reinvite => {
                story.send_departed(email).await;
                story.send_returned(email).await;
            }
        }
    }

    /// How far the trigger moves the clock.
    fn until_the_call(&self) -> SignedDuration {
        match self.row.road {
            Road::Revoke | Road::RevokedBefore | Road::NoAccount | Road::Detach => SignedDuration::ZERO,
            Road::Delete => duration("10m"),
            Road::Restore => duration("5m"),
            Road::Verify | Road::Reinvite => duration("14d"),
        }
    }

    /// The step that makes the call.
    async fn trigger(&self) {
        let Self { story, row, email, .. } = self;
        match row.road {
            Road::Revoke | Road::RevokedBefore | Road::NoAccount | Road::Detach => {
                story.send_departed(email).await;
            }
            Road::Delete => story.advance("10m").await,
            Road::Verify | Road::Reinvite => story.advance("14d").await,
            Road::Restore => {
                story.send_returned(email).await;
                story.site.grant(email).unwrap();
                story.advance("5m").await;
            }
        }
    }

    async fn is_at_the_good_end(&self) -> bool {
        let case = self.story.case(&self.email).await.case;
        let good = match self.row.road {
            Road::Revoke | Road::RevokedBefore => StateName::Revoked,
            Road::NoAccount => StateName::NoAccount,
            Road::Delete => StateName::DeletionGrace,
            Road::Verify => StateName::Erased,
            Road::Detach => return case.state == State::Revoked && case.progress.detached_at.is_some(),
            Road::Restore | Road::Reinvite => StateName::Restored,
        };
        case.state.name() == good && (case.direction == Direction::Leaving || self.row.road != Road::Delete)
    }

    /// Where a case is at its good end, the site agrees; and no change was made twice, or to another account.
    fn has_been_done(&self, account: Option<&str>, whom: &str) {
        let Self { story, row, email, .. } = self;
        let Some(id) = account else { return };
        let at_the_site = story.site.account(id).unwrap();
        let expected = match row.road {
            Road::Revoke | Road::RevokedBefore | Road::Detach => "revoked",
            Road::Delete | Road::Verify | Road::Reinvite => "deleted",
            Road::Restore => "present",
            Road::NoAccount => return,
        };
        assert_eq!(json!(at_the_site.state), Value::from(expected), "{whom}: at the site");
        for change in [CallName::Revoke, CallName::Delete] {
            let done = |record: &&CallRecord| {
                record.call == change && record.changed && record.account_id.as_deref() == Some(id)
            };
            assert!(story.site.calls().iter().filter(done).count() <= 1, "{whom}: {change:?} was made twice");
        }
        let mut others = story.site.accounts();
        others.retain(|other| other.email.as_deref() == Some(&format!("{email}.au")));
        assert!(others.iter().all(|other| other.active), "{whom}: another account was changed");
        let invited =
            story.site.accounts().into_iter().filter(|other| other.email.as_ref() == Some(email) && other.active);
        assert!(invited.count() <= 1, "{whom}: invited twice");
    }
}
