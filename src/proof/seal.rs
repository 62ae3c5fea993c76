//! Encryption of personal data and keyed hashes.
//!
//! Personal data is written to the database only as XChaCha20-Poly1305 ciphertext, and is found by keyed hash
//! (HMAC-SHA256). Its nonces have 24 random bytes: no number of deliveries under one key makes two of them meet.
//!
//! The sealing key is derived from the master key and the secret of a period (see [`super::ring`]). It seals the bodies of
//! deliveries and the key of each case. The key of a case seals the personal data of the case. Deleting that key shreds the
//! data.
//!
//! The key of the hashes is random and sealed in the database, with the master key alone. It stays when the master key is
//! rotated: hashes of persons whose data is shredded cannot be computed again.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use chacha20poly1305::aead::KeyInit as _;
use chacha20poly1305::{Key, XChaCha20Poly1305};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use super::chain::Link;
pub use super::cipher::UnsealError;
use super::cipher::{keyed, open, seal};
use super::ring::{KeyId, Period, Ring};
use crate::clock;
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::domain::person::{EmailAddress, PersonId};

/// The context of the sealed hash key.
const HASH_KEY: &[u8] = b"hash key";

/// The number of bytes in a delivery's hash that come from its id. The others come from its body.
pub const ID_HALF: usize = 16;

/// The key from which all other keys are derived. `Debug` does not print its bytes.
#[derive(Clone)]
pub struct MasterKey {
    ring: Arc<ArcSwap<Ring>>,
    /// Reads the periods again when a ciphertext of an unknown one is met: another process began it.
    reload: Arc<OnceLock<ReadPeriods>>,
    hash_key: [u8; 32],
    hashing: Hmac<Sha256>,
}

/// Reads the present periods.
pub type ReadPeriods = Box<dyn Fn() -> Option<Vec<Period>> + Send + Sync>;

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// A keyed hash: equal for equal inputs. It reveals nothing without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyedHash(pub [u8; 32]);

impl MasterKey {
    /// Returns the keys of a new database, and the random key of its hashes, sealed for the database.
    pub fn generate(bytes: &[u8; 32]) -> (Self, Vec<u8>) {
        let key = Self::of(&[*bytes], clock::random::<32>());
        let sealed = key.seal_hash_key();
        (key, sealed)
    }

    /// The keys of a database: fails if its sealed hash key was sealed with none of these master keys. The first one seals.
    pub fn unseal(masters: &[[u8; 32]], sealed_hash_key: &[u8]) -> Result<Self, UnsealError> {
        let hash_key = Ring::new(masters, &[]).open(HASH_KEY, sealed_hash_key)?;
        Ok(Self::of(masters, hash_key.try_into().map_err(|_wrong_length| UnsealError)?))
    }

    fn of(masters: &[[u8; 32]], hash_key: [u8; 32]) -> Self {
        let ring = Arc::new(ArcSwap::from_pointee(Ring::new(masters, &[])));
        Self { ring, reload: Arc::default(), hash_key, hashing: keyed(&hash_key) }
    }

    /// The key of the hashes, sealed for the database.
    pub fn seal_hash_key(&self) -> Vec<u8> {
        self.ring.load().seal_without_period(HASH_KEY, &self.hash_key)
    }

    /// Replaces the master keys: the first one seals, and all of them open. All clones use them.
    pub fn set_masters(&self, masters: &[[u8; 32]]) {
        let ring = self.ring.load();
        self.ring.store(Arc::new(Ring::new(masters, ring.periods())));
    }

    /// Replaces the periods: the last one seals, and all of them open. All clones use them.
    pub fn set_periods(&self, periods: &[Period]) {
        let ring = self.ring.load();
        self.ring.store(Arc::new(Ring::new(ring.masters(), periods)));
    }

    /// The periods, oldest first.
    pub fn periods(&self) -> Vec<Period> {
        self.ring.load().periods().to_vec()
    }

    /// Sets how the periods are read again. Only the first call has an effect.
    pub fn reload_periods_with(&self, reload: ReadPeriods) {
        self.reload.get_or_init(|| reload);
    }

    /// Whether `bytes` are the master key that seals.
    pub fn is_sealed_by(&self, bytes: &[u8; 32]) -> bool {
        self.ring.load().masters().first() == Some(bytes)
    }

    /// What the ciphertext of the sealing key begins with.
    pub fn newest_id(&self) -> KeyId {
        self.ring.load().newest()
    }

