//! Requests that this node makes, sessions, signatures and proofs.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use motet_node::{Audience, CallError, Replacement, RequestId, SessionStatus, SigningRequestSpec};

use super::keys::check_unlocked;
use super::questions::reason;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Given, Nothing, Params, request_id};
use crate::forms::node::Done;
use crate::forms::session::{
    Abort, ForChange, Proofs, Results, Retried, Retry, Session, SessionEvent, SessionEvents, Sessions, Until,
};
use crate::forms::signing::{Announced, Sign};
use crate::limits;
use crate::state::App;
use crate::wait::wait;

/// The reason of an end without one.
const GIVEN_UP: &str = "given up by its asker";

/// Asks other signers for signatures. The session goes on by itself; `GET /v1/sessions/{request}` waits for its end.
#[utoipa::path(post, path = "/v1/sign", tag = "sessions", request_body = Sign,
    responses((status = 201, body = Announced), (status = "default", body = ErrorBody)))]
pub(super) async fn sign(
    State(app): State<App>,
    Given(given): Given<Sign>,
) -> Result<(StatusCode, Json<Announced>), ApiError> {
    check_unlocked(&app)?;
    let creator = app.own(given.signer)?;
    let despite_open = given.despite_open;
    let audience = if given.private { Audience::Members(BTreeMap::new()) } else { Audience::Public };
    let spec = given.spec(creator)?;
    if !despite_open {
        refuse_open_ends(&spec, &app.node.sessions().await?)?;
    }
    let (request, aggregate_keys) = app.node.announce_signing_request_to(spec, audience).await?;
    Ok((StatusCode::CREATED, Json(Announced { request, aggregate_keys })))
}

/// Refuses to ask for something else under a key for which an earlier request may still be completed: then both would be signed.
fn refuse_open_ends(spec: &SigningRequestSpec, sessions: &[SessionStatus]) -> Result<(), ApiError> {
    let own: Vec<_> =
        spec.items.iter().filter_map(|item| Some((item.verification_key(&spec.keys).ok()?, &item.message))).collect();
    let conflicts = |earlier: &SessionStatus| {
        !earlier.may_complete.is_empty()
            && earlier
                .items
                .iter()
                .any(|item| own.iter().any(|(key, message)| item.aggregate_key == *key && *item.message != ***message))
    };
    let Some(earlier) = sessions.iter().find(|session| conflicts(session)) else { return Ok(()) };
    let what = format!("the earlier request {} under the same key may still be completed by others", earlier.request);
    let hint = "if only one of the two may be signed, wait for its end; to ask all the same: \"despite_open\": true";
    Err(ApiError::conflict("open_end", what).hint(hint))
}

/// All sessions.
#[utoipa::path(get, path = "/v1/sessions", tag = "sessions",
    responses((status = 200, body = Sessions), (status = "default", body = ErrorBody)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Sessions>, ApiError> {
    let journal = app.questions.journal();
    let sessions = app.node.sessions().await?;
    let with_revision = |status: SessionStatus| Session { revision: journal.revision(&status.request), status };
    Ok(Json(Sessions { sessions: sessions.into_iter().map(with_revision).collect() }))
}

/// One session; with `wait`, when it has changed, or with `until=end` when it has ended, or when the time is up.
#[utoipa::path(get, path = "/v1/sessions/{request}", tag = "sessions",
    params(("request" = String, Path, description = "The id of the request."), ForChange),
    responses((status = 200, body = Session), (status = "default", body = ErrorBody)))]
pub(super) async fn show(
    State(app): State<App>,
    Path(request): Path<String>,
    Params(change): Params<ForChange>,
) -> Result<Json<Session>, ApiError> {
    let request = request_id(&request)?;
    if let Some(text) = change.wait {
        let patience = wait(&text)?;
        let journal = app.questions.journal();
        // That its time is up is no error: the answer shows that nothing has changed.
        match (change.until, change.after) {
            (Some(Until::End), Some(_)) => {
                return Err(ApiError::bad("wait", "until=end waits for the end, from now on: leave after out"));
            }
            (Some(Until::End), None) => {
                if let Ok(ended) = tokio::time::timeout(patience, ended(&app, request)).await {
                    return Ok(Json(ended?));
                }
            }
            (Some(Until::Change) | None, after) => {
                // An unknown session is told at once.
                app.node.session_status(request).await?;
                let since = after.unwrap_or_else(|| journal.revision(&request));
                drop(tokio::time::timeout(patience, journal.changed(&request, since)).await);
            }
        }
    }
    Ok(Json(session(&app, request).await?))
}

/// A session when it has ended, or when the journal ends before.
async fn ended(app: &App, request: RequestId) -> Result<Session, CallError> {
    let journal = app.questions.journal();
    loop {
        let session = session(app, request).await?;
        if session.status.phase.has_ended() || journal.is_closed() {
            return Ok(session);
        }
        // The node is asked again at the end alone, and left to the session until then.
        journal.ended(&request, session.revision).await;
    }
}

