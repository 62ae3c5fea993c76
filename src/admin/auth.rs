//! Who may use the API: tokens, roles, and the extractors by which a handler says whom it serves.
//!
//! Not here: where tokens come from (that is the settings).

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use super::AdminState;
use super::access::AuthFailure;
use super::error::ApiError;
use crate::domain::operator::{AdminToken, Role};

/// Whoever makes a request.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The name of the token.
    pub(super) name: String,
    /// What it may do.
    pub(super) role: Role,
}

impl Caller {
    /// Whether personal data may be shown.
    pub(super) fn sees_personal_data(&self) -> bool {
        self.role >= Role::Operator
    }

    /// Refuses whoever may not know whom something is about: to have an address looked for is to be told about it.
    pub(super) fn require_personal_data_access(&self) -> Result<(), ApiError> {
        let needs = Role::Operator;
        if self.sees_personal_data() { Ok(()) } else { Err(ApiError::RoleTooLow { has: self.role, needs }) }
    }
}

/// Stands before every route of the API: nobody gets further without a token.
pub(super) async fn authenticate(
    State(admin): State<Arc<AdminState>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let recognized = recognize(&admin.access.tokens.load(), request.headers());
    let caller = match recognized {
        Ok(caller) => caller,
        Err(why) => {
            admin.access.reject(why).await;
            return Err(why.into());
        }
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Compares with every token, whichever fits, so that the time says nothing about their order.
fn recognize(tokens: &[AdminToken], headers: &HeaderMap) -> Result<Caller, AuthFailure> {
    if tokens.is_empty() {
        return Err(AuthFailure::NoTokensConfigured);
    }
    let shown = bearer(headers).ok_or(AuthFailure::MissingToken)?;
    let matching = tokens.iter().filter(|token| token.digest.matches(shown)).fold(None, |_, token| Some(token));
    let token = matching.ok_or(AuthFailure::WrongToken)?;
    Ok(Caller { name: token.name.clone(), role: token.role })
}

impl From<AuthFailure> for ApiError {
    fn from(why: AuthFailure) -> Self {
        match why {
            AuthFailure::NoTokensConfigured => Self::NoTokensConfigured,
            AuthFailure::MissingToken | AuthFailure::WrongToken => Self::Unauthorized,
        }
    }
}

/// The token of the only `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(shown), None) = (shown.next(), shown.next()) else { return None };
    let (scheme, token) = shown.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

macro_rules! role_extractors {
    ($($(#[$doc:meta])* $extractor:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $extractor(pub(super) Caller);

        impl<S: Sync> FromRequestParts<S> for $extractor {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
                let caller = parts.extensions.get::<Caller>().ok_or(ApiError::Unauthorized)?;
                if caller.role >= Role::$extractor {
                    Ok(Self(caller.clone()))
                } else {
                    Err(ApiError::RoleTooLow { has: caller.role, needs: Role::$extractor })
                }
            }
        }
    )+};
}

role_extractors! {
    /// The handler serves everybody who has a token.
    Viewer,
    /// The handler serves operators and approvers.
    Operator,
    /// The handler serves approvers.
    Approver,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::operator::TokenDigest;

    fn caller(authorization: &str) -> Option<Role> {
        let tokens = Role::ALL.iter().map(|role| AdminToken {
            name: role.to_string(),
            role: *role,
            digest: TokenDigest::of(role.as_str()),
        });
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, authorization.parse().unwrap())]);
        recognize(&tokens.collect::<Vec<_>>(), &headers).ok().map(|caller| caller.role)
    }

    #[test]
    fn a_token_is_recognized_whatever_the_case_of_its_scheme() {
        assert_eq!(caller("Bearer viewer"), Some(Role::Viewer));
        assert_eq!(caller("bearer  approver"), Some(Role::Approver));
    }

    #[test]
    fn what_is_nearly_a_token_is_none() {
        for nearly in ["Bearer viewe", "Bearer viewer2", "Bearer ", "Bearer", "Basic viewer", "viewer"] {
            assert_eq!(caller(nearly), None, "{nearly}");
        }
    }

    #[test]
    fn a_digest_is_not_shown() {
        assert_eq!(format!("{:?}", TokenDigest::of("correct horse")), "TokenDigest(…)");
    }
}