    /// Seals `plain`. It opens only with the same `context`, so that the ciphertext of one row cannot be used in
    /// another row.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        self.ring.load().seal(context, plain)
    }

    /// Opens the output of [`MasterKey::seal`].
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
        let ring = self.ring.load();
        if !ring.knows(sealed)
            && let Some(periods) = self.reload.get().and_then(|read| read())
            && periods != ring.periods()
        {
            self.set_periods(&periods);
            return self.ring.load().open(context, sealed);
        }
        ring.open(context, sealed)
    }

    /// Whether the key of this ciphertext is known.
    pub fn knows(&self, sealed: &[u8]) -> bool {
        self.ring.load().knows(sealed)
    }

    /// The hash of an email address on a site.
    pub fn hash_email(&self, site: &SiteName, email: &EmailAddress) -> KeyedHash {
        self.hash(b"email", &[site.as_str().as_bytes(), email.as_str().as_bytes()])
    }

    /// The hash of a source's person id.
    pub fn hash_person_id(&self, source: &SourceName, id: &PersonId) -> KeyedHash {
        self.hash(b"person", &[source.as_str().as_bytes(), id.as_str().as_bytes()])
    }

    /// Identifies a repeated delivery: by the vendor's delivery id or, without one, by the body.
    pub fn hash_delivery(&self, source: &SourceName, kind: &str, what: &[u8]) -> KeyedHash {
        self.hash(b"delivery", &[source.as_str().as_bytes(), kind.as_bytes(), what])
    }

    /// Identifies a delivery that has an id. One half is from the id, the other from the body: a different body under a
    /// used id is a different delivery, and is adjacent in the index.
    pub fn hash_delivery_with_id(&self, source: &SourceName, id: &str, body: &[u8]) -> KeyedHash {
        let mut hash = self.hash_delivery(source, "id", id.as_bytes());
        let body = self.hash_delivery(source, "body under an id", body);
        for (half, of_body) in hash.0.iter_mut().skip(ID_HALF).zip(body.0) {
            *half = of_body;
        }
        hash
    }

    /// The hash that stands for an account in the journal.
    pub fn hash_account(&self, site: &SiteName, account_id: &str) -> KeyedHash {
        self.hash(b"account", &[site.as_str().as_bytes(), account_id.as_bytes()])
    }

    /// The salt of the commitment to a case's email address. Evidence shows it; it cannot be computed without the key.
    pub fn commitment_salt(&self, case: CaseId) -> String {
        hex::encode(self.hash(b"commitment", &[case.as_bytes()]).0)
    }

    /// The commitment to a case's email address, which the journal holds: SHA-256 of `salt:address`. Who knows the address
    /// and the salt can check it.
    pub fn commitment(&self, case: CaseId, email: &EmailAddress) -> String {
        hex::encode(Sha256::digest(format!("{}:{}", self.commitment_salt(case), email.as_str())))
    }

    /// The code that shows that the newest entry of the journal was recorded by a holder of the key.
    pub fn authenticate_head(&self, seq: i64, link: &Link) -> KeyedHash {
        self.hash(b"journal head", &[&seq.to_be_bytes(), link])
    }

    /// The code that shows that an entry of the journal was written by a holder of the key.
    pub fn authenticate_entry(&self, link: &Link) -> KeyedHash {
        self.hash(b"journal entry", &[link])
    }

    /// The summand of a row in the sum over all rows of its table.
    pub fn summand(&self, table: &str, row: &str) -> KeyedHash {
        self.hash(b"summand", &[table.as_bytes(), row.as_bytes()])
    }

    /// The code that shows that a row was written by a holder of the key.
    pub fn authenticate_row(&self, table: &str, row: &str) -> KeyedHash {
        self.hash(b"row", &[table.as_bytes(), row.as_bytes()])
    }

    /// Finds a list of customers by its site, its scope and its subject.
    pub fn hash_listing(&self, site: &SiteName, scope: &str, subject: &str) -> KeyedHash {
        self.hash(b"listing", &[site.as_str().as_bytes(), scope.as_bytes(), subject.as_bytes()])
    }

    /// The code of a one-time link in a message to people.
    pub fn authenticate_link(&self, content: &[u8]) -> KeyedHash {
        self.hash(b"link", &[content])
    }

    /// Each part is preceded by its length, so that different lists of parts have different inputs.
    fn hash(&self, purpose: &[u8], parts: &[&[u8]]) -> KeyedHash {
        let mut mac = self.hashing.clone();
        for part in std::iter::once(&purpose).chain(parts) {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        KeyedHash(mac.finalize().into_bytes().into())
    }
}

#[derive(Clone)]
pub struct CaseKey(XChaCha20Poly1305);

impl fmt::Debug for CaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaseKey(…)")
    }
}

impl CaseKey {
    /// Returns a new key, and the same key sealed for the database.
    pub fn generate(master: &MasterKey, context: &[u8]) -> (Self, Vec<u8>) {
        let bytes = clock::random::<32>();
        (Self(XChaCha20Poly1305::new(&Key::from(bytes))), master.seal(context, &bytes))
    }

    /// Opens a case's sealed key.
    pub fn unseal(master: &MasterKey, context: &[u8], sealed: &[u8]) -> Result<Self, UnsealError> {
        let bytes: [u8; 32] = master.open(context, sealed)?.try_into().map_err(|_wrong_length| UnsealError)?;
        Ok(Self(XChaCha20Poly1305::new(&Key::from(bytes))))
    }

