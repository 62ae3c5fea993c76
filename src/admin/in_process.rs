//! The API for callers within the process: the console shows and changes exactly what the API would for its operator.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

use super::api;
use super::auth::Caller;
use super::error::{self, ApiError};
use super::routes;
use super::state::AdminState;

/// The routes of the API, without its authentication.
#[derive(Debug, Clone)]
pub(crate) struct InProcess(Router);

#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

impl InProcess {
    pub(crate) fn new(state: Arc<AdminState>) -> Self {
        let (router, _parameters) = routes::served(api::each_route, "");
        let router = router.fallback(error::no_such_route).method_not_allowed_fallback(error::no_such_method);
        Self(router.with_state(state))
    }

    /// Sends a request in the name of `caller`, whom the console has authenticated. `path` is relative to `/api/v1`.
    pub(crate) async fn call(&self, caller: &Caller, method: Method, path: &str, body: Option<&Value>) -> ApiResponse {
        let body = body.map(|body| ("application/json", body.to_string()));
        self.send(caller, method, path, body).await
    }

    /// Sends a CSV file in the name of `caller`.
    pub(crate) async fn send_csv(&self, caller: &Caller, path: &str, csv: &str) -> ApiResponse {
        self.send(caller, Method::POST, path, Some(("text/csv", csv.to_owned()))).await
    }

    async fn send(
        &self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> ApiResponse {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((content_type, _)) = body {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let body = body.map_or_else(Body::empty, |(_, body)| Body::from(body));
        let Ok(mut request) = request.body(body) else {
            return read(axum::response::IntoResponse::into_response(ApiError::NotFound("route"))).await;
        };
        request.extensions_mut().insert(caller.clone());
        let Ok(response) = self.0.clone().oneshot(request).await;
        read(response).await
    }
}

impl ApiResponse {
    /// The JSON of a response.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }

    /// The text of a response.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn read(response: Response<Body>) -> ApiResponse {
    let (parts, body) = response.into_parts();
    // The bodies of the API are in memory: reading one does not fail.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    ApiResponse { status: parts.status, body }
}
