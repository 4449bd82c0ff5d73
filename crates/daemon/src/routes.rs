//! The routes of the API, and the OpenAPI document that is made of them.

mod applications;
mod contacts;
mod events;
mod keys;
mod log;
mod node;
mod questions;
mod resources;
mod sessions;
mod signers;
mod stats;
mod webhooks;

use core::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, ErrorBody};
use crate::limits;
use crate::page;
use crate::state::App;

/// The path of the OpenAPI document.
pub(crate) const DOCUMENT: &str = "/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Motet daemon",
        description = "The local API of a running signer (docs/api.md).",
        license(name = "MIT OR Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    security(("token" = [])),
)]
struct Document;

/// All routes, with the document of them. The document's own route is the one that it does not describe.
pub(crate) fn router(app: App) -> Router {
    let (router, document) = described().split_for_parts();
    let text = Bytes::from(document_text(document));
    page::add(router)
        .route(DOCUMENT, get(move || async move { ([("content-type", "application/json")], text) }))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(in_time))
        .with_state(app)
}

/// The OpenAPI document, as `/openapi.json` serves it.
pub fn openapi() -> String {
    let (_, document) = described().split_for_parts();
    document_text(document)
}

fn document_text(mut document: utoipa::openapi::OpenApi) -> String {
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_default().security_schemes.insert("token".to_owned(), token.into());
    document.to_json().unwrap_or_default()
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(node::healthz))
        .routes(routes!(node::readyz))
        .routes(routes!(node::metrics))
        .routes(routes!(node::status))
        .routes(routes!(node::peers, node::connect))
        .routes(routes!(node::peer))
        .routes(routes!(node::halt))
        .routes(routes!(keys::lock))
        .routes(routes!(keys::unlock))
        .routes(routes!(events::events))
        .routes(routes!(questions::list))
        .routes(routes!(questions::show))
        .routes(routes!(questions::approve))
        .routes(routes!(questions::decline))
        .routes(routes!(sessions::sign))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::show))
        .routes(routes!(sessions::events))
        .routes(routes!(sessions::abort))
        .routes(routes!(sessions::retry))
        .routes(routes!(sessions::close))
        .routes(routes!(sessions::start_nonce_commitment))
        .routes(routes!(sessions::start_round1))
        .routes(routes!(sessions::start_round2))
        .routes(routes!(sessions::results))
        .routes(routes!(sessions::note))
        .routes(routes!(sessions::evidence))
        .routes(routes!(signers::find, signers::add))
        .routes(routes!(signers::show, signers::remove))
        .routes(routes!(signers::reputation))
        .routes(routes!(signers::requests))
        .routes(routes!(signers::advertise))
        .routes(routes!(signers::withdraw))
        .routes(routes!(contacts::add))
        .routes(routes!(contacts::remove))
        .routes(routes!(stats::stats))
        .routes(routes!(stats::history))
        .routes(routes!(resources::discover, resources::announce))
        .routes(routes!(resources::find_request))
        .routes(routes!(applications::send, applications::listen))
        .routes(routes!(webhooks::list))
        .routes(routes!(log::show, log::change))
}

async fn unknown(request: Request) -> ApiError {
    let what = format!("there is no {}", request.uri().path());
    ApiError::not_found("unknown_route", what).hint(format!("GET {DOCUMENT} lists all routes"))
}

async fn wrong_method(request: Request) -> ApiError {
    let what = format!("{} does not take {}", request.uri().path(), request.method());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", what).hint(format!("GET {DOCUMENT} lists all routes"))
}

/// Bounds the time until a response begins.
async fn in_time(request: Request, next: Next) -> Response {
    let most: Duration = limits::CALL;
    tokio::time::timeout(most, next.run(request)).await.unwrap_or_else(|_| {
        let what = format!("no answer within {} s", most.as_secs());
        ApiError::new(StatusCode::GATEWAY_TIMEOUT, "too_slow", what).into_response()
    })
}
