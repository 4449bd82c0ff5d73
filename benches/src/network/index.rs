//! The index of signers in the DHT: the share of offers that is found there.
//!
//! A node serves ten signers at most, so the offers are made here, and put where nodes would put them: into the bags of their type, at the first
//! two depths, and deeper where a bag is crowded. Each bag is put as a whole, as nodes do with it once an hour, by a writer of its own. The next
//! bags follow when all storing nodes have looked at what they were given: they look at 200 frames a second, and drop what they have no room for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{DhtMode, Keypair, Multiaddr, Net, NetConfig, NetHandle, Switch, is_crowded};
use motet_node::{CatchUp, Clock, Node, OsEntropy, SignerQuery};
use motet_wire::{DhtKey, Index, NetworkId, Shard, ValidatorLimits, peek};
use tokio::task::JoinSet;

use super::member::{Member, NETWORK, without_signer};
use super::node::dialled;
use super::offers::offer;
use super::ours::Anything;
use super::process::Process;
use crate::session::group::{Failure, GUARD};

/// Depths at which everything is put, as nodes do it.
const ALWAYS: usize = 2;
/// Bags that are read at a time, as by a node.
const AT_ONCE: usize = 32;
/// Puts between two looks at the storing nodes. With 60 copies of each frame, 200 nodes get 768 frames each, and their queues hold 2,048.
const PUT_AT_ONCE: usize = 32;
/// Frames of one put: a record has room for them.
const FRAMES: usize = 80;
/// Connections of the writer: it stays connected with all storing nodes.
const WRITER: u32 = 1_024;
/// Pause between two looks at the storing nodes.
const LOOK: Duration = Duration::from_millis(20);

/// A network of whole nodes that store entries, a writer, and a reader with the limits of a node.
#[derive(Debug)]
pub struct Storing {
    network: NetworkId,
    nodes: Vec<Node>,
    begin_at: Vec<Multiaddr>,
    writer: NetHandle,
    reader: NetHandle,
    progress: fn(&str),
}

/// The work for questions to the DHT.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    /// Questions that the storing nodes were asked, by all nodes together.
    pub requests: u64,
    /// Connections that the asking node has opened.
    pub dials: u64,
}

impl Work {
    const fn since(self, before: Self) -> Self {
        Self { requests: self.requests.saturating_sub(before.requests), dials: self.dials.saturating_sub(before.dials) }
    }
}

