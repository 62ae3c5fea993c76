//! Signatures that `ssh-keygen -Y verify` checks on any machine: an Ed25519 key in OpenSSH's file format, and signatures in
//! the format SSHSIG.
//!
//! The formats are those of OpenSSH's `PROTOCOL.key` and `PROTOCOL.sshsig`. Only Ed25519 without a passphrase is supported.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256, Sha512};

/// What the signatures are for: no signature for another purpose is accepted.
pub const NAMESPACE: &str = "offboardd-evidence";

/// The first line of a signature.
pub const SIGNATURE_BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
/// The last line of a signature.
pub const SIGNATURE_END: &str = "-----END SSH SIGNATURE-----";

const KEY_BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const KEY_END: &str = "-----END OPENSSH PRIVATE KEY-----";
const KEY_MAGIC: &[u8] = b"openssh-key-v1\0";
const SIGNATURE_MAGIC: &[u8] = b"SSHSIG";
const ALGORITHM: &[u8] = b"ssh-ed25519";
const HASH: &[u8] = b"sha512";

/// The width of a line of base64 in OpenSSH's files.
const WIDTH: usize = 70;

/// A private key. `Debug` does not print it.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.public.fingerprint())
    }
}

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// Why a key cannot be used. It never shows the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("not a private key in OpenSSH's format: make one with `ssh-keygen -t ed25519 -N '' -f FILE`")]
    NotPrivate,
    #[error("the private key has a passphrase: remove it with `ssh-keygen -p -N '' -f FILE`")]
    Encrypted,
    #[error("not an Ed25519 key: make one with `ssh-keygen -t ed25519 -N '' -f FILE`")]
    OtherType,
    #[error("the private key contradicts itself: it is damaged")]
    Damaged,
    #[error("not a public key: expected a line `ssh-ed25519 AAAA…`")]
    NotPublic,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the signature is not in OpenSSH's format, or it was changed")]
    Malformed,
    #[error("the signature is for another purpose (namespace `{0}`, expected `{NAMESPACE}`)")]
    Namespace(String),
    #[error("signed with another key: {found}, expected {expected}")]
    OtherKey { found: String, expected: String },
    #[error("the signature does not match: the text or the signature was changed")]
    Mismatch,
}

impl SigningKey {
    /// The key that these secret random bytes make.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_rejected| KeyError::Damaged)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_length| KeyError::Damaged)?;
        Ok(Self { pair, seed: *seed, public: PublicKey(public) })
    }

    /// Reads a private key file.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let body = unarmor(text.trim(), KEY_BEGIN, KEY_END).ok_or(KeyError::NotPrivate)?;
        let mut reader = Reader(body.strip_prefix(KEY_MAGIC).ok_or(KeyError::NotPrivate)?);
        let (cipher, kdf) = (reader.string(), reader.string());
        if cipher.is_none() || kdf != Some(b"none") || cipher != Some(b"none") {
            return Err(if kdf.is_some() { KeyError::Encrypted } else { KeyError::NotPrivate });
        }
        let (_, count, public) = (reader.string(), reader.number(), reader.string());
        let (Some(1), Some(public), Some(private), true) = (count, public, reader.string(), reader.0.is_empty()) else {
            return Err(KeyError::NotPrivate);
        };
        let public = PublicKey::of_blob(public).ok_or(KeyError::OtherType)?;
        let mut reader = Reader(private);
        let (check, repeated) = (reader.number(), reader.number());
        let (algorithm, inner, secret) = (reader.string(), reader.string(), reader.string());
        let seed = secret.and_then(|secret| secret.split_first_chunk::<32>());
        let Some((seed, half)) = seed.filter(|_| check.is_some() && check == repeated && algorithm == Some(ALGORITHM))
        else {
            return Err(KeyError::Damaged);
        };
        let key = Self::from_seed(seed)?;
        let agrees = key.public == public && half == public.0 && inner == Some(&public.0);
        if agrees { Ok(key) } else { Err(KeyError::Damaged) }
    }

    /// The text of the private key file, as `ssh-keygen` writes it. `check` is any number.
    pub fn write(&self, check: u32) -> String {
        let mut private = [check.to_be_bytes(), check.to_be_bytes()].concat();
        put(&mut private, ALGORITHM);
        put(&mut private, &self.public.0);
        put(&mut private, &[self.seed, self.public.0].concat());
        put(&mut private, NAMESPACE.as_bytes());
        private.extend((1..8).take((8 - private.len() % 8) % 8));
        let mut body = KEY_MAGIC.to_vec();
        for text in [&b"none"[..], b"none", b""] {
            put(&mut body, text);
        }
        body.extend(1_u32.to_be_bytes());
        put(&mut body, &self.public.blob());
        put(&mut body, &private);
        armor(&body, KEY_BEGIN, KEY_END)
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// An armored signature of `message`, in the namespace [`NAMESPACE`].
    pub fn sign(&self, message: &[u8]) -> String {
        self.sign_for(NAMESPACE, message)
    }

    fn sign_for(&self, namespace: &str, message: &[u8]) -> String {
        let signature = self.pair.sign(&signed_bytes(namespace, message));
        let mut inner = Vec::new();
        put(&mut inner, ALGORITHM);
        put(&mut inner, signature.as_ref());
        let mut blob = SIGNATURE_MAGIC.to_vec();
        blob.extend(1_u32.to_be_bytes());
        for part in [&self.public.blob()[..], namespace.as_bytes(), b"", HASH, &inner] {
            put(&mut blob, part);
        }
        armor(&blob, SIGNATURE_BEGIN, SIGNATURE_END)
    }
}

