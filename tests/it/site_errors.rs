//! Atlassian fails: nothing is lost, nothing is done twice, and a stop wins or is answered that it was too late.

use jiff::SignedDuration;
use offboardd::domain::case::{AttentionReason, StateName};
use offboardd::duration::ConfigDuration;
use offboardd::sandbox::{CallName, Fault, FaultTiming};
use serde_json::json;

use crate::harness::{Harness, ROSA, Setup, duration};

const ANN: &str = "ann@example.com";

fn fault(call: CallName) -> Fault {
    Fault { call: Some(call), ..Fault::default() }
}

#[tokio::test]
async fn rejected_credentials_pause_the_site_and_count_no_attempt() {
    for (call, status) in [(CallName::Search, 401), (CallName::Read, 401), (CallName::Revoke, 401)] {
        let site = "probe_every = \"1000d\"";
        let story = Harness::with(Setup { site, ..Setup::default() }).await;
        story.inject(Fault { status: Some(status), times: Some(1), ..fault(call) });
        story.send_departed(ANN).await;
        let site = story.store().sites().await.unwrap().remove(0);
        assert!(site.paused_at.is_some(), "{call:?} {status}");
        assert!(site.reason.unwrap().contains(&status.to_string()));
        assert_eq!(story.job(ANN).await.unwrap().attempts, 0, "{call:?} {status}");

        // Whatever comes meanwhile is taken, and waits.
        let called = story.site.calls().len();
        story.send_departed("ben@example.com").await;
        story.advance("10d").await;
        assert_eq!(story.site.calls().len(), called, "{call:?} {status}");
        assert_eq!(story.state("ben@example.com").await, StateName::Revoking);

        story.resume_site().await;
        assert_eq!(story.state(ANN).await, StateName::Revoked);
        story.finish(&["revoke ann@example.com", "revoke ben@example.com"]).await;
    }
}

#[tokio::test]
async fn status_429_is_retried_after_retry_after() {
    for (call, name) in [(CallName::Revoke, "revoke"), (CallName::Search, "search")] {
        let story = Harness::start().await;
        story.inject(Fault { retry_after: Some(json!(120)), times: Some(1), ..fault(call) });
        story.send_departed(ANN).await;
        let job = story.job(ANN).await.unwrap();
        assert_eq!(job.attempts, 0, "{name} costs no attempt");
        story.advance_quiet("2m").await;
        assert_eq!(story.state(ANN).await, StateName::Revoked, "{name}");
        story.finish(&["revoke ann@example.com"]).await;
    }
}

