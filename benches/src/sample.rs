//! Interleaved sampling: every library once, then again, so that noise of the machine hits all alike.

use crate::peer::{Operation, Peer};
use std::time::{Duration, Instant};

/// How long and how often one operation is sampled.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds are added until this much time is used up ...
    pub budget: Duration,
    /// ... but at least so many,
    pub minimum: usize,
    /// and at most so many.
    pub maximum: usize,
}

/// Median times in nanoseconds, in the order of the peers.
///
/// Every round measures every peer once, and begins with another one; the first round warms up and is not counted.
pub fn medians(peers: &mut [Box<dyn Peer>], operation: Operation, effort: Effort) -> Vec<u64> {
    let mut samples: Vec<Vec<u64>> = peers.iter().map(|_| Vec::new()).collect();
    let start = Instant::now();
    for round in 0..=effort.maximum {
        if round > effort.minimum && start.elapsed() > effort.budget {
            break;
        }
        for offset in 0..peers.len() {
            let at = (round + offset) % peers.len();
            if let (Some(peer), Some(samples)) = (peers.get_mut(at), samples.get_mut(at)) {
                let nanoseconds = peer.measure(operation).as_nanos() as u64;
                if round > 0 {
                    samples.push(nanoseconds);
                }
            }
        }
    }
    samples.into_iter().map(median).collect()
}

fn median(mut samples: Vec<u64>) -> u64 {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or(0)
}
