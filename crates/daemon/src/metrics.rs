//! Metrics of the daemon itself, beside those of its node.

use core::fmt::Write as _;

use motet_node::CallError;

use crate::state::App;

/// The last line of OpenMetrics text.
const END: &str = "# EOF\n";

/// The metrics of the node and of the daemon as one OpenMetrics text.
pub(crate) async fn text(app: &App) -> Result<String, CallError> {
    let mut text = app.node.metrics().await?;
    let results = app.node.results().await?.len();
    if text.ends_with(END) {
        text.truncate(text.len().saturating_sub(END.len()));
    }
    let mut metric = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
        // Writing into a string does not fail.
        let _ = write!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}\n");
        let total = if kind == "counter" { "_total" } else { "" };
        for (labels, value) in lines {
            let _ = writeln!(text, "{name}{total}{labels} {value}");
        }
    };
    let one = |value: usize| [(String::new(), u64::try_from(value).unwrap_or(u64::MAX))];
    let uptime = [(String::new(), app.clock.now().mono.0 / 1000)];
    metric("motet_uptime_seconds", "gauge", "Seconds since the start", &uptime);
    metric("motet_requests_waiting", "gauge", "Requests that wait for an approval", &one(app.questions.list().len()));
    metric("motet_results", "gauge", "Signatures that have not been noted", &one(results));
    let events = app.questions.journal().counts();
    let events: Vec<_> = events.iter().map(|(name, count)| (format!("{{event=\"{name}\"}}"), *count)).collect();
    metric("motet_events", "counter", "Events since the start, by name", &events);
    let states: Vec<_> = app.webhooks.logs().iter().map(|log| log.state()).collect();
    let deliveries = |outcome: &str, count: u64| (format!("{{outcome=\"{outcome}\"}}"), count);
    let deliveries = [
        deliveries("delivered", states.iter().map(|state| state.delivered).sum()),
        deliveries("refused", states.iter().map(|state| state.refused).sum()),
        deliveries("failed", states.iter().map(|state| state.failures).sum()),
        deliveries("lost", states.iter().map(|state| state.lost).sum()),
    ];
    metric("motet_webhook_deliveries", "counter", "Attempts of webhooks, by their outcome", &deliveries);
    text.push_str(END);
    Ok(text)
}
