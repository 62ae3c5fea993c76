//! What may be done to whom, derived from everything that was acknowledged.
//!
//! A second statement of the rules, written from their text and sharing no code with the product: no case, no queue, no
//! state. It says which call would be wrong; it does not say which call comes.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// The kinds of events that a history holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Departed,
    Cancelled,
    Returned,
    Erasure,
    Changed,
    Profile,
}

/// One event, as a source sends it.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) source: &'static str,
    pub(super) kind: Kind,
    pub(super) id: &'static str,
    pub(super) email: Option<&'static str>,
    pub(super) old: Option<&'static str>,
    pub(super) occurred: Timestamp,
    pub(super) effective: Timestamp,
}

/// What a source's policy does about a kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Revoke,
    RevokeThenDelete,
    Delete,
}

/// The policies of the histories: `hr` waits three days between revoke and deletion, `crm` only revokes.
const GRACE: SignedDuration = SignedDuration::from_hours(72);

impl Kind {
    const fn leaves(self) -> bool {
        matches!(self, Self::Departed | Self::Erasure)
    }

    const fn stops(self) -> bool {
        matches!(self, Self::Cancelled | Self::Returned)
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Departed => "departed",
            Self::Cancelled => "departure_cancelled",
            Self::Returned => "returned",
            Self::Erasure => "erasure_requested",
            Self::Changed => "email_changed",
            Self::Profile => "profile",
        }
    }
}

/// An event that counts: nothing newer was known when it arrived.
#[derive(Debug, Clone)]
struct Fact {
    event: Event,
    /// The address that it is about.
    about: Option<&'static str>,
    /// No address was known when it arrived: it is about whatever address its person turns out to have.
    unresolved: bool,
    /// The order of arrival.
    at: usize,
}

/// A source, and its id of a person.
pub(super) type PersonOfSource = (String, String);

/// An operator cancelled or resolved a case.
#[derive(Debug, Clone)]
pub(super) struct OperatorStop {
    pub(super) email: &'static str,
    /// The source of the case, and the id of its person.
    pub(super) person: Option<PersonOfSource>,
    pub(super) at: Timestamp,
    /// The order of arrival.
    pub(super) nth: usize,
}

/// Everything that was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Model {
    facts: Vec<Fact>,
    /// The present address of an id of a source, and when the source reported it.
    addresses: BTreeMap<(&'static str, &'static str), (&'static str, Timestamp)>,
    operator_stops: Vec<OperatorStop>,
    /// When an operator confirmed that the account of an address is to go all the same.
    confirmed: BTreeMap<&'static str, usize>,
    /// The address of each case that an operator holds, and its person.
    held: BTreeMap<&'static str, Option<PersonOfSource>>,
    arrived: usize,
}

impl Model {
    /// Takes an acknowledged event.
    pub(super) fn arrive(&mut self, event: &Event) {
        self.arrived += 1;
        let known = self.addresses.get(&(event.source, event.id)).map(|(email, _)| *email);
        let about = match event.kind {
            Kind::Changed => event.old.or_else(|| known.filter(|known| Some(*known) != event.email)),
            Kind::Departed | Kind::Cancelled | Kind::Returned | Kind::Erasure | Kind::Profile => event.email.or(known),
        };
        if event.kind != Kind::Profile && self.is_outdated(event, about) {
            return;
        }
        self.facts.push(Fact { event: event.clone(), about, unresolved: about.is_none(), at: self.arrived });
        if let Some(email) = event.email {
            let key = (event.source, event.id);
            if self.addresses.get(&key).is_none_or(|(_, as_of)| *as_of <= event.occurred) {
                self.addresses.insert(key, (email, event.occurred));
                for fact in &mut self.facts {
                    let same = (fact.event.source, fact.event.id) == key;
                    if same && fact.about.is_none() && fact.event.kind.leaves() {
                        fact.about = Some(email);
                    }
                }
            }
        }
    }

    /// The case of an address ended without an account at the site: the daemon deletes whose address it was.
    pub(super) fn expire(&mut self, email: &str) {
        self.addresses.retain(|_, (present, _)| *present != email);
    }

