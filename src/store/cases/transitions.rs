//! [`Tx::transition`] is the only way in which a case changes. One transaction applies the rules and writes the row,
//! the job that the new state wants, and the journal entry. The data of a closed case is shredded.

use jiff::Timestamp;
use serde_json::json;
use tracing::instrument;

use super::authentication::authenticate;
use super::rows::{held, stuck};
use super::{CaseRecord, NewCase, Note, RowHashes, Transitioned};
use crate::clock;
use crate::domain::case::{Case, Demand, Direction, EndedDemands, JobKind, Progress, State, StateName, Transition};
use crate::domain::facts::FactKind;
use crate::domain::ids::CaseId;
use crate::domain::person::Person;
use crate::proof::seal::CaseKey;
use crate::store::sql::query;
use crate::store::{JobRow, StoreError, TransitionError, Tx};

impl Tx {
    /// Opens a case. It is held by `hold`, needs attention where no email address is known, or is scheduled.
    #[instrument(name = "store.case.open", skip_all, err)]
    pub async fn open_case(
        &mut self,
        new: NewCase,
        beginning: Option<State>,
        note: Note,
        now: Timestamp,
    ) -> Result<CaseRecord, StoreError> {
        let id = CaseId::from(clock::new_id(now));
        let (email_hash, person_hash) = self.hashes(&new.site, new.source.as_ref(), &new.person);
        let person_key = email_hash
            .or(person_hash)
            .ok_or_else(|| StoreError::inconsistent("case", id, "neither an address nor a person id"))?;
        let demand = Demand {
            deadline: new.deadline,
            ..Demand::new(new.source.clone(), new.cause, &new.terms, new.effective_at)
        };
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
        let record = CaseRecord {
            case,
            opened_at: now,
            person: new.person,
            account: None,
            account_type: None,
            reads_without_account: 0,
            version: 1,
            hashes: RowHashes { person_key, email: email_hash, person: person_hash },
            candidates: Vec::new(),
            key: Some(key),
        };
        self.insert_case(&record).await?;
        query("INSERT INTO case_keys (case_id, sealed) VALUES ($1, $2)")
            .bind(id.to_string())
            .bind(sealed_key)
            .execute(&mut **self)
            .await?;
        if record.case.source.is_none() {
            let keys: Vec<_> = email_hash.into_iter().collect();
            self.note_operators_fact(&keys, FactKind::OperatorRequested, now).await?;
        }
        self.sync_job(&record.case, None, false, now).await?;
        let mut note = note;
        note.set("action", json!(record.case.terms.action));
        note.set("effective_at", json!(record.case.effective_at));
        self.journal_case(&record, "opened", None, note, now).await?;
        Ok(record)
    }

    /// Applies a transition to a case: checks the rules, and writes the case, the job that it wants now and the journal
    /// entry. The observations in the record are written, too.
    #[instrument(name = "store.case.transition", skip_all, fields(case.id = %record.case.id, transition = transition.name()), err(level = "debug"))]
    pub async fn transition(
        &mut self,
        record: CaseRecord,
        transition: &Transition,
        note: Note,
        now: Timestamp,
    ) -> Result<Transitioned, TransitionError> {
        let open = self.open_job(record.case.id).await?;
        self.transition_with_job(record, transition, note, open.as_ref(), now).await
    }