impl PublicKey {
    /// Reads a line of a public key file.
    pub fn read(line: &str) -> Result<Self, KeyError> {
        let mut words = line.split_whitespace();
        let (Some("ssh-ed25519"), Some(blob)) = (words.next(), words.next()) else { return Err(KeyError::NotPublic) };
        let blob = STANDARD.decode(blob).map_err(|_not_base64| KeyError::NotPublic)?;
        Self::of_blob(&blob).ok_or(KeyError::NotPublic)
    }

    /// The line of a public key file, without a line feed.
    pub fn line(&self) -> String {
        format!("ssh-ed25519 {} {NAMESPACE}", STANDARD.encode(self.blob()))
    }

    /// As `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(self.blob())))
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put(&mut blob, ALGORITHM);
        put(&mut blob, &self.0);
        blob
    }

    fn of_blob(blob: &[u8]) -> Option<Self> {
        let mut reader = Reader(blob);
        let (algorithm, key) = (reader.string()?, reader.string()?);
        (algorithm == ALGORITHM && reader.0.is_empty()).then_some(())?;
        Some(Self(key.try_into().ok()?))
    }
}

/// Verifies the armored signature of `message`, and returns the key that made it.
///
/// With `expected`, only that key is accepted. There is exactly one text for a signature: any other spelling of it is
/// rejected.
pub fn verify(message: &[u8], armored: &str, expected: Option<&PublicKey>) -> Result<PublicKey, SignatureError> {
    let blob = unarmor(armored, SIGNATURE_BEGIN, SIGNATURE_END).ok_or(SignatureError::Malformed)?;
    if armor(&blob, SIGNATURE_BEGIN, SIGNATURE_END) != armored {
        return Err(SignatureError::Malformed);
    }
    let signed = Signed::read(&blob).ok_or(SignatureError::Malformed)?;
    if signed.namespace != NAMESPACE.as_bytes() {
        return Err(SignatureError::Namespace(String::from_utf8_lossy(signed.namespace).chars().take(80).collect()));
    }
    if let Some(expected) = expected.filter(|expected| **expected != signed.key) {
        return Err(SignatureError::OtherKey { found: signed.key.fingerprint(), expected: expected.fingerprint() });
    }
    let key = ParsedPublicKey::new(&ED25519, signed.key.0).map_err(|_rejected| SignatureError::Malformed)?;
    let verified = key.verify_sig(&signed_bytes(NAMESPACE, message), signed.signature);
    verified.map(|()| signed.key).map_err(|_mismatch| SignatureError::Mismatch)
}

/// The parts of a signature.
struct Signed<'a> {
    key: PublicKey,
    namespace: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    fn read(blob: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(blob.strip_prefix(SIGNATURE_MAGIC)?);
        let version = reader.number()?;
        let key = PublicKey::of_blob(reader.string()?)?;
        let namespace = reader.string()?;
        let (reserved, hash) = (reader.string()?, reader.string()?);
        let mut inner = Reader(reader.string()?);
        let (algorithm, signature) = (inner.string()?, inner.string()?);
        let whole = reader.0.is_empty() && inner.0.is_empty();
        let known = version == 1 && reserved.is_empty() && hash == HASH && algorithm == ALGORITHM;
        (whole && known).then_some(Self { key, namespace, signature })
    }
}

