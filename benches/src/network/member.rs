//! Whole nodes, each with an engine and a signer.

use std::time::{Duration, Instant};

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{DhtMode, Multiaddr, NetConfig, Switch, parse_address};
use motet_node::event::Event;
use motet_node::{CatchUp, Config, Events, LocalSigner, MemoryStore, Node, NodeBuilder, OsEntropy};
use motet_wire::work::Free;
use motet_wire::{Criteria, Difficulty, NetworkId, SignerMetadata, ValidatorLimits};
use tokio::sync::mpsc;

use super::node::{Sockets, dialled};
use crate::session::group::{Failure, GUARD};

/// The network of the members.
pub const NETWORK: &str = "bench-cluster";
/// The transaction type that the members look for.
pub const SWAP: &str = "swap";

/// The channels of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels {
    /// Gossip.
    pub gossip: Switch,
    /// Catch-up: peers that meet tell each other of offers.
    pub catch_up: CatchUp,
    /// The DHT.
    pub dht: DhtMode,
}

impl Channels {
    /// No channel.
    pub const NONE: Self = Self { gossip: Switch::Off, catch_up: CatchUp::Off, dht: DhtMode::Off };
}

/// A running node.
#[derive(Debug)]
pub struct Member {
    /// Its handle.
    pub node: Node,
    /// Its signer.
    pub signer: PublicKey,
    /// Where it is reached.
    pub address: Multiaddr,
    events: Events,
}

impl Member {
    /// Starts a node, which dials these addresses.
    ///
    /// # Errors
    ///
    /// Errors of the network.
    pub async fn start(sockets: Sockets, channels: Channels, at: &[Multiaddr]) -> Result<Self, Failure> {
        let network = NetworkId::new(NETWORK)?;
        let mut net = sockets.config(network);
        (net.gossip, net.dht, net.bootstrap) = (channels.gossip, channels.dht, at.to_vec());
        Self::of(net, channels.catch_up, ValidatorLimits::default()).await
    }

    /// Starts so many nodes within the process, each of which is connected with an earlier one.
    ///
    /// # Errors
    ///
    /// Errors of the network.
    pub async fn connected_ones(count: usize, channels: Channels) -> Result<Vec<Self>, Failure> {
        let mut members: Vec<Self> = Vec::new();
        for index in 0..count {
            let earlier = dialled(index);
            let at: Vec<Multiaddr> =
                earlier.iter().filter_map(|at| members.get(*at)).map(|member| member.address.clone()).collect();
            let member = Self::start(Sockets::Memory, channels, &at).await?;
            member.connected(earlier.len().min(1)).await?;
            members.push(member);
        }
        Ok(members)
    }

    /// Starts a node with this configuration of the network, and these limits of what others may say.
    ///
    /// # Errors
    ///
    /// Errors of the network.
    pub async fn of(net: NetConfig, catch_up: CatchUp, limits: ValidatorLimits) -> Result<Self, Failure> {
        let key = SecretKey::generate(&mut OsEntropy)?;
        let signer = key.public_key();
        let config = Config::default().difficulty(Difficulty(0)).catch_up(catch_up);
        let node = Node::builder(net).store(MemoryStore::default()).work(Free).config(config).limits(limits);
        let node = node.policy(motet_node::policy::ApproveAll).signer(LocalSigner::new(key, OsEntropy));
        let (node, address, events) = listening(node).await?;
        Ok(Self { node, signer, address, events })
    }

    /// Offers its signer to whoever looks for [`SWAP`].
    ///
    /// # Errors
    ///
    /// If the node has stopped.
    pub async fn offer(&self) -> Result<(), Failure> {
        let criteria = Criteria { transaction_types: vec![SWAP.to_owned()], ..Criteria::ANY };
        let hour = Duration::from_secs(3_600);
        self.node.advertise_signer(self.signer, criteria, SignerMetadata::default(), hour).await?;
        Ok(())
    }

    /// Waits until so many peers are connected.
    ///
    /// # Errors
    ///
    /// If they do not come.
    pub async fn connected(&self, count: usize) -> Result<(), Failure> {
        let connecting = async {
            while self.node.stats().await?.peers < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, Failure>(())
        };
        tokio::time::timeout(GUARD, connecting).await.map_err(|_| "peers are missing")?
    }

    /// One line of the metrics, by its beginning.
    ///
    /// # Errors
    ///
    /// If the node has stopped.
    pub async fn metric(&self, begins: &str) -> Result<u64, Failure> {
        let metrics = self.node.metrics().await?;
        let values = metrics.lines().filter(|line| line.starts_with(begins));
        Ok(values.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum())
    }

    /// Waits until it is told of a signer.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub async fn discovers(&mut self, signer: PublicKey) -> Result<Instant, Failure> {
        tokio::time::timeout(GUARD, discovery(&mut self.events, signer)).await.map_err(|_| "an offer is not heard")?
    }

    /// Lets somebody hear of the moment in which the node is told of a signer, while it goes on.
    pub fn tell(self, signer: PublicKey, told: mpsc::Sender<Instant>) -> Node {
        let Self { node, mut events, .. } = self;
        tokio::spawn(async move {
            if let Ok(at) = discovery(&mut events, signer).await {
                // Whoever waited may have given up.
                told.send(at).await.ok();
            }
            while events.next().await.is_some() {}
        });
        node
    }
}

/// Starts a node without a signer, and returns it with the address at which it is reached.
///
/// # Errors
///
/// Errors of the network.
pub async fn without_signer(net: NetConfig) -> Result<(Node, Multiaddr), Failure> {
    let node = Node::builder(net).store(MemoryStore::default()).work(Free);
    let (node, address, mut events) = listening(node.config(Config::default().catch_up(CatchUp::Off))).await?;
    tokio::spawn(async move { while events.next().await.is_some() {} });
    Ok((node, address))
}

/// Starts a node, and waits until it listens.
async fn listening(node: NodeBuilder) -> Result<(Node, Multiaddr, Events), Failure> {
    let (node, mut events) = node.start().await?;
    let listening = async {
        loop {
            match events.next().await {
                Some(Ok(Event::Listening { address })) => return Some(address),
                Some(_) => {}
                None => return None,
            }
        }
    };
    let address = tokio::time::timeout(GUARD, listening).await?.ok_or("a node stopped at once")?;
    let address = parse_address(&format!("{address}/p2p/{}", node.peer_id()))?;
    Ok((node, address, events))
}

async fn discovery(events: &mut Events, signer: PublicKey) -> Result<Instant, Failure> {
    loop {
        if let Event::SignerDiscovered(found) = events.next().await.ok_or("a node has stopped")??
            && found.advertisement.delegation.signer == signer
        {
            return Ok(Instant::now());
        }
    }
}
