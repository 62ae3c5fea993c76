//! Cases: opened, moved, closed. [`Tx::happen`] is the only way in which a case changes: the rules are asked, the row, the
//! job that the new state wants and the journal entry are written in one transaction, and a case that closes is forgotten.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use tracing::instrument;

use super::row::{Reading, millis, millis_if_any};
use super::{HappenError, JobRow, Page, Store, StoreError, Tx};
use crate::clock;
use crate::domain::account::{AccountId, AccountType};
use crate::domain::case::{Attention, Case, Course, Deeds, Happening, Hold, State, StateName, Terms};
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::domain::person::Person;
use crate::proof::seal::{CaseKey, KeyedHash, MasterKey};

/// A case with what is known about its person.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// The case.
    pub case: Case,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The person, until the case has forgotten.
    pub person: Person,
    /// The account, as soon as it was found and until the case has forgotten.
    pub account: Option<KnownAccount>,
    /// The account's type, as soon as it was found.
    pub account_type: Option<AccountType>,
    /// How often the account was looked for in vain.
    pub looks: u32,
    key: Option<CaseKey>,
}

/// The account that a case is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAccount {
    /// Its id.
    pub id: AccountId,
    /// The same address also belongs to an account that is left alone.
    pub twin: bool,
}

/// A case to be opened.
#[derive(Debug)]
pub struct NewCase {
    /// Where.
    pub site: SiteName,
    /// Whose event it is; `None` for an operator's own request.
    pub source: Option<SourceName>,
    /// Whose case it is.
    pub person: Person,
    /// What is agreed.
    pub terms: Terms,
    /// Nothing is done before.
    pub effective_at: Timestamp,
}

/// What stands beside a happening in the journal.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// Who did it: the name of an admin token; `None` for the daemon itself.
    pub by: Option<String>,
    /// What an operator wrote. Sealed: it may name somebody.
    pub remark: Option<String>,
    /// Particulars without personal data.
    pub detail: Value,
}

impl Note {
    /// A note of particulars alone. They must hold no personal data.
    pub fn detail(detail: Value) -> Self {
        Self { detail, ..Self::default() }
    }
}

/// What a happening did.
#[derive(Debug, Clone)]
pub struct Happened {
    /// The case after it.
    pub dossier: Dossier,
    /// Where it stood before.
    pub from: StateName,
}

/// Which cases to list.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    /// In this state.
    pub state: Option<StateName>,
    /// Of this source.
    pub source: Option<SourceName>,
    /// Of this site.
    pub site: Option<SiteName>,
    /// Of whoever has one of these hashes: one address, on each of the sites asked.
    pub email_hashes: Option<Vec<KeyedHash>>,
    /// Only those that need a human, or only those that do not.
    pub attention: Option<bool>,
    /// After this one, from an earlier page.
    pub cursor: Option<CaseId>,
    /// At most so many.
    pub limit: usize,
}

