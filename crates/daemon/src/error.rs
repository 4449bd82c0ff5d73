//! Errors of the API: a code that stays the same, a text for people, and the next step.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use motet_node::CallError;
use motet_node::CommandError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A call has failed: its HTTP status, and the body of the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) problem: Problem,
}

/// The body of every response that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// The error.
    pub error: Problem,
}

/// An error for programs and people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A word for programs, which stays the same when the text changes.
    #[schema(example = "digest_mismatch")]
    pub code: String,
    /// The fault, for people. It may contain texts of other nodes.
    pub message: String,
    /// The next step, or null.
    pub hint: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl core::fmt::Display) -> Self {
        Self { status, problem: Problem { code: code.to_owned(), message: message.to_string(), hint: None } }
    }

    /// A request that says something wrong.
    pub(crate) fn bad(code: &str, message: impl core::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A thing that is not here.
    pub(crate) fn not_found(code: &str, message: impl core::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// A call that does not fit the state.
    pub(crate) fn conflict(code: &str, message: impl core::fmt::Display) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.problem.hint = Some(hint.into());
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorBody { error: self.problem })).into_response()
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        let status = match &error {
            CallError::Command(command) => status_of(command),
            CallError::Mismatch(_) => StatusCode::BAD_REQUEST,
            CallError::Net(_) | CallError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            CallError::NoStore | CallError::Internal | _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.code(), error)
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is no matter of state or load is a mistake of the caller")]
fn status_of(error: &CommandError) -> StatusCode {
    match error {
        CommandError::UnknownRequest(_) | CommandError::UnknownSigner(_) | CommandError::NotAdvertised => {
            StatusCode::NOT_FOUND
        }
        CommandError::WrongPhase(_)
        | CommandError::BlockedSigner(_)
        | CommandError::NoRoute(_)
        | CommandError::Unlisted(_)
        | CommandError::TooManyResources { .. } => StatusCode::CONFLICT,
        CommandError::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
        CommandError::Busy
        | CommandError::TooManySessions { .. }
        | CommandError::TooManySigners { .. }
        | CommandError::TooManyContacts { .. } => StatusCode::SERVICE_UNAVAILABLE,
        CommandError::Work | CommandError::SlowWork { .. } | CommandError::Entropy(_) | CommandError::Store(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::BAD_REQUEST,
    }
}
