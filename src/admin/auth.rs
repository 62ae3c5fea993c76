//! Authentication by token, and the extractors that require a role.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use super::access::{AuthFailure, find_token};
use super::error::ApiError;
use super::state::AdminState;
use crate::domain::operator::{AdminToken, Role};

#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) role: Role,
}

impl Caller {
    pub(crate) fn of(token: &AdminToken) -> Self {
        Self { name: token.name.clone(), role: token.role }
    }

    pub(crate) fn sees_personal_data(&self) -> bool {
        self.role >= Role::Operator
    }

    /// Rejects viewers: the result of a search by email address is personal data.
    pub(super) fn require_personal_data_access(&self) -> Result<(), ApiError> {
        self.require(Role::Operator)
    }

    pub(super) fn require(&self, needs: Role) -> Result<(), ApiError> {
        if self.role >= needs { Ok(()) } else { Err(ApiError::RoleTooLow { has: self.role, needs }) }
    }
}

/// Middleware of every API route.
pub(super) async fn authenticate(
    State(admin): State<Arc<AdminState>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let caller = find_caller(&admin.access.tokens.load(), request.headers());
    let caller = match caller {
        Ok(caller) => caller,
        Err(why) => {
            admin.access.reject(why).await;
            return Err(why.into());
        }
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn find_caller(tokens: &[AdminToken], headers: &HeaderMap) -> Result<Caller, AuthFailure> {
    if tokens.is_empty() {
        return Err(AuthFailure::NoTokensConfigured);
    }
    let presented = bearer(headers).ok_or(AuthFailure::MissingToken)?;
    Ok(Caller::of(find_token(tokens, presented).ok_or(AuthFailure::WrongToken)?))
}

impl From<AuthFailure> for ApiError {
    fn from(why: AuthFailure) -> Self {
        match why {
            AuthFailure::NoTokensConfigured => Self::NoTokensConfigured,
            AuthFailure::MissingToken | AuthFailure::WrongToken | AuthFailure::WrongTokenAtSignIn => Self::Unauthorized,
        }
    }
}

/// The bearer token. A repeated `Authorization` header counts as none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
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
    /// Requires any valid token.
    Viewer,
    /// Requires the role operator or approver.
    Operator,
    /// Requires the role approver.
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
        find_caller(&tokens.collect::<Vec<_>>(), &headers).ok().map(|caller| caller.role)
    }

    #[test]
    fn authentication_scheme_is_case_insensitive() {
        assert_eq!(caller("Bearer viewer"), Some(Role::Viewer));
        assert_eq!(caller("bearer  approver"), Some(Role::Approver));
    }

    #[test]
    fn near_miss_of_a_token_is_rejected() {
        for nearly in ["Bearer viewe", "Bearer viewer2", "Bearer ", "Bearer", "Basic viewer", "viewer"] {
            assert_eq!(caller(nearly), None, "{nearly}");
        }
    }

    #[test]
    fn digest_is_not_printed() {
        assert_eq!(format!("{:?}", TokenDigest::of("correct horse")), "TokenDigest(…)");
    }
}
