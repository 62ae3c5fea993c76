//! Reads the facts of an item: who and when.

use super::date::{self, DateError, DateReader};
use super::description::Precision;
use super::item::Item;
use super::value::{is_bare, is_empty, text, without_prefix};
use crate::domain::event::Effective;
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::problem::{Kind, Unreadable};
use crate::sources::json_path::Location;

impl<'a> Item<'a> {
    pub(super) fn id(self, places: &[Location]) -> Result<Option<PersonId>, Unreadable> {
        let expected = Kind::PersonId;
        let Some((place, value)) = self.single(places, expected, is_empty)? else { return Ok(None) };
        let id = text(value).and_then(|id| PersonId::parse(without_prefix(&id, place)).ok());
        id.map(Some).ok_or_else(|| self.unreadable(places, expected))
    }

    /// The email address of the first location that has one. A login without an `@` is no address, and the next
    /// location is read. A text with an `@` that is invalid is an error: it was meant to be an address.
    pub(super) fn address(self, places: &[Location]) -> Result<Option<EmailAddress>, Unreadable> {
        let expected = Kind::Address;
        for place in places {
            let Some((place, value)) = self.single(std::slice::from_ref(place), expected, is_empty)? else { continue };
            let Some(text) = value.as_str() else { return Err(self.unreadable(places, expected)) };
            let text = without_prefix(text.trim(), place);
            if !text.contains('@') {
                continue;
            }
            return match EmailAddress::parse(text) {
                Ok(address) if is_bare(text) => Ok(Some(address)),
                Ok(_) | Err(_) => Err(self.unreadable(places, expected)),
            };
        }
        Ok(None)
    }

    /// An unreadable date never means "immediately", and a date that cannot be a last day is an error.
    pub(super) fn effective(self, places: &[Location]) -> Result<Effective, Unreadable> {
        let Some((_, value)) = self.single(places, Kind::Date, date::is_no_date)? else {
            return Ok(Effective::Immediately);
        };
        self.reading().effective(value).map_err(|why| {
            let expected = match why {
                DateError::NoDate(hint) => hint.unwrap_or(Kind::Date),
                DateError::OutOfRange => Kind::LastDay,
            };
            self.unreadable(places, expected)
        })
    }

    pub(super) fn occurred_at(self) -> Result<Option<jiff::Timestamp>, Unreadable> {
        let places = &self.mapping.occurred_at;
        let expected = Kind::Time;
        let Some((_, value)) = self.single(places, expected, date::is_no_date)? else { return Ok(None) };
        self.reading().instant(value).map_err(|_unreadable| self.unreadable(places, expected))
    }

    fn reading(self) -> DateReader<'a> {
        DateReader {
            formats: &self.mapping.date_format,
            zone: self.mapping.zone.as_ref(),
            is_day: self.mapping.effective_is == Precision::Day,
        }
    }
}
