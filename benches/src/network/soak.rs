//! Messages for a long time: nodes that are all connected send each other 700 messages of 10 kB a second, and one of them is restarted every minute.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use motet_net::{DhtMode, Guard, Keypair, Multiaddr, Net, NetConfig, NetEvent, NetHandle};
use motet_wire::{NetworkId, PeerId, Rate};
use tokio::runtime::Handle;
use tokio::time::MissedTickBehavior;

use super::node::Sockets;
use super::ours::{Anything, address};
use super::process::Process;
use crate::session::group::{Failure, GUARD};
use crate::session::percentile;

/// Bytes of a message.
const LENGTH: usize = 10_000;
/// Messages that are sent every [`TICK`].
const AT_ONCE: usize = 7;
const TICK: Duration = Duration::from_millis(10);
/// Time after which a message that has not arrived is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// One minute of a soak.
#[derive(Debug, Clone, Copy, Default)]
pub struct Minute {
    /// Its number, from one on.
    pub number: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// Messages that have arrived.
    pub arrived: u64,
    /// Messages between running nodes that did not arrive within ten seconds.
    pub lost: u64,
    /// The median of the times from the order to send until the arrival.
    pub median: Duration,
    /// Of a hundred such times, the second longest.
    pub p99: Duration,
    /// The longest.
    pub worst: Duration,
    /// From the stop of the node that was restarted until it was connected with all others.
    pub restarted: Duration,
    /// Processor time, as a share of one core.
    pub core: f64,
    /// Memory of the process at the end, in bytes.
    pub resident: u64,
    /// Open file descriptors at the end.
    pub descriptors: usize,
    /// Tasks of the runtime at the end.
    pub tasks: usize,
}

/// The last third of a soak as a multiple of its first, without the first minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Memory.
    pub resident: f64,
    /// File descriptors.
    pub descriptors: f64,
    /// Tasks.
    pub tasks: f64,
    /// Medians of the times.
    pub median: f64,
}

/// The growth in these minutes; `None` if they are fewer than three.
pub fn growth(minutes: &[Minute]) -> Option<Growth> {
    let settled = minutes.get(1..)?;
    let part = settled.len().div_ceil(3);
    let (first, last) = (settled.get(..part)?, settled.get(settled.len().checked_sub(part)?..)?);
    if settled.len() < 2 {
        return None;
    }
    let of = |number: fn(&Minute) -> f64| {
        let mean = |minutes: &[Minute]| minutes.iter().map(number).sum::<f64>() / minutes.len() as f64;
        mean(last) / mean(first).max(f64::MIN_POSITIVE)
    };
    Some(Growth {
        resident: of(|minute| minute.resident as f64),
        descriptors: of(|minute| minute.descriptors as f64),
        tasks: of(|minute| minute.tasks as f64),
        median: of(|minute| minute.median.as_secs_f64()),
    })
}

/// A node of the soak.
struct Soaked {
    keypair: Keypair,
    handle: NetHandle,
    address: Multiaddr,
    is_up: bool,
}

/// A message that is under way.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    from: PeerId,
    to: PeerId,
    at: Instant,
}

/// The messages of all nodes.
#[derive(Debug, Default)]
struct Post {
    under_way: BTreeMap<u64, UnderWay>,
    times: Vec<Duration>,
}

type Shared = Arc<Mutex<Post>>;

