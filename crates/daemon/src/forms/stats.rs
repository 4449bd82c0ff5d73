//! Numbers of sessions by their ends, and of rejected messages: since the start, and by minute.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Counts since the start of the signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// Requests of its own.
    pub asked: u64,
    /// Requests that ask for it.
    pub received: u64,
    /// Sessions that go on.
    pub active: usize,
    /// Sessions with signatures.
    pub complete: u64,
    /// Sessions that ended without signatures, by the reason, as `why` in the status of a session names it.
    pub ended: BTreeMap<String, u64>,
    /// Signatures that have not been noted.
    pub results: usize,
    /// The time from the last join to the signatures, of the last 1024 sessions; null before the first.
    pub latencies: Option<Latencies>,
    /// Messages that the pipeline has accepted.
    pub accepted: u64,
    /// Messages that it has refused, by the rule; rules that have refused none are left out.
    pub rejected: Vec<Rejected>,
}

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Latencies {
    /// The number of sessions.
    pub sessions: usize,
    /// Half of the sessions took no longer.
    pub median_ms: u64,
    /// 95 of 100 took no longer.
    pub p95_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

/// The part of the history that a caller wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Span {
    /// The number of minutes, the newest; without it all that are kept, 1440 at most.
    pub(crate) minutes: Option<u32>,
}

/// The history of a run: the newest minutes, the oldest of them first. A minute in which the machine was asleep is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// The minutes; the last one is not over yet.
    pub minutes: Vec<Minute>,
}

/// Counts of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Minute {
    /// Its beginning, in milliseconds since 1970.
    pub at_ms: u64,
    /// The most sessions that were seen to go on at a time.
    pub open: u64,
    /// Sessions that ended with signatures.
    pub complete: u64,
    /// Sessions that ended without signatures.
    pub ended: u64,
    /// Messages that the pipeline has accepted.
    pub accepted: u64,
    /// Messages that it has refused.
    pub rejected: u64,
}

/// Messages that one rule has refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rejected {
    /// The rule (docs/validation.md).
    #[schema(example = "V-20")]
    pub rule: String,
    /// The name of its counter.
    pub name: String,
    /// The number.
    pub count: u64,
}
