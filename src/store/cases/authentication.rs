//! The authentication code of a case's row: without the key, a change of the terms, the approvals, the dates, the hold or
//! the person of a case in the database file is detected. The code covers the version, which the newest entry of the journal
//! about the case states: an earlier version of a row, with its own code, is detected as well.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{CaseRecord, RowHashes};
use crate::domain::case::{Progress, State};
use crate::proof::seal::{KeyedHash, MasterKey};
use crate::store::row::{millis, millis_if_any};

/// The code of a row. `hashes` are those of the row, and `sealed` is the personal data as it is stored.
pub(super) fn authenticate(
    record: &CaseRecord,
    hashes: RowHashes,
    sealed: Option<&[u8]>,
    key: &MasterKey,
) -> KeyedHash {
    let CaseRecord { case, opened_at, account_type, reads_without_account, version, .. } = record;
    let RowHashes { person_key, email, person } = hashes;
    let hashes = [Some(person_key), email, person].map(|hash| hash.map(|hash| hex::encode(hash.0)));
    // Field by field, so that the compiler reports a new one that the code does not cover.
    let Progress {
        revoke_dispatched_at,
        revoked_at,
        detached_at,
        deletion_dispatched_at,
        deletion_requested_at,
        grace_ends_at,
        last_read_at,
        gone_at,
        reinvite_dispatched_at,
    } = case.progress;
    let dates = [
        revoke_dispatched_at,
        revoked_at,
        detached_at,
        deletion_dispatched_at,
        deletion_requested_at,
        grace_ends_at,
        last_read_at,
        gone_at,
        reinvite_dispatched_at,
    ];
    // An array in JSON, so that no value can be taken for a part of another.
    let row = json!([
        case.id,
        case.site,
        case.source,
        millis(*opened_at),
        case.state.name(),
        millis(case.since),
        if let State::Held(hold) = case.state { Some(hold) } else { None },
        case.attention().map(|attention| (attention.reason, attention.detail)),
        case.terms,
        case.demands,
        case.approvals,
        case.on_hold,
        case.direction,
        millis(case.effective_at),
        dates.map(millis_if_any),
        reads_without_account,
        account_type,
        sealed.map(|sealed| hex::encode(Sha256::digest(sealed))),
        version,
        hashes,
    ]);
    key.authenticate_row("case", &row.to_string())
}