fn with<T>(post: &Shared, change: impl FnOnce(&mut Post) -> T) -> T {
    change(&mut post.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Runs a soak of so many nodes and minutes, and tells each minute when it is over.
///
/// # Errors
///
/// Errors of the network, and a node that does not come back.
pub async fn soak(count: usize, minutes: u64, mut tell: impl FnMut(&Minute)) -> Result<Vec<Minute>, Failure> {
    let post = Shared::default();
    let mut nodes: Vec<Soaked> = Vec::new();
    for _ in 0..count {
        let at = nodes.iter().map(|node| node.address.clone()).collect();
        nodes.push(start(Keypair::generate(), Sockets::Tcp.listen(), at, &post).await?);
    }
    for node in &nodes {
        together(&node.handle, count - 1).await?;
    }
    let mut done = Vec::new();
    let mut numbers = 0;
    for number in 1..=minutes {
        let (begin, time) = (Instant::now(), Process::this().time()?);
        let mut minute = Minute { number, ..Minute::default() };
        sends(&nodes, &post, &mut numbers, &mut minute, begin + Duration::from_secs(30)).await?;
        let again = usize::try_from(number)? % count;
        let stopped = Instant::now();
        let restarting = restart(&mut nodes, again, &post).await?;
        let back = async {
            together(&restarting, count - 1).await?;
            Ok::<_, Failure>(stopped.elapsed())
        };
        let (sent, back) =
            tokio::join!(sends(&nodes, &post, &mut numbers, &mut minute, begin + Duration::from_secs(60)), back);
        sent?;
        minute.restarted = back?;
        if let Some(node) = nodes.get_mut(again) {
            node.is_up = true;
        }
        let times = with(&post, |post| {
            let before = post.under_way.len();
            post.under_way.retain(|_, message| message.at.elapsed() < PATIENCE);
            minute.lost = u64::try_from(before - post.under_way.len()).unwrap_or(u64::MAX);
            core::mem::take(&mut post.times)
        });
        minute.arrived = u64::try_from(times.len())?;
        [minute.median, minute.p99, minute.worst] = [50, 99, 100].map(|part| percentile(&times, part));
        minute.core = Process::this().time()?.saturating_sub(time).as_secs_f64() / begin.elapsed().as_secs_f64();
        minute.resident = Process::this().resident()?;
        minute.descriptors = std::fs::read_dir("/proc/self/fd")?.count();
        minute.tasks = Handle::current().metrics().num_alive_tasks();
        tell(&minute);
        done.push(minute);
    }
    for node in nodes {
        node.handle.stop().await;
    }
    Ok(done)
}

async fn start(keypair: Keypair, listen: Multiaddr, at: Vec<Multiaddr>, post: &Shared) -> Result<Soaked, Failure> {
    let mut config = NetConfig::local(NetworkId::new("bench-soak")?, keypair.clone());
    (config.listen, config.bootstrap, config.dht) = (vec![listen], at, DhtMode::Server);
    // Nobody is a stranger here, and all stay connected.
    let much = Rate { per_minute: 600_000_000, burst: 100_000_000 };
    config.guard = Guard { target: usize::MAX, bytes: much, frames: much, ..Guard::default() };
    let (handle, mut events) = Net::start(config, Arc::new(Anything))?;
    let address = address(&handle, &mut events).await?;
    let post = Arc::clone(post);
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let NetEvent::Received { bytes, .. } = event else { continue };
            let Some(number) = bytes.first_chunk().map(|number| u64::from_be_bytes(*number)) else { continue };
            with(&post, |post| {
                if let Some(message) = post.under_way.remove(&number) {
                    post.times.push(message.at.elapsed());
                }
            });
        }
    });
    Ok(Soaked { keypair, handle, address, is_up: true })
}

async fn together(handle: &NetHandle, count: usize) -> Result<(), Failure> {
    let meeting = async {
        while handle.stats().await?.peers < count {
            tokio::time::sleep(TICK).await;
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(GUARD, meeting).await.map_err(|_| "a node is not connected with all others")?
}

/// Sends messages between nodes that are up, until this time.
async fn sends(
    nodes: &[Soaked],
    post: &Shared,
    numbers: &mut u64,
    minute: &mut Minute,
    until: Instant,
) -> Result<(), Failure> {
    let up: Vec<&Soaked> = nodes.iter().filter(|node| node.is_up).collect();
    if up.len() < 2 {
        tokio::time::sleep_until(until.into()).await;
        return Ok(());
    }
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while Instant::now() < until {
        ticks.tick().await;
        for _ in 0..AT_ONCE {
            *numbers += 1;
            // Every pair in turn.
            let turn = usize::try_from(*numbers)?;
            let (from, step) = (turn % up.len(), 1 + turn / up.len() % (up.len() - 1));
            let (Some(from), Some(to)) = (up.get(from), up.get((from + step) % up.len())) else { continue };
            let mut bytes = vec![7; LENGTH];
            bytes.iter_mut().zip(numbers.to_be_bytes()).for_each(|(to, from)| *to = from);
            let (sender, receiver) = (*from.handle.peer_id(), *to.handle.peer_id());
            let message = UnderWay { from: sender, to: receiver, at: Instant::now() };
            with(post, |post| post.under_way.insert(*numbers, message));
            from.handle.send(receiver, Vec::new(), bytes.into()).await?;
            minute.sent += 1;
        }
    }
    Ok(())
}

/// Stops a node when its messages have arrived, and starts it again at its place. Returns its handle; it is not up yet.
async fn restart(nodes: &mut [Soaked], index: usize, post: &Shared) -> Result<NetHandle, Failure> {
    let at = nodes.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, node)| node.address.clone());
    let at = at.collect();
    let node = nodes.get_mut(index).ok_or("no node")?;
    let peer = *node.handle.peer_id();
    let arriving = async {
        let is_of_it = |message: &UnderWay| message.from == peer || message.to == peer;
        while with(post, |post| post.under_way.values().any(is_of_it)) {
            tokio::time::sleep(TICK).await;
        }
    };
    // What has not arrived by then counts as lost at the end of the minute.
    tokio::time::timeout(PATIENCE, arriving).await.ok();
    let (mut listen, keypair) = (node.address.clone(), node.keypair.clone());
    listen.pop();
    node.handle.stop().await;
    *node = start(keypair, listen, at, post).await?;
    node.is_up = false;
    Ok(node.handle.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_compares_the_last_third_with_the_first_and_leaves_the_first_minute_out() {
        let minute = |resident, tasks| Minute { resident, tasks, descriptors: 4, median: TICK, ..Minute::default() };
        let minutes = [(1, 1), (100, 8), (120, 8), (150, 8)].map(|(resident, tasks)| minute(resident, tasks));
        assert_eq!(growth(&minutes), Some(Growth { resident: 1.5, descriptors: 1.0, tasks: 1.0, median: 1.0 }));
        assert_eq!(growth(&minutes[..2]), None);
        assert_eq!(growth(&[]), None);
    }
}
