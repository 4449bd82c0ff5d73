//! The node: its state, its peers, its metrics, its end.

use core::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use motet_node::{LookUp, Node, parse_address};

use crate::error::{ApiError, ErrorBody};
use crate::extract::{Given, Nothing};
use crate::forms::node::{Connect, Done, Health, Peer, Peers, Status};
use crate::state::App;

/// Time within which a healthy node answers.
const HEALTHY: Duration = Duration::from_secs(5);
/// The type of the text of metrics.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Tells that the node answers. It needs no token.
#[utoipa::path(get, path = "/healthz", tag = "node", security(()),
    responses((status = 200, body = Health), (status = "default", body = ErrorBody)))]
pub(super) async fn healthz(State(app): State<App>) -> Result<Json<Health>, ApiError> {
    connected(&app.node).await?;
    Ok(Json(Health { ok: true }))
}

/// Tells that the node is connected with others. It needs no token.
#[utoipa::path(get, path = "/readyz", tag = "node", security(()),
    responses((status = 200, body = Health), (status = "default", body = ErrorBody)))]
pub(super) async fn readyz(State(app): State<App>) -> Result<Json<Health>, ApiError> {
    if connected(&app.node).await? == 0 {
        let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "no_peers", "the node is connected with no other");
        return Err(error.hint("name a peer: POST /v1/peers, or start with --peer"));
    }
    Ok(Json(Health { ok: true }))
}

/// The number of connected peers, if the node answers soon.
async fn connected(node: &Node) -> Result<usize, ApiError> {
    let stats = tokio::time::timeout(HEALTHY, node.stats()).await;
    let stats =
        stats.map_err(|_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the node does not answer"))?;
    Ok(stats?.peers)
}

/// All metrics as OpenMetrics text, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", tag = "node",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"), (status = "default", body = ErrorBody)))]
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    Ok(([("content-type", OPENMETRICS)], crate::metrics::text(&app).await?).into_response())
}

/// The state of the daemon and its node.
#[utoipa::path(get, path = "/v1/status", tag = "node",
    responses((status = 200, body = Status), (status = "default", body = ErrorBody)))]
pub(super) async fn status(State(app): State<App>) -> Result<Json<Status>, ApiError> {
    let cursor = app.questions.journal().end();
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        network: app.node.network().to_string(),
        peer: app.node.peer_id().to_string(),
        signers: app.signers(),
        locked: app.signer_keys.as_ref().is_some_and(|keys| keys.are_locked()),
        cursor,
        api: app.address.map(|address| address.to_string()),
        uptime_ms: app.clock.now().mono.0,
        questions: app.questions.list().len(),
        sessions: app.open_sessions().await?,
        results: app.node.results().await?.len(),
        connections: app.node.stats().await?.into(),
        dht: app.node.dht_stats().await?.into(),
    }))
}

/// The connections to peers.
#[utoipa::path(get, path = "/v1/peers", tag = "node",
    responses((status = 200, body = Peers), (status = "default", body = ErrorBody)))]
pub(super) async fn peers(State(app): State<App>) -> Result<Json<Peers>, ApiError> {
    let peers = app.node.peers().await?.into_iter().map(Peer::from).collect();
    Ok(Json(Peers { peers }))
}

/// Connects to a peer. One whose address ends in `/p2p/PEER_ID` is dialled again whenever it is lost.
#[utoipa::path(post, path = "/v1/peers", tag = "node", request_body = Connect,
    responses((status = 202, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn connect(
    State(app): State<App>,
    Given(given): Given<Connect>,
) -> Result<(StatusCode, Json<Done>), ApiError> {
    let address = parse_address(&given.address).map_err(|error| ApiError::bad("bad_address", error))?;
    app.node.connect(address).await?;
    Ok((StatusCode::ACCEPTED, Json(Done::YES)))
}

/// The addresses of a peer, as this node or the DHT knows them.
#[utoipa::path(get, path = "/v1/peers/{peer}", tag = "node", params(("peer" = String, Path, description = "The peer's id.")),
    responses((status = 200, body = Vec<String>), (status = "default", body = ErrorBody)))]
pub(super) async fn peer(State(app): State<App>, Path(peer): Path<String>) -> Result<Json<Vec<String>>, ApiError> {
    let peer = peer.parse().map_err(|_| ApiError::bad("bad_peer", "this is no peer id"))?;
    match app.node.find_peer(peer).await? {
        LookUp::Known(addresses) | LookUp::Found(addresses) => {
            Ok(Json(addresses.iter().map(ToString::to_string).collect()))
        }
        LookUp::Nothing => Err(ApiError::not_found("unknown_peer", "neither this node nor the DHT knows this peer")),
        LookUp::Offline => Err(offline()),
    }
}

/// The failure of a look-up without a network.
pub(super) fn offline() -> ApiError {
    let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "offline", "there is nobody to ask in the network");
    error.hint("name a peer: POST /v1/peers, or start with --peer")
}

/// Ends the program: its keys leave its memory at once, the signer withdraws its offer, declines what is open, and stops.
#[utoipa::path(post, path = "/v1/halt", tag = "node",
    responses((status = 202, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn halt(State(app): State<App>, _: Given<Nothing>) -> (StatusCode, Json<Done>) {
    super::keys::lock_before_the_end(&app);
    app.halt.send_replace(true);
    (StatusCode::ACCEPTED, Json(Done::YES))
}
