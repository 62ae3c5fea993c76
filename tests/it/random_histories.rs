//! Whatever happens in whatever order, no account is touched that no event is about, none early, and none after a stop that
//! was acknowledged; every case ends, rests, or waits for a human; and no leaver is lost.
//!
//! A history is a list of steps made from a seed: events of two sources (late, repeated, in batches, under other addresses
//! and ids), operators, the clock, crashes, and a site that misbehaves. [`model`] says of each call whether it would be
//! wrong. A history that breaks a rule is repeated with fewer and fewer steps, and the shortest that still breaks it is shown.
//!
//! `OFFBOARDD_HISTORIES_SECONDS=3600 cargo test --release --test it -- random_histories` runs for longer,
//! `OFFBOARDD_HISTORIES_SEED=42` repeats one history.

mod model;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use offboardd::domain::case::{Direction, Hold, State, StateName};
use offboardd::sandbox::{AccountChange, AccountType, CallName, Fault, FaultTiming, NewAccount, Seed};
use offboardd::store::CaseRecord;
use serde_json::{Value, json};

use self::model::{Event, Kind, Model, OperatorStop};
use crate::harness::{Harness, ROSA, Setup, duration};
use crate::rng::SeededRng;

/// Who may leave, by id. Each address has a longer namesake; the last one is an Atlassian account's too.
const PEOPLE: [(&str, &str); 3] = [("1", "ann@example.com"), ("2", "ben@example.com"), ("3", "cleo@example.com")];

/// A second address of the first person, with an account of its own.
const RENAMED: &str = "ann.new@example.com";

const STEPS: usize = 24;

/// How long a history is shortened at most: each repetition that waits in vain takes as long as anything is waited for.
const SHORTENING: Duration = Duration::from_mins(6);

/// The second source only revokes, so that the stronger action of two sources shows.
const CRM: &str = "[policies.customers]
    departed = \"revoke\"
    erasure_requested = \"delete\"
    email_changed = \"revoke\"
    brake = { per_hour = 1000, per_day = 1000 }
    [sources.crm]
    preset = \"standard-webhooks\"
    site = \"acme\"
    policy = \"customers\"
    secrets = [{ env = \"HR_KEY\" }]";

/// One step of a history.
#[derive(Debug, Clone)]
enum Step {
    Send(Vec<Sent>),
    /// An earlier event once more, under another delivery id.
    Resend(usize),
    Operator(usize, &'static str),
    Wait(&'static str),
    Fault(Box<Fault>),
    FaultsEnd,
    SiteResumed,
    Granted(usize),
    Moved(usize),
    Restart,
    Crash,
}

/// An event before its times are known.
#[derive(Debug, Clone)]
struct Sent {
    source: &'static str,
    kind: Kind,
    id: &'static str,
    email: Option<&'static str>,
    old: Option<&'static str>,
    /// How long ago it happened; most events are news.
    minutes_ago: i64,
    in_hours: i64,
}

impl SeededRng {
    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.below(u64::try_from(sides).unwrap())).unwrap()
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.roll(among.len())].clone()
    }

    fn history(&mut self) -> Vec<Step> {
        (0..STEPS).map(|_| self.step()).collect()
    }

    fn step(&mut self) -> Step {
        let who = self.roll(PEOPLE.len());
        match self.roll(26) {
            0..9 => Step::Send((0..self.pick(&[1, 1, 1, 2, 3])).map(|_| self.event()).collect()),
            9 => Step::Resend(self.roll(STEPS)),
            10..13 => Step::Operator(who, self.pick(&["cancel", "hold", "release", "retry", "retry", "resolve"])),
            13..18 => Step::Wait(self.pick(&["5s", "5m", "1h", "2d", "4d", "15d"])),
            18..21 => Step::Fault(Box::new(self.fault())),
            21 => Step::FaultsEnd,
            22 => Step::SiteResumed,
            23 => Step::Granted(who),
            24 => self.pick(&[Step::Moved(who), Step::Restart, Step::Restart]),
            _ => Step::Crash,
        }
    }

    fn event(&mut self) -> Sent {
        let (id, own) = self.pick(&PEOPLE);
        let source = self.pick(&["hr", "hr", "hr", "crm"]);
        let another = self.pick(&[PEOPLE[0].1, PEOPLE[1].1, RENAMED]);
        let email = self.pick(&[Some(own), Some(own), Some(own), Some(own), None, Some(another)]);
        let kind = self.pick(&[
            Kind::Departed,
            Kind::Departed,
            Kind::Departed,
            Kind::Departed,
            Kind::Erasure,
            Kind::Returned,
            Kind::Cancelled,
            Kind::Profile,
            Kind::Changed,
        ]);
        let (email, old) = match kind {
            Kind::Changed => (Some(if another == own { RENAMED } else { another }), Some(own)),
            Kind::Profile => (email.or(Some(own)), None),
            Kind::Departed | Kind::Cancelled | Kind::Returned | Kind::Erasure => (email, None),
        };
        let minutes_ago = self.pick(&[0, 0, 0, 0, 5, 90, 3000]);
        Sent { source, kind, id, email, old, minutes_ago, in_hours: self.pick(&[0, 0, 0, 1, 48, 240]) }
    }

    fn fault(&mut self) -> Fault {
        let call = self.pick(&[
            CallName::Search,
            CallName::Scan,
            CallName::Read,
            CallName::Read,
            CallName::Revoke,
            CallName::Revoke,
            CallName::Delete,
            CallName::Delete,
            CallName::Permissions,
        ]);
        let status = |code| Fault { status: Some(code), ..Fault::default() };
        let kinds = [
            Fault { drop: Some(FaultTiming::Before), ..Fault::default() },
            Fault { drop: Some(FaultTiming::After), ..Fault::default() },
            Fault { reset: true, ..Fault::default() },
            Fault { garbage: true, after_effect: true, ..Fault::default() },
            Fault { delay_ms: 600, ..Fault::default() },
            Fault { delay_ms: 600, after_effect: true, ..Fault::default() },
            Fault { after_effect: true, ..status(500) },
            Fault { retry_after: Some(json!(90)), ..status(429) },
            status(400),
            status(401),
            status(403),
            status(404),
            status(503),
            status(204),
        ];
        let times = u32::try_from(1 + self.roll(3)).unwrap();
        Fault { call: Some(call), times: Some(times), skip: u32::try_from(self.roll(2)).unwrap(), ..self.pick(&kinds) }
    }
}

struct History {
    story: Harness,
    model: Model,
    sent: Vec<Event>,
    /// How many calls of the site's log were checked.
    seen: usize,
    /// When each account was last revoked.
    revoked: BTreeMap<String, Timestamp>,
}

#[test]
fn random_histories_break_no_rule() {
    let longer = std::env::var("OFFBOARDD_HISTORIES_SECONDS").ok();
    let seconds = longer.as_ref().map_or(10, |text| text.parse().unwrap());
    if let Ok(seed) = std::env::var("OFFBOARDD_HISTORIES_SEED") {
        return check(seed.parse().unwrap());
    }
    let begun = Instant::now();
    // Always the same ones by default, so that a change is judged by what it changes; new ones in a longer run.
    let first = if longer.is_some() { u64::from(std::process::id()) << 20 } else { 1 };
    let mut histories = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        check(first + histories);
        histories += 1;
    }
    eprintln!("{histories} histories, from seed {first} on");
}