    /// [`Tx::transition`] for a caller that knows the open job of the case.
    pub(in crate::store) async fn transition_with_job(
        &mut self,
        record: CaseRecord,
        transition: &Transition,
        note: Note,
        open: Option<&JobRow>,
        now: Timestamp,
    ) -> Result<Transitioned, TransitionError> {
        let from = record.case.state.name();
        let case = record.case.apply(transition, now)?;
        if case == record.case && (*transition == Transition::Due || transition.is_idempotent()) {
            return Ok(Transitioned { record, from });
        }
        let before = record.case.clone();
        let moved = case.state.name() != from;
        let is_journaled = *transition != Transition::Due || moved;
        let version = record.version.saturating_add(i64::from(is_journaled));
        let hashes = self.row_hashes(&record);
        let record = CaseRecord { case, version, hashes, ..record };
        // An operator's decision is a fact about the person: an earlier body is no longer a mere duplicate after it.
        if matches!(transition, Transition::Cancelled | Transition::Resolved) {
            let keys = self.hashes(&record.case.site, record.case.source.as_ref(), &record.person);
            self.supersede_bodies(keys, None, now).await?;
        }
        self.write_case(&record).await?;
        self.follow_hold(&before, &record, transition, now).await?;
        self.sync_job(&record.case, open, *transition == Transition::Retried, now).await?;
        let mut note = note;
        if let Transition::Approved { stage, .. } | Transition::Withdrawn { stage, .. } = transition {
            note.set("for", json!(stage));
        }
        if !matches!(transition, Transition::Withdrawn { .. }) {
            note.add_lapsed(&record.case.approvals_lost_since(&before.approvals));
        }
        if is_journaled {
            self.journal_case(&record, transition.name(), Some(from), note, now).await?;
        }
        if matches!(transition, Transition::Cancelled | Transition::Resolved) {
            let (email_hash, person_hash) = self.hashes(&record.case.site, record.case.source.as_ref(), &record.person);
            let keys: Vec<_> = email_hash.into_iter().chain(person_hash).collect();
            self.note_operators_fact(&keys, FactKind::OperatorStopped, now).await?;
        }
        let record = if record.case.state.name().is_closed() { self.shred(record).await? } else { record };
        Ok(Transitioned { record, from })
    }

    /// [`Tx::transition`] for an event or an operator, which may conflict with a running worker. While the call that
    /// changes something is in progress, any transition that would move the case is too late.
    pub async fn transition_unless_dispatched(
        &mut self,
        record: CaseRecord,
        transition: &Transition,
        note: Note,
        now: Timestamp,
    ) -> Result<Transitioned, TransitionError> {
        let moves = !matches!(transition, Transition::Approved { .. } | Transition::Retried);
        if moves && self.is_dispatched(record.case.id).await? {
            return Err(TransitionError::TooLate);
        }
        if matches!(transition, Transition::Held | Transition::Released { .. }) {
            self.hold_other_cases(&record, transition, &note, now).await?;
        }
        let case_id = record.case.id;
        let detaching = moves && self.dispatched(case_id).await? == Some(JobKind::Detach);
        let mut transitioned = self.transition(record, transition, note, now).await?;
        if detaching && self.dispatched(case_id).await?.is_none() {
            let why = "the case moved while the call was made";
            self.record_unconfirmed_call(&mut transitioned.record, JobKind::Detach, "call_unconfirmed", Some(why), now)
                .await?;
        }
        Ok(transitioned)
    }

