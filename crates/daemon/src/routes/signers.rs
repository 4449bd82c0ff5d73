//! Signers: offers of others, and the advertisements of this node's own.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use motet_node::{LookUp, SignerAdvertisement};

use super::keys::check_unlocked;
use super::node::offline;
use super::questions::reason;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Given, Params, signer_key};
use crate::forms::node::Done;
use crate::forms::signer::{
    AddSigner, Added, Advertise, Advertised, Because, FoundOffer, FoundRequest, FoundRequests, Offer, Offers,
    Reputation, Wishes,
};
use crate::state::App;

/// The reason of a withdrawal without one.
const WITHDRAWN: &str = "withdrawn";

/// The signers that meet some wishes: those known here, and if they are too few, those that the DHT knows, too.
#[utoipa::path(get, path = "/v1/signers", tag = "signers", params(Wishes),
    responses((status = 200, body = Offers), (status = "default", body = ErrorBody)))]
pub(super) async fn find(State(app): State<App>, Params(wishes): Params<Wishes>) -> Result<Json<Offers>, ApiError> {
    let known = wishes.known;
    let query = wishes.query();
    let found =
        if known { app.node.find_known_signers(query).await? } else { app.node.find_available_signers(query).await? };
    let mut signers = Vec::with_capacity(found.len());
    for offer in &found {
        signers.push(with_score(&app, offer).await?);
    }
    Ok(Json(Offers { signers }))
}

async fn with_score(app: &App, offer: &SignerAdvertisement) -> Result<Offer, ApiError> {
    let score = app.node.reputation(offer.delegation.signer).await?;
    Ok(Offer::new(offer, score, app.clock.now().wall))
}

/// The newest offer of one signer, as this node or the DHT knows it.
#[utoipa::path(get, path = "/v1/signers/{signer}", tag = "signers",
    params(("signer" = String, Path, description = "The signer's key.")),
    responses((status = 200, body = FoundOffer), (status = "default", body = ErrorBody)))]
pub(super) async fn show(State(app): State<App>, Path(signer): Path<String>) -> Result<Json<FoundOffer>, ApiError> {
    let (source, offer) = match app.node.find_signer(signer_key(&signer)?).await? {
        LookUp::Known(offer) => ("known", offer),
        LookUp::Found(offer) => ("found", offer),
        LookUp::Nothing => {
            return Err(ApiError::not_found("no_offer", "neither this node nor the DHT knows an offer of it"));
        }
        LookUp::Offline => return Err(offline()),
    };
    Ok(Json(FoundOffer { source: source.to_owned(), offer: with_score(&app, &offer).await? }))
}

/// Serves a further signer: the key with this name, which the program finds where it keeps keys. No call carries a key. The signer is not
/// advertised by itself.
#[utoipa::path(post, path = "/v1/signers", tag = "signers", request_body = AddSigner,
    responses((status = 201, body = Added), (status = "default", body = ErrorBody)))]
pub(super) async fn add(
    State(app): State<App>,
    Given(given): Given<AddSigner>,
) -> Result<(StatusCode, Json<Added>), ApiError> {
    let Some(keys) = &app.keys else {
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "no_keys", "this program has no further keys"));
    };
    check_unlocked(&app)?;
    let signer = keys.signer(&given.key).await.map_err(|what| {
        ApiError::conflict("key", what)
            .hint("`motet key list` has the names; the passphrase comes from a file or a credential")
    })?;
    let public = signer.public_key();
    app.node.add_signer(signer).await?;
    app.note(public, true);
    Ok((StatusCode::CREATED, Json(Added { signer: public })))
}

/// Serves a signer of this node no more: its advertisement is withdrawn, and its requests and sessions are declined.
#[utoipa::path(delete, path = "/v1/signers/{signer}", tag = "signers",
    params(("signer" = String, Path, description = "The signer's key.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn remove(State(app): State<App>, Path(signer): Path<String>) -> Result<Json<Done>, ApiError> {
    app.let_go(signer_key(&signer)?).await?;
    Ok(Json(Done::YES))
}

/// The score of a signer, from this node's own sessions.
#[utoipa::path(get, path = "/v1/signers/{signer}/reputation", tag = "signers",
    params(("signer" = String, Path, description = "The signer's key.")),
    responses((status = 200, body = Reputation), (status = "default", body = ErrorBody)))]
pub(super) async fn reputation(
    State(app): State<App>,
    Path(signer): Path<String>,
) -> Result<Json<Reputation>, ApiError> {
    let signer = signer_key(&signer)?;
    Ok(Json(Reputation { signer, score: app.node.reputation(signer).await?.get() }))
}

/// The requests that wait for a signer, as this node and the DHT know them.
#[utoipa::path(get, path = "/v1/signers/{signer}/requests", tag = "signers",
    params(("signer" = String, Path, description = "The signer's key.")),
    responses((status = 200, body = FoundRequests), (status = "default", body = ErrorBody)))]
pub(super) async fn requests(
    State(app): State<App>,
    Path(signer): Path<String>,
) -> Result<Json<FoundRequests>, ApiError> {
    let found = app.node.find_signing_requests_for(signer_key(&signer)?).await?;
    Ok(Json(FoundRequests { requests: found.iter().map(FoundRequest::from).collect() }))
}

/// Advertises a signer of this node, and keeps it advertised. An earlier advertisement is replaced.
#[utoipa::path(post, path = "/v1/advertisements", tag = "signers", request_body = Advertise,
    responses((status = 201, body = Advertised), (status = "default", body = ErrorBody)))]
pub(super) async fn advertise(
    State(app): State<App>,
    Given(given): Given<Advertise>,
) -> Result<(StatusCode, Json<Advertised>), ApiError> {
    let signer = app.own(given.signer)?;
    let (criteria, metadata, lifetime) = given.parts();
    let id = app.node.advertise_signer(signer, criteria, metadata, lifetime).await?;
    Ok((StatusCode::CREATED, Json(Advertised { advertisement: id.to_string() })))
}

/// Withdraws the advertisement of a signer of this node.
#[utoipa::path(delete, path = "/v1/advertisements/{signer}", tag = "signers",
    params(("signer" = String, Path, description = "The signer's key."), Because),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn withdraw(
    State(app): State<App>,
    Path(signer): Path<String>,
    Params(because): Params<Because>,
) -> Result<Json<Done>, ApiError> {
    app.node.withdraw_advertisement(signer_key(&signer)?, reason(because.reason, WITHDRAWN)?).await?;
    Ok(Json(Done::YES))
}
