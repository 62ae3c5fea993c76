//! Conversion between a case and its row.

use serde::{Deserialize, Serialize};

use super::authentication::authenticate;
use super::{CaseRecord, KnownAccount, RowHashes};
use crate::domain::account::{AccountType, Candidate};
use crate::domain::case::{Attention, Case, Hold, Progress, State, StateName};
use crate::domain::ids::{CaseId, SourceName};
use crate::domain::person::Person;
use crate::proof::seal::{CaseKey, KeyedHash, MasterKey};
use crate::store::row::{RowReader, millis, millis_if_any};
use crate::store::sql::{Query, Row, query};
use crate::store::{StoreError, Tx};

/// The personal data of a case, in the form that is sealed.
#[derive(Default, Serialize, Deserialize)]
struct Known {
    person: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<KnownAccount>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<Candidate>,
}

/// The data of a case that changes, in the order of [`Tx::bind_case`].
const UPDATE: &str = "UPDATE cases
     SET state = $1,
         since = $2,
         held = $3,
         attention = $4,
         attention_detail = $5,
         terms = $6,
         demands = $7,
         approvals = $8,
         on_hold = $9,
         direction = $10,
         effective_at = $11,
         revoke_dispatched_at = $12,
         revoked_at = $13,
         detached_at = $14,
         deletion_dispatched_at = $15,
         deletion_requested_at = $16,
         grace_ends_at = $17,
         last_read_at = $18,
         gone_at = $19,
         reinvite_dispatched_at = $20,
         reads_without_account = $21,
         account_type = $22,
         sealed = $23,
         closed_at = $24,
         email_hash = $25,
         person_hash = $26,
         person_key = $27,
         version = $28,
         code = $29,
         erasure_requested_at = $30,
         erasure_deadline_at = $31
     WHERE id = $32";

/// The same data, and what never changes.
const INSERT: &str = "INSERT INTO cases (
         state, since, held, attention, attention_detail, terms, demands, approvals, on_hold, direction, effective_at,
         revoke_dispatched_at, revoked_at, detached_at, deletion_dispatched_at, deletion_requested_at, grace_ends_at,
         last_read_at, gone_at, reinvite_dispatched_at, reads_without_account, account_type, sealed, closed_at,
         email_hash, person_hash, person_key, version, code, erasure_requested_at, erasure_deadline_at,
         id, site, source, opened_at)
     VALUES (
         $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
         $12, $13, $14, $15, $16, $17,
         $18, $19, $20, $21, $22, $23, $24,
         $25, $26, $27, $28, $29, $30, $31,
         $32, $33, $34, $35)";

impl Tx {
    /// Writes the variable data of a case, and the personal data.
    pub(super) async fn write_case(&mut self, record: &CaseRecord) -> Result<(), StoreError> {
        self.bind_case(UPDATE, record)?.exec_one(self, "case", record.case.id).await
    }

    /// Writes a new case.
    pub(super) async fn insert_case(&mut self, record: &CaseRecord) -> Result<(), StoreError> {
        let case = &record.case;
        self.bind_case(INSERT, record)?
            .bind(case.site.as_str())
            .bind(case.source.as_ref().map(SourceName::as_str))
            .bind(millis(record.opened_at))
            .exec_one(self, "case", case.id)
            .await
    }

    fn bind_case(&self, text: &'static str, record: &CaseRecord) -> Result<Query, StoreError> {
        let case = &record.case;
        let hashes = self.row_hashes(record);
        let known = Known {
            person: record.person.clone(),
            account: record.account.clone(),
            candidates: record.candidates.clone(),
        };
        let sealed = match &record.key {
            Some(key) => Some(key.seal(case.id.as_bytes(), to_json(&known)?.as_bytes())),
            None => None,
        };
        let code = authenticate(record, hashes, sealed.as_deref(), &self.key);
        Ok(query(text)
            .bind(case.state.name().as_str())
            .bind(millis(case.since))
            .bind(held(&case.state).map(Hold::as_str))
            .bind(stuck(&case.state).map(|attention| attention.reason.as_str()))
            .bind(stuck(&case.state).map(|attention| attention.detail.as_str()))
            .bind(to_json(&case.terms)?)
            .bind(to_json(&case.demands)?)
            .bind(to_json(&case.approvals)?)
            .bind(case.on_hold)
            .bind(case.direction.as_str())
            .bind(millis(case.effective_at))
            .bind(millis_if_any(case.progress.revoke_dispatched_at))
            .bind(millis_if_any(case.progress.revoked_at))
            .bind(millis_if_any(case.progress.detached_at))
            .bind(millis_if_any(case.progress.deletion_dispatched_at))
            .bind(millis_if_any(case.progress.deletion_requested_at))
            .bind(millis_if_any(case.progress.grace_ends_at))
            .bind(millis_if_any(case.progress.last_read_at))
            .bind(millis_if_any(case.progress.gone_at))
            .bind(millis_if_any(case.progress.reinvite_dispatched_at))
            .bind(record.reads_without_account)
            .bind(record.account_type.map(AccountType::as_str))
            .bind(sealed)
            .bind(millis_if_any(case.closed_at()))
            .bind(hashes.email.map(|hash| hash.0.to_vec()))
            .bind(hashes.person.map(|hash| hash.0.to_vec()))
            .bind(hashes.person_key.0.to_vec())
            .bind(record.version)
            .bind(code.0.to_vec())
            .bind(millis_if_any(case.erasure_deadline().map(|deadline| deadline.requested_at)))
            .bind(millis_if_any(case.erasure_deadline().map(|deadline| deadline.until)))
            .bind(case.id.to_string()))
    }

