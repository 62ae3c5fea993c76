//! The OpenAPI document of the admin API. `routes!` adds each route together with its handler, so that none can be missing;
//! this module adds what all of them share: authentication, roles, problems.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::openapi::link::Link;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, HttpMethod, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder, Schema, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::error::ProblemView;
use super::guard::QueryParameters;
use crate::domain::account::{AccountId, AccountType};
use crate::domain::blocked::BlockedBy;
use crate::domain::case::{AttentionReason, Hold, JobKind, Stage, StateName};
use crate::domain::ids::{CaseId, DeliveryId, EventId, JobId, PolicyName, SiteName, SourceName};
use crate::domain::import_format::ImportFormat;
use crate::domain::operator::Role;
use crate::domain::own_request::PolicyChoice;
use crate::domain::person::{EmailAddress, PersonId};
use crate::domain::policy::Action;
use crate::store::{CaseSort, DeliveryStatus, EventStatus, FenceReason, JobState};

/// The name of the security scheme.
pub(super) const TOKEN: &str = "token";

const DESCRIPTION: &str = "The API of offboardd's private listener. Every request needs one of the tokens in \
    `[[admin.tokens]]`. A token has a role: a viewer sees no personal data, an operator changes cases, an approver approves \
    actions and releases brakes. Each operation names the role that it needs; a higher role may do it, too.\n\n\
    Times are RFC 3339 in UTC. Lists are `{\"items\": […], \"next\": null | \"cursor\"}`. Errors are problems \
    (RFC 9457). Responses may hold personal data and are not cached.";

type Named = (Cow<'static, str>, RefOr<Schema>);

/// The names of an enum, and strings with a form of their own.
macro_rules! named_schemas {
    ($($type:ident),+ $(,)?) => {
        $(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let names: Vec<&str> = $type::ALL.iter().map(|name| name.as_str()).collect();
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some(names))
                    .into()
            }
        }

        impl ToSchema for $type {}
        )+

        /// The enums. Parameters refer to them, and only bodies are collected with the routes.
        fn enums() -> Vec<Named> {
            vec![$(($type::name(), $type::schema())),+]
        }
    };
}

macro_rules! string_schemas {
    ($($type:ident: $format:expr, $example:expr;)+) => {
        $(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let format: Option<&str> = $format;
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(format.map(|format| utoipa::openapi::SchemaFormat::Custom(format.to_owned())))
                    .examples([$example])
                    .into()
            }
        }

        impl ToSchema for $type {}
        )+

        /// The strings with a form of their own.
        fn strings() -> Vec<Named> {
            vec![$(($type::name(), $type::schema())),+]
        }
    };
}

named_schemas! {
    AccountType, Action, AttentionReason, BlockedBy, CaseSort, DeliveryStatus, EventStatus, FenceReason, Hold, ImportFormat,
    JobKind, JobState, PolicyChoice, Stage, StateName,
}

string_schemas! {
    AccountId: None, "qm:11111111-2222-3333-4444-555555555555:00000000-0000-4000-8000-000000000101";
    CaseId: Some("uuid"), "019a2b3c-4d5e-7f60-8123-456789abcdef";
    DeliveryId: Some("uuid"), "019a2b3c-4d5e-7f60-8123-456789abcdef";
    EmailAddress: None, "ann@example.com";
    EventId: Some("uuid"), "019a2b3c-4d5e-7f60-8123-456789abcdef";
    JobId: Some("uuid"), "019a2b3c-4d5e-7f60-8123-456789abcdef";
    PersonId: None, "42";
    PolicyName: None, "leavers";
    SiteName: None, "acme";
    SourceName: None, "bamboohr";
}

