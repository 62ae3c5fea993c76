//! XChaCha20-Poly1305 with random nonces, and HMAC-SHA256.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::Hmac;
use sha2::Sha256;

use crate::clock;

/// The size of a nonce in bytes. The nonce precedes the ciphertext.
const NONCE: usize = 24;

/// Sealed data does not open: the key or the row is wrong, or the data is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed data does not open: it was sealed with another key, or it is damaged")]
pub struct UnsealError;

pub(super) fn seal(cipher: &XChaCha20Poly1305, context: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce = clock::random::<NONCE>();
    #[expect(clippy::expect_used, reason = "sealing fails only beyond 256 GiB, and a body is at most a few MiB")]
    let sealed =
        cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context }).expect("short enough to seal");
    [nonce.as_slice(), &sealed].concat()
}

pub(super) fn open(cipher: &XChaCha20Poly1305, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(UnsealError)?;
    let payload = Payload { msg: sealed, aad: context };
    cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|chacha20poly1305::Error| UnsealError)
}

pub(super) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac
}