/// The events of a session that the journal of this run keeps, with their times: its timeline.
#[utoipa::path(get, path = "/v1/sessions/{request}/events", tag = "sessions",
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = SessionEvents), (status = "default", body = ErrorBody)))]
pub(super) async fn events(
    State(app): State<App>,
    Path(request): Path<String>,
) -> Result<Json<SessionEvents>, ApiError> {
    let journal = app.questions.journal();
    let kept = journal.of(&request_id(&request)?, limits::SESSION_EVENTS).into_iter().map(|entry| {
        let event = serde_json::from_str(&entry.json).unwrap_or_default();
        SessionEvent { cursor: journal.cursor(entry.number), at_ms: entry.at.0, event }
    });
    Ok(Json(SessionEvents { events: kept.collect() }))
}

/// A session and its revision. The revision is read first: a change in between is awaited once more, and never missed.
async fn session(app: &App, request: RequestId) -> Result<Session, CallError> {
    let revision = app.questions.journal().revision(&request);
    Ok(Session { revision, status: app.node.session_status(request).await? })
}

/// Gives a request up, for everybody.
#[utoipa::path(post, path = "/v1/sessions/{request}/abort", tag = "sessions", request_body = Abort,
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn abort(
    State(app): State<App>,
    Path(request): Path<String>,
    Given(given): Given<Abort>,
) -> Result<Json<Done>, ApiError> {
    app.node.abort_session(request_id(&request)?, reason(given.reason, GIVEN_UP)?).await?;
    Ok(Json(Done::YES))
}

/// Tries a session again: another attempt, or a new request, as its `retry` says; or a new request with other signers in the places of some.
#[utoipa::path(post, path = "/v1/sessions/{request}/retry", tag = "sessions", request_body = Retry,
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Retried), (status = "default", body = ErrorBody)))]
pub(super) async fn retry(
    State(app): State<App>,
    Path(request): Path<String>,
    Given(given): Given<Retry>,
) -> Result<Json<Retried>, ApiError> {
    check_unlocked(&app)?;
    let request = request_id(&request)?;
    let replace: Vec<Replacement> =
        given.replace.iter().map(|one| Replacement { leaves: one.leaves, joins: one.joins }).collect();
    let request = if replace.is_empty() {
        app.node.retry_session(request).await?
    } else {
        app.node.retry_session_with(request, replace).await?.0
    };
    Ok(Json(Retried { request }))
}

/// Forgets a session, and notes its signatures.
#[utoipa::path(post, path = "/v1/sessions/{request}/close", tag = "sessions",
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn close(
    State(app): State<App>,
    Path(request): Path<String>,
    _: Given<Nothing>,
) -> Result<Json<Done>, ApiError> {
    app.node.close_session(request_id(&request)?).await?;
    Ok(Json(Done::YES))
}

/// Commits to nonces, in a session with manual rounds.
#[utoipa::path(post, path = "/v1/sessions/{request}/nonce-commitments", tag = "sessions",
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn start_nonce_commitment(
    State(app): State<App>,
    Path(request): Path<String>,
    _: Given<Nothing>,
) -> Result<Json<Done>, ApiError> {
    app.node.start_nonce_commitment(request_id(&request)?).await?;
    Ok(Json(Done::YES))
}

/// Reveals nonces, in a session with manual rounds.
#[utoipa::path(post, path = "/v1/sessions/{request}/round1", tag = "sessions",
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn start_round1(
    State(app): State<App>,
    Path(request): Path<String>,
    _: Given<Nothing>,
) -> Result<Json<Done>, ApiError> {
    app.node.start_round1(request_id(&request)?).await?;
    Ok(Json(Done::YES))
}

/// Signs, in a session with manual rounds.
#[utoipa::path(post, path = "/v1/sessions/{request}/round2", tag = "sessions",
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn start_round2(
    State(app): State<App>,
    Path(request): Path<String>,
    _: Given<Nothing>,
) -> Result<Json<Done>, ApiError> {
    app.node.start_round2(request_id(&request)?).await?;
    Ok(Json(Done::YES))
}

/// The signatures that have not been noted, the oldest first.
#[utoipa::path(get, path = "/v1/results", tag = "sessions",
    responses((status = 200, body = Results), (status = "default", body = ErrorBody)))]
pub(super) async fn results(State(app): State<App>) -> Result<Json<Results>, ApiError> {
    Ok(Json(Results { results: app.node.results().await? }))
}

/// Notes that the application has the signatures of a request: they are not handed out again.
#[utoipa::path(post, path = "/v1/results/{request}/note", tag = "sessions",
    params(("request" = String, Path, description = "The id of the request.")),
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn note(
    State(app): State<App>,
    Path(request): Path<String>,
    _: Given<Nothing>,
) -> Result<Json<Done>, ApiError> {
    app.node.note_result(request_id(&request)?).await?;
    Ok(Json(Done::YES))
}

/// The proofs that signers broke the protocol, the oldest first.
#[utoipa::path(get, path = "/v1/evidence", tag = "sessions",
    responses((status = 200, body = Proofs), (status = "default", body = ErrorBody)))]
pub(super) async fn evidence(State(app): State<App>) -> Result<Json<Proofs>, ApiError> {
    Ok(Json(Proofs { proofs: app.node.evidence().await? }))
}
