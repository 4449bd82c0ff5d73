//! Statistics of a run: since its start, and by minute.

use axum::Json;
use axum::extract::State;

use crate::error::{ApiError, ErrorBody};
use crate::extract::Params;
use crate::forms::stats::{History, Rejected, Span, Stats};
use crate::limits;
use crate::state::App;

/// Counts of sessions, their times, and what the pipeline has refused, since the start.
#[utoipa::path(get, path = "/v1/stats", tag = "node",
    responses((status = 200, body = Stats), (status = "default", body = ErrorBody)))]
pub(super) async fn stats(State(app): State<App>) -> Result<Json<Stats>, ApiError> {
    let active = app.open_sessions().await?;
    let messages = app.node.message_counts().await?;
    let counts = app.tally.counts();
    let rejected = messages.rejected.iter().map(|(rule, count)| Rejected {
        rule: rule.code(),
        name: rule.name().to_owned(),
        count: *count,
    });
    Ok(Json(Stats {
        uptime_ms: app.clock.now().mono.0,
        asked: counts.asked,
        received: counts.received,
        active,
        complete: counts.complete,
        ended: counts.ended.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect(),
        results: app.node.results().await?.len(),
        latencies: counts.latencies(),
        accepted: messages.accepted,
        rejected: rejected.collect(),
    }))
}

/// Counts of sessions and messages by minute, for the last day at most.
#[utoipa::path(get, path = "/v1/history", tag = "node", params(Span),
    responses((status = 200, body = History), (status = "default", body = ErrorBody)))]
pub(super) async fn history(State(app): State<App>, Params(span): Params<Span>) -> Result<Json<History>, ApiError> {
    // The last minute is that of this moment.
    app.note_minute().await?;
    let most = span.minutes.map_or(limits::MINUTES, |minutes| usize::try_from(minutes).unwrap_or(usize::MAX));
    Ok(Json(History { minutes: app.minutes.newest(most) }))
}