/// The document before the routes are added.
pub(super) fn empty() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("offboardd")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// Adds what all operations share.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    let bearer =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("One of `[[admin.tokens]]`")).build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
    components.schemas.insert(ProblemView::name().into_owned(), ProblemView::schema());
    for (name, schema) in enums().into_iter().chain(strings()) {
        components.schemas.entry(name.into_owned()).or_insert(schema);
    }
    components.responses.extend(PROBLEMS.map(|problem| (problem.name.to_owned(), problem.response().into())));
    let optional = bodies_without_required_members(components);
    for (path, item) in &mut document.paths.paths {
        let names_something = path.contains('{');
        for (method, operation) in operations(item) {
            if operation.security.is_some() {
                describe_role(operation);
                allow_no_body(operation, &optional);
                add_problems(operation, &method, names_something);
                allow_empty_values(operation);
            }
        }
    }
    for (listed, named, value) in LINKED {
        add_links(&mut document, listed, named, value);
    }
    document
}

/// Which list or creation names the things of which path: its responses link to their operations.
const LINKED: [(&str, &str, &str); 4] = [
    ("/api/v1/cases", "/api/v1/cases/{id}", "id"),
    ("/api/v1/deliveries", "/api/v1/deliveries/{id}", "id"),
    ("/api/v1/sources", "/api/v1/sources/{name}", "name"),
    ("/api/v1/sites", "/api/v1/sites/{name}", "name"),
];

fn add_links(document: &mut OpenApi, listed: &str, named: &str, value: &str) {
    let is_target = |path: &str| path.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let targets = document.paths.paths.iter().filter(|(path, _)| is_target(path));
    let operations = targets.flat_map(|(_, item)| [&item.get, &item.post]).flatten();
    let ids: Vec<String> = operations.filter_map(|operation| operation.operation_id.clone()).collect();
    let Some(item) = document.paths.paths.get_mut(listed) else { return };
    for (operation, status, place) in [(&mut item.get, "200", "items/0/"), (&mut item.post, "201", "")] {
        let response = operation.as_mut().and_then(|operation| operation.responses.responses.get_mut(status));
        if let Some(RefOr::T(response)) = response {
            for id in &ids {
                let expression = format!("$response.body#/{place}{value}");
                let link = Link::builder().operation_id(id).parameter(value, expression).build();
                response.links.insert(id.clone(), link.into());
            }
        }
    }
}

/// A query parameter with an empty value is the same as none.
fn allow_empty_values(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if parameter.parameter_in != ParameterIn::Query || parameter.required == Required::True {
            continue;
        }
        let empty = ObjectBuilder::new().schema_type(Type::String).max_length(Some(0));
        let with_empty = |schema| RefOr::T(Schema::AnyOf(AnyOfBuilder::new().item(schema).item(empty).build()));
        parameter.schema = parameter.schema.take().map(with_empty);
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let get = item.get.as_mut().map(|operation| (HttpMethod::Get, operation));
    get.into_iter().chain(item.post.as_mut().map(|operation| (HttpMethod::Post, operation)))
}

/// The names of the schemas in which every member is optional. An empty body is the same as `{}`.
fn bodies_without_required_members(components: &Components) -> BTreeSet<String> {
    let has_none = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => object.required.is_empty(),
        RefOr::T(_) | RefOr::Ref(_) => false,
    };
    components.schemas.iter().filter(|(_, schema)| has_none(schema)).map(|(name, _)| name.clone()).collect()
}

fn allow_no_body(operation: &mut Operation, optional: &BTreeSet<String>) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let names = body.content.values().filter_map(|content| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(reference)), .. }) => reference.ref_location.rsplit('/').next(),
        RefOr::T(_) | RefOr::Ref(_) => None,
    });
    let names: Vec<&str> = names.collect();
    let is_optional = !names.is_empty() && names.iter().all(|name| optional.contains(*name));
    body.required = Some(if is_optional { Required::False } else { Required::True });
}

/// The query parameters of each operation of a path.
pub(super) fn query_parameters(item: &PathItem, path: &str) -> QueryParameters {
    let operations = [("GET", &item.get), ("POST", &item.post)];
    let operations = operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)));
    let named = operations.map(|(method, operation)| {
        let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => Some(parameter.name.clone()),
            RefOr::T(_) | RefOr::Ref(_) => None,
        });
        ((method.to_owned(), path.to_owned()), parameters.collect())
    });
    named.collect()
}

