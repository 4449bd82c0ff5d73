//! The channels on which an offer is found, each alone and with all others switched off: gossip, catch-up, the DHT. Real sockets on loopback, all nodes
//! in this process.

use std::time::Duration;

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{DhtMode, Keypair, Multiaddr, NetConfig, parse_address};
use motet_node::event::Event;
use motet_node::{CatchUp, Config, Events, LocalSigner, LookUp, MemoryStore, Node, OsEntropy, SignerQuery, Switch};
use motet_wire::work::Free;
use motet_wire::{Channel, Criteria, Difficulty, NetworkId, SignerMetadata};

/// Nodes of the clusters.
const SIZES: [usize; 3] = [2, 10, 50];
const GUARD: Duration = Duration::from_secs(60);

/// The channels of a node that are switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    All,
    Gossip,
    CatchUp,
    Dht,
    Nothing,
}

/// A running node of a cluster.
struct Member {
    node: Node,
    events: Events,
    signer: PublicKey,
    address: Multiaddr,
}

impl Member {
    async fn start(at: &[Multiaddr], on: On, connections: u32) -> Self {
        let key = SecretKey::generate(&mut OsEntropy).unwrap();
        let signer = key.public_key();
        let mut net = NetConfig::local(NetworkId::new("channels").unwrap(), Keypair::generate());
        net.listen = vec![parse_address("/ip4/127.0.0.1/tcp/0").unwrap()];
        net.gossip = if matches!(on, On::All | On::Gossip) { Switch::On } else { Switch::Off };
        net.dht = if matches!(on, On::All | On::Dht) { DhtMode::Auto } else { DhtMode::Off };
        let catch_up = if matches!(on, On::All | On::CatchUp) { CatchUp::On } else { CatchUp::Off };
        net.connections = connections;
        net.bootstrap = at.to_vec();
        let config = Config::default().difficulty(Difficulty(0)).catch_up(catch_up);
        let node = Node::builder(net).store(MemoryStore::default()).work(Free).config(config);
        let (node, mut events) = node.signer(LocalSigner::new(key, OsEntropy)).start().await.unwrap();
        let address = loop {
            if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
                break parse_address(&format!("{address}/p2p/{}", node.peer_id())).unwrap();
            }
        };
        Self { node, events, signer, address }
    }

    async fn offer(&self, types: &[&str]) {
        let transaction_types = types.iter().map(|name| (*name).to_owned()).collect();
        let criteria = Criteria { transaction_types, ..Criteria::ANY };
        let (metadata, hour) = (SignerMetadata::default(), Duration::from_secs(3_600));
        self.node.advertise_signer(self.signer, criteria, metadata, hour).await.unwrap();
    }

    /// Waits until it is told of a signer, and by which channel.
    async fn discovers(&mut self, signer: PublicKey) -> Channel {
        let discovered = async {
            loop {
                match self.events.next().await.unwrap().unwrap() {
                    Event::SignerDiscovered(found) if found.advertisement.delegation.signer == signer => {
                        return found.channel;
                    }
                    _ => {}
                }
            }
        };
        tokio::time::timeout(GUARD, discovered).await.unwrap()
    }

    async fn connected(&mut self, count: usize) {
        while self.node.stats().await.unwrap().peers < count {
            self.events.next().await.unwrap().unwrap();
        }
    }

    /// Waits until it knows that so many peers listen for offers of a type: gossip does not hand on to a peer what came before its
    /// subscription.
    async fn knows_listeners(&self, of_type: &str, count: usize) {
        let known = format!("gossipsub_topic_peers_counts{{hash=\"motet/channels/v2/offers/type/{of_type}\"}} {count}");
        let waiting = async { while !self.node.metrics().await.unwrap().lines().any(|line| line == known) {} };
        tokio::time::timeout(GUARD, waiting).await.unwrap();
    }
}