/// What a case knows about its person, as it is sealed.
#[derive(Serialize, Deserialize)]
struct Known {
    person: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<KnownAccount>,
}

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
        let mut case = Case {
            id,
            site: new.site,
            source: new.source,
            terms: new.terms,
            course: Course::Leaving,
            effective_at: new.effective_at,
            deeds: Deeds::default(),
            approvals: Vec::new(),
            state: State::Scheduled,
            since: now,
        };
        case = match beginning {
            Some(state) => Case { state, ..case },
            None if case.job_wanted().is_some_and(|wanted| wanted.due_at <= now) => {
                case.apply(&Happening::Due, now).map_err(|refusal| StoreError::inconsistent("case", id, refusal))?
            }
            None => case,
        };
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
            "INSERT INTO cases (id, site, source, person_key, opened_at, state, since, held, terms, approvals, course,
                 effective_at, attention)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, '{}', '[]', 'leaving', 0, ?)",
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
        self.sync_job(&dossier.case, None, false, now);
        let mut note = note;
        set(&mut note.detail, "action", json!(dossier.case.terms.action));
        set(&mut note.detail, "effective_at", json!(dossier.case.effective_at));
        self.journal_case(&dossier, "opened", None, note, now).await?;
        Ok(dossier)
    }

    /// Lets something happen to a case: asks the rules, and writes the case, the job that it wants now and the journal
    /// entry. What the dossier has learned about person and account is written with it.
    #[instrument(name = "store.case.happen", skip_all, fields(case.id = %dossier.case.id, happening = happening.name()), err(level = "debug"))]
    pub async fn happen(
        &mut self,
        dossier: Dossier,
        happening: &Happening,
        note: Note,
        now: Timestamp,
    ) -> Result<Happened, HappenError> {
        let open = self.open_job(dossier.case.id).await?;
        self.happen_with(dossier, happening, note, open.as_ref(), now).await
    }

    /// [`Tx::happen`] for whoever knows which job the case has open.
    pub(super) async fn happen_with(
        &mut self,
        dossier: Dossier,
        happening: &Happening,
        note: Note,
        open: Option<&JobRow>,
        now: Timestamp,
    ) -> Result<Happened, HappenError> {
        let from = dossier.case.state.name();
        let case = dossier.case.apply(happening, now)?;
        if case == dossier.case && *happening == Happening::Due {
            return Ok(Happened { dossier, from });
        }
        let dossier = Dossier { case, ..dossier };
        self.write_case(&dossier)?;
        self.sync_job(&dossier.case, open, *happening == Happening::Retried, now);
        let moved = dossier.case.state.name() != from;
        if *happening != Happening::Due || moved {
            self.journal_case(&dossier, happening.name(), Some(from), note, now).await?;
        }
        let dossier = if dossier.case.state.name().is_closed() { self.forget(dossier) } else { dossier };
        Ok(Happened { dossier, from })
    }

    /// [`Tx::happen`] for whoever may come while a worker is at it: an event, or an operator. While the call that changes
    /// something is being made, everything that would move the case is too late.
    pub async fn interfere(
        &mut self,
        dossier: Dossier,
        happening: &Happening,
        note: Note,
        now: Timestamp,
    ) -> Result<Happened, HappenError> {
        let moves = !matches!(happening, Happening::Approved { .. } | Happening::Retried);
        if moves && self.is_dispatched(dossier.case.id).await? {
            return Err(HappenError::TooLate);
        }
        self.happen(dossier, happening, note, now).await
    }

    /// Writes down what was learned about the person or the account, without anything happening to the case.
    #[instrument(name = "store.case.learn", skip_all, fields(case.id = %dossier.case.id), err)]
    pub fn learn(&mut self, dossier: &Dossier) -> Result<(), StoreError> {
        self.write_case(dossier)
    }

    /// The case of this id.
    #[instrument(name = "store.case.find", skip_all, fields(case.id = %id), err)]
    pub async fn case(&mut self, id: CaseId) -> Result<Option<Dossier>, StoreError> {
        let row = self.statement(
            "SELECT c.*, k.sealed AS sealed_key FROM cases c LEFT JOIN case_keys k ON k.case_id = c.id WHERE c.id = ?",
        )
        .bind(id.to_string()).row().await?;
        row.map(|row| read_case(&row, &self.key)).transpose()
    }

    /// The open case of whoever has this address or, failing that, this person id.
    #[instrument(name = "store.case.find_open", skip_all, err)]
    pub async fn open_case_of(
        &mut self,
        site: &SiteName,
        email_hash: Option<KeyedHash>,
        person_hash: Option<KeyedHash>,
    ) -> Result<Option<Dossier>, StoreError> {
        let rows = self
            .statement(
                "SELECT c.*, k.sealed AS sealed_key FROM cases c LEFT JOIN case_keys k ON k.case_id = c.id
             WHERE c.site = ?1 AND c.closed_at IS NULL AND c.id IN (
                 SELECT id FROM cases WHERE email_hash = ?2 UNION SELECT id FROM cases WHERE person_hash = ?3)
             ORDER BY (c.email_hash IS ?2) DESC, c.id DESC LIMIT 1",
            )
            .bind(site.as_str())
            .bind(email_hash.map(|hash| hash.0.to_vec()))
            .bind(person_hash.map(|hash| hash.0.to_vec()))
            .row()
            .await?;
        rows.map(|row| read_case(&row, &self.key)).transpose()
    }

    fn write_case(&mut self, dossier: &Dossier) -> Result<(), StoreError> {
        let case = &dossier.case;
        let (email_hash, person_hash) = self.hashes(&case.site, case.source.as_ref(), &dossier.person);
        let known = Known { person: dossier.person.clone(), account: dossier.account.clone() };
        let sealed = match &dossier.key {
            Some(key) => Some(key.seal(case.id.as_bytes(), to_json(&known)?.as_bytes())),
            None => None,
        };
        self.statement(
            "UPDATE cases SET state = ?, since = ?, held = ?, attention = ?, attention_detail = ?, terms = ?, approvals = ?,
                 course = ?, effective_at = ?, revoke_asked_at = ?, revoked_at = ?, detached_at = ?, deletion_asked_at = ?,
                 deletion_requested_at = ?, grace_ends_at = ?, last_look_at = ?, gone_at = ?, looks = ?, account_type = ?, sealed = ?,
                 closed_at = ?, email_hash = COALESCE(?, email_hash), person_hash = COALESCE(?, person_hash),
                 person_key = COALESCE(?, person_key)
             WHERE id = ?",
        )
        .bind(case.state.name().as_str())
        .bind(millis(case.since))
        .bind(held(&case.state).map(Hold::as_str))
        .bind(stuck(&case.state).map(|attention| attention.reason.as_str()))
        .bind(stuck(&case.state).map(|attention| attention.detail.as_str()))
        .bind(to_json(&case.terms)?)
        .bind(to_json(&case.approvals)?)
        .bind(case.course.as_str())
        .bind(millis(case.effective_at))
        .bind(millis_if_any(case.deeds.revoke_asked_at))
        .bind(millis_if_any(case.deeds.revoked_at))
        .bind(millis_if_any(case.deeds.detached_at))
        .bind(millis_if_any(case.deeds.deletion_asked_at))
        .bind(millis_if_any(case.deeds.deletion_requested_at))
        .bind(millis_if_any(case.deeds.grace_ends_at))
        .bind(millis_if_any(case.deeds.last_look_at))
        .bind(millis_if_any(case.deeds.gone_at))
        .bind(dossier.looks)
        .bind(dossier.account_type.map(AccountType::as_str))
        .bind(sealed)
        .bind(millis_if_any(case.closed_at()))
        .bind(email_hash.map(|hash| hash.0.to_vec()))
        .bind(person_hash.map(|hash| hash.0.to_vec()))
        .bind(email_hash.map(|hash| hash.0.to_vec()))
        .bind(case.id.to_string()).later();
        Ok(())
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
            self.statement("DELETE FROM people WHERE email_hash = (SELECT email_hash FROM cases WHERE id = ?1)")
                .bind(&id)
                .later();
        }
        Dossier { person: Person::default(), account: None, key: None, ..dossier }
    }
}

