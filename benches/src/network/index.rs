//! The index of signers in the DHT: the share of offers that is found there.
//!
//! A node serves ten signers at most, so the offers are made here, and put where nodes would put them: into the bags of their type, at the first
//! two depths, and deeper where a bag is crowded. Each bag is put as a whole, as nodes do with it once an hour.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{DhtMode, Keypair, Multiaddr, Net, NetConfig, NetHandle, is_crowded};
use motet_node::{CatchUp, Clock, Node, OsEntropy, SignerQuery};
use motet_wire::{DhtKey, Index, NetworkId, Shard, ValidatorLimits, peek};
use tokio::task::JoinSet;

use super::member::{Channels, Member, NETWORK};
use super::offers::offer;
use super::ours::Anything;
use super::process::Process;
use crate::session::group::{Failure, GUARD};

/// Depths at which everything is put, as nodes do it.
const ALWAYS: usize = 2;
/// Bags that are read or put at a time.
const AT_ONCE: usize = 16;
/// Frames of one put: a record has room for them.
const FRAMES: usize = 80;

/// A network of whole nodes that store entries, and a hand that puts and reads directly.
#[derive(Debug)]
pub struct Storing {
    network: NetworkId,
    nodes: Vec<Node>,
    begin_at: Vec<Multiaddr>,
    hand: NetHandle,
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
    /// Those that a new node found at its first look, with its own limits.
    pub first_look: usize,
    /// Duration of that look.
    pub first_took: Duration,
    /// Frames that storing nodes dropped, since too many came at once.
    pub dropped: u64,
}

impl Storing {
    /// Starts so many nodes, and waits until they know each other.
    ///
    /// # Errors
    ///
    /// Errors of the network.
    pub async fn start(count: usize) -> Result<Self, Failure> {
        let channels = Channels { dht: DhtMode::Server, ..Channels::NONE };
        let members = Member::connected_ones(count, channels).await?;
        let begin_at: Vec<Multiaddr> = members.iter().rev().take(3).map(|member| member.address.clone()).collect();
        let network = NetworkId::new(NETWORK)?;
        let mut net = NetConfig::memory(network.clone(), Keypair::generate());
        (net.dht, net.bootstrap) = (DhtMode::Client, begin_at.clone());
        let (hand, mut events) = Net::start(net, Arc::new(Anything))?;
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        let wanted = count.min(10);
        let ready = async {
            while hand.dht_stats().await?.peers < wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, Failure>(())
        };
        tokio::time::timeout(GUARD, ready).await.map_err(|_| "the DHT is not ready")??;
        Process::this().quiet().await?;
        Ok(Self { network, nodes: members.into_iter().map(|member| member.node).collect(), begin_at, hand })
    }

    /// Puts offers of so many signers of a new type, and searches for them.
    ///
    /// # Errors
    ///
    /// Errors of the network.
    pub async fn enumerate(&self, signers: usize) -> Result<Enumerated, Failure> {
        let kind = format!("type-{signers}");
        let index = Index::SignersOfType(kind.clone());
        let dropped = self.dropped().await?;
        let mut offers = Vec::new();
        for _ in 0..signers {
            let keys = [SecretKey::generate(&mut OsEntropy)?, SecretKey::generate(&mut OsEntropy)?];
            let now = Clock::start().now().wall;
            let peer = Keypair::generate().peer_id();
            offers.push(offer(&self.network, [&keys[0], &keys[1]], peer, &kind, 0, now)?);
        }
        self.put(&index, &offers).await?;
        Process::this().quiet().await?;
        let begin = Instant::now();
        let found = self.search(&index).await?;
        let took = begin.elapsed();
        let found = offers.iter().filter(|(signer, _)| found.contains(&signer.to_bytes())).count();
        let (first_look, first_took) = self.first_look(&kind).await?;
        let dropped = self.dropped().await?.saturating_sub(dropped);
        Ok(Enumerated { signers, found, took, first_look, first_took, dropped })
    }

    async fn dropped(&self) -> Result<u64, Failure> {
        let mut dropped = 0;
        for node in &self.nodes {
            dropped += node.dht_stats().await?.dropped;
        }
        Ok(dropped)
    }

    async fn put(&self, index: &Index, offers: &[(PublicKey, Arc<[u8]>)]) -> Result<(), Failure> {
        let mut crowded: BTreeSet<(u8, u16)> = BTreeSet::new();
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
            let mut putting = JoinSet::new();
            for (shard, frames) in bags.into_values() {
                while putting.len() >= AT_ONCE {
                    putting.join_next().await.ok_or("nothing is put")???;
                }
                let (hand, key) = (self.hand.clone(), DhtKey::bag(&self.network, index, shard));
                putting.spawn(async move {
                    for some in frames.chunks(FRAMES) {
                        hand.put(key, some.to_vec()).await?;
                        until_there(&hand, key, some).await?;
                    }
                    Ok::<_, Failure>(())
                });
            }
            while let Some(put) = putting.join_next().await {
                put??;
            }
        }
        Ok(())
    }

    /// Reads all bags of an index, and the bags below those that are crowded.
    async fn search(&self, index: &Index) -> Result<BTreeSet<[u8; 33]>, Failure> {
        let mut found = BTreeSet::new();
        let mut shards: Vec<Shard> = index.shards().collect();
        while !shards.is_empty() {
            let mut below = Vec::new();
            for some in shards.chunks(AT_ONCE) {
                let mut reading = JoinSet::new();
                for shard in some.iter().copied() {
                    let (hand, key) = (self.hand.clone(), DhtKey::bag(&self.network, index, shard));
                    reading.spawn(async move { (shard, hand.get(key).await) });
                }
                while let Some(read) = reading.join_next().await {
                    let (shard, frames) = read?;
                    let frames = frames?;
                    if is_crowded(&frames) {
                        below.extend(shard.below());
                    }
                    found.extend(frames.iter().filter_map(|frame| peek(frame)?.signer));
                }
            }
            shards = below;
        }
        Ok(found)
    }

    /// The number of signers that a new node finds at its first look, and the duration of the look.
    async fn first_look(&self, kind: &str) -> Result<(usize, Duration), Failure> {
        let mut net = NetConfig::memory(self.network.clone(), Keypair::generate());
        (net.gossip, net.bootstrap) = (motet_net::Switch::Off, self.begin_at.clone());
        let newcomer = Member::of(net, CatchUp::Off, ValidatorLimits::default()).await?;
        newcomer.connected(1).await?;
        while newcomer.node.dht_stats().await?.peers == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let wishes = SignerQuery { transaction_type: Some(kind.to_owned()), ..SignerQuery::default() };
        let begin = Instant::now();
        let found = newcomer.node.find_available_signers(wishes).await?.len();
        let took = begin.elapsed();
        newcomer.node.stop().await;
        Ok((found, took))
    }

    /// Stops all nodes.
    pub async fn stop(self) {
        self.hand.stop().await;
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// Waits until the last of these frames is there, or the bag has no room for it: a node judges so many frames a second, and drops what does not fit into
/// its queue.
async fn until_there(hand: &NetHandle, key: DhtKey, frames: &[Arc<[u8]>]) -> Result<(), Failure> {
    let Some(last) = frames.last() else { return Ok(()) };
    let begin = Instant::now();
    loop {
        let there = hand.get(key).await?;
        let bytes: usize = there.iter().map(|frame| frame.len()).sum();
        if there.contains(last)
            || (is_crowded(&there) && bytes + 2 * last.len() > 40 * 1024)
            || begin.elapsed() > GUARD / 6
        {
            return Ok(());
        }
    }
}
