//! The session of a visitor: a secret in a cookie, its hash in the database.
//!
//! A session ends at its expiry, at a sign-out, and when the admin token with which it was begun is changed or removed. Its
//! role is that of the token now.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use super::origin::is_secure;
use crate::admin::{AdminState, Caller};
use crate::clock;
use crate::domain::operator::AdminToken;
use crate::store::Session;

pub(super) const LIFETIME: SignedDuration = SignedDuration::from_hours(8);

/// Over TLS: the prefix makes the browser require `Secure`, the path `/` and no domain.
const SECURE_COOKIE: &str = "__Host-offboardd";
/// Over plain HTTP, where most clients neither store nor send a `Secure` cookie.
const PLAIN_COOKIE: &str = "offboardd";

/// The 256 random bits that the cookie holds.
struct Secret([u8; 32]);

impl Secret {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let text = cookie(headers, SECURE_COOKIE).or_else(|| cookie(headers, PLAIN_COOKIE))?;
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
}

/// Begins a session for the operator of a token. Returns its cookie.
pub(super) async fn begin(admin: &AdminState, token: &AdminToken, headers: &HeaderMap) -> Result<HeaderValue, Failure> {
    let secret = Secret(clock::random::<32>());
    let now = admin.clock.now();
    let session = Session {
        operator: token.name.clone(),
        bound: token.digest.bound_to(&secret.0).to_vec(),
        expires_at: now.saturating_add(LIFETIME).unwrap_or(now),
    };
    let mut tx = admin.store.begin().await?;
    tx.begin_session(&secret.hash(), &session, now).await?;
    tx.commit().await?;
    Ok(set_cookie(headers, &URL_SAFE_NO_PAD.encode(secret.0), LIFETIME))
}

/// The operator of the session that the cookie names.
pub(super) async fn caller(admin: &AdminState, headers: &HeaderMap) -> Result<Option<Caller>, Failure> {
    let Some(secret) = Secret::of(headers) else { return Ok(None) };
    let Some(session) = admin.store.session(&secret.hash(), admin.clock.now()).await? else { return Ok(None) };
    let tokens = admin.access.tokens.load();
    let is_of_session = |token: &&AdminToken| {
        token.name == session.operator && token.digest.bound_to(&secret.0)[..] == session.bound[..]
    };
    Ok(tokens.iter().find(is_of_session).map(Caller::of))
}

/// Ends the session of the cookie, or all sessions of its operator. Returns the cookie that removes it.
pub(super) async fn end(admin: &AdminState, headers: &HeaderMap, everywhere: bool) -> Result<HeaderValue, Failure> {
    let caller = caller(admin, headers).await?;
    let mut tx = admin.store.begin().await?;
    if let Some(secret) = Secret::of(headers) {
        tx.end_session(&secret.hash()).await?;
    }
    if let Some(caller) = caller.filter(|_| everywhere) {
        let ended = tx.end_sessions_of(&caller.name).await?;
        tracing::info!(by = caller.name, count = ended, "console: {} ended all sessions", caller.name);
    }
    tx.commit().await?;
    Ok(set_cookie(headers, "", SignedDuration::ZERO))
}

fn set_cookie(headers: &HeaderMap, value: &str, lifetime: SignedDuration) -> HeaderValue {
    let (name, secure) = if is_secure(headers) { (SECURE_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    let seconds = lifetime.as_secs();
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    // Base64 and numbers are always a valid header.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_is_found_among_others() {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("a=1; offboardd=x; lang=de"))]);
        assert_eq!(cookie(&headers, "offboardd"), Some("x"));
        assert_eq!(cookie(&headers, "theme"), None);
    }

    #[test]
    fn cookie_is_hidden_from_scripts_and_from_other_sites() {
        let plain = set_cookie(&HeaderMap::new(), "x", LIFETIME);
        assert_eq!(plain, "offboardd=x; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict");
        let tls = HeaderMap::from_iter([(header::ORIGIN, HeaderValue::from_static("https://console.example"))]);
        let secure = set_cookie(&tls, "x", LIFETIME);
        assert_eq!(secure, "__Host-offboardd=x; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict; Secure");
    }
}