impl Store {
    /// The case of this id.
    #[instrument(name = "store.case.show", skip_all, fields(case.id = %id), err)]
    pub async fn case(&self, id: CaseId) -> Result<Option<Dossier>, StoreError> {
        let row = sqlx::query(
            "SELECT c.*, k.sealed AS sealed_key FROM cases c LEFT JOIN case_keys k ON k.case_id = c.id WHERE c.id = ?",
        )
        .bind(id.to_string())
        .fetch_optional(&self.reader)
        .await?;
        row.map(|row| read_case(&row, &self.key)).transpose()
    }

    /// Cases, newest first.
    #[instrument(name = "store.case.list", skip_all, err)]
    pub async fn cases(&self, filter: &CaseFilter) -> Result<Page<Dossier>, StoreError> {
        let hashes = filter
            .email_hashes
            .as_ref()
            .map(|hashes| to_json(&hashes.iter().map(|hash| hex::encode_upper(hash.0)).collect::<Vec<_>>()))
            .transpose()?;
        let rows = sqlx::query(
            "SELECT c.*, k.sealed AS sealed_key FROM cases c LEFT JOIN case_keys k ON k.case_id = c.id
             WHERE (?1 IS NULL OR c.state = ?1) AND (?2 IS NULL OR c.source = ?2) AND (?3 IS NULL OR c.site = ?3)
               AND (?4 IS NULL OR hex(c.email_hash) IN (SELECT value FROM json_each(?4)))
               AND (?5 IS NULL OR (c.state IN ('needs_attention', 'restoring')) = ?5)
               AND (?6 IS NULL OR c.id < ?6)
             ORDER BY c.id DESC LIMIT ?7",
        )
        .bind(filter.state.map(StateName::as_str))
        .bind(filter.source.as_ref().map(SourceName::as_str))
        .bind(filter.site.as_ref().map(SiteName::as_str))
        .bind(hashes)
        .bind(filter.attention)
        .bind(filter.cursor.map(|id| id.to_string()))
        .bind(i64::try_from(filter.limit.saturating_add(1)).unwrap_or(i64::MAX))
        .fetch_all(&self.reader)
        .await?;
        let dossiers: Result<Vec<_>, _> = rows.iter().map(|row| read_case(row, &self.key)).collect();
        Ok(Page::of(dossiers?, filter.limit, |dossier| dossier.case.id.to_string()))
    }

