//! Requests that wait for an answer, and the answers.

use axum::Json;
use axum::extract::{Path, State};
use motet_node::{ProposalDigest, PublicKey, RequestId};

use super::keys::check_unlocked;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Given, Params, bytes32, request_id};
use crate::forms::node::Done;
use crate::forms::question::{Approve, Decline, OfSigner, PendingRequest, PendingRequests};
use crate::questions::{Place, Question, Refused};
use crate::state::App;

/// Bytes of a reason that the protocol carries.
const REASON: usize = 256;
/// The reason of a refusal without one.
const DECLINED: &str = "declined";

/// The requests that wait for an answer of this node's user.
#[utoipa::path(get, path = "/v1/requests", tag = "requests",
    responses((status = 200, body = PendingRequests), (status = "default", body = ErrorBody)))]
pub(super) async fn list(State(app): State<App>) -> Json<PendingRequests> {
    Json(PendingRequests { requests: app.questions.list().iter().map(PendingRequest::from).collect() })
}

/// One request that waits, as it would be signed.
#[utoipa::path(get, path = "/v1/requests/{request}", tag = "requests",
    params(("request" = String, Path, description = "The id of the request."), OfSigner),
    responses((status = 200, body = PendingRequest), (status = "default", body = ErrorBody)))]
pub(super) async fn show(
    State(app): State<App>,
    Path(request): Path<String>,
    Params(of): Params<OfSigner>,
) -> Result<Json<PendingRequest>, ApiError> {
    let question = question(&app, request_id(&request)?, of.signer)?;
    Ok(Json(PendingRequest::from(&question)))
}

fn question(app: &App, request: RequestId, signer: Option<PublicKey>) -> Result<Question, ApiError> {
    let mut meant = app.questions.list();
    meant.retain(|question| {
        question.proposal.request == request && signer.is_none_or(|signer| question.proposal.signer == signer)
    });
    match (meant.pop(), meant.is_empty()) {
        (None, _) => Err(refused(Refused::NotAsked)),
        (Some(question), true) => Ok(question),
        (Some(_), false) => Err(refused(Refused::Ambiguous)),
    }
}

/// Approves a request: what has this digest is signed. An approval of anything else than what is asked now is an error, and so is one that
/// comes after another answer.
#[utoipa::path(post, path = "/v1/requests/{request}/approve", tag = "requests", request_body = Approve,
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn approve(
    State(app): State<App>,
    Path(request): Path<String>,
    Given(given): Given<Approve>,
) -> Result<Json<Done>, ApiError> {
    check_unlocked(&app)?;
    let digest = ProposalDigest::from_bytes(bytes32("digest", &given.digest)?);
    let request = request_id(&request)?;
    app.questions.approve(&request, given.signer.as_ref(), digest, Place::Api).map_err(refused)?;
    Ok(Json(Done::YES))
}

/// Declines a request. One about which nobody is asked is declined, too, as long as this node's signer has not joined it.
#[utoipa::path(post, path = "/v1/requests/{request}/decline", tag = "requests", request_body = Decline,
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn decline(
    State(app): State<App>,
    Path(request): Path<String>,
    Given(given): Given<Decline>,
) -> Result<Json<Done>, ApiError> {
    let request = request_id(&request)?;
    let reason = reason(given.reason, DECLINED)?;
    match app.questions.decline(&request, given.signer.as_ref(), reason.clone(), Place::Api) {
        Err(Refused::NotAsked) => {
            let signer = app.own(given.signer)?;
            app.node.decline_signing_request(request, signer, reason).await?;
        }
        other => other.map_err(refused)?,
    }
    Ok(Json(Done::YES))
}

/// A reason within its bounds.
pub(super) fn reason(given: Option<String>, default: &str) -> Result<String, ApiError> {
    let reason = given.unwrap_or_else(|| default.to_owned());
    if reason.len() > REASON {
        return Err(ApiError::bad("reason", format!("reason: {} bytes, and it has {REASON} at most", reason.len())));
    }
    Ok(reason)
}

fn refused(refused: Refused) -> ApiError {
    match &refused {
        Refused::NotAsked => ApiError::not_found("not_asked", refused).hint("GET /v1/requests lists those that wait"),
        Refused::Ambiguous => ApiError::conflict("which_signer", refused),
        Refused::Answered(_) => ApiError::conflict("already_answered", refused),
        Refused::Digest => ApiError::conflict("digest_mismatch", refused)
            .hint("look at the request again, and approve what it shows now"),
    }
}
