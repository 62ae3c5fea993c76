//! Builds the event of a classified item.

use super::because::{Because, Lack};
use super::classification::Classification;
use super::item::Item;
use super::value::{is_empty, presentable, text, word};
use crate::domain::event::{Company, Effective, Event, EventType};
use crate::domain::person::{EmailAddress, Person, canonical_domain};
use crate::domain::problem::{Kind, Unreadable};

impl Item<'_> {
    /// The event of this item.
    pub(super) fn read(self) -> Result<Event, Unreadable> {
        self.event_of(&self.classify()?)
    }

    /// The same, with its reason.
    pub(super) fn explain(self) -> (Result<Event, Unreadable>, Option<Because>) {
        match self.classify() {
            Ok(found) => {
                let event = self.event_of(&found);
                let less = event.as_ref().is_ok_and(|event| event.event_type != found.event_type);
                let lacks = match found.event_type {
                    EventType::Profile if less => Some(Lack::IdOrAddress),
                    EventType::EmailChanged if less => Some(Lack::AnotherAddress),
                    EventType::Departed
                    | EventType::DepartureCancelled
                    | EventType::Returned
                    | EventType::EmailChanged
                    | EventType::ErasureRequested
                    | EventType::CompanyDeparted
                    | EventType::Profile
                    | EventType::Ignored => None,
                };
                let matched = found.matched_by.to_match();
                (event, Some(Because { matched, event: found.event_type, lacks }))
            }
            Err(unreadable) => (Err(unreadable), None),
        }
    }

    /// The vendor's word of an ignored item; `None` for other items, and for items without a word.
    pub(super) fn ignored_word(self) -> Option<String> {
        if self.classify().ok()?.event_type != EventType::Ignored {
            return None;
        }
        let mut words =
            self.mapping.words.iter().flat_map(|place| self.query(place).into_iter().map(move |v| (place, v)));
        words.find_map(|(place, value)| word(value, place)).map(|word| presentable(&word))
    }

    fn event_of(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        match found.event_type {
            EventType::Ignored => Ok(ignored()),
            EventType::CompanyDeparted => self.company_departed(found),
            EventType::Profile => self.profile(found),
            EventType::EmailChanged => self.email_changed(found),
            EventType::DepartureCancelled | EventType::Returned => self.stop(found),
            EventType::Departed | EventType::ErasureRequested => {
                let person = self.identified_person(found)?;
                self.event(found, person, None)
            }
        }
    }

    /// A company without a domain and without an organization cannot be identified.
    fn company_departed(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        let (domains, organizations) = (&self.mapping.company_domain, &self.mapping.company_organization);
        let expected = Kind::Company;
        let domain = self.single(domains, expected, is_empty)?.and_then(|(_, value)| text(value));
        let organization = self.single(organizations, expected, is_empty)?.and_then(|(_, value)| text(value));
        let company = match (domain, organization) {
            (Some(domain), None) => {
                let domain = canonical_domain(domain.trim().trim_start_matches('@'));
                Company::Domain(domain.map_err(|_invalid| self.unreadable(domains, Kind::Domain))?)
            }
            (None, Some(organization)) => Company::Organization(organization.trim().to_owned()),
            (Some(_), Some(_)) => {
                return Err(self.unreadable(&[domains.as_slice(), organizations].concat(), Kind::OneCompany));
            }
            (None, None) => return Err(self.unreadable(&[domains.as_slice(), organizations].concat(), expected)),
        };
        Ok(Event {
            event_type: EventType::CompanyDeparted,
            person: Person::default(),
            old_email: None,
            effective: self.effective(found.effective_at)?,
            occurred_at: self.occurred_at()?,
            company: Some(company),
        })
    }

    /// A profile without both id and email address has no effect.
    fn profile(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        let person = self.person(found)?;
        if person.id.is_none() || person.email.is_none() {
            return Ok(ignored());
        }
        let occurred_at = self.occurred_at()?;
        Ok(Event {
            event_type: EventType::Profile,
            person,
            old_email: None,
            effective: Effective::Immediately,
            occurred_at,
            company: None,
        })
    }

    /// The account of the old address may be revoked, so it must not equal the new one: a change of case is no change.
    fn email_changed(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        let person = self.identified_person(found)?;
        let old_email = self.address(found.old_email)?;
        if old_email.is_some() && old_email == person.email {
            return self.profile(found);
        }
        if old_email.is_none() && person.id.is_none() {
            return Err(self.unreadable(found.old_email, Kind::OldAddress));
        }
        self.event(found, person, old_email)
    }

    fn event(
        self,
        found: &Classification<'_>,
        person: Person,
        old_email: Option<EmailAddress>,
    ) -> Result<Event, Unreadable> {
        Ok(Event {
            event_type: found.event_type,
            person,
            old_email,
            effective: self.effective(found.effective_at)?,
            occurred_at: self.occurred_at()?,
            company: None,
        })
    }

    /// A stop is valid despite an unreadable date or address, as long as the id identifies the person.
    fn stop(self, found: &Classification<'_>) -> Result<Event, Unreadable> {
        let person = match (self.id(found.person_id), self.identified_person(found)) {
            (Ok(Some(id)), Err(_)) => Person { id: Some(id), email: None },
            (_, person) => person?,
        };
        Ok(Event {
            event_type: found.event_type,
            person,
            old_email: None,
            effective: self.effective(found.effective_at).unwrap_or_default(),
            occurred_at: self.occurred_at()?,
            company: None,
        })
    }

    fn person(self, found: &Classification<'_>) -> Result<Person, Unreadable> {
        Ok(Person { id: self.id(found.person_id)?, email: self.address(found.email)? })
    }

    fn identified_person(self, found: &Classification<'_>) -> Result<Person, Unreadable> {
        let person = self.person(found)?;
        if person.id.is_none() && person.email.is_none() {
            let is_login = found.email.iter().flat_map(|place| self.query(place)).any(|value| !is_empty(value));
            return Err(if is_login {
                self.unreadable(found.email, Kind::Address)
            } else {
                self.unreadable(&[found.person_id, found.email].concat(), Kind::IdOrAddress)
            });
        }
        Ok(person)
    }
}

fn ignored() -> Event {
    Event {
        event_type: EventType::Ignored,
        person: Person::default(),
        old_email: None,
        effective: Effective::Immediately,
        occurred_at: None,
        company: None,
    }
}
