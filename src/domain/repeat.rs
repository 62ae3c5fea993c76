//! Whether a body that arrived before states the same fact again or a new one.
//!
//! A flat body without a time is identical when the same person leaves a second time. It is a duplicate only until another
//! event about that person takes effect. After that it is a new event if a signed time proves it. Without one it may be a
//! recording that an attacker sends again, and a human decides.

use jiff::Timestamp;

/// The newest earlier delivery of the same body about the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierCopy {
    /// When another event about the person took effect, by the vendor's clock where the vendor signs a time.
    pub superseded_at: Option<Timestamp>,
    /// Until when a copy is a duplicate if no other event takes effect.
    pub duplicate_until: Timestamp,
}

/// What a repeated body is for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    /// Not repeated, or proven to be new.
    New,
    /// The same fact again, without effect.
    Duplicate,
    /// Another event took effect since, and nothing proves that the body is new.
    Unproven,
}

/// Judges a body received at `received_at` and signed at `signed_at` after the copy `earlier`.
pub fn judge(earlier: Option<EarlierCopy>, signed_at: Option<Timestamp>, received_at: Timestamp) -> Repetition {
    match earlier {
        Some(EarlierCopy { superseded_at: None, duplicate_until }) if received_at < duplicate_until => {
            Repetition::Duplicate
        }
        None | Some(EarlierCopy { superseded_at: None, .. }) => Repetition::New,
        Some(EarlierCopy { superseded_at: Some(superseded_at), .. }) => {
            let proven = signed_at.is_some_and(|signed_at| signed_at > superseded_at);
            if proven { Repetition::New } else { Repetition::Unproven }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn unsuperseded_copy_is_duplicate_inside_its_window_only() {
        let earlier = Some(EarlierCopy { superseded_at: None, duplicate_until: at(100) });
        assert_eq!(judge(earlier, None, at(99)), Repetition::Duplicate);
        assert_eq!(judge(earlier, Some(at(99)), at(99)), Repetition::Duplicate);
        assert_eq!(judge(earlier, None, at(100)), Repetition::New);
        assert_eq!(judge(None, None, at(0)), Repetition::New);
    }

    #[test]
    fn superseded_copy_is_new_only_with_a_later_signed_time() {
        let earlier = Some(EarlierCopy { superseded_at: Some(at(50)), duplicate_until: at(100) });
        for (signed_at, expected) in [
            (None, Repetition::Unproven),
            (Some(at(10)), Repetition::Unproven),
            (Some(at(50)), Repetition::Unproven),
            (Some(at(51)), Repetition::New),
        ] {
            assert_eq!(judge(earlier, signed_at, at(60)), expected, "{signed_at:?}");
            assert_eq!(judge(earlier, signed_at, at(1000)), expected, "after the window, {signed_at:?}");
        }
    }
}
