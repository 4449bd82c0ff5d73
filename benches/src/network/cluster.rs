//! Clusters of whole nodes that have one channel alone: an offer of one node is found at every other.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use motet_net::{DhtMode, Multiaddr, Switch};
use motet_node::{CatchUp, LookUp, Node};
use tokio::sync::mpsc;

use super::member::{Channels, Member, SWAP};
use super::node::{Sockets, dialled};
use super::process::Process;
use crate::session::group::Failure;

/// Time after which an offer that is not found counts as lost.
const PATIENCE: Duration = Duration::from_secs(120);
/// Nodes that ask the DHT at the same time: more of them would wait for the processor, and not for the network.
const ASKING: usize = 2;

/// A channel on which offers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Gossip: all nodes are there and look for the offer. The time goes from the order to offer until a node is told.
    Gossip,
    /// Pages of offers that peers send each other directly when they meet: nodes come one after the other, each to one that is there. The time goes
    /// from the start of a node until it is told.
    CatchUp,
    /// The DHT: each node looks for the offer, two nodes at a time. The time goes from the question to the answer.
    Dht,
}

impl Channel {
    /// All channels.
    pub const ALL: [Self; 3] = [Self::Gossip, Self::CatchUp, Self::Dht];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gossip => "gossip",
            Self::CatchUp => "direct",
            Self::Dht => "dht",
        }
    }

    const fn alone(self) -> Channels {
        match self {
            Self::Gossip => Channels { gossip: Switch::On, ..Channels::NONE },
            Self::CatchUp => Channels { catch_up: CatchUp::On, ..Channels::NONE },
            Self::Dht => Channels { dht: DhtMode::Server, ..Channels::NONE },
        }
    }
}

/// The times in which an offer was found.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Of each node but the one that offers.
    pub times: Vec<Duration>,
    /// From the order to offer until the first look-up that finds the offer; zero but for the DHT.
    pub published: Duration,
    /// Connections of all nodes together, each counted at both ends.
    pub ends: usize,
    /// Memory of the process with all nodes in it.
    pub resident: u64,
}

/// Lets the first of some nodes offer its signer, and all others find it.
///
/// # Errors
///
/// When one does not.
pub async fn spread(count: usize, channel: Channel, sockets: Sockets) -> Result<Spread, Failure> {
    let (nodes, times, published) = match channel {
        Channel::Gossip => gossip(count, sockets).await?,
        Channel::CatchUp => catch_up(count, sockets).await?,
        Channel::Dht => dht(count, sockets).await?,
    };
    if times.len() + 1 != count {
        return Err(format!("{} of {count} nodes found the offer by {}", times.len() + 1, channel.name()).into());
    }
    let mut ends = 0;
    for node in &nodes {
        ends += node.stats().await?.peers;
    }
    let resident = Process::this().resident()?;
    for node in nodes {
        node.stop().await;
    }
    Ok(Spread { times, published, ends, resident })
}

type Run = (Vec<Node>, Vec<Duration>, Duration);

/// Nodes that are connected with each other, each with some that were there before it.
async fn connected(count: usize, channel: Channel, sockets: Sockets) -> Result<Vec<Member>, Failure> {
    let mut members: Vec<Member> = Vec::new();
    for index in 0..count {
        let earlier = dialled(index);
        let at: Vec<Multiaddr> =
            earlier.iter().filter_map(|at| members.get(*at)).map(|member| member.address.clone()).collect();
        let member = Member::start(sockets, channel.alone(), &at).await?;
        if channel != Channel::Dht {
            member.node.subscribe_to_signer_discovery([SWAP])?.keep();
        }
        member.connected(earlier.len().min(1)).await?;
        members.push(member);
    }
    Ok(members)
}

async fn gossip(count: usize, sockets: Sockets) -> Result<Run, Failure> {
    let members = connected(count, Channel::Gossip, sockets).await?;
    for member in &members {
        // Gossip does not hand on to a peer what came before its subscription.
        let listeners = "gossipsub_topic_peers_counts{hash=\"motet/bench-cluster/v2/offers/type/swap\"}";
        while member.metric(listeners).await? < u64::try_from(member.node.stats().await?.peers)? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Process::this().quiet().await?;
    let (told, mut hears) = mpsc::channel(count);
    let mut members = members.into_iter();
    let first = members.next().ok_or("no node")?;
    let others: Vec<Node> = members.map(|member| member.tell(first.signer, told.clone())).collect();
    drop(told);
    let begin = Instant::now();
    first.offer().await?;
    let mut times = Vec::new();
    while times.len() < others.len() {
        let Ok(Some(at)) = tokio::time::timeout(PATIENCE, hears.recv()).await else { break };
        times.push(at.saturating_duration_since(begin));
    }
    let nodes = core::iter::once(first.node).chain(others).collect();
    Ok((nodes, times, Duration::ZERO))
}

async fn catch_up(count: usize, sockets: Sockets) -> Result<Run, Failure> {
    let mut members: Vec<Member> = Vec::new();
    let mut times = Vec::new();
    for index in 0..count {
        let at = index.checked_sub(1).and_then(|last| members.get(last / 2)).map(|parent| parent.address.clone());
        let begin = Instant::now();
        let mut member = Member::start(sockets, Channel::CatchUp.alone(), at.as_slice()).await?;
        member.node.subscribe_to_signer_discovery([SWAP])?.keep();
        match members.first().map(|first| first.signer) {
            None => member.offer().await?,
            Some(signer) => times.push(member.discovers(signer).await?.saturating_duration_since(begin)),
        }
        members.push(member);
    }
    Ok((members.into_iter().map(|member| member.node).collect(), times, Duration::ZERO))
}

async fn dht(count: usize, sockets: Sockets) -> Result<Run, Failure> {
    let members = connected(count, Channel::Dht, sockets).await?;
    for member in &members {
        while member.node.dht_stats().await?.peers == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Process::this().quiet().await?;
    let first = members.first().ok_or("no node")?;
    let signer = first.signer;
    let begin = Instant::now();
    first.offer().await?;
    // A node that has found an offer knows it: this one is not asked again, and its time is from its last question on.
    let second = members.get(1).ok_or("one node")?;
    let mut times = vec![found(&second.node, signer).await?];
    let published = begin.elapsed();
    let mut others =
        stream::iter(members.iter().skip(2).map(|member| found(&member.node, signer))).buffer_unordered(ASKING);
    while let Some(time) = others.try_next().await? {
        times.push(time);
    }
    drop(others);
    Ok((members.into_iter().map(|member| member.node).collect(), times, published))
}

/// Asks until there is an answer, and returns the time of the last question.
async fn found(node: &Node, signer: motet_core_crypto::PublicKey) -> Result<Duration, Failure> {
    let asking = async {
        loop {
            let begin = Instant::now();
            if let LookUp::Found(_) = node.find_signer(signer).await? {
                return Ok(begin.elapsed());
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.map_err(|_| "an offer is not found in the DHT")?
}
