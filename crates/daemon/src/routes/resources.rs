//! Look-ups in the network of what belongs to applications: resources, and requests of others.

use core::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use motet_node::LookUp;

use super::node::offline;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Given, Params, request_id};
use crate::forms::signer::{Announce, AnnouncedResource, FoundRequest, FoundResource, FoundResources, OfName};
use crate::state::App;

/// The resources of a type and id; without them, those that this node knows.
#[utoipa::path(get, path = "/v1/resources", tag = "resources", params(OfName),
    responses((status = 200, body = FoundResources), (status = "default", body = ErrorBody)))]
pub(super) async fn discover(
    State(app): State<App>,
    Params(name): Params<OfName>,
) -> Result<Json<FoundResources>, ApiError> {
    let found = match (name.resource_type, name.id) {
        (None, None) => app.node.local_resources().await?,
        (Some(resource_type), Some(id)) => app.node.discover_resource(&resource_type, &id).await?,
        _ => return Err(ApiError::bad("bad_query", "name both type and id, or neither")),
    };
    Ok(Json(FoundResources { resources: found.iter().map(FoundResource::from).collect() }))
}

/// Announces a small signed resource of an application, and keeps it announced until the node stops.
#[utoipa::path(post, path = "/v1/resources", tag = "resources", request_body = Announce,
    responses((status = 201, body = AnnouncedResource), (status = "default", body = ErrorBody)))]
pub(super) async fn announce(
    State(app): State<App>,
    Given(given): Given<Announce>,
) -> Result<(StatusCode, Json<AnnouncedResource>), ApiError> {
    let signer = app.own(given.signer)?;
    let data = hex::decode(&given.data).map_err(|_| ApiError::bad("bad_hex", "data has hexadecimal digits"))?;
    let lifetime = Duration::from_millis(given.lifetime_ms);
    let id = app.node.announce_resource(signer, &given.resource_type, &given.id, data, lifetime).await?;
    Ok((StatusCode::CREATED, Json(AnnouncedResource { message: id.to_string() })))
}

/// A request by its id, as this node or the DHT knows it, whether or not it asks a signer of this node.
#[utoipa::path(get, path = "/v1/network/requests/{request}", tag = "resources",
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = FoundRequest), (status = "default", body = ErrorBody)))]
pub(super) async fn find_request(
    State(app): State<App>,
    Path(request): Path<String>,
) -> Result<Json<FoundRequest>, ApiError> {
    match app.node.find_signing_request(request_id(&request)?).await? {
        LookUp::Known(found) | LookUp::Found(found) => Ok(Json(FoundRequest::from(&found))),
        LookUp::Nothing => Err(ApiError::not_found("unknown_request", "neither this node nor the DHT knows it")),
        LookUp::Offline => Err(offline()),
    }
}
