//! One-time links to the confirm page of a case.
//!
//! A link approves nothing by itself. It opens the page `/cases/{id}/approve?for=STAGE&link=TOKEN` of the console, which requires a
//! session: an operator who is signed in decides there to approve the action or to hold the case, by the role of the own
//! token. The link is authenticated under the store's key, expires, and is used up by the decision, in its transaction.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::domain::case::Stage;
use crate::domain::ids::CaseId;
use crate::proof::seal::MasterKey;

/// How long a link can be used.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 7);

const NONCE: usize = 16;
const MAC: usize = 32;
/// Case, stage, expiry, nonce.
const CONTENT: usize = 16 + 1 + 8 + NONCE;

/// What a link opens: the decision about one action of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmLink {
    pub case_id: CaseId,
    /// The action that waits for an approval.
    pub stage: Stage,
    pub expires_at: Timestamp,
    /// Identifies the link when it is used.
    pub nonce: [u8; NONCE],
}

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("this link is not valid: open the case in the console")]
    Invalid,
    #[error("this link has expired: open the case in the console")]
    Expired,
    #[error("this link was used before: open the case in the console")]
    Used,
}

impl ConfirmLink {
    /// The link that a notice carries for a case. Each attempt to send the notice carries the same link.
    pub fn of_notice(
        key: &MasterKey,
        notice_id: &str,
        (case_id, stage): (CaseId, Stage),
        notified_at: Timestamp,
    ) -> Self {
        let hash =
            key.authenticate_link(&[notice_id.as_bytes(), case_id.as_bytes(), stage.as_str().as_bytes()].concat());
        let mut nonce = [0; NONCE];
        nonce.iter_mut().zip(hash.0).for_each(|(to, from)| *to = from);
        let expires_at = notified_at.saturating_add(LIFETIME).unwrap_or(notified_at);
        Self { case_id, stage, expires_at, nonce }
    }

    /// The value of `link` in the URL.
    pub fn token(&self, key: &MasterKey) -> String {
        let content = self.content();
        URL_SAFE_NO_PAD.encode([content.as_slice(), &key.authenticate_link(&content).0].concat())
    }

    /// Reads a link without using it.
    pub fn verify(key: &MasterKey, token: &str, now: Timestamp) -> Result<Self, LinkError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_other_text| LinkError::Invalid)?;
        let (content, mac) =
            bytes.split_at_checked(CONTENT).filter(|(_, mac)| mac.len() == MAC).ok_or(LinkError::Invalid)?;
        if !bool::from(key.authenticate_link(content).0.as_slice().ct_eq(mac)) {
            return Err(LinkError::Invalid);
        }
        let link = Self::read(content).ok_or(LinkError::Invalid)?;
        if link.expires_at <= now { Err(LinkError::Expired) } else { Ok(link) }
    }

    /// The same, for the decision that the link must be about. Without an action it is the decision to hold the case.
    pub fn verify_for(
        key: &MasterKey,
        token: &str,
        (case_id, stage): (CaseId, Option<Stage>),
        now: Timestamp,
    ) -> Result<Self, LinkError> {
        let link = Self::verify(key, token, now)?;
        let is_about = link.case_id == case_id && stage.is_none_or(|stage| stage == link.stage);
        if is_about { Ok(link) } else { Err(LinkError::Invalid) }
    }

    fn content(&self) -> Vec<u8> {
        let stage = u8::from(self.stage == Stage::Delete);
        let expires_at = self.expires_at.as_millisecond().to_be_bytes();
        [self.case_id.as_bytes().as_slice(), &[stage], &expires_at, &self.nonce].concat()
    }

    fn read(content: &[u8]) -> Option<Self> {
        let (case_id, rest) = content.split_first_chunk::<16>()?;
        let ([stage], rest) = rest.split_first_chunk::<1>()?;
        let (expires_at, rest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            case_id: CaseId::from(Uuid::from_bytes(*case_id)),
            stage: if *stage == 0 { Stage::Revoke } else { Stage::Delete },
            expires_at: Timestamp::from_millisecond(i64::from_be_bytes(*expires_at)).ok()?,
            nonce: rest.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_opens_one_decision_about_one_case_until_it_expires() {
        let (key, _) = MasterKey::generate(&[7; 32]);
        let now = Timestamp::UNIX_EPOCH;
        let (case_id, other) = (CaseId::from(Uuid::from_u128(42)), CaseId::from(Uuid::from_u128(43)));
        let link = ConfirmLink::of_notice(&key, "notice", (case_id, Stage::Delete), now);
        let token = link.token(&key);
        assert_eq!(link, ConfirmLink::of_notice(&key, "notice", (case_id, Stage::Delete), now));
        assert_eq!(ConfirmLink::verify(&key, &token, now), Ok(link));
        for (id, stage, expected) in [
            (case_id, Some(Stage::Delete), Ok(link)),
            (case_id, None, Ok(link)),
            (case_id, Some(Stage::Revoke), Err(LinkError::Invalid)),
            (other, Some(Stage::Delete), Err(LinkError::Invalid)),
            (other, None, Err(LinkError::Invalid)),
        ] {
            assert_eq!(ConfirmLink::verify_for(&key, &token, (id, stage), now), expected, "{id}: {stage:?}");
        }
        assert_eq!(ConfirmLink::verify(&key, &token, now + LIFETIME), Err(LinkError::Expired));
    }

    #[test]
    fn altered_link_is_invalid() {
        let (key, _) = MasterKey::generate(&[7; 32]);
        let now = Timestamp::UNIX_EPOCH;
        let case = (CaseId::from(Uuid::from_u128(42)), Stage::Delete);
        let token = ConfirmLink::of_notice(&key, "notice", case, now).token(&key);
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            // The last character has bits that are not part of the bytes.
            assert_eq!(ConfirmLink::verify(&key, &forged, now), Err(LinkError::Invalid), "{at}");
        }
        for other in ["", "A", "äöü", token.get(1..).unwrap()] {
            assert_eq!(ConfirmLink::verify(&key, other, now), Err(LinkError::Invalid), "{other}");
        }
    }
}
