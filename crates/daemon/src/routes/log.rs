//! The log of the program while it runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Given;
use crate::facilities::LogControl;
use crate::forms::log::LogFilter;
use crate::state::App;

/// The filter of the log.
#[utoipa::path(get, path = "/v1/log", tag = "node",
    responses((status = 200, body = LogFilter), (status = "default", body = ErrorBody)))]
pub(super) async fn show(State(app): State<App>) -> Result<Json<LogFilter>, ApiError> {
    Ok(Json(LogFilter { filter: log(&app)?.filter() }))
}

/// Replaces the filter of the log, until the program ends.
#[utoipa::path(put, path = "/v1/log", tag = "node", request_body = LogFilter,
    responses((status = 200, body = LogFilter), (status = "default", body = ErrorBody)))]
pub(super) async fn change(
    State(app): State<App>,
    Given(given): Given<LogFilter>,
) -> Result<Json<LogFilter>, ApiError> {
    let log = log(&app)?;
    log.set_filter(&given.filter).map_err(|what| {
        ApiError::bad("bad_filter", what).hint("write a level, such as debug, or a part of the program and its level")
    })?;
    Ok(Json(LogFilter { filter: log.filter() }))
}

fn log(app: &App) -> Result<&Arc<dyn LogControl>, ApiError> {
    let absent = || ApiError::new(StatusCode::NOT_IMPLEMENTED, "no_log", "this program's log cannot be changed here");
    app.log.as_ref().ok_or_else(absent)
}