    fn is_outdated(&self, event: &Event, about: Option<&'static str>) -> bool {
        // What arrived without an address is known under the id alone.
        let of_address = |fact: &&Fact| about.is_some() && fact.about == about && !fact.unresolved;
        let of_person = |fact: &&Fact| fact.event.source == event.source && fact.event.id == event.id;
        let by_fact = self.facts.iter().any(|fact| {
            let known = &fact.event;
            let related = of_address(&fact) || (of_person(&fact) && event.kind != Kind::Changed);
            let counts = match event.kind {
                Kind::Changed => known.kind.stops() || known.kind == Kind::Changed,
                Kind::Departed | Kind::Cancelled | Kind::Returned | Kind::Erasure | Kind::Profile => {
                    known.kind.leaves() || known.kind.stops()
                }
            };
            let same = known.kind == event.kind && known.occurred == event.occurred;
            related && ((counts && known.occurred > event.occurred) || same)
        });
        let by_operator = self.operator_stops.iter().any(|stop| {
            let of_person = stop.person.as_ref().is_some_and(|(source, id)| source == event.source && id == event.id);
            (about == Some(stop.email) || (of_person && event.kind != Kind::Changed)) && event.occurred <= stop.at
        });
        by_fact || by_operator
    }

    pub(super) fn operator_stopped(&mut self, stop: OperatorStop) {
        self.arrived += 1;
        self.operator_stops.push(OperatorStop { nth: self.arrived, ..stop });
    }

    pub(super) fn operator_confirmed(&mut self, email: &'static str) {
        self.arrived += 1;
        self.confirmed.insert(email, self.arrived);
    }

    pub(super) fn hold(&mut self, email: &'static str, person: Option<PersonOfSource>) {
        self.held.insert(email, person);
    }

    /// A hold applies to the person: it ends with the release of any case of the address or of the id.
    pub(super) fn release(&mut self, email: &str, person: Option<&PersonOfSource>) {
        self.held.retain(|held, of| *held != email && (of.is_none() || of.as_ref() != person));
    }