/// The role that the security requirement of an operation names, in its description.
fn describe_role(operation: &mut Operation) {
    let Some(role) = role_of(operation) else { return };
    let sentence = match role {
        Role::Viewer => "Every role.",
        Role::Operator => "Roles: operator, approver.",
        Role::Approver => "Role: approver.",
    };
    let description = operation.description.take().unwrap_or_default();
    operation.description = Some(format!("{description}\n\n{sentence}").trim().to_owned());
}

fn role_of(operation: &Operation) -> Option<Role> {
    let requirements = serde_json::to_value(operation.security.as_ref()?).ok()?;
    requirements.get(0)?.get(TOKEN)?.get(0)?.as_str()?.parse().ok()
}

/// Adds the problems that an operation can answer with. A handler states those with a meaning of their own.
fn add_problems(operation: &mut Operation, method: &HttpMethod, names_something: bool) {
    let changes = *method == HttpMethod::Post;
    let is_restricted = role_of(operation).is_some_and(|role| role > Role::Viewer);
    for problem in PROBLEMS {
        let applies = match problem.applies {
            Applies::Always => true,
            Applies::Changes => changes,
            Applies::Named => names_something,
            Applies::NamedOrRestricted => names_something || is_restricted,
        };
        if applies {
            let reference = || RefOr::Ref(Ref::from_response_name(problem.name));
            operation.responses.responses.entry(problem.status.to_owned()).or_insert_with(reference);
        }
    }
}

/// A problem that many operations can answer with.
struct CommonProblem {
    status: &'static str,
    /// The name in the document's components.
    name: &'static str,
    applies: Applies,
    description: &'static str,
}

/// The operations that a common problem applies to.
enum Applies {
    Always,
    /// Those that change something.
    Changes,
    /// Those whose path names something.
    Named,
    /// Those, and the ones for which not every role suffices.
    NamedOrRestricted,
}

const PROBLEMS: [CommonProblem; 10] = [
    CommonProblem {
        status: "400",
        name: "BadRequest",
        applies: Applies::Always,
        description: "A query parameter is unknown or invalid, or the body is not valid JSON",
    },
    CommonProblem {
        status: "401",
        name: "Unauthorized",
        applies: Applies::Always,
        description: "The token is missing or invalid",
    },
    CommonProblem {
        status: "403",
        name: "Forbidden",
        applies: Applies::NamedOrRestricted,
        description: "The role of the token does not allow this",
    },
    CommonProblem { status: "404", name: "NotFound", applies: Applies::Named, description: "There is no such thing" },
    CommonProblem {
        status: "409",
        name: "Conflict",
        applies: Applies::Named,
        description: "The state does not allow this, or the name fits several cases",
    },
    CommonProblem {
        status: "413",
        name: "ContentTooLarge",
        applies: Applies::Changes,
        description: "The body is larger than 64 KiB, or the file than 16 MiB",
    },
    CommonProblem {
        status: "415",
        name: "UnsupportedMediaType",
        applies: Applies::Changes,
        description: "The body is not `application/json`",
    },
    CommonProblem {
        status: "422",
        name: "UnprocessableContent",
        applies: Applies::Changes,
        description: "A value of the body is missing, unknown or invalid",
    },
    CommonProblem {
        status: "500",
        name: "InternalServerError",
        applies: Applies::Always,
        description: "An internal error, see the log of the daemon",
    },
    CommonProblem {
        status: "503",
        name: "ServiceUnavailable",
        applies: Applies::Always,
        description: "The database is unavailable, or the request timed out: retry it",
    },
];

impl CommonProblem {
    fn response(&self) -> utoipa::openapi::Response {
        let schema = Ref::from_schema_name(ProblemView::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        ResponseBuilder::new().description(self.description).content("application/problem+json", content).build()
    }
}

/// The document as it is served and printed.
pub(super) fn to_json(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}
