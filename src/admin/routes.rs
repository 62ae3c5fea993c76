//! Routes with their descriptions, and what is made of them: a router, or the paths of the OpenAPI document.

use std::mem;
use std::sync::Arc;

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::document;
use super::guard::QueryParameters;
use super::state::AdminState;

/// A route with its description in the OpenAPI document.
pub(super) type Route = UtoipaMethodRouter<Arc<AdminState>>;

/// Passes each route on. Not as one router, because the descriptions of all of them take two megabytes.
pub(super) type EachRoute = fn(&mut dyn FnMut(Route));

/// The routes, and the query parameters of each below `prefix`. The rest of a description is dropped.
pub(super) fn served(each_route: EachRoute, prefix: &str) -> (Router<Arc<AdminState>>, QueryParameters) {
    let (mut router, mut parameters) = (Router::new(), QueryParameters::new());
    each_route(&mut |(_schemas, described, handlers)| {
        for (path, item) in described.paths {
            parameters.extend(document::query_parameters(&item, &format!("{prefix}{path}")));
            router = mem::take(&mut router).route(&path, handlers.clone());
        }
    });
    (router, parameters)
}

/// The descriptions of the routes.
pub(super) fn described(each_route: EachRoute) -> OpenApi {
    let mut router = OpenApiRouter::new();
    each_route(&mut |route| router = mem::take(&mut router).routes(route));
    router.into_openapi()
}
