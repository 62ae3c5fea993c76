//! [`Tx::happen`] is the only way in which a case changes: the rules are asked; the row, the job that the new state wants and
//! the journal entry are written in one transaction; and a case that closes is forgotten.

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::instrument;

use super::rows::{held, stuck};
use super::{Dossier, Happened, NewCase, Note};
use crate::clock;
use crate::domain::case::{
    Case, Demand, Direction, EndedDemands, Hold, JobKind, Progress, State, StateName, Transition,
};
use crate::domain::facts::FactKind;
use crate::domain::ids::{CaseId, SourceName};
use crate::domain::person::Person;
use crate::proof::seal::CaseKey;
use crate::store::row::millis;
use crate::store::{HappenError, JobRow, StoreError, Tx};

impl Tx {
    /// Opens a case. Held by `hold` from the beginning, or stuck where no address is known; else on its way.
    #[instrument(name = "store.case.open", skip_all, err)]
    pub async fn open_case(
        &mut self,
        new: NewCase,
        beginning: Option<State>,
        note: Note,
        now: Timestamp,
    ) -> Result<Dossier, StoreError> {
        let id = CaseId::from(clock::new_id(now));
        let (email_hash, person_hash) = self.hashes(&new.site, new.source.as_ref(), &new.person);
        let person_key = email_hash
            .or(person_hash)
            .ok_or_else(|| StoreError::inconsistent("case", id, "neither an address nor a person id"))?;
        let demand = Demand::new(new.source.clone(), new.cause, &new.terms, new.effective_at);
        let mut case = Case {
            id,
            site: new.site,
            source: new.source,
            terms: new.terms,
            direction: Direction::Leaving,
            effective_at: demand.effective_at,
            demands: vec![demand],
            progress: Progress::default(),
            approvals: Vec::new(),
            on_hold: false,
            state: State::Scheduled,
            since: now,
        };
        if self.is_person_held(&case.site, case.source.as_ref(), email_hash, person_hash).await? {
            case.on_hold = true;
        }
        case = match beginning {
            Some(state) => Case { state, ..case },
            None if case.job_wanted().is_some_and(|wanted| wanted.due_at <= now) => {
                case.apply(&Transition::Due, now).map_err(|error| StoreError::inconsistent("case", id, error))?
            }
            None => case,
        };
        let case = case.with_hold();
        let (key, sealed_key) = CaseKey::generate(&self.key, id.as_bytes());
        let dossier = Dossier {
            case,
            opened_at: now,
            person: new.person,
            account: None,
            account_type: None,
            looks: 0,
            key: Some(key),
        };
        self.statement(
            "INSERT INTO cases (id, site, source, person_key, opened_at, state, since, held, terms, demands, approvals,
                 direction, effective_at, attention)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, '{}', '[]', '[]', 'leaving', 0, ?)",
        )
        .bind(id.to_string())
        .bind(dossier.case.site.as_str())
        .bind(dossier.case.source.as_ref().map(SourceName::as_str))
        .bind(person_key.0.as_slice())
        .bind(millis(now))
        .bind(dossier.case.state.name().as_str())
        .bind(millis(now))
        .bind(held(&dossier.case.state).map(Hold::as_str))
        .bind(stuck(&dossier.case.state).map(|attention| attention.reason.as_str()))
        .later();
        self.statement("INSERT INTO case_keys (case_id, sealed) VALUES (?, ?)")
            .bind(id.to_string())
            .bind(sealed_key)
            .later();
        self.write_case(&dossier)?;
        if dossier.case.source.is_none() {
            let keys: Vec<_> = email_hash.into_iter().collect();
            self.note_operators_fact(&keys, FactKind::OperatorRequested, now);
        }
        self.sync_job(&dossier.case, None, false, now);
        let mut note = note;
        set(&mut note.detail, "action", json!(dossier.case.terms.action));
        set(&mut note.detail, "effective_at", json!(dossier.case.effective_at));
        self.journal_case(&dossier, "opened", None, note, now).await?;
        Ok(dossier)
    }

    /// Lets something happen to a case: asks the rules, and writes the case, the job that it wants now and the journal
    /// entry. What the dossier has learned about person and account is written with it.
    #[instrument(name = "store.case.happen", skip_all, fields(case.id = %dossier.case.id, transition = transition.name()), err(level = "debug"))]
    pub async fn happen(
        &mut self,
        dossier: Dossier,
        transition: &Transition,
        note: Note,
        now: Timestamp,
    ) -> Result<Happened, HappenError> {
        let open = self.open_job(dossier.case.id).await?;
        self.happen_with(dossier, transition, note, open.as_ref(), now).await
    }

    /// [`Tx::happen`] for whoever knows which job the case has open.
    pub(in crate::store) async fn happen_with(
        &mut self,
        dossier: Dossier,
        transition: &Transition,
        note: Note,
        open: Option<&JobRow>,
        now: Timestamp,
    ) -> Result<Happened, HappenError> {
        let from = dossier.case.state.name();
        let case = dossier.case.apply(transition, now)?;
        if case == dossier.case && (*transition == Transition::Due || transition.is_idempotent()) {
            return Ok(Happened { dossier, from });
        }
        let before = dossier.case.clone();
        let dossier = Dossier { case, ..dossier };
        // What an operator decided is a fact about the person: a body that arrived before is no mere duplicate after it.
        if matches!(transition, Transition::Cancelled | Transition::Resolved) {
            let keys = self.hashes(&dossier.case.site, dossier.case.source.as_ref(), &dossier.person);
            self.supersede_bodies(keys, None, now);
        }
        self.write_case(&dossier)?;
        self.follow_hold(&before, &dossier, transition, now);
        self.sync_job(&dossier.case, open, *transition == Transition::Retried, now);
        let moved = dossier.case.state.name() != from;
        let mut note = note;
        let lapsed = before.approvals.len().saturating_sub(dossier.case.approvals.len());
        if let Transition::Approved { stage, .. } | Transition::Withdrawn { stage, .. } = transition {
            set(&mut note.detail, "for", json!(stage));
        }
        if lapsed > 0 && !matches!(transition, Transition::Withdrawn { .. }) {
            set(&mut note.detail, "approvals_lapsed", json!(lapsed));
        }
        if *transition != Transition::Due || moved {
            self.journal_case(&dossier, transition.name(), Some(from), note, now).await?;
        }
        if matches!(transition, Transition::Cancelled | Transition::Resolved) {
            let (email_hash, person_hash) =
                self.hashes(&dossier.case.site, dossier.case.source.as_ref(), &dossier.person);
            let keys: Vec<_> = email_hash.into_iter().chain(person_hash).collect();
            self.note_operators_fact(&keys, FactKind::OperatorStopped, now);
        }
        let dossier = if dossier.case.state.name().is_closed() { self.forget(dossier) } else { dossier };
        Ok(Happened { dossier, from })
    }

    /// [`Tx::happen`] for whoever may come while a worker is at it: an event, or an operator. While the call that changes
    /// something is being made, everything that would move the case is too late.
    pub async fn interfere(
        &mut self,
        dossier: Dossier,
        transition: &Transition,
        note: Note,
        now: Timestamp,
    ) -> Result<Happened, HappenError> {
        let moves = !matches!(transition, Transition::Approved { .. } | Transition::Retried);
        if moves && self.is_dispatched(dossier.case.id).await? {
            return Err(HappenError::TooLate);
        }
        if matches!(transition, Transition::Held | Transition::Released { .. }) {
            self.hold_other_cases(&dossier, transition, &note, now).await?;
        }
        let case_id = dossier.case.id;
        let detaching = moves && self.dispatched(case_id).await? == Some(JobKind::Detach);
        let mut happened = self.happen(dossier, transition, note, now).await?;
        if detaching && self.dispatched(case_id).await?.is_none() {
            let why = "the case moved while the call was made";
            self.note_without_outcome(&mut happened.dossier, JobKind::Detach, "call_unconfirmed", Some(why), now)
                .await?;
        }
        Ok(happened)
    }

    /// A hold applies to the person: the other open cases of the same person are held and released with this one.
    async fn hold_other_cases(
        &mut self,
        dossier: &Dossier,
        transition: &Transition,
        note: &Note,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let holds = *transition == Transition::Held;
        if !holds && !dossier.case.on_hold {
            return Ok(());
        }
        for id in self.other_cases_of_person(dossier).await? {
            let Some(other) = self.case(id).await? else { continue };
            if other.case.on_hold == holds || self.is_dispatched(id).await? {
                continue;
            }
            match self.happen(other, transition, note.clone(), now).await {
                Ok(_) | Err(HappenError::Refused(_) | HappenError::TooLate) => {}
                Err(HappenError::Store(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Keeps the holds on persons and the brakes' records in step with a case that just changed.
    fn follow_hold(&mut self, before: &Case, dossier: &Dossier, transition: &Transition, now: Timestamp) {
        let case = &dossier.case;
        if case.on_hold && !before.on_hold {
            self.hold_person(dossier, now);
        } else if before.on_hold && !case.on_hold {
            self.release_person(dossier);
        }
        let closed = case.state.name().is_closed();
        let stopped = case.direction == Direction::Returning && before.direction == Direction::Leaving;
        if closed || stopped {
            self.forget_brake_of(case.id, closed);
        } else if let Transition::DemandsEnded { source, ended } = transition {
            self.drop_deferred(source, case.id, *ended == EndedDemands::FormerAddress);
        }
    }

    /// Writes down what was learned about the person or the account, without anything transition to the case.
    #[instrument(name = "store.case.learn", skip_all, fields(case.id = %dossier.case.id), err)]
    pub fn learn(&mut self, dossier: &Dossier) -> Result<(), StoreError> {
        self.write_case(dossier)
    }

    async fn journal_case(
        &mut self,
        dossier: &Dossier,
        kind: &str,
        from: Option<StateName>,
        note: Note,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let case = &dossier.case;
        let mut detail = note.detail;
        set(&mut detail, "state", json!(case.state.name()));
        if let Some(from) = from.filter(|from| *from != case.state.name()) {
            set(&mut detail, "from", json!(from));
        }
        if let Some(hold) = held(&case.state) {
            set(&mut detail, "held", json!(hold));
        }
        if let Some(attention) = stuck(&case.state) {
            set(&mut detail, "attention", json!(attention.reason));
        }
        if let Some(by) = note.by {
            set(&mut detail, "by", json!(by));
        }
        if let Some(account) = &dossier.account {
            let hash = self.key.hash_account(&case.site, account.id.as_str());
            set(&mut detail, "account", json!(hex::encode(hash.0)));
        }
        let seq = self.write_journal(Some(case.id), kind, &detail, now).await?;
        if let (Some(remark), Some(key)) = (note.remark.filter(|remark| !remark.is_empty()), &dossier.key) {
            self.statement("INSERT INTO remarks (seq, case_id, sealed) VALUES (?, ?, ?)")
                .bind(seq)
                .bind(case.id.to_string())
                .bind(key.seal(&seq.to_be_bytes(), remark.as_bytes()))
                .later();
        }
        Ok(())
    }

    /// Shreds what a closed case knew: its key, what was sealed with it, and the bodies of deliveries that no open case
    /// needs. Who is gone from the site is forgotten as a person too; who stayed or came back is still known to the source.
    fn forget(&mut self, dossier: Dossier) -> Dossier {
        let id = dossier.case.id.to_string();
        let shredding = [
            "DELETE FROM remarks WHERE case_id = ?1",
            "DELETE FROM case_keys WHERE case_id = ?1",
            "DELETE FROM case_people WHERE case_id = ?1",
            "UPDATE cases SET sealed = NULL WHERE id = ?1",
            "UPDATE deliveries SET body = NULL
             WHERE id IN (SELECT delivery_id FROM events WHERE case_id = ?1) AND status = 'routed' AND NOT EXISTS (
                 SELECT 1 FROM events e LEFT JOIN cases c ON c.id = e.case_id
                 WHERE e.delivery_id = deliveries.id AND (e.status = 'waiting' OR (c.id IS NOT NULL AND c.closed_at IS NULL)))",
        ];
        for statement in shredding {
            self.statement(statement).bind(&id).later();
        }
        let gone = matches!(dossier.case.state, State::Erased | State::NoAccount);
        if gone {
            for statement in [
                "DELETE FROM people WHERE email_hash = (SELECT email_hash FROM cases WHERE id = ?1)",
                "DELETE FROM former_addresses WHERE email_hash = (SELECT email_hash FROM cases WHERE id = ?1)",
            ] {
                self.statement(statement).bind(&id).later();
            }
        }
        Dossier { person: Person::default(), account: None, key: None, ..dossier }
    }
}

fn set(detail: &mut Value, key: &str, value: Value) {
    if !detail.is_object() {
        *detail = json!({});
    }
    if let Some(object) = detail.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}
