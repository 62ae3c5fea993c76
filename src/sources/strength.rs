//! Strength of the secrets of a source in its vendor's scheme.

use secrecy::{ExposeSecret as _, SecretString};

use super::encoding::Encoding;
use super::recipe::{Mode, Recipe};
use super::signature_key::KeyEncoding;
use super::{CompileError, Spec, described, read_table};

/// A shorter secret can be guessed from a few recorded deliveries, in bytes.
const ENOUGH: usize = 16;

/// The minimum that the specification of Standard Webhooks allows, in bytes.
const ENOUGH_FOR_STANDARD_WEBHOOKS: usize = 24;

/// A secret that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeakSecret {
    /// The index among the secrets of the source.
    pub index: usize,
    /// Length in bytes, decoded and without the prefix.
    pub bytes: usize,
    /// The required length in bytes.
    pub enough: usize,
}

/// The secrets that are too short for their use.
pub fn weak_secrets(spec: &Spec) -> Result<Vec<WeakSecret>, CompileError> {
    let (signature, _) = described(spec.preset.as_deref(), spec.signature.clone(), spec.mapping.clone())?;
    let recipe: Recipe = read_table("signature", signature)?;
    let standard_webhooks = recipe.mode == Mode::Hmac && recipe.key_prefix == "whsec_";
    let enough = if standard_webhooks { ENOUGH_FOR_STANDARD_WEBHOOKS } else { ENOUGH };
    let weak = spec.secrets.iter().enumerate().filter_map(|(index, secret)| {
        let bytes = strength(&recipe, secret)?;
        (bytes < enough).then_some(WeakSecret { index, bytes, enough })
    });
    Ok(weak.collect())
}

fn strength(recipe: &Recipe, secret: &SecretString) -> Option<usize> {
    let text = secret.expose_secret();
    match recipe.mode {
        Mode::Hmac => {
            let text = text.strip_prefix(&recipe.key_prefix).unwrap_or(text);
            match recipe.key_encoding {
                KeyEncoding::Text => Some(text.len()),
                KeyEncoding::Hex => Encoding::Hex.decode(text.as_bytes()).map(|key| key.len()),
                KeyEncoding::Base64 => Encoding::Base64.decode(text.as_bytes()).map(|key| key.len()),
            }
        }
        // The user is no secret.
        Mode::Basic => Some(text.split_once(':').map_or(text, |(_, password)| password).len()),
        Mode::Digest | Mode::StaticHeader | Mode::BodyToken => Some(text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weak(preset: &str, secret: &str) -> Option<(usize, usize)> {
        let spec = Spec { preset: Some(preset.to_owned()), secrets: vec![secret.into()], ..Spec::default() };
        weak_secrets(&spec).unwrap().first().map(|weak| (weak.bytes, weak.enough))
    }

    #[test]
    fn secret_is_measured_decoded_and_without_its_prefix() {
        for (preset, secret, found) in [
            ("okta", "x", Some((1, 16))),
            ("okta", "0123456789abcdef", None),
            ("standard-webhooks", "whsec_YQ==", Some((1, 24))),
            ("standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None),
            ("finch", "5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH", None),
            ("close", "00112233445566778899aabbccddee", Some((15, 16))),
            ("close", "00112233445566778899aabbccddeeff", None),
            ("stripe", "whsec_short", Some((11, 16))),
            ("pipedrive", "a-long-user-name-of-no-use:pw", Some((2, 16))),
            ("zoho", "0123456789abcde", Some((15, 16))),
        ] {
            assert_eq!(weak(preset, secret), found, "{preset}");
        }
    }
}
