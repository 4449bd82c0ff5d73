//! `motet stats`: what has become of sessions since a signer started.

use motet_daemon::api::Stats;

use super::call::{client, explain, print};
use crate::args::CalledArgs;
use crate::counted::counted;
use crate::exit::{Exit, Failed};
use crate::output::Output;

pub(super) async fn run(called: &CalledArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(called.json);
    let stats = client(called)?.stats().await.map_err(|error| explain(&error))?;
    print(&output, &lines(&stats), &stats)?;
    Ok(Exit::Success)
}

fn lines(stats: &Stats) -> String {
    let Stats { uptime_ms, asked, received, active, complete, ended, results, latencies, accepted, rejected } = stats;
    let mut text = format!("since the start, {} s ago\n", uptime_ms / 1000);
    text.push_str(&format!("  requests  {asked} of its own, {received} of others\n"));
    let without: u64 = ended.values().sum();
    text.push_str(&format!("  sessions  {complete} signed, {without} without a signature, {active} open\n"));
    for (why, count) in ended {
        text.push_str(&format!("    {why:<14} {count}\n"));
    }
    text.push_str(&format!("  results   {results} not noted\n"));
    if let Some(took) = latencies {
        let (count, median, p95, max) = (took.sessions, took.median_ms, took.p95_ms, took.max_ms);
        text.push_str(&format!(
            "  latency   {median} ms in the middle, {p95} ms for 95 of 100, {max} ms at most, of {}\n",
            counted(count, "session")
        ));
    }
    let refused: u64 = rejected.iter().map(|rejected| rejected.count).sum();
    text.push_str(&format!("  messages  {accepted} accepted, {refused} rejected\n"));
    for rejected in rejected {
        text.push_str(&format!("    {:<6} {:<24} {}\n", rejected.rule, rejected.name, rejected.count));
    }
    text.trim_end().to_owned()
}
