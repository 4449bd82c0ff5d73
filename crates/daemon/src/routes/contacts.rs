//! The contacts of the signer's user, while the signer runs. Its program keeps their names and places.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::error::{ApiError, ErrorBody};
use crate::extract::{Given, signer_key};
use crate::forms::node::Done;
use crate::forms::signer::AddContact;
use crate::state::App;

/// Treats a signer as a contact, until the program ends.
#[utoipa::path(post, path = "/v1/contacts", tag = "signers", request_body = AddContact,
    responses((status = 201, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn add(
    State(app): State<App>,
    Given(given): Given<AddContact>,
) -> Result<(StatusCode, Json<Done>), ApiError> {
    app.node.set_contact(given.signer, true).await?;
    Ok((StatusCode::CREATED, Json(Done::YES)))
}

/// Treats a signer as a contact no more. A member of a registered group stays one.
#[utoipa::path(delete, path = "/v1/contacts/{signer}", tag = "signers",
    params(("signer" = String, Path, description = "The signer's key.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn remove(State(app): State<App>, Path(signer): Path<String>) -> Result<Json<Done>, ApiError> {
    app.node.set_contact(signer_key(&signer)?, false).await?;
    Ok(Json(Done::YES))
}
