//! Statistics of a run.

use axum::Json;
use axum::extract::State;
use motet_node::event::Phase;

use crate::error::{ApiError, ErrorBody};
use crate::forms::stats::{Rejected, Stats};
use crate::state::App;

/// Counts of sessions, their times, and what the pipeline has refused, since the start.
#[utoipa::path(get, path = "/v1/stats", tag = "node",
    responses((status = 200, body = Stats), (status = "default", body = ErrorBody)))]
pub(super) async fn stats(State(app): State<App>) -> Result<Json<Stats>, ApiError> {
    let counts = app.tally.counts();
    let ended = |phase| matches!(phase, Phase::Complete | Phase::Aborted);
    let sessions = app.node.sessions().await?;
    let metrics = app.node.metrics().await?;
    Ok(Json(Stats {
        uptime_ms: app.clock.now().mono.0,
        asked: counts.asked,
        received: counts.received,
        active: sessions.iter().filter(|session| !ended(session.phase)).count(),
        complete: counts.complete,
        ended: counts.ended.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect(),
        results: app.node.results().await?.len(),
        latencies: counts.latencies(),
        accepted: metrics
            .lines()
            .find_map(|line| line.strip_prefix("motet_accepted_total ")?.parse().ok())
            .unwrap_or(0),
        rejected: metrics.lines().filter_map(rejected).collect(),
    }))
}

/// A rule that has refused something, from its line among the metrics.
fn rejected(line: &str) -> Option<Rejected> {
    let (labels, count) = line.strip_prefix("motet_rejected_total{")?.split_once("} ")?;
    let label = |name: &str| {
        let value = labels.split(',').find_map(|label| label.strip_prefix(name)?.strip_prefix("=\""))?;
        Some(value.trim_end_matches('"').to_owned())
    };
    let count = count.parse().ok().filter(|count| *count > 0)?;
    Some(Rejected { rule: label("rule")?, name: label("name")?, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_metrics_is_a_rule_and_its_count() {
        let line = "motet_rejected_total{rule=\"V-20\",name=\"expired\"} 3";
        let expected = Rejected { rule: "V-20".to_owned(), name: "expired".to_owned(), count: 3 };
        assert_eq!(rejected(line), Some(expected));
        for other in ["motet_rejected_total{rule=\"V-20\",name=\"expired\"} 0", "motet_accepted_total 3", "# EOF"] {
            assert_eq!(rejected(other), None);
        }
    }
}
