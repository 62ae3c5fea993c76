//! The keys that seal and open: one for each master key and period.
//!
//! A period has a random secret, which is kept outside the database and deleted some time after the period ended. A backup of
//! the database is sealed with the periods of its time. Once their secrets are deleted, the master key does not open it.

use std::fmt;

use chacha20poly1305::aead::KeyInit as _;
use chacha20poly1305::{Key, XChaCha20Poly1305};
use hmac::Mac as _;

use super::cipher::{self, UnsealError, keyed};

/// What a ciphertext begins with: four bytes for the master key, four for the period.
pub type KeyId = [u8; 8];

/// The period of data that is sealed with the master key alone.
const NONE: u32 = 0;

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Counted from 1.
    pub id: u32,
    /// When it began, in milliseconds since 1970 UTC.
    pub since: i64,
    pub secret: [u8; 32],
}

impl Period {
    pub const fn new(id: u32, since: i64, secret: [u8; 32]) -> Self {
        Self { id, since, secret }
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Period({}, …)", self.id)
    }
}

pub(super) struct Ring {
    masters: Vec<[u8; 32]>,
    periods: Vec<Period>,
    /// The sealing key, that of the same master key without a period, and all others.
    ciphers: Vec<(KeyId, XChaCha20Poly1305)>,
    newest: KeyId,
}

impl Ring {
    /// The first master key and the last period seal.
    pub(super) fn new(masters: &[[u8; 32]], periods: &[Period]) -> Self {
        let newest = periods.last().map_or(NONE, |period| period.id);
        let none = Period::new(NONE, 0, [0; 32]);
        let of_master = |master: &[u8; 32]| {
            let all = periods.iter().chain([&none]);
            all.map(|period| (id_of(master, period.id), cipher_of(master, period))).collect::<Vec<_>>()
        };
        Self {
            masters: masters.to_vec(),
            periods: periods.to_vec(),
            ciphers: masters.iter().flat_map(of_master).collect(),
            newest: masters.first().map_or([0; 8], |master| id_of(master, newest)),
        }
    }

    pub(super) fn masters(&self) -> &[[u8; 32]] {
        &self.masters
    }

    pub(super) fn periods(&self) -> &[Period] {
        &self.periods
    }

    pub(super) const fn newest(&self) -> KeyId {
        self.newest
    }

    pub(super) fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal_with(self.newest, context, plain)
    }

    pub(super) fn seal_without_period(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal_with(joined(&self.newest, NONE), context, plain)
    }

    fn seal_with(&self, id: KeyId, context: &[u8], plain: &[u8]) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "a ring has at least one master key, and each has its keys")]
        let cipher = self.cipher(id).expect("the ring has its sealing key");
        [id.as_slice(), &cipher::seal(cipher, context, plain)].concat()
    }

    pub(super) fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
        let (id, sealed) = sealed.split_first_chunk::<8>().ok_or(UnsealError)?;
        cipher::open(self.cipher(*id).ok_or(UnsealError)?, context, sealed)
    }

    /// Whether the key of this ciphertext is in the ring.
    pub(super) fn knows(&self, sealed: &[u8]) -> bool {
        sealed.first_chunk::<8>().is_some_and(|id| self.cipher(*id).is_some())
    }

    fn cipher(&self, id: KeyId) -> Option<&XChaCha20Poly1305> {
        self.ciphers.iter().find(|(of, _)| *of == id).map(|(_, cipher)| cipher)
    }
}

fn id_of(master: &[u8; 32], period: u32) -> KeyId {
    let mut mac = keyed(master);
    mac.update(b"offboardd key id v1");
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    joined(&digest, period)
}

/// The first four bytes, and the number of a period.
fn joined(master: &[u8], period: u32) -> KeyId {
    let mut id = [0; 8];
    let bytes = master.iter().take(4).copied().chain(period.to_be_bytes());
    for (place, byte) in id.iter_mut().zip(bytes) {
        *place = byte;
    }
    id
}

fn cipher_of(master: &[u8; 32], period: &Period) -> XChaCha20Poly1305 {
    let mut mac = keyed(master);
    mac.update(b"offboardd seal v1");
    if period.id != NONE {
        mac.update(&period.secret);
    }
    let key: [u8; 32] = mac.finalize().into_bytes().into();
    XChaCha20Poly1305::new(&Key::from(key))
}