    /// A hold applies to the person: the other open cases of the same person are held and released with this one.
    async fn hold_other_cases(
        &mut self,
        record: &CaseRecord,
        transition: &Transition,
        note: &Note,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let holds = *transition == Transition::Held;
        if !holds && !record.case.on_hold {
            return Ok(());
        }
        for id in self.other_cases_of_person(record).await? {
            let Some(other) = self.case(id).await? else { continue };
            if other.case.on_hold == holds || self.is_dispatched(id).await? {
                continue;
            }
            match self.transition(other, transition, note.clone(), now).await {
                Ok(_) | Err(TransitionError::Invalid(_) | TransitionError::TooLate) => {}
                Err(TransitionError::Store(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Keeps the holds on persons and the brakes' records in step with a case that just changed.
    async fn follow_hold(
        &mut self,
        before: &Case,
        record: &CaseRecord,
        transition: &Transition,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let case = &record.case;
        if case.on_hold && !before.on_hold {
            self.hold_person(record, now).await?;
        } else if before.on_hold && !case.on_hold {
            self.release_person(record).await?;
        }
        let closed = case.state.name().is_closed();
        let stopped = case.direction == Direction::Returning && before.direction == Direction::Leaving;
        if closed || stopped {
            self.clear_brake_of(case.id, closed).await?;
        } else if let Transition::DemandsEnded { source, ended } = transition {
            self.drop_deferred(source, case.id, *ended == EndedDemands::FormerAddress).await?;
        }
        Ok(())
    }

    /// Stores the observations about the person or the account, without a transition of the case.
    #[instrument(name = "store.case.save_observed", skip_all, fields(case.id = %record.case.id), err)]
    pub async fn save_observed(&mut self, record: &CaseRecord) -> Result<(), StoreError> {
        self.write_case(record).await
    }

    async fn journal_case(
        &mut self,
        record: &CaseRecord,
        kind: &str,
        from: Option<StateName>,
        mut note: Note,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let case = &record.case;
        note.set("state", json!(case.state.name()));
        note.set("version", json!(record.version));
        if let Some(from) = from.filter(|from| *from != case.state.name()) {
            note.set("from", json!(from));
        }
        if let Some(hold) = held(&case.state) {
            note.set("held", json!(hold));
        }
        if let Some(attention) = stuck(&case.state) {
            note.set("attention", json!(attention.reason));
        }
        if let Some(by) = note.by.take() {
            note.set("by", json!(by));
        }
        // When the address becomes known: evidence proves later that it is this one, although it is shredded.
        let learned = kind == "opened" || note.detail.get("learned").is_some();
        if let Some(email) = record.person.email.as_ref().filter(|_| learned) {
            note.set("commitment", json!(self.key.commitment(case.id, email)));
        }
        if let Some(account) = &record.account {
            let hash = self.key.hash_account(&case.site, account.id.as_str());
            note.set("account", json!(hex::encode(hash.0)));
        }
        let seq = self.write_journal(Some(case.id), kind, &note.detail, now).await?;
        if let (Some(remark), Some(key)) = (note.remark.filter(|remark| !remark.is_empty()), &record.key) {
            query("INSERT INTO remarks (seq, case_id, sealed) VALUES ($1, $2, $3)")
                .bind(seq)
                .bind(case.id.to_string())
                .bind(key.seal(&seq.to_be_bytes(), remark.as_bytes()))
                .execute(&mut **self)
                .await?;
        }
        Ok(())
    }

    /// Shreds the personal data of a closed case: its key, the data sealed with it, and the bodies of deliveries that
    /// no open case needs. A person that is gone from the site is deleted, too; a person that stayed or returned is
    /// still known to the source.
    async fn shred(&mut self, record: CaseRecord) -> Result<CaseRecord, StoreError> {
        let id = record.case.id.to_string();
        self.shreds = true;
        query("DELETE FROM remarks WHERE case_id = $1").bind(&id).execute(&mut **self).await?;
        query("DELETE FROM case_keys WHERE case_id = $1").bind(&id).execute(&mut **self).await?;
        query("DELETE FROM case_people WHERE case_id = $1").bind(&id).execute(&mut **self).await?;
        query("DELETE FROM deadline_steps WHERE case_id = $1").bind(&id).execute(&mut **self).await?;
        query("UPDATE cases SET sealed = NULL, code = $1 WHERE id = $2")
            .bind(authenticate(&record, self.row_hashes(&record), None, &self.key).0.as_slice())
            .bind(&id)
            .exec_one(self, "case", &id)
            .await?;
        query(
            "UPDATE deliveries
             SET body = NULL
             WHERE id IN (SELECT delivery_id FROM events WHERE case_id = $1)
                 AND status = 'routed'
                 AND NOT EXISTS (
                     SELECT 1
                     FROM events e
                         LEFT JOIN cases c ON c.id = e.case_id
                     WHERE e.delivery_id = deliveries.id
                         AND (e.status = 'waiting' OR (c.id IS NOT NULL AND c.closed_at IS NULL)))",
        )
        .bind(&id)
        .execute(&mut **self)
        .await?;
        if matches!(record.case.state, State::Erased | State::NoAccount) {
            self.shred_person(&id).await?;
        }
        Ok(CaseRecord { person: Person::default(), account: None, key: None, ..record })
    }

    /// Deletes the person of a case from the sources' people.
    async fn shred_person(&mut self, case_id: &str) -> Result<(), StoreError> {
        query("DELETE FROM people WHERE email_hash = (SELECT email_hash FROM cases WHERE id = $1)")
            .bind(case_id)
            .execute(&mut **self)
            .await?;
        query("DELETE FROM former_addresses WHERE email_hash = (SELECT email_hash FROM cases WHERE id = $1)")
            .bind(case_id)
            .execute(&mut **self)
            .await?;
        Ok(())
    }
}
