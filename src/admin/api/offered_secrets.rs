//! Secrets that vendors offer in their handshakes: shown, and accepted by somebody who may approve.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::extract::{Body, SourcePath};
use super::sources::{SourceView, changed, require_configured};
use crate::admin::AdminState;
use crate::admin::auth::Approver;
use crate::admin::error::ApiError;
use crate::store::Offer;

/// An offered secret, as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfferedSecretView {
    /// Names it, to be sent with the acceptance.
    pub id: String,
    /// When it came.
    pub offered_at: Timestamp,
    /// The secret itself, where the vendor wants it typed back, and only for operators.
    pub token: Option<String>,
}

impl OfferedSecretView {
    pub(super) fn of(offer: &Offer, shown: bool) -> Self {
        let token = shown.then(|| offer.secret.expose_secret().to_owned());
        Self { id: offer.id.clone(), offered_at: offer.offered_at, token }
    }
}

/// What makes an offered secret one of the source's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acceptance {
    /// The `id` of the offer that was looked at: anybody may offer.
    offer: String,
    /// Whether those accepted before are forgotten.
    #[serde(default)]
    replace: bool,
    /// Taken as everywhere, and not kept: there is no case with whose key it could be sealed.
    #[serde(default, rename = "reason")]
    _reason: Option<String>,
}

/// Makes an offered secret one of the source's own. It counts within seconds, and after every restart.
pub(super) async fn accept(
    Approver(caller): Approver,
    State(admin): State<Arc<AdminState>>,
    SourcePath(name): SourcePath,
    Body(request): Body<Acceptance>,
) -> Result<Json<SourceView>, ApiError> {
    require_configured(&admin, &name)?;
    let mut tx = admin.store.begin().await?;
    if !tx.accept_offer(&name, &request.offer, request.replace, &caller.name, admin.clock.now()).await? {
        return Err(ApiError::NotFound("offer"));
    }
    tx.commit().await?;
    tracing::info!(source = %name, by = caller.name, "an offered secret was accepted");
    admin.secrets.notify_one();
    changed(&admin, &name, &caller).await
}