fn check(seed: u64) {
    let history = SeededRng::from_seed(seed).history();
    let Some(broken) = broken_rule(&history) else { return };
    eprintln!("seed {seed} breaks a rule ({broken}); it is repeated with fewer and fewer steps");
    let shortest = shorten(history, &broken);
    let steps: Vec<_> = shortest.iter().map(|step| format!("{step:?}")).collect();
    panic!("seed {seed} breaks a rule (see above); so does:\n{}", steps.join("\n"));
}

/// Leaves out steps, one by one, and then events of the steps that are left, as long as the history still breaks the same
/// rule and there is time.
fn shorten(mut history: Vec<Step>, broken: &str) -> Vec<Step> {
    let (begun, mut at) = (Instant::now(), 0);
    let still_breaks = |shorter: &[Step]| broken_rule(shorter).as_deref() == Some(broken);
    while at < history.len() && begun.elapsed() < SHORTENING {
        let mut shorter = history.clone();
        shorter.remove(at);
        if still_breaks(&shorter) {
            history = shorter;
        } else {
            at += 1;
        }
    }
    let (mut at, mut event) = (0, 0);
    while at < history.len() && begun.elapsed() < SHORTENING {
        let mut shorter = history.clone();
        if let Step::Send(events) = &mut shorter[at]
            && events.len() > 1
            && event < events.len()
        {
            events.remove(event);
        } else {
            (at, event) = (at + 1, 0);
            continue;
        }
        if still_breaks(&shorter) {
            history = shorter;
        } else {
            event += 1;
        }
    }
    history
}

/// Runs a history in a thread of its own. Returns what its panic says of the broken rule, without whom it concerns.
fn broken_rule(steps: &[Step]) -> Option<String> {
    let steps = steps.to_vec();
    let panic = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps));
    })
    .join()
    .err()?;
    let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
    let line = message.lines().find(|line| line.trim_start().starts_with("left:")).or_else(|| message.lines().next());
    Some(line.unwrap_or_default().split_whitespace().filter(|word| !word.contains('@')).collect::<Vec<_>>().join(" "))
}