async fn stop(members: Vec<Member>) {
    for member in members {
        member.node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_goes_from_node_to_node_by_gossip_alone() {
    for nodes in SIZES {
        along_a_chain_by_gossip(nodes).await;
    }
}

async fn along_a_chain_by_gossip(nodes: usize) {
    // Each node is connected with the one before and the one behind, and nobody asks for anything.
    let mut members: Vec<Member> = Vec::new();
    for _ in 0..nodes {
        let at: Vec<Multiaddr> = members.last().map(|last| last.address.clone()).into_iter().collect();
        // Half of two places are for a caller, and the other for the node that is named. So there is no room for a shortcut.
        let mut member = Member::start(&at, On::Gossip, 2).await;
        member.node.subscribe_to_signer_discovery(["swap"]).unwrap().keep();
        member.connected(at.len()).await;
        members.push(member);
    }
    for (number, member) in members.iter().enumerate() {
        member.knows_listeners("swap", if number == 0 || number == nodes - 1 { 1 } else { 2 }).await;
    }
    members[0].offer(&["swap"]).await;
    let signer = members[0].signer;
    for member in &mut members[1..] {
        assert_eq!(member.discovers(signer).await, Channel::Gossip);
    }
    stop(members).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_hands_an_offer_on_in_each_topic_in_which_it_hears_it() {
    // The node between looks for both types, and takes the copy on one topic for a replay of that on the other.
    // Half of its two places are for a caller, and the other for nodes that it names, of which there are none.
    let mut publisher = Member::start(&[], On::Gossip, 2).await;
    let mut between = Member::start(&[publisher.address.clone()], On::Gossip, 2).await;
    between.node.subscribe_to_signer_discovery(["swap", "vault"]).unwrap().keep();
    publisher.connected(1).await;
    let mut behind = Member::start(&[between.address.clone()], On::Gossip, 1).await;
    behind.node.subscribe_to_signer_discovery(["vault"]).unwrap().keep();
    behind.connected(1).await;
    between.connected(2).await;
    publisher.knows_listeners("swap", 1).await;
    publisher.knows_listeners("vault", 1).await;
    between.knows_listeners("vault", 1).await;
    publisher.offer(&["swap", "vault"]).await;
    assert_eq!(behind.discovers(publisher.signer).await, Channel::Gossip);
    stop(vec![publisher, between, behind]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_goes_from_node_to_node_by_catch_up_alone() {
    for nodes in SIZES {
        along_a_chain_by_catch_up(nodes).await;
    }
}

async fn along_a_chain_by_catch_up(nodes: usize) {
    let mut members = vec![Member::start(&[], On::CatchUp, 128).await];
    members[0].offer(&["swap"]).await;
    let signer = members[0].signer;
    for _ in 1..nodes {
        let at = [members[members.len() - 1].address.clone()];
        let mut member = Member::start(&at, On::CatchUp, 128).await;
        member.node.subscribe_to_signer_discovery(["swap"]).unwrap().keep();
        assert_eq!(member.discovers(signer).await, Channel::Sync);
        members.push(member);
    }
    stop(members).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_found_by_every_node_in_the_dht_alone() {
    for nodes in SIZES {
        by_every_node_in_the_dht(nodes).await;
    }
}

async fn by_every_node_in_the_dht(nodes: usize) {
    let mut members: Vec<Member> = Vec::new();
    for _ in 0..nodes {
        let at: Vec<Multiaddr> = members.first().map(|first| first.address.clone()).into_iter().collect();
        members.push(Member::start(&at, On::Dht, 128).await);
    }
    for member in &members {
        while member.node.dht_stats().await.unwrap().peers == 0 {}
    }
    let signer = members[0].signer;
    assert_eq!(members[1].node.find_signer(signer).await.unwrap(), LookUp::Nothing);
    members[0].offer(&["swap"]).await;
    for member in &members[1..] {
        let looking = async {
            loop {
                match member.node.find_signer(signer).await.unwrap() {
                    LookUp::Nothing | LookUp::Offline => {}
                    found => return found,
                }
            }
        };
        let found = tokio::time::timeout(GUARD, looking).await.unwrap();
        assert!(matches!(&found, LookUp::Found(offer) if offer.delegation.signer == signer), "{found:?}");
        assert!(matches!(member.node.find_signer(signer).await.unwrap(), LookUp::Known(_)));
    }
    let peer = *members[(nodes - 1) / 2].node.peer_id();
    assert!(
        members[nodes - 1].node.find_peer(peer).await.unwrap().into_option().is_some_and(|found| !found.is_empty())
    );
    stop(members).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_alone_says_that_there_is_nobody_to_ask() {
    let alone = Member::start(&[], On::All, 128).await;
    let other = Member::start(&[], On::All, 128).await;
    assert_eq!(alone.node.find_signer(other.signer).await.unwrap(), LookUp::Offline);
    assert_eq!(alone.node.find_peer(*other.node.peer_id()).await.unwrap(), LookUp::Offline);
    assert_eq!(alone.node.find_signing_requests_for(alone.signer).await.unwrap(), []);
    stop(vec![alone, other]).await;
}

/// A node that listens on some channels beside one that offers on all of them: returns whether it is told of the offer, or finds it when it looks. With
/// the channel off, the other node stops first, so that whatever it has to say has come.
async fn is_found(on: On) -> bool {
    let offering = Member::start(&[], On::All, 128).await;
    offering.offer(&["swap"]).await;
    let mut listening = Member::start(core::slice::from_ref(&offering.address), on, 128).await;
    listening.node.subscribe_to_signer_discovery(["swap"]).unwrap().keep();
    listening.connected(1).await;
    let signer = offering.signer;
    match on {
        On::Dht => {
            while listening.node.dht_stats().await.unwrap().peers == 0 {}
            let looking = async { while !matches!(listening.node.find_signer(signer).await, Ok(LookUp::Found(_))) {} };
            tokio::time::timeout(GUARD, looking).await.unwrap();
        }
        On::All | On::Gossip | On::CatchUp => drop(listening.discovers(signer).await),
        On::Nothing => assert_eq!(listening.node.find_signer(signer).await.unwrap(), LookUp::Offline),
    }
    offering.node.stop().await;
    while listening.node.stats().await.unwrap().peers > 0 {}
    let known = listening.node.find_known_signers(SignerQuery::default()).await.unwrap();
    let is_found = known.iter().any(|offer| offer.delegation.signer == signer);
    listening.node.stop().await;
    is_found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_found_by_each_channel_that_is_on_and_not_with_all_of_them_off() {
    for on in [On::All, On::Gossip, On::CatchUp, On::Dht] {
        assert!(is_found(on).await, "{on:?}");
    }
    assert!(!is_found(On::Nothing).await);
}