    /// Seals the personal data of the case.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        seal(&self.0, context, plain)
    }

    /// Opens the personal data of the case.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
        open(&self.0, context, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_data_opens_only_with_its_key_and_its_context() {
        let key = MasterKey::of(&[[7; 32]], [1; 32]);
        let sealed = key.seal(b"row 1", b"ann@example.com");
        assert_eq!(key.open(b"row 1", &sealed).as_deref(), Ok(b"ann@example.com".as_slice()));
        assert_eq!(key.open(b"row 2", &sealed), Err(UnsealError));
        assert_eq!(MasterKey::of(&[[8; 32]], [1; 32]).open(b"row 1", &sealed), Err(UnsealError));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(key.open(b"row 1", &damaged), Err(UnsealError), "byte {at}");
        }
    }

    #[test]
    fn hash_key_opens_only_with_the_master_key_that_sealed_it() {
        let (key, sealed) = MasterKey::generate(&[7; 32]);
        let again = MasterKey::unseal(&[[7; 32]], &sealed).unwrap();
        let site = "acme".parse().unwrap();
        assert_eq!(again.hash_account(&site, "qm:1"), key.hash_account(&site, "qm:1"));
        assert!(matches!(MasterKey::unseal(&[[8; 32]], &sealed), Err(UnsealError)));
        assert_ne!(MasterKey::generate(&[7; 32]).0.hash_account(&site, "qm:1"), key.hash_account(&site, "qm:1"));
    }

    #[test]
    fn rotated_key_seals_and_the_old_one_opens_until_it_is_removed() {
        let (key, sealed_hash_key) = MasterKey::generate(&[7; 32]);
        let before = key.seal(b"row", b"ann@example.com");
        key.set_masters(&[[8; 32], [7; 32]]);
        let (after, hash_key) = (key.seal(b"row", b"ann@example.com"), key.seal_hash_key());
        for sealed in [&before, &after] {
            assert_eq!(key.open(b"row", sealed).as_deref(), Ok(b"ann@example.com".as_slice()));
        }
        assert!(!before.starts_with(&key.newest_id()) && after.starts_with(&key.newest_id()));
        let site = "acme".parse().unwrap();
        let reopened = MasterKey::unseal(&[[8; 32], [7; 32]], &sealed_hash_key).unwrap();
        assert_eq!(reopened.hash_account(&site, "qm:1"), key.hash_account(&site, "qm:1"));
        key.set_masters(&[[8; 32]]);
        assert_eq!(key.open(b"row", &before), Err(UnsealError));
        assert!(MasterKey::unseal(&[[8; 32]], &hash_key).is_ok());
        assert!(MasterKey::unseal(&[[7; 32]], &hash_key).is_err());
        assert!(key.is_sealed_by(&[8; 32]) && !key.is_sealed_by(&[7; 32]));
    }

    #[test]
    fn data_of_an_ended_period_does_not_open_with_the_master_key() {
        let (key, _) = MasterKey::generate(&[7; 32]);
        let periods = [Period::new(1, 0, [1; 32]), Period::new(2, 0, [2; 32])];
        key.set_periods(&periods[..1]);
        let old = key.seal(b"row", b"ann@example.com");
        key.set_periods(&periods);
        let new = key.seal(b"row", b"ann@example.com");
        assert!(key.open(b"row", &old).is_ok() && key.open(b"row", &new).is_ok());
        key.set_periods(&periods[1..]);
        assert_eq!(key.open(b"row", &old), Err(UnsealError));
        assert!(key.open(b"row", &new).is_ok());
        assert!(MasterKey::unseal(&[[7; 32]], &key.seal_hash_key()).is_ok(), "the hashes outlive every period");
    }

    #[test]
    fn case_key_survives_the_database_and_no_other_key_opens_its_data() {
        let master = MasterKey::of(&[[7; 32]], [1; 32]);
        let (key, sealed_key) = CaseKey::generate(&master, b"case");
        let sealed = key.seal(b"person", b"ann@example.com");
        let again = CaseKey::unseal(&master, b"case", &sealed_key).unwrap();
        assert_eq!(again.open(b"person", &sealed).as_deref(), Ok(b"ann@example.com".as_slice()));
        assert_eq!(master.open(b"person", &sealed), Err(UnsealError));
    }

    #[test]
    fn hash_depends_on_where_its_parts_are_split() {
        let key = MasterKey::of(&[[7; 32]], [1; 32]);
        let hash = |kind: &str, what: &str| key.hash_delivery(&"hr".parse().unwrap(), kind, what.as_bytes());
        assert_ne!(hash("id", "ab"), hash("ida", "b"));
        assert_eq!(hash("id", "ab"), hash("id", "ab"));
    }
}
