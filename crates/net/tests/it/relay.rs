//! Nodes that are reached through others, and nodes that are reached in no other way.

use std::sync::Arc;

use futures::StreamExt as _;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, SwarmBuilder, noise, relay as libp2p_relay, tcp, yamux};
use motet_net::{
    Contact, Direction, Exposure, Net, NetConfig, NetError, NetEvent, Relaying, address_to_wire, parse_address,
};

use crate::peer::{GUARD, Peer, Plain, QUIC, TCP, config};

async fn relay() -> Peer {
    let mut config = config(TCP);
    config.relaying = Relaying::On;
    Peer::start(config).await
}

fn hidden(relays: &[&Peer]) -> NetConfig {
    let mut config = config(TCP);
    config.exposure = Exposure::RelayOnly;
    config.relays = relays.iter().map(|relay| parse_address(&relay.address).unwrap()).collect();
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_node_listens_at_its_relay_alone_and_is_reached_there() {
    let relay = relay().await;
    let mut node = Peer::start(hidden(&[&relay])).await;
    assert!(node.address.starts_with(&relay.address), "{}", node.address);
    let listening = node.handle.stats().await.unwrap().listening;
    assert!(listening.iter().all(|address| address.to_string().contains("/p2p-circuit")), "{listening:?}");
    let mut other = Peer::alone().await;
    other.handle.dial(parse_address(&node.address).unwrap()).await.unwrap();
    let seen = other.connected(&node.id()).await;
    assert!(seen.contains("/p2p-circuit"), "{seen}");
    // Both ways, directly and by publishing.
    other.handle.send(node.id(), Vec::new(), Arc::from(*b"there")).await.unwrap();
    node.message_with(b"there").await;
    node.handle.send(other.id(), Vec::new(), Arc::from(*b"and back")).await.unwrap();
    other.message_with(b"and back").await;
    node.publish(*b"to all").await;
    other.message_with(b"to all").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_node_opens_no_connection_but_to_its_relays() {
    let (relay, stranger) = (relay().await, relay().await);
    let mut hidden_node = Peer::start(hidden(&[&relay])).await;
    let mut other = Peer::alone().await;
    let mut at_stranger = Peer::start(hidden(&[&stranger])).await;
    // Directly, by whatever asks for it: refused. So is another's relay, which may be anybody's.
    hidden_node.handle.dial(parse_address(&other.address).unwrap()).await.unwrap();
    let address = address_to_wire(other.address.split("/p2p/").next().unwrap()).unwrap();
    hidden_node.handle.send(other.id(), vec![address], Arc::from(*b"lost")).await.unwrap();
    hidden_node.handle.dial(parse_address(&at_stranger.address).unwrap()).await.unwrap();
    hidden_node.handle.dial(parse_address(&stranger.address).unwrap()).await.unwrap();
    // The others connect to each other afterwards, and hear of nobody else before.
    other.handle.dial(parse_address(&at_stranger.address).unwrap()).await.unwrap();
    other.connected(&at_stranger.id()).await;
    at_stranger.connected(&other.id()).await;
    other.handle.dial(parse_address(&hidden_node.address).unwrap()).await.unwrap();
    assert!(other.connected(&hidden_node.id()).await.contains("/p2p-circuit"));
    hidden_node.connected(&other.id()).await;
    // Its relay is all that it has opened a connection to. Others may hear of it meanwhile, and come through that.
    let connections = hidden_node.handle.peers().await.unwrap();
    let mut opened = connections.iter().filter(|connection| connection.direction == Direction::Outbound);
    assert!(opened.all(|connection| connection.peer == relay.id()), "{connections:?}");
    let connections = stranger.handle.peers().await.unwrap();
    let mut of_hidden = connections.iter().filter(|connection| connection.peer == hidden_node.id());
    assert!(of_hidden.all(|connection| connection.address.to_string().contains("/p2p-circuit")), "{connections:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_nodes_reach_each_other_through_a_relay_that_they_share() {
    let relay = relay().await;
    let one = Peer::start(hidden(&[&relay])).await;
    let mut other = Peer::start(hidden(&[&relay])).await;
    // Nobody has said where the other is: the relay is the place to try.
    one.handle.send(other.id(), Vec::new(), Arc::from(*b"hello")).await.unwrap();
    other.message_with(b"hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_be_reached_through_a_relay_and_directly() {
    let relay = relay().await;
    let mut both = config(QUIC);
    both.relays.push(parse_address(&relay.address).unwrap());
    let mut node = Peer::start(both).await;
    assert!(node.address.contains("/quic-v1/p2p/"), "{}", node.address);
    let circuit = node.wait("a circuit", |event| match event {
        NetEvent::Listening { address } => Some(address.to_string()).filter(|text| text.contains("/p2p-circuit")),
        _ => None,
    });
    let circuit = format!("{}/p2p/{}", circuit.await, node.id());
    let mut far = Peer::alone().await;
    far.handle.dial(parse_address(&circuit).unwrap()).await.unwrap();
    assert!(far.connected(&node.id()).await.contains("/p2p-circuit"));
    let mut near = Peer::alone().await;
    near.handle.dial(parse_address(&node.address).unwrap()).await.unwrap();
    assert!(!near.connected(&node.id()).await.contains("/p2p-circuit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_node_without_a_relay_does_not_start() {
    assert_eq!(Net::start(hidden(&[]), Arc::new(Plain::default())).unwrap_err(), NetError::NoRelay);
    let mut nameless = config(TCP);
    nameless.relays.push(parse_address("/ip4/127.0.0.1/tcp/1").unwrap());
    assert!(matches!(Net::start(nameless, Arc::new(Plain::default())).unwrap_err(), NetError::Relay(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_refuses_is_asked_again_while_it_stays_connected() {
    // A relay that does not know its own address yet cannot let anybody listen there.
    let mut relay = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| libp2p_relay::Behaviour::new(key.public().to_peer_id(), libp2p_relay::Config::default()))
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(GUARD))
        .build();
    relay.listen_on(TCP.parse().unwrap()).unwrap();
    let place = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = relay.select_next_some().await {
            break address;
        }
    };
    let (learns, mut address) = tokio::sync::mpsc::channel::<Multiaddr>(1);
    let mut settings = config(TCP);
    settings.exposure = Exposure::RelayOnly;
    settings.relays = vec![place.clone().with_p2p(*relay.local_peer_id()).unwrap()];
    let running = tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = relay.select_next_some() => {}
                Some(address) = address.recv() => relay.add_external_address(address),
            }
        }
    });
    let (handle, events) = Net::start(settings, Arc::new(Plain::default())).unwrap();
    let mut node = Peer::of(handle, events);
    let refused = node.wait("NamedUnreachable", |event| match event {
        NetEvent::NamedUnreachable { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(refused.await.starts_with("it does not relay for this node"));
    learns.send(place.clone()).await.unwrap();
    let listening = node.wait("Listening", |event| match event {
        NetEvent::Listening { address } => Some(address.to_string()),
        _ => None,
    });
    assert!(listening.await.starts_with(&place.to_string()));
    let named = node.handle.stats().await.unwrap().named;
    assert_eq!(named[0].contact, Contact::Connected);
    running.abort();
}
