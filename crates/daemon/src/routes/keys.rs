//! Locking and unlocking of the signers' keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use motet_node::event::Phase;
use serde::Serialize;

use crate::error::{ApiError, ErrorBody};
use crate::extract::{Given, Nothing, Secret};
use crate::forms::node::Done;
use crate::forms::unlock::Unlock;
use crate::keys::{Keys, KeysError, LOCKED};
use crate::state::App;

/// The journal's words about keys.
#[derive(Debug, Serialize)]
#[serde(tag = "event")]
enum Told {
    KeysLocked,
    KeysUnlocked,
}

/// Takes the signers' keys out of memory. What is being signed ends, what waits is declined, and so is what comes until they are unlocked.
/// Signers that were added are served no more.
#[utoipa::path(post, path = "/v1/lock", tag = "node",
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn lock(State(app): State<App>, _: Given<Nothing>) -> Result<Json<Done>, ApiError> {
    let keys = keys(&app)?;
    let was_locked = keys.are_locked();
    keys.lock().map_err(|error| refused(&error))?;
    if !was_locked {
        app.questions.journal().write("KeysLocked", None, &Told::KeysLocked);
    }
    stop_signing(&app).await?;
    // These are loaded by name, and have to be added again after unlocking.
    for further in app.signers().into_iter().filter(|signer| !keys.have(signer)) {
        app.let_go(further).await?;
    }
    Ok(Json(Done::YES))
}

/// Loads the signers' keys again, over the Unix socket alone. A keystore needs its passphrase, a key file none.
#[utoipa::path(post, path = "/v1/unlock", tag = "node", request_body = Unlock,
    responses((status = 200, body = Done), (status = "default", body = ErrorBody)))]
pub(super) async fn unlock(State(app): State<App>, Secret(given): Secret<Unlock>) -> Result<Json<Done>, ApiError> {
    let keys = Arc::clone(keys(&app)?);
    // A wrong passphrase costs a second and 64 MiB; one try at a time costs no more.
    let _one = app.unlocking.lock().await;
    if keys.are_locked() {
        let tried = tokio::task::spawn_blocking(move || keys.unlock(given.into_passphrase())).await;
        tried
            .map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error))?
            .map_err(|error| refused(&error))?;
        app.questions.journal().write("KeysUnlocked", None, &Told::KeysUnlocked);
    }
    Ok(Json(Done::YES))
}

fn keys(app: &App) -> Result<&Arc<dyn Keys>, ApiError> {
    app.signer_keys.as_ref().ok_or_else(|| refused(&KeysError::ThrowAway))
}

/// Refuses a call that needs a key.
pub(super) fn check_unlocked(app: &App) -> Result<(), ApiError> {
    if app.signer_keys.as_ref().is_some_and(|keys| keys.are_locked()) {
        return Err(ApiError::new(StatusCode::LOCKED, "locked", LOCKED).hint("unlock it with `motet unlock`"));
    }
    Ok(())
}

/// Takes the keys out of memory, if they can be loaded again: the program ends in any case.
pub(super) fn lock_before_the_end(app: &App) {
    if let Some(keys) = &app.signer_keys {
        drop(keys.lock());
    }
}

/// Ends what the locked signers have a part in, so that the others need not wait.
async fn stop_signing(app: &App) -> Result<(), ApiError> {
    for session in app.node.sessions().await? {
        // It may have ended meanwhile.
        match session.phase {
            Phase::Complete | Phase::Aborted => {}
            Phase::Joining => {
                let signers = app.signers();
                let own = session.awaiting.iter().filter(|signer| signers.contains(signer));
                let mut waits = false;
                for signer in own {
                    waits = true;
                    drop(app.node.decline_signing_request(session.request, *signer, LOCKED.to_owned()).await);
                }
                if !waits {
                    drop(app.node.abort_session(session.request, LOCKED.to_owned()).await);
                }
            }
            Phase::Commitments | Phase::Nonces | Phase::Partials => {
                drop(app.node.abort_session(session.request, LOCKED.to_owned()).await);
            }
        }
    }
    Ok(())
}

fn refused(error: &KeysError) -> ApiError {
    match error {
        KeysError::ThrowAway => {
            ApiError::conflict("throw_away_key", error).hint("end the signer instead: POST /v1/halt")
        }
        KeysError::PassphraseNeeded => ApiError::bad("passphrase_needed", error),
        KeysError::WrongPassphrase(_) => ApiError::new(StatusCode::FORBIDDEN, "wrong_passphrase", error),
        KeysError::Unusable(_) => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "key_unusable", error),
    }
}