/// What is signed instead of the message.
fn signed_bytes(namespace: &str, message: &[u8]) -> Vec<u8> {
    let mut bytes = SIGNATURE_MAGIC.to_vec();
    for part in [namespace.as_bytes(), b"", HASH, &Sha512::digest(message)] {
        put(&mut bytes, part);
    }
    bytes
}

/// Adds a string of RFC 4251: its length in four bytes, and its bytes.
fn put(to: &mut Vec<u8>, part: &[u8]) {
    to.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend(part);
}

/// Reads the types of RFC 4251.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }
}

fn armor(blob: &[u8], begin: &str, end: &str) -> String {
    let mut text = format!("{begin}\n");
    for (at, letter) in STANDARD.encode(blob).chars().enumerate() {
        if at > 0 && at % WIDTH == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text + "\n" + end + "\n"
}

fn unarmor(text: &str, begin: &str, end: &str) -> Option<Vec<u8>> {
    let base64 = text.trim_end_matches('\n').strip_prefix(begin)?.strip_suffix(end)?;
    STANDARD.decode(base64.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32]).unwrap()
    }

    #[test]
    fn key_survives_its_file() {
        let text = key().write(0x0102_0304);
        let again = SigningKey::read(&text).unwrap();
        assert_eq!(again.public(), key().public());
        assert_eq!(again.sign(b"x"), key().sign(b"x"));
        assert_eq!(PublicKey::read(&key().public().line()), Ok(*key().public()));
        assert_eq!(format!("{:?}", key()), format!("SigningKey({}, …)", key().public().fingerprint()));
    }

    /// Made by `ssh-keygen -t ed25519 -N ''` and `ssh-keygen -Y sign -n offboardd-evidence`.
    #[test]
    fn key_and_signature_of_openssh_are_read() {
        let key = SigningKey::read(include_str!("vectors/key")).unwrap();
        let public = PublicKey::read(include_str!("vectors/key.pub")).unwrap();
        assert_eq!(key.public(), &public);
        assert_eq!(public.fingerprint(), include_str!("vectors/fingerprint").trim());
        let signature = include_str!("vectors/message.sig");
        assert_eq!(verify(b"a message\n", signature, Some(&public)), Ok(public));
        // Ed25519 is deterministic.
        assert_eq!(key.sign(b"a message\n"), signature);
    }

    #[test]
    fn unusable_keys_are_reported_by_what_is_wrong() {
        let read = |text: &str| SigningKey::read(text).unwrap_err();
        assert_eq!(read("no key"), KeyError::NotPrivate);
        assert_eq!(read(include_str!("vectors/encrypted")), KeyError::Encrypted);
        assert_eq!(read(include_str!("vectors/ecdsa")), KeyError::OtherType);
        assert_eq!(PublicKey::read("ssh-rsa AAAA").unwrap_err(), KeyError::NotPublic);
        let text = key().write(5);
        let body = unarmor(text.trim(), KEY_BEGIN, KEY_END).unwrap();
        for at in 0..body.len() {
            let mut damaged = body.clone();
            damaged[at] ^= 0x10;
            let same = SigningKey::read(&armor(&damaged, KEY_BEGIN, KEY_END)).map(|read| *read.public());
            // Comment and padding say nothing about the key.
            assert!(same.is_err() || same == Ok(*key().public()), "byte {at}");
        }
    }

    #[test]
    fn signature_holds_for_one_text_one_key_and_one_namespace() {
        let (key, public) = (key(), *key().public());
        let signature = key.sign(b"text");
        assert_eq!(verify(b"text", &signature, None), Ok(public));
        assert_eq!(verify(b"text", &signature, Some(&public)), Ok(public));
        assert_eq!(verify(b"texT", &signature, None), Err(SignatureError::Mismatch));
        let other = *SigningKey::from_seed(&[8; 32]).unwrap().public();
        let refused = verify(b"text", &signature, Some(&other)).unwrap_err();
        assert!(matches!(refused, SignatureError::OtherKey { .. }), "{refused}");
        let elsewhere = key.sign_for("file", b"text");
        assert_eq!(verify(b"text", &elsewhere, None), Err(SignatureError::Namespace("file".to_owned())));
    }

    #[test]
    fn other_spelling_of_a_signature_is_rejected() {
        let signature = key().sign(b"text");
        for other in [
            signature.replace('\n', "\r\n"),
            signature.trim_end().to_owned(),
            format!("{signature}\n"),
            signature.replacen("SIGNATURE-----\n", "SIGNATURE-----\n\n", 1),
            format!(" {signature}"),
        ] {
            assert_eq!(verify(b"text", &other, None), Err(SignatureError::Malformed), "{other}");
        }
    }
}