    /// Why a revoke of this account at `now` would be wrong.
    pub(super) fn forbids_revoke(&self, email: &str, now: Timestamp) -> Option<&'static str> {
        self.forbids(email, now, |action, effective| match action {
            Action::Revoke | Action::RevokeThenDelete => Some(effective),
            Action::Delete => None,
        })
    }

    /// Why a deletion of this account at `now` would be wrong, where access was last revoked at `revoked_at`.
    pub(super) fn forbids_deletion(
        &self,
        email: &str,
        now: Timestamp,
        revoked_at: Option<Timestamp>,
    ) -> Option<&'static str> {
        self.forbids(email, now, |action, effective| match action {
            Action::Revoke => None,
            Action::RevokeThenDelete => revoked_at.map(|revoked_at| effective.max(revoked_at) + GRACE),
            Action::Delete => Some(effective),
        })
    }

    fn forbids(
        &self,
        email: &str,
        now: Timestamp,
        due: impl Fn(Action, Timestamp) -> Option<Timestamp>,
    ) -> Option<&'static str> {
        if self.held.contains_key(email) {
            return Some("an operator holds this person");
        }
        let live: Vec<_> = self.facts.iter().filter(|fact| self.is_live(fact, email, now)).collect();
        if live.is_empty() {
            return Some("nothing that counts demands it");
        }
        let dates = live.iter().filter_map(|fact| due(action(fact), fact.event.effective));
        match dates.min() {
            None => Some("nothing demands this call"),
            Some(at) if now < at => Some("it is too early"),
            Some(_) => None,
        }
    }

    /// Whether a person must be offboarded: a demand counts, its date has come, and no other source or operator interfered.
    pub(super) fn must_leave(&self, email: &str, now: Timestamp) -> bool {
        let of_address: Vec<_> = self.facts.iter().filter(|fact| fact.about == Some(email)).collect();
        let one_person = of_address.windows(2).all(|pair| match pair {
            [one, other] => (one.event.source, one.event.id) == (other.event.source, other.event.id),
            _ => true,
        });
        let no_interference = self.operator_stops.iter().all(|stop| stop.email != email)
            && !self.addresses.iter().any(|(_, (other, _))| *other == email && of_address.is_empty());
        let demanded = of_address.iter().any(|fact| {
            self.is_live(fact, email, now)
                && fact.event.effective <= now
                && !self.was_in_use_again(fact)
                && !self.was_anothers(fact)
        });
        one_person && no_interference && demanded && !self.held.contains_key(email)
    }

    /// Whether the person of a change of address had the former address again, by a newer report: it was outdated when
    /// it arrived, or was changed back. Another address by a mere record later does not demand the account again.
    fn was_in_use_again(&self, fact: &Fact) -> bool {
        fact.event.kind == Kind::Changed
            && self.facts.iter().any(|other| {
                (other.event.source, other.event.id) == (fact.event.source, fact.event.id)
                    && other.event.email == fact.about
                    && other.event.occurred > fact.event.occurred
            })
    }

    /// Whether the source gave the former address to another person at some time: then it may have been theirs on arrival.
    fn was_anothers(&self, fact: &Fact) -> bool {
        fact.event.kind == Kind::Changed
            && self.facts.iter().any(|other| {
                other.event.source == fact.event.source
                    && other.event.id != fact.event.id
                    && other.event.email == fact.about
            })
    }

    /// Whether a fact demands something of this account at `now`.
    fn is_live(&self, fact: &Fact, email: &str, now: Timestamp) -> bool {
        let demands = fact.event.kind.leaves() || fact.event.kind == Kind::Changed;
        demands
            && self.is_about(fact, email)
            && !self.is_replaced(fact)
            && !self.is_stopped(fact, email)
            && !self.is_somebodys_address(fact, email, now)
    }

    fn is_about(&self, fact: &Fact, email: &str) -> bool {
        let present = self.addresses.get(&(fact.event.source, fact.event.id)).map(|(email, _)| *email);
        fact.about == Some(email) || (fact.unresolved && fact.event.kind.leaves() && present == Some(email))
    }

    /// A source's newer departure of the same person replaces its older one; an erasure request is never replaced.
    fn is_replaced(&self, fact: &Fact) -> bool {
        fact.event.kind == Kind::Departed
            && self.facts.iter().any(|other| {
                other.event.kind == Kind::Departed
                    && (other.event.source, other.event.id) == (fact.event.source, fact.event.id)
                    && other.about == fact.about
                    && other.at > fact.at
            })
    }

    fn is_stopped(&self, fact: &Fact, email: &str) -> bool {
        let confirmed = self.confirmed.get(email).copied().unwrap_or_default();
        let by_source = self.facts.iter().any(|stop| {
            let names_address = stop.about == Some(email);
            let names_person =
                fact.event.kind.leaves() && (stop.event.source, stop.event.id) == (fact.event.source, fact.event.id);
            let is_newer = stop.at > fact.at && stop.event.occurred >= fact.event.occurred;
            let counts = stop.event.kind.stops() && is_newer && stop.at > confirmed;
            counts && (names_address || names_person)
        });
        let by_operator = self.operator_stops.iter().any(|stop| stop.email == email && stop.nth > fact.at);
        by_source || by_operator
    }

    /// Whether the source reports that a person who has not left has the address now, and no operator has decided since.
    fn is_somebodys_address(&self, fact: &Fact, email: &str, now: Timestamp) -> bool {
        let confirmed = self.confirmed.get(email).copied().unwrap_or_default();
        self.addresses.iter().any(|((source, id), (present, _))| {
            let reported = self
                .facts
                .iter()
                .filter(|other| (other.event.source, other.event.id) == (*source, *id))
                .filter(|other| other.event.email == Some(*present))
                .map(|other| other.at)
                .max()
                .unwrap_or_default();
            let own = *id == fact.event.id;
            // The operator confirmed whose the address is: that holds for what the same person demands later.
            let is_confirmed = reported <= confirmed && self.was_demanded_before(fact, email, confirmed);
            *source == fact.event.source
                && *present == email
                && !is_confirmed
                && (!own || fact.event.kind == Kind::Changed)
                && !self.has_left(source, id, now)
        })
    }

    /// Whether the person of a fact demanded something of this account before, which was not stopped since.
    fn was_demanded_before(&self, fact: &Fact, email: &str, at: usize) -> bool {
        self.facts.iter().any(|other| {
            (other.event.source, other.event.id) == (fact.event.source, fact.event.id)
                && (other.event.kind.leaves() || other.event.kind == Kind::Changed)
                && other.at <= at
                && self.is_about(other, email)
                && !self.is_stopped(other, email)
        })
    }

    fn has_left(&self, source: &str, id: &str, now: Timestamp) -> bool {
        let of_person = self.facts.iter().filter(|fact| (fact.event.source, fact.event.id) == (source, id));
        let newest = of_person
            .filter(|fact| fact.event.kind.leaves() || fact.event.kind.stops())
            .max_by_key(|fact| fact.event.occurred);
        newest.is_some_and(|fact| fact.event.kind.leaves() && fact.event.effective <= now)
    }
}

fn action(fact: &Fact) -> Action {
    match (fact.event.kind, fact.event.source) {
        (Kind::Erasure, _) => Action::Delete,
        (Kind::Departed, "hr") => Action::RevokeThenDelete,
        _ => Action::Revoke,
    }
}