#[tokio::test]
async fn rate_limit_on_deletions_does_not_delay_a_revoke() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.inject(Fault { retry_after: Some(json!(3600)), times: Some(1), ..fault(CallName::Delete) });
    story.advance("30d").await;
    assert_eq!(story.state(ANN).await, StateName::Deleting);
    story.send_departed("ben@example.com").await;
    assert_eq!(story.state("ben@example.com").await, StateName::Revoked);
    story.advance_quiet("1h").await;
    story.finish(&["revoke ann@example.com", "revoke ben@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn errors_are_retried_with_backoff_until_attention_is_needed() {
    let more = "[retry]\nbase = \"5s\"\nmax = \"10m\"\ngive_up_after = \"2h\"";
    let story = Harness::with(Setup { more, ..Setup::default() }).await;
    story.inject(Fault { status: Some(500), ..fault(CallName::Revoke) });
    story.send_departed(ANN).await;

    let (began, last) = (story.now(), story.now() + duration("2h"));
    let mut wait_at_most = duration("5s");
    let mut attempts = 1;
    while let Some(job) = story.job(ANN).await {
        assert_eq!(job.attempts, attempts);
        assert!(job.last_error.is_some_and(|error| error.contains("500")));
        let wait = job.due_at.duration_since(story.now());
        assert!(wait <= wait_at_most, "{wait} after {attempts} attempts");
        assert!(wait * 10 >= wait_at_most || job.due_at == last, "{wait} after {attempts} attempts");
        wait_at_most = (wait_at_most * 2).min(duration("10m"));
        story.advance_to(job.due_at).await;
        attempts += 1;
    }
    assert_eq!(story.attention(ANN).await, AttentionReason::RetriesExhausted);
    assert_eq!(story.now().duration_since(began), duration("2h"), "the last attempt is made at the end");
    assert_eq!(story.count(CallName::Revoke), usize::try_from(attempts).unwrap());

    // The operator who has fixed it resumes it.
    story.site.clear_faults();
    story.act(ANN, "retry").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn operator_retry_runs_a_waiting_job_immediately() {
    let story = Harness::start().await;
    story.inject(Fault { status: Some(500), times: Some(2), ..fault(CallName::Search) });
    story.send_departed(ANN).await;
    let first = story.job(ANN).await.unwrap();
    assert_eq!(first.attempts, 1);
    story.act(ANN, "retry").await;
    let second = story.job(ANN).await.unwrap();
    assert_eq!((second.id, second.attempts), (first.id, 1), "what was tried before counts no more");
    assert_eq!(story.count(CallName::Search), 2);
    story.act(ANN, "retry").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    let kinds: Vec<_> = story.history(ANN).await.into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "retried").count(), 2, "{kinds:?}");
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn permanent_rejection_needs_attention_without_retries() {
    let story = Harness::start().await;
    story.inject(Fault { status: Some(412), ..fault(CallName::Revoke) });
    story.send_departed(ANN).await;
    assert_eq!(story.attention(ANN).await, AttentionReason::Refused);
    assert_eq!(story.count(CallName::Revoke), 1);
    story.finish(&[]).await;
}

#[tokio::test]
async fn revoke_with_a_lost_response_is_read_back_and_not_repeated() {
    for lost in [
        Fault { drop: Some(FaultTiming::After), ..fault(CallName::Revoke) },
        Fault { status: Some(503), after_effect: true, ..fault(CallName::Revoke) },
        Fault { garbage: true, after_effect: true, ..fault(CallName::Revoke) },
        Fault { reset: true, ..fault(CallName::Revoke) },
    ] {
        let story = Harness::start().await;
        story.inject(lost);
        story.send_departed(ANN).await;
        assert_eq!(story.state(ANN).await, StateName::Revoking);
        assert!(story.case(ANN).await.case.progress.revoke_dispatched_at.is_some());
        story.advance("5s").await;
        assert_eq!(story.state(ANN).await, StateName::Revoked);
        assert!(story.history_text(ANN).await.ends_with("revoke_confirmed (done_by_earlier_call)"));
        assert_eq!(story.count(CallName::Revoke), 1);
        story.finish(&["revoke ann@example.com"]).await;
    }
}

#[tokio::test]
async fn deletion_with_a_lost_response_is_read_back_and_not_repeated() {
    for lost in [
        Fault { drop: Some(FaultTiming::After), ..fault(CallName::Delete) },
        Fault { status: Some(502), after_effect: true, ..fault(CallName::Delete) },
    ] {
        let story = Harness::start().await;
        story.send_departed(ANN).await;
        story.inject(lost);
        story.advance("30d").await;
        assert_eq!(story.state(ANN).await, StateName::Deleting);
        story.advance("5s").await;
        assert_eq!(story.state(ANN).await, StateName::Deleting, "one look is no conclusion");
        story.advance_past_rechecks().await;
        assert!(story.history_text(ANN).await.ends_with("deletion_accepted (done_by_earlier_call)"));
        assert_eq!(story.count(CallName::Delete), 1);
        story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
    }
}

#[tokio::test]
async fn call_that_never_arrived_is_repeated() {
    let story = Harness::start().await;
    for call in [CallName::Search, CallName::Read, CallName::Revoke, CallName::Delete] {
        story.inject(Fault { drop: Some(FaultTiming::Before), times: Some(1), ..fault(call) });
    }
    story.send_departed(ANN).await;
    for _ in 0..3 {
        story.advance("1h").await;
    }
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.advance("30d").await;
    story.advance("1h").await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn case_is_revoked_only_after_a_confirming_read() {
    let story = Harness::start().await;
    story.site.change_options(|options| options.read_lag = ConfigDuration::from_mins(10));
    story.send_departed(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.advance("9m").await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.advance("1h").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn return_during_the_revoke_call_restores_afterwards() {
    let story = Harness::start().await;
    story.inject(Fault { delay_ms: 2000, times: Some(1), ..fault(CallName::Revoke) });
    let departed = json!({ "type": "departed", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::Revoke).await;

    let returned = json!({ "type": "returned", "person": { "email": ANN } });
    let reply = story.send("hr", &returned).await;
    assert_eq!(reply.status, 202);
    story.wait_until_routed(reply.delivery()).await;
    assert_eq!(story.outcome(reply.delivery()).await, ("waiting".to_owned(), None));
    // An operator learns immediately that it is too late.
    let too_late = story.try_action(ROSA, ANN, "cancel").await;
    assert_eq!(too_late.status, 409, "{too_late:?}");

    story.settle().await;
    assert_eq!(story.outcome(reply.delivery()).await, ("applied".to_owned(), None));
    assert_eq!(story.state(ANN).await, StateName::Restoring);
    story.advance("100d").await;
    assert_eq!(story.count(CallName::Delete), 0);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn return_during_the_deletion_call_is_recorded() {
    let story = Harness::start().await;
    story.send_departed(ANN).await;
    story.inject(Fault { delay_ms: 2000, times: Some(1), ..fault(CallName::Delete) });
    story.clock.advance(duration("30d"));
    story.wake_tasks();
    story.wait_for_call(CallName::Delete).await;
    let returned = json!({ "type": "returned", "person": { "email": ANN } });
    let reply = story.send("hr", &returned).await;
    assert_eq!(reply.status, 202);
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::DeletionGrace);
    let kinds: Vec<_> = story.history(ANN).await.into_iter().map(|entry| entry.kind).collect();
    assert!(kinds.ends_with(&["deletion_accepted".to_owned(), "stopped".to_owned()]), "{kinds:?}");
    story.finish(&["revoke ann@example.com", "delete ann@example.com"]).await;
}

#[tokio::test]
async fn return_during_the_read_stops_the_revoke() {
    let story = Harness::start().await;
    story.inject(Fault { delay_ms: 2000, times: Some(1), ..fault(CallName::Read) });
    let departed = json!({ "type": "departed", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::Read).await;
    story.send_returned(ANN).await;
    assert_eq!(story.state(ANN).await, StateName::Cancelled);
    assert_eq!(story.count(CallName::Revoke), 0);
    story.finish(&[]).await;
}

#[tokio::test]
async fn pause_during_the_read_defers_the_revoke() {
    let story = Harness::start().await;
    story.inject(Fault { delay_ms: 1000, times: Some(1), ..fault(CallName::Read) });
    let departed = json!({ "type": "departed", "person": { "email": ANN } });
    assert_eq!(story.send("hr", &departed).await.status, 202);
    story.wait_for_call(CallName::Read).await;
    story.post_action("sources/hr/pause").await;
    let job = story.job(ANN).await.unwrap();
    assert_eq!((job.state.as_str(), job.attempts, job.last_error), ("queued", 0, None));
    assert_eq!(story.case(ANN).await.case.progress.revoke_dispatched_at, None);
    assert_eq!(story.count(CallName::Revoke), 0);
    story.advance_quiet("1d").await;
    story.post_action("sources/hr/resume").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn departure_moved_later_after_a_failure_starts_again_at_its_new_time() {
    let story = Harness::start().await;
    story.inject(Fault { status: Some(500), times: Some(1), ..fault(CallName::Search) });
    story.send_departed(ANN).await;
    assert_eq!(story.job(ANN).await.unwrap().attempts, 1);
    story.clock.advance(SignedDuration::from_secs(1));
    story.send_departed_at(ANN, "2026-09-08T12:00:01Z").await;
    assert_eq!(story.state(ANN).await, StateName::Scheduled);
    assert_eq!(story.job(ANN).await.unwrap().attempts, 0);
    story.advance_quiet("1d").await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn departure_moved_earlier_after_a_failure_keeps_backoff_and_attempts() {
    let story = Harness::start().await;
    story.inject(Fault { status: Some(500), times: Some(1), ..fault(CallName::Search) });
    story.send_departed(ANN).await;
    let failed = story.job(ANN).await.unwrap();
    let earlier = story.now() - SignedDuration::from_hours(1);
    story.send_departed_at(ANN, earlier).await;
    assert_eq!(story.case(ANN).await.case.effective_at, earlier);
    let job = story.job(ANN).await.unwrap();
    assert_eq!((job.id, job.attempts, job.due_at), (failed.id, 1, failed.due_at));
    story.advance_to(failed.due_at).await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn departure_moved_later_during_the_read_waits_for_its_new_time() {
    for answer in [
        Fault { delay_ms: 1000, ..fault(CallName::Read) },
        Fault { status: Some(500), delay_ms: 1000, ..fault(CallName::Read) },
    ] {
        let story = Harness::start().await;
        story.inject(Fault { times: Some(1), ..answer });
        let departed = json!({ "type": "departed", "person": { "email": ANN } });
        assert_eq!(story.send("hr", &departed).await.status, 202);
        story.wait_for_call(CallName::Read).await;
        story.clock.advance(SignedDuration::from_secs(1));
        story.send_departed_at(ANN, "2026-09-08T12:00:01Z").await;
        assert_eq!(story.state(ANN).await, StateName::Scheduled);
        story.advance_quiet("1d").await;
        assert_eq!(story.state(ANN).await, StateName::Revoked);
        assert_eq!(story.count(CallName::Revoke), 1);
        story.finish(&["revoke ann@example.com"]).await;
    }
}

#[tokio::test]
async fn failing_case_does_not_stop_others() {
    let story = Harness::start().await;
    let ann = story.account(ANN).account_id;
    story.inject(Fault { account: Some(ann), status: Some(500), ..Fault::default() });
    for leaver in [ANN, "ben@example.com", "ida@example.com", "jon@example.com"] {
        story.send_departed(leaver).await;
    }
    story.advance("1h").await;
    assert_eq!(story.state(ANN).await, StateName::Revoking);
    story.finish(&["revoke ben@example.com", "revoke ida@example.com", "revoke jon@example.com"]).await;
}