    /// The hashes of a case as they are to be stored.
    pub(super) fn row_hashes(&self, record: &CaseRecord) -> RowHashes {
        let CaseRecord { case, person, hashes, .. } = record;
        let (email, of_person) = self.hashes(&case.site, case.source.as_ref(), person);
        hashes.with(email, of_person)
    }
}

/// Reads a row with the columns of `cases` and the joined `sealed_key`.
pub(in crate::store) fn read_case(row: &Row, master: &MasterKey) -> Result<CaseRecord, StoreError> {
    let reader = RowReader { what: "case", row };
    let id: CaseId = reader.word("id")?;
    let name: StateName = reader.word("state")?;
    let case = Case {
        id,
        site: reader.word("site")?,
        source: reader.word_if_any("source")?,
        terms: reader.json("terms")?,
        demands: reader.json("demands")?,
        direction: reader.word("direction")?,
        effective_at: reader.at("effective_at")?,
        progress: Progress {
            revoke_dispatched_at: reader.at_if_any("revoke_dispatched_at")?,
            revoked_at: reader.at_if_any("revoked_at")?,
            detached_at: reader.at_if_any("detached_at")?,
            deletion_dispatched_at: reader.at_if_any("deletion_dispatched_at")?,
            deletion_requested_at: reader.at_if_any("deletion_requested_at")?,
            grace_ends_at: reader.at_if_any("grace_ends_at")?,
            last_read_at: reader.at_if_any("last_read_at")?,
            gone_at: reader.at_if_any("gone_at")?,
            reinvite_dispatched_at: reader.at_if_any("reinvite_dispatched_at")?,
        },
        approvals: reader.json("approvals")?,
        on_hold: row.try_get("on_hold")?,
        state: read_state(&reader, name)?,
        since: reader.at("since")?,
    };
    if let Some(why) = case.contradiction() {
        return Err(StoreError::inconsistent("case", id, why));
    }
    let opening = |source| StoreError::Sealed { what: "case", source };
    let key = reader
        .bytes_if_any("sealed_key")?
        .map(|sealed| CaseKey::unseal(master, id.as_bytes(), &sealed).map_err(opening))
        .transpose()?;
    let sealed = reader.bytes_if_any("sealed")?;
    let known = match (&key, &sealed) {
        (Some(key), Some(sealed)) => {
            let plain = key.open(id.as_bytes(), sealed).map_err(opening)?;
            serde_json::from_slice(&plain).map_err(|error| StoreError::inconsistent("case", id, error))?
        }
        _ => Known::default(),
    };
    let record = CaseRecord {
        case,
        opened_at: reader.at("opened_at")?,
        person: known.person,
        account: known.account,
        account_type: reader.word_if_any("account_type")?,
        reads_without_account: reader.count("reads_without_account")?,
        version: row.try_get("version")?,
        hashes: read_hashes(&reader, id)?,
        candidates: known.candidates,
        key,
    };
    let code = authenticate(&record, record.hashes, sealed.as_deref(), master);
    let is_open = reader.at_if_any("closed_at")?.is_none();
    let deadline = millis_if_any(record.case.erasure_deadline().map(|deadline| deadline.until));
    if millis_if_any(reader.at_if_any("erasure_deadline_at")?) != deadline {
        return Err(StoreError::Tampered { what: "case", id: id.to_string() });
    }
    if reader.bytes_if_any("code")?.as_deref() != Some(code.0.as_slice())
        || is_open == record.case.state.name().is_closed()
    {
        return Err(StoreError::Tampered { what: "case", id: id.to_string() });
    }
    Ok(record)
}

fn read_hashes(reader: &RowReader<'_>, id: CaseId) -> Result<RowHashes, StoreError> {
    let hash = |column: &str| {
        let bytes = reader.bytes_if_any(column)?;
        let hash = bytes.map(|bytes| bytes.try_into().map(KeyedHash)).transpose();
        hash.map_err(|_wrong_length| StoreError::inconsistent("case", id, format!("column `{column}`: no such hash")))
    };
    Ok(RowHashes {
        person_key: hash("person_key")?.ok_or_else(|| StoreError::inconsistent("case", id, "no person"))?,
        email: hash("email_hash")?,
        person: hash("person_hash")?,
    })
}

fn read_state(reader: &RowReader<'_>, name: StateName) -> Result<State, StoreError> {
    Ok(match name {
        StateName::Scheduled => State::Scheduled,
        StateName::Held => State::Held(reader.word("held")?),
        StateName::Revoking => State::Revoking,
        StateName::Revoked => State::Revoked,
        StateName::Deleting => State::Deleting,
        StateName::DeletionGrace => State::DeletionGrace,
        StateName::Erased => State::Erased,
        StateName::Restoring => State::Restoring,
        StateName::Restored => State::Restored,
        StateName::Cancelled => State::Cancelled,
        StateName::NoAccount => State::NoAccount,
        StateName::NeedsAttention => State::NeedsAttention(Attention {
            reason: reader.word("attention")?,
            detail: reader.text_if_any("attention_detail")?.unwrap_or_default(),
        }),
    })
}

pub(super) fn held(state: &State) -> Option<Hold> {
    if let State::Held(hold) = state { Some(*hold) } else { None }
}

pub(super) fn stuck(state: &State) -> Option<&Attention> {
    if let State::NeedsAttention(attention) = state { Some(attention) } else { None }
}

pub(in crate::store) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::inconsistent("value", "", error))
}