/// The sum of the samples of a metric with these words among the labels.
fn sum(metrics: &str, name: &str, label: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

/// A bag, and the frames that are put into it.
type Bag = (Shard, Vec<Arc<[u8]>>);

/// The result of one search.
#[derive(Debug, Clone, Copy)]
pub struct Enumerated {
    /// Offers that were put.
    pub signers: usize,
    /// Those of them that a search of all bags found.
    pub found: usize,
    /// Duration of that search.
    pub took: Duration,
    /// Its work.
    pub work: Work,
    /// Those that a new node found at its first look, with its own limits.
    pub first_look: usize,
    /// Duration of that look.
    pub first_took: Duration,
    /// Its work.
    pub first_work: Work,
    /// Records that were put, one for each place.
    pub puts: usize,
    /// Duration of the puts.
    pub put_took: Duration,
    /// Their work.
    pub put_work: Work,
    /// Nodes that hold the record of one place, on average.
    pub copies: f64,
    /// Frames that storing nodes dropped, since too many came at once.
    pub dropped: u64,
}

impl Storing {
    /// Starts so many nodes, and waits until they know each other. Lines about the progress of all that follows go to `progress`.
    ///
    /// # Errors
    ///
    /// Errors of the network.
    pub async fn start(count: usize, progress: fn(&str)) -> Result<Self, Failure> {
        let network = NetworkId::new(NETWORK)?;
        let begin = Instant::now();
        let mut storing: Vec<(Node, Multiaddr)> = Vec::new();
        for index in 0..count {
            let mut net = NetConfig::memory(network.clone(), Keypair::generate());
            (net.gossip, net.dht) = (Switch::Off, DhtMode::Server);
            let earlier = dialled(index).into_iter().filter_map(|at| storing.get(at));
            net.bootstrap = earlier.map(|(_, address)| address.clone()).collect();
            storing.push(without_signer(net).await?);
        }
        let begin_at: Vec<Multiaddr> = storing.iter().rev().take(3).map(|(_, address)| address.clone()).collect();
        let nodes: Vec<Node> = storing.into_iter().map(|(node, _)| node).collect();
        let reader = client(NetConfig::memory(network.clone(), Keypair::generate()), &begin_at)?;
        let mut net = NetConfig { connections: WRITER, ..NetConfig::memory(network.clone(), Keypair::generate()) };
        net.guard.target = usize::MAX;
        let writer = client(net, &begin_at)?;
        let wanted = count.min(10);
        let ready = async {
            while reader.dht_stats().await?.peers.min(writer.dht_stats().await?.peers) < wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, Failure>(())
        };
        tokio::time::timeout(GUARD, ready).await.map_err(|_| "the DHT is not ready")??;
        Process::this().quiet().await?;
        progress(&format!("{count} nodes, {:.1?}", begin.elapsed()));
        Ok(Self { network, nodes, begin_at, writer, reader, progress })
    }

    /// Puts offers of so many signers of a new type, and searches for them.
    ///
    /// # Errors
    ///
    /// Errors of the network.
    pub async fn enumerate(&self, signers: usize) -> Result<Enumerated, Failure> {
        let kind = format!("type-{signers}");
        let index = Index::SignersOfType(kind.clone());
        let (records_before, dropped_before) = self.stored().await?;
        let mut offers = Vec::new();
        for _ in 0..signers {
            let keys = [SecretKey::generate(&mut OsEntropy)?, SecretKey::generate(&mut OsEntropy)?];
            let now = Clock::start().now().wall;
            let peer = Keypair::generate().peer_id();
            offers.push(offer(&self.network, [&keys[0], &keys[1]], peer, &kind, 0, now)?);
        }
        let (begin, before) = (Instant::now(), self.work(&self.writer.metrics(Vec::new()).await?).await?);
        let (bags, puts) = self.put(&index, &offers).await?;
        let (put_took, put_work) =
            (begin.elapsed(), self.work(&self.writer.metrics(Vec::new()).await?).await?.since(before));
        let (records, dropped) = self.stored().await?;
        let copies = records.saturating_sub(records_before) as f64 / (bags * usize::from(DhtKey::PLACES)).max(1) as f64;
        Process::this().quiet().await?;
        let (begin, before) = (Instant::now(), self.work(&self.reader.metrics(Vec::new()).await?).await?);
        let found = self.search(&index).await?;
        let (took, work) = (begin.elapsed(), self.work(&self.reader.metrics(Vec::new()).await?).await?.since(before));
        let found = offers.iter().filter(|(signer, _)| found.contains(&signer.to_bytes())).count();
        (self.progress)(&format!("search: {found} of {signers}, {took:.1?}"));
        let (first_look, first_took, first_work) = self.first_look(&kind).await?;
        Ok(Enumerated {
            signers,
            found,
            took,
            work,
            first_look,
            first_took,
            first_work,
            puts,
            put_took,
            put_work,
            copies,
            dropped: dropped.saturating_sub(dropped_before),
        })
    }

    /// The records of all storing nodes together, and the frames that they have dropped.
    async fn stored(&self) -> Result<(usize, u64), Failure> {
        let (mut records, mut dropped) = (0, 0);
        for node in &self.nodes {
            let stats = node.dht_stats().await?;
            records += stats.records;
            dropped += stats.dropped;
        }
        Ok((records, dropped))
    }

    /// The work until now, with these metrics of the asking node.
    async fn work(&self, asking: &str) -> Result<Work, Failure> {
        let mut requests = 0;
        for node in &self.nodes {
            requests += sum(&node.metrics().await?, "libp2p_kad_inbound_requests_total", "");
        }
        Ok(Work { requests, dials: sum(asking, "libp2p_swarm_connections_established_total", "Dialer") })
    }

    /// Waits until the writer has put everything, and the storing nodes have looked at it.
    async fn settled(&self) -> Result<(), Failure> {
        while self.writer.dht_stats().await?.puts > 0 {
            tokio::time::sleep(LOOK).await;
        }
        for node in &self.nodes {
            while node.dht_stats().await?.unjudged > 0 {
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Puts the offers into the bags of an index. Returns the number of bags and that of records, one for each place.
    async fn put(&self, index: &Index, offers: &[(PublicKey, Arc<[u8]>)]) -> Result<(usize, usize), Failure> {
        let mut crowded: BTreeSet<(u8, u16)> = BTreeSet::new();
        let (mut count, mut records) = (0, 0);
        for (number, depth) in index.depths().enumerate() {
            let mut bags = BTreeMap::<(u8, u16), Bag>::new();
            for (signer, frame) in offers {
                let above = Shard::of(signer, depth.saturating_sub(Shard::STEP));
                if number < ALWAYS || crowded.contains(&(above.depth(), above.number())) {
                    let shard = Shard::of(signer, depth);
                    let bag = bags.entry((shard.depth(), shard.number())).or_insert_with(|| (shard, Vec::new()));
                    bag.1.push(Arc::clone(frame));
                }
            }
            crowded = bags.iter().filter(|(_, (_, frames))| is_crowded(frames)).map(|(name, _)| *name).collect();
            count += bags.len();
            let begin = Instant::now();
            let puts: Vec<(DhtKey, &[Arc<[u8]>])> = bags
                .values()
                .flat_map(|(shard, frames)| {
                    let key = DhtKey::bag(&self.network, index, *shard);
                    frames.chunks(FRAMES).map(move |some| (key, some))
                })
                .collect();
            for (done, some) in puts.chunks(PUT_AT_ONCE).enumerate() {
                for (key, frames) in some {
                    self.writer.put(*key, frames.to_vec()).await?;
                }
                self.settled().await?;
                let done = done * PUT_AT_ONCE + some.len();
                (self.progress)(&format!("depth {depth}: {done} of {} puts, {:.1?}", puts.len(), begin.elapsed()));
            }
            records += puts.len() * usize::from(DhtKey::PLACES);
        }
        Ok((count, records))
    }

    /// Reads all bags of an index, and the bags below those that are crowded.
    async fn search(&self, index: &Index) -> Result<BTreeSet<[u8; 33]>, Failure> {
        let mut found = BTreeSet::new();
        let mut shards: Vec<Shard> = index.shards().collect();
        while !shards.is_empty() {
            let mut below = Vec::new();
            let (mut reading, mut next) = (JoinSet::new(), shards.into_iter());
            loop {
                for shard in next.by_ref().take(AT_ONCE - reading.len()) {
                    let (reader, key) = (self.reader.clone(), DhtKey::bag(&self.network, index, shard));
                    reading.spawn(async move { (shard, reader.get(key).await) });
                }
                let Some(read) = reading.join_next().await else { break };
                let (shard, frames) = read?;
                let frames = frames?;
                if is_crowded(&frames) {
                    below.extend(shard.below());
                }
                found.extend(frames.iter().filter_map(|frame| peek(frame)?.signer));
            }
            shards = below;
        }
        Ok(found)
    }

    /// The number of signers that a new node finds at its first look, the duration of the look, and its work.
    async fn first_look(&self, kind: &str) -> Result<(usize, Duration, Work), Failure> {
        let mut net = NetConfig::memory(self.network.clone(), Keypair::generate());
        (net.gossip, net.bootstrap) = (Switch::Off, self.begin_at.clone());
        let newcomer = Member::of(net, CatchUp::Off, ValidatorLimits::default()).await?;
        newcomer.connected(1).await?;
        while newcomer.node.dht_stats().await?.peers == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let wishes = SignerQuery { transaction_type: Some(kind.to_owned()), ..SignerQuery::default() };
        let (begin, before) = (Instant::now(), self.work(&newcomer.node.metrics().await?).await?);
        let found = newcomer.node.find_available_signers(wishes).await?.len();
        let took = begin.elapsed();
        let work = self.work(&newcomer.node.metrics().await?).await?.since(before);
        newcomer.node.stop().await;
        Ok((found, took, work))
    }

    /// Stops all nodes.
    pub async fn stop(self) {
        self.writer.stop().await;
        self.reader.stop().await;
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// A node of the network that stores nothing.
fn client(mut net: NetConfig, begin_at: &[Multiaddr]) -> Result<NetHandle, Failure> {
    (net.dht, net.bootstrap) = (DhtMode::Client, begin_at.to_vec());
    let (handle, mut events) = Net::start(net, Arc::new(Anything))?;
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    Ok(handle)
}
