//! The secrets of the periods, in a file beside the database.
//!
//! They are a place of their own for what opens the keys of cases: the database and its backups are sealed with them, and do not
//! hold them. A period lasts a quarter of `store.keep_backups`. When its secret is deleted, nothing that was sealed in that period
//! opens any more, in no backup. Before that, everything that is still needed is sealed again (see [`super::reseal`]).
//!
//! The file has a line for each period: its number, when it began in milliseconds, and its secret in hexadecimal.

use std::io::ErrorKind;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::files::file_error;
use super::private_file::{self, require_private};
use super::row::millis;
use crate::clock;
use crate::proof::ring::Period;

/// The number of periods in the time for which backups are kept.
const PERIODS: i32 = 4;

/// Reads the periods, or begins the first one. `sealed`: data is sealed with an existing one, so that a new one is useless.
pub(super) fn read_or_make(path: &Path, sealed: bool) -> Result<Vec<Period>, StoreError> {
    match std::fs::File::open(path) {
        Ok(file) => {
            require_private(&file).map_err(|source| file_error(path, source))?;
            read(path)
        }
        Err(error) if error.kind() == ErrorKind::NotFound && sealed => {
            Err(StoreError::KeyLost { path: path.display().to_string() })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // When it began is not known here: the first turn writes it.
            let first = vec![Period::new(1, 0, clock::random())];
            private_file::create(path, &text(&first)).map_err(|source| file_error(path, source))?;
            Ok(first)
        }
        Err(source) => Err(file_error(path, source)),
    }
}

/// Reads the periods.
pub(super) fn read(path: &Path) -> Result<Vec<Period>, StoreError> {
    let failed = |source| file_error(path, source);
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let periods: Option<Vec<_>> = text.lines().map(parse).collect();
    let wrong = || failed(std::io::Error::other("it does not hold the periods that offboardd wrote"));
    periods.filter(|periods| !periods.is_empty()).ok_or_else(wrong)
}

pub(super) fn write(path: &Path, periods: &[Period]) -> Result<(), StoreError> {
    private_file::replace(path, &text(periods)).map_err(|source| file_error(path, source))
}

/// The periods after the present one ended, if that is due.
pub(super) fn turned(periods: &[Period], keep_backups: SignedDuration, now: Timestamp) -> Option<Vec<Period>> {
    let newest = periods.last()?;
    if newest.since == 0 {
        let mut periods = periods.to_vec();
        if let Some(newest) = periods.last_mut() {
            newest.since = millis(now);
        }
        return Some(periods);
    }
    let length = keep_backups.checked_div(PERIODS)?;
    let since = Timestamp::from_millisecond(newest.since).ok()?;
    if now.duration_since(since) < length {
        return None;
    }
    let next = Period::new(newest.id.checked_add(1)?, millis(now), clock::random());
    Some(periods.iter().copied().chain([next]).collect())
}

/// The periods that a backup which is still kept may need.
pub(super) fn needed(periods: &[Period], keep_backups: SignedDuration, now: Timestamp) -> Vec<Period> {
    let from = millis(now.saturating_sub(keep_backups).unwrap_or(Timestamp::MIN));
    let ends = periods.iter().skip(1).map(|next| Some(next.since)).chain([None]);
    let kept = periods.iter().zip(ends).filter(|(_, end)| end.is_none_or(|end| end > from));
    kept.map(|(period, _)| *period).collect()
}

/// The periods of two files: a backup of the file knows periods that the other one lost.
pub(super) fn merged(ours: &[Period], theirs: &[Period]) -> Vec<Period> {
    let mut all = ours.to_vec();
    all.extend(theirs.iter().filter(|period| ours.iter().all(|our| our.id != period.id)));
    all.sort_by_key(|period| period.id);
    all
}

fn parse(line: &str) -> Option<Period> {
    let mut words = line.split(' ');
    let (id, since) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let mut secret = [0; 32];
    hex::decode_to_slice(words.next()?, &mut secret).ok()?;
    Some(Period::new(id, since, secret))
}

fn text(periods: &[Period]) -> String {
    let line = |Period { id, since, secret }: &Period| format!("{id} {since} {}\n", hex::encode(secret));
    periods.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()
    }

    #[test]
    fn backup_opens_for_as_long_as_it_is_kept_and_for_a_quarter_longer_at_most() {
        let keep = SignedDuration::from_hours(40 * 24);
        let mut periods = vec![Period::new(1, 0, [1; 32])];
        // The period with which a backup of each day is sealed.
        let mut backups = Vec::new();
        for today in 0..200 {
            if let Some(turned) = turned(&periods, keep, day(today)) {
                periods = turned;
            }
            periods = needed(&periods, keep, day(today));
            backups.push(periods.last().unwrap().id);
            for (made, id) in (0_i64..).zip(&backups) {
                let opens = periods.iter().any(|period| period.id == *id);
                assert!(opens || today - made >= 40, "the backup of day {made} does not open on day {today}");
                assert!(!opens || today - made <= 51, "the backup of day {made} opens on day {today}");
            }
        }
        assert!(periods.len() <= 6, "{}", periods.len());
    }

    #[test]
    fn periods_are_read_as_written_and_a_lost_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db.keys");
        assert!(matches!(read_or_make(&path, true), Err(StoreError::KeyLost { .. })));
        let first = read_or_make(&path, false).unwrap();
        assert_eq!((first.len(), read_or_make(&path, true).unwrap()), (1, first.clone()));
        let two = [first[0], Period::new(2, 5, [9; 32])];
        write(&path, &two).unwrap();
        assert_eq!(read(&path).unwrap(), two);
        assert_eq!(merged(&two[1..], &first), two);
        std::fs::write(&path, "1 0 abc\n").unwrap();
        assert!(matches!(read_or_make(&path, true), Err(StoreError::File { .. })));
    }
}
