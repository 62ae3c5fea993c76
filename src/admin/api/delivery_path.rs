//! The delivery that a path names: by its id, or by a unique end of it.

use std::sync::Arc;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::case_path::end_of_id;
use crate::admin::error::ApiError;
use crate::admin::state::AdminState;
use crate::domain::ids::DeliveryId;

#[derive(Debug)]
pub(super) struct DeliveryPath(pub(super) DeliveryId);

impl FromRequestParts<Arc<AdminState>> for DeliveryPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<AdminState>) -> Result<Self, ApiError> {
        let none = ApiError::NotFound("delivery");
        let Ok(Path(name)) = parts.extract::<Path<String>>().await else { return Err(none) };
        if let Ok(id) = name.parse() {
            return Ok(Self(id));
        }
        let Some(end) = end_of_id(&name) else { return Err(none) };
        match admin.store.deliveries_ending(&end).await?.as_slice() {
            [] => Err(none),
            [id] => Ok(Self(*id)),
            _ => Err(ApiError::Conflict("several deliveries end like this: write more of the id".to_owned())),
        }
    }
}