async fn run(steps: Vec<Step>) {
    let mut history = History::begin().await;
    for step in steps {
        // No two steps at the same instant: which of them is newer would be undefined.
        history.story.clock.advance(SignedDuration::from_secs(1));
        history.story.wake_tasks();
        history.story.settle().await;
        history.check().await;
        history.take(step).await;
        history.check().await;
    }
    history.end().await;
}

impl History {
    async fn begin() -> Self {
        let mut seed = Seed::default();
        let atlassian =
            |email| NewAccount { account_type: AccountType::Atlassian, ..NewAccount::customer(email, "User") };
        seed.accounts.extend([atlassian("admin@example.com"), atlassian(PEOPLE[2].1)]);
        for (_, who) in PEOPLE {
            seed.accounts.push(NewAccount::customer(who, "A Person"));
            seed.accounts.push(NewAccount::customer(&format!("{who}.au"), "Another Person"));
        }
        seed.accounts.push(NewAccount::customer(RENAMED, "A Person"));
        let policy = "departed = \"revoke_then_delete\"\nlocal_grace = \"3d\"\nerasure_requested = \"delete\"\n\
                      email_changed = \"revoke\"\nbrake = { per_hour = 1000, per_day = 1000 }";
        let site = "timeout = \"300ms\"\nlook_again = [\"1m\"]\nprobe_every = \"10m\"";
        let story = Harness::with(Setup { seed, policy, site, more: CRM, ..Setup::default() }).await;
        Self { story, model: Model::default(), sent: Vec::new(), seen: 0, revoked: BTreeMap::new() }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Send(events) => {
                let events: Vec<_> = events.iter().map(|sent| self.timed(sent)).collect();
                for source in ["hr", "crm"] {
                    let of_source: Vec<_> = events.iter().filter(|event| event.source == source).cloned().collect();
                    self.send(source, &of_source).await;
                }
            }
            Step::Resend(nth) => {
                if let Some(event) = self.sent.get(nth).cloned() {
                    self.send(event.source, &[event]).await;
                }
            }
            Step::Operator(who, verb) => self.operate(PEOPLE[who].1, verb).await,
            Step::Wait(time) => {
                self.story.advance(time).await;
            }
            Step::Fault(fault) => self.story.inject(*fault),
            Step::FaultsEnd => self.story.site.clear_faults(),
            Step::SiteResumed => self.story.resume_site_if_paused().await,
            Step::Granted(who) => {
                // What is gone cannot be granted.
                drop(self.story.site.grant(PEOPLE[who].1));
            }
            Step::Moved(who) => {
                let account = self.story.site.accounts().into_iter().find(|account| {
                    account.email.as_deref() == Some(PEOPLE[who].1) && account.account_type == AccountType::Customer
                });
                let moved = AccountChange { email: Some("moved@example.com".to_owned()), ..AccountChange::default() };
                drop(account.map(|account| self.story.site.change_account(&account.account_id, moved)));
            }
            Step::Restart => self.story.restart().await,
            Step::Crash => {
                self.story.crash().await;
                self.story.settle().await;
            }
        }
    }

    /// An event with its own instant; no two happen at the same one.
    fn timed(&mut self, sent: &Sent) -> Event {
        let nth = i32::try_from(self.sent.len()).unwrap();
        let now = self.story.now();
        let event = Event {
            source: sent.source,
            kind: sent.kind,
            id: sent.id,
            email: sent.email,
            old: sent.old,
            occurred: now - SignedDuration::from_mins(sent.minutes_ago) - SignedDuration::new(0, 900_000_000 - nth),
            effective: now + SignedDuration::from_hours(sent.in_hours),
        };
        self.sent.push(event.clone());
        event
    }

    /// Nothing is being called when this begins, so that every later call has to follow what is acknowledged here.
    async fn send(&mut self, source: &str, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let items: Vec<Value> = events.iter().map(to_json).collect();
        for email in PEOPLE.iter().map(|(_, email)| *email).chain([RENAMED]) {
            let newest = self.story.cases_of(email).await.into_iter().next();
            if newest.is_some_and(|record| matches!(record.case.state, State::Erased | State::NoAccount)) {
                self.model.expire(email);
            }
        }
        for event in events {
            self.model.arrive(event);
        }
        assert_eq!(self.story.send(source, &json!(items)).await.status, 202);
        self.story.settle().await;
        self.check().await;
    }

    async fn operate(&mut self, email: &'static str, verb: &str) {
        let Some(record) = self.story.cases_of(email).await.into_iter().next() else { return };
        let was_with_a_human =
            matches!(record.case.state, State::NeedsAttention(_)) && record.case.direction == Direction::Leaving;
        let before = self.decisions(&record).await;
        let reply = self.story.try_action(ROSA, email, verb).await;
        if reply.status != 200 {
            assert!(matches!(reply.status, 403 | 409), "{verb}: {reply:?}");
            return;
        }
        let id = record.person.id.as_ref().map(|id| id.as_str().to_owned());
        let person = record.case.source.as_ref().map(ToString::to_string).zip(id);
        match verb {
            // A repetition of what took effect changes nothing.
            "cancel" | "resolve" if self.decisions(&record).await == before => {}
            "cancel" | "resolve" => {
                if verb == "cancel" {
                    self.model.release(email, person.as_ref());
                }
                self.model.operator_stopped(OperatorStop { email, person, at: self.story.now(), nth: 0 });
            }
            "hold" => self.model.hold(email, person),
            "release" => self.model.release(email, person.as_ref()),
            "retry" if was_with_a_human => self.model.operator_confirmed(email),
            _ => {}
        }
        self.story.wake_tasks();
        self.story.settle().await;
    }

    /// How many decisions of operators about a case took effect.
    async fn decisions(&self, record: &CaseRecord) -> usize {
        let entries = self.story.store().history(record).await.unwrap();
        entries.iter().filter(|entry| matches!(entry.kind.as_str(), "cancelled" | "resolved")).count()
    }

    /// Every call since the last check that would change an account was allowed.
    async fn check(&mut self) {
        let calls = self.story.site.calls();
        for call in &calls[self.seen..] {
            if !matches!(call.call, CallName::Revoke | CallName::Delete) {
                continue;
            }
            let account = self.story.site.account(call.account_id.as_deref().unwrap()).unwrap();
            assert_eq!(account.account_type, AccountType::Customer, "{call:?} is about a user");
            let email = account.email.clone().unwrap_or_default();
            let forbidden = if call.call == CallName::Revoke {
                self.revoked.insert(email.clone(), call.at);
                self.model.forbids_revoke(&email, call.at)
            } else {
                self.model.forbids_deletion(&email, call.at, self.revoked.get(&email).copied())
            };
            let history = if forbidden.is_some() { self.history_text(&email).await } else { String::new() };
            assert_eq!(forbidden, None, "{call:?} of {email}\n{history}");
        }
        self.seen = calls.len();
    }

    /// What the journal says of the cases of an address, if there are any.
    async fn history_text(&self, email: &str) -> String {
        let mut cases = Vec::new();
        for record in self.story.cases_of(email).await {
            let entries = self.story.store().history(&record).await.unwrap();
            let lines = entries.iter().map(|entry| format!("{} {} {}", entry.at, entry.kind, entry.detail));
            cases.push(lines.collect::<Vec<_>>().join("\n"));
        }
        cases.join("\n\n")
    }

    /// The site behaves again, and time passes: every case ends, rests, or waits for a human, and no leaver is lost.
    async fn end(mut self) {
        self.story.site.clear_faults();
        self.story.resume_site_if_paused().await;
        for time in ["2m", "2h", "2h", "12d", "2h", "4d", "15d", "2h", "2d", "80d", "2d", "20d", "2d"] {
            self.story.clock.advance(duration(time));
            self.story.wake_tasks();
            self.story.settle().await;
            self.story.resume_site_if_paused().await;
            self.check().await;
        }
        let mut with_a_human = Vec::new();
        for record in self.story.cases().await {
            let case = record.case;
            let waits = matches!(case.state, State::Held(Hold::Hold) | State::NeedsAttention(_) | State::Restoring);
            let rests = case.state == State::Revoked && case.delete_at().is_none();
            assert!(waits || rests || case.state.name().is_closed(), "a case got stuck: {case:?}");
            if case.state.name() == StateName::Erased {
                assert!(case.progress.gone_at.is_some());
            }
            if waits {
                with_a_human.extend(record.person.email.map(|email| email.as_str().to_owned()));
            }
        }
        for (_, email) in PEOPLE {
            let is_active = self.story.site.accounts().into_iter().any(|account| {
                account.email.as_deref() == Some(email)
                    && account.account_type == AccountType::Customer
                    && account.active
                    && !self.revoked.contains_key(email)
            });
            let is_shown = with_a_human.iter().any(|shown| shown == email);
            let is_lost = is_active && !is_shown && self.model.must_leave(email, self.story.now());
            let history = if is_lost { self.history_text(email).await } else { String::new() };
            assert!(!is_lost, "{email} should have been offboarded, and no human knows:\n{history}");
        }
        let changes = self.story.changes();
        self.story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

fn to_json(event: &Event) -> Value {
    let mut person = json!({ "id": event.id });
    if let Some(email) = event.email {
        person["email"] = json!(email);
    }
    if let Some(old) = event.old {
        person["old_email"] = json!(old);
    }
    json!({
        "type": event.kind.word(),
        "person": person,
        "occurred_at": event.occurred.to_string(),
        "effective_at": event.effective.to_string(),
    })
}
