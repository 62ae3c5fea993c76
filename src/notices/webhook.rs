//! Signed webhooks, by Standard Webhooks: `webhook-id`, `webhook-timestamp`, and `v1,` with the HMAC-SHA256 of both and the
//! body.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, header};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;
use url::Url;

use super::message::Message;
use super::post::{SendError, TIMEOUT};

/// A receiver of signed webhooks.
#[derive(Clone)]
pub struct Webhook {
    pub url: Url,
    /// The key of the signature.
    pub key: SecretSlice<u8>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(…)")
    }
}

impl Webhook {
    pub(super) fn request(
        &self,
        http: &Client,
        message: &Message,
        now: Timestamp,
    ) -> Result<RequestBuilder, SendError> {
        let body = message.json().to_string();
        let timestamp = now.as_second();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret())
            .map_err(|_never| SendError::of("the secret cannot sign"))?;
        mac.update(format!("{}.{timestamp}.{body}", message.id).as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let request = http.post(self.url.clone()).timeout(TIMEOUT);
        Ok(request
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body))
    }
}
