//! Many sessions at once, each of three signers on three of ten nodes, in several such networks on one machine.
//!
//! Every node announces ten requests at once, as many as the protocol lets one author announce in a row, so that a
//! network of ten nodes has a hundred sessions, and each node takes part in thirty of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use motet_wire::{Commitments, RequestId};

use super::group::{ANNOUNCEMENTS, Failure, Group, Storage};
use super::place::Runtimes;
use super::waiting::AT_A_NODE;
use crate::network::process::Process;

/// Nodes of one network.
const NODES: usize = 10;
/// Sessions of one network.
pub const SESSIONS: usize = NODES * ANNOUNCEMENTS;
/// Signers of each session.
pub const SIGNERS: usize = 3;

/// What came of a crowd of sessions.
#[derive(Debug)]
pub struct Crowded {
    /// Of each session that succeeded, from its announcement until all three had the signature.
    pub times: Vec<Duration>,
    /// From the first announcement until the last signature.
    pub all: Duration,
    /// Processor time of the process meanwhile.
    pub processor: Duration,
    /// By how much the process's memory has grown.
    pub bytes: u64,
    /// Sessions without signatures.
    pub failed: usize,
    /// The most that were open at the same time.
    pub peak: usize,
}

/// Number of networks for so many sessions, and so many requests that wait for users meanwhile.
pub fn networks(sessions: usize, waiting: usize) -> usize {
    sessions.div_ceil(SESSIONS).max(waiting.div_ceil(NODES * AT_A_NODE))
}

/// Starts networks, lets requests wait for the users of all their nodes, lets all sessions begin at once, and waits for these.
///
/// # Errors
///
/// When nodes do not find each other, or refuse to announce.
pub async fn run(sessions: usize, waiting: usize, networks: usize, storage: Storage) -> Result<Crowded, Failure> {
    let mut groups = Vec::new();
    for index in 0..networks {
        let mut group = Group::start(&format!("crowd-{index}"), NODES, storage, Runtimes::Shared).await?;
        group.let_wait(share(waiting.div_ceil(NODES), networks, index)).await?;
        groups.push(group);
    }
    let process = Process::this();
    // A request that is not joined within eight seconds goes into the DHT, which takes minutes for ten thousand.
    process.quiet_within(Duration::from_secs(30) + Duration::from_millis(60) * u32::try_from(waiting)?).await?;
    let (before, worked) = (process.resident()?, process.time()?);
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for (index, mut group) in groups.into_iter().enumerate() {
        let sessions = share(sessions, networks, index);
        tasks.push(tokio::spawn(async move {
            let marks = one_network(&mut group, sessions).await?;
            Ok::<_, Failure>((group, marks))
        }));
    }
    let mut marks: Vec<Mark> = Vec::new();
    let mut finished = Vec::new();
    for task in tasks {
        let (group, of_group) = task.await??;
        marks.extend(of_group);
        finished.push(group);
    }
    let all = marks.iter().filter_map(|mark| mark.end).max().map_or(Duration::ZERO, |end| end.duration_since(begin));
    // The nodes still hold what they remember of every session.
    let bytes = process.resident()?.saturating_sub(before);
    let processor = process.time()?.saturating_sub(worked);
    for group in finished {
        group.stop().await;
    }
    let times: Vec<Duration> = marks.iter().filter_map(|mark| Some(mark.end?.duration_since(mark.begin))).collect();
    let failed = marks.len() - times.len();
    Ok(Crowded { times, all, processor, bytes, failed, peak: peak(&marks) })
}

/// Share of one of several networks, so that all have as much as the next, or one more.
fn share(all: usize, networks: usize, index: usize) -> usize {
    all / networks + usize::from(index < all % networks)
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    begin: Instant,
    end: Option<Instant>,
    open: usize,
}

async fn one_network(group: &mut Group, sessions: usize) -> Result<Vec<Mark>, Failure> {
    let mut marks: HashMap<RequestId, Mark> = HashMap::new();
    for announced in group.announce_all(sessions, SIGNERS, Commitments::On).await? {
        let (request, begin) = announced;
        marks.insert(request, Mark { begin, end: None, open: SIGNERS });
    }
    let mut open = sessions * SIGNERS;
    while open > 0 {
        // Whatever has not come by the time nothing comes has failed.
        let Ok(ended) = group.next_end().await else { break };
        open -= 1;
        if let Some(mark) = marks.get_mut(&ended.request).filter(|_| ended.signed) {
            mark.open -= 1;
            if mark.open == 0 {
                mark.end = Some(ended.at);
            }
        }
    }
    Ok(marks.into_values().collect())
}

/// The most intervals that overlap.
fn peak(marks: &[Mark]) -> usize {
    let mut edges: Vec<(Instant, bool)> = Vec::new();
    for mark in marks {
        edges.push((mark.begin, true));
        edges.extend(mark.end.map(|end| (end, false)));
    }
    edges.sort_unstable();
    let (mut open, mut most) = (0usize, 0);
    for (_, begins) in edges {
        open = if begins { open + 1 } else { open.saturating_sub(1) };
        most = most.max(open);
    }
    most
}