    /// The cases that wait for this, oldest first.
    #[instrument(name = "store.case.held", skip_all, err)]
    pub async fn held_cases(
        &self,
        hold: Hold,
        source: Option<&SourceName>,
        site: Option<&SiteName>,
    ) -> Result<Vec<CaseId>, StoreError> {
        let rows = sqlx::query(
            "SELECT id FROM cases WHERE state = 'held' AND held = ?1 AND (?2 IS NULL OR source = ?2)
               AND (?3 IS NULL OR site = ?3) ORDER BY id",
        )
        .bind(hold.as_str())
        .bind(source.map(SourceName::as_str))
        .bind(site.map(SiteName::as_str))
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Reading { what: "case", row }.word("id")).collect()
    }

    /// How many cases stand in each state on each site.
    #[instrument(name = "store.case.count", skip_all, err)]
    pub async fn count_cases(&self) -> Result<Vec<(SiteName, StateName, u64)>, StoreError> {
        let rows = sqlx::query("SELECT site AS id, site, state, COUNT(*) AS count FROM cases GROUP BY site, state")
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                let reading = Reading { what: "case", row };
                Ok((reading.word("site")?, reading.word("state")?, reading.count("count")?.into()))
            })
            .collect()
    }
}

impl Dossier {
    /// This case as the database has it now, with what an attempt learned about its person and account meanwhile.
    pub(super) fn with_what_was_learned(self, learned: &Self) -> Self {
        Self {
            person: learned.person.clone(),
            account: learned.account.clone(),
            account_type: learned.account_type,
            looks: learned.looks,
            ..self
        }
    }

    /// Opens what an operator wrote beside the journal entry `seq`.
    pub(super) fn remark(&self, seq: i64, sealed: &[u8]) -> Option<String> {
        let plain = self.key.as_ref()?.open(&seq.to_be_bytes(), sealed).ok()?;
        String::from_utf8(plain).ok()
    }
}

pub(super) fn read_case(row: &SqliteRow, master: &MasterKey) -> Result<Dossier, StoreError> {
    let reading = Reading { what: "case", row };
    let id: CaseId = reading.word("id")?;
    let name: StateName = reading.word("state")?;
    let case = Case {
        id,
        site: reading.word("site")?,
        source: reading.word_if_any("source")?,
        terms: reading.json("terms")?,
        course: reading.word("course")?,
        effective_at: reading.at("effective_at")?,
        deeds: Deeds {
            revoke_asked_at: reading.at_if_any("revoke_asked_at")?,
            revoked_at: reading.at_if_any("revoked_at")?,
            detached_at: reading.at_if_any("detached_at")?,
            deletion_asked_at: reading.at_if_any("deletion_asked_at")?,
            deletion_requested_at: reading.at_if_any("deletion_requested_at")?,
            grace_ends_at: reading.at_if_any("grace_ends_at")?,
            last_look_at: reading.at_if_any("last_look_at")?,
            gone_at: reading.at_if_any("gone_at")?,
        },
        approvals: reading.json("approvals")?,
        state: read_state(&reading, name)?,
        since: reading.at("since")?,
    };
    if let Some(why) = case.contradiction() {
        return Err(StoreError::inconsistent("case", id, why));
    }
    let opening = |source| StoreError::Sealed { what: "case", source };
    let key = reading
        .bytes_if_any("sealed_key")?
        .map(|sealed| CaseKey::unseal(master, id.as_bytes(), &sealed).map_err(opening))
        .transpose()?;
    let known = match (&key, reading.bytes_if_any("sealed")?) {
        (Some(key), Some(sealed)) => {
            let plain = key.open(id.as_bytes(), &sealed).map_err(opening)?;
            serde_json::from_slice(&plain).map_err(|error| StoreError::inconsistent("case", id, error))?
        }
        _ => Known { person: Person::default(), account: None },
    };
    Ok(Dossier {
        case,
        opened_at: reading.at("opened_at")?,
        person: known.person,
        account: known.account,
        account_type: reading.word_if_any("account_type")?,
        looks: reading.count("looks")?,
        key,
    })
}

fn read_state(reading: &Reading<'_>, name: StateName) -> Result<State, StoreError> {
    Ok(match name {
        StateName::Scheduled => State::Scheduled,
        StateName::Held => State::Held(reading.word("held")?),
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
            reason: reading.word("attention")?,
            detail: reading.text_if_any("attention_detail")?.unwrap_or_default(),
        }),
    })
}

fn held(state: &State) -> Option<Hold> {
    if let State::Held(hold) = state { Some(*hold) } else { None }
}

fn stuck(state: &State) -> Option<&Attention> {
    if let State::NeedsAttention(attention) = state { Some(attention) } else { None }
}

fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::inconsistent("value", "", error))
}

fn set(detail: &mut Value, key: &str, value: Value) {
    if !detail.is_object() {
        *detail = json!({});
    }
    if let Some(object) = detail.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}
