//! Nodes that others cannot call: they find relays by themselves, and take a part in the DHT that fits.

use std::sync::Arc;

use motet_net::{DhtMode, NetConfig, NetEvent, Reachability, Relaying, ReportToken, Switch, parse_address};
use motet_wire::{Channel, Verdict};

use crate::peer::{Peer, TCP, config};

async fn relay(bootstrap: &[&Peer]) -> Peer {
    let mut config = config(TCP);
    config.relaying = Relaying::On;
    config.bootstrap = addresses(bootstrap);
    Peer::start(config).await
}

fn addresses(peers: &[&Peer]) -> Vec<motet_net::Multiaddr> {
    peers.iter().map(|peer| parse_address(&peer.address).unwrap()).collect()
}

/// A node that listens nowhere, so that nobody can call it.
fn private(bootstrap: &[&Peer]) -> NetConfig {
    let mut config = config(TCP);
    config.listen.clear();
    config.traversal = Switch::On;
    config.bootstrap = addresses(bootstrap);
    config
}

/// Waits until the node listens through a relay that it has not listened through before.
async fn circuit(node: &mut Peer, known: &[&Peer]) -> String {
    node.wait("a circuit", |event| match event {
        NetEvent::Listening { address } => Some(address.to_string()).filter(|text| {
            text.contains("/p2p-circuit") && !known.iter().any(|relay| text.contains(&relay.id().to_string()))
        }),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_node_is_reached_through_a_relay_that_nobody_has_named() {
    let relay = relay(&[]).await;
    let mut node = Peer::start(private(&[&relay])).await;
    assert!(node.address.contains("/p2p-circuit"), "{}", node.address);
    assert_eq!(node.handle.stats().await.unwrap().reachability, Reachability::Private);
    let mut other = Peer::alone().await;
    other.handle.dial(parse_address(&node.address).unwrap()).await.unwrap();
    assert!(other.connected(&node.id()).await.contains("/p2p-circuit"));
    other.handle.send(node.id(), Vec::new(), Arc::from(*b"there")).await.unwrap();
    node.message_with(b"there").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_relay_takes_the_place_of_one_that_has_gone() {
    let relays = [relay(&[]).await, relay(&[]).await, relay(&[]).await];
    let [one, two, three] = &relays;
    let mut node = Peer::start(private(&[one, two, three])).await;
    let first = relays.iter().find(|relay| node.address.contains(&relay.id().to_string())).unwrap();
    let second = circuit(&mut node, &[first]).await;
    let second = relays.iter().find(|relay| second.contains(&relay.id().to_string())).unwrap();
    first.handle.stop().await;
    let third = circuit(&mut node, &[first, second]).await;
    assert!(third.contains("/p2p-circuit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_found_in_the_dht() {
    let mut hub = Peer::alone().await;
    let relay = relay(&[&hub]).await;
    hub.connected(&relay.id()).await;
    hub.dht_ready().await;
    // The node knows the hub alone, which does not relay.
    let node = Peer::start(private(&[&hub])).await;
    assert!(node.address.contains(&format!("{}/p2p-circuit", relay.id())), "{}", node.address);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_peers_have_called_is_public_and_gives_its_relay_up() {
    let relay = relay(&[]).await;
    let mut tester = config(TCP);
    tester.traversal = Switch::On;
    let tester = Peer::start(tester).await;
    let mut settings = config(TCP);
    settings.traversal = Switch::On;
    settings.bootstrap = addresses(&[&relay, &tester]);
    let mut node = Peer::start(settings).await;
    let public =
        |event| matches!(event, NetEvent::ReachabilityChanged { reachability: Reachability::Public }).then_some(());
    node.wait("a test by a peer", public).await;
    assert_eq!(node.handle.stats().await.unwrap().reachability, Reachability::Public);
    let listening = node.handle.stats().await.unwrap().listening;
    assert!(listening.iter().all(|address| !address.to_string().contains("/p2p-circuit")), "{listening:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_dht_is_in_nobodys_routing_table() {
    for (mode, peers) in [(DhtMode::Client, 0), (DhtMode::Off, 0), (DhtMode::Server, 1), (DhtMode::Auto, 1)] {
        let mut hub = Peer::alone().await;
        let mut settings = config(TCP);
        settings.dht = mode;
        settings.bootstrap = addresses(&[&hub]);
        let node = Peer::start(settings).await;
        hub.connected(&node.id()).await;
        if peers == 1 {
            hub.dht_ready().await;
        } else {
            node.send(&hub.id(), *b"identified").await;
            hub.message_with(b"identified").await;
        }
        let stats = node.handle.dht_stats().await.unwrap();
        assert_eq!(stats.server, peers == 1, "{mode:?}");
        assert_eq!(stats.peers == 0, mode == DhtMode::Off, "{mode:?}");
        assert_eq!(hub.handle.dht_stats().await.unwrap().peers, peers, "{mode:?}");
    }
}

/// Lets a node publish until another hears it by gossip: the two need a moment to learn of each other's subscriptions.
async fn gossiped(from: &Peer, to: &mut Peer) -> ReportToken {
    for number in 0_u64.. {
        let frame: Arc<[u8]> = [&number.to_be_bytes()[..], from.id().as_bytes()].concat().into();
        from.publish(Arc::clone(&frame)).await;
        loop {
            let message = to.message().await;
            if message.from == from.id()
                && let Some(token) = message.token
            {
                return token;
            }
            // A connected peer has it directly, too.
            if message.bytes == frame {
                break;
            }
        }
    }
    unreachable!("numbers do not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_light_node_publishes_by_gossip_and_hears_none() {
    let mut hub = Peer::alone().await;
    let mut settings = config(TCP);
    settings.gossip = Switch::Off;
    settings.bootstrap = addresses(&[&hub]);
    let mut light = Peer::start(settings).await;
    hub.connected(&light.id()).await;
    gossiped(&light, &mut hub).await;
    let far = Peer::at(&hub).await;
    hub.connected(&far.id()).await;
    let token = gossiped(&far, &mut hub).await;
    hub.handle.report(token, Verdict::Accept).await.unwrap();
    hub.send(&light.id(), *b"the end").await;
    // A publisher that is connected sends its frame directly, and no other node hands anything on.
    let mut heard = vec![light.message().await];
    while &*heard.last().unwrap().bytes != b"the end" {
        heard.push(light.message().await);
    }
    assert!(heard.iter().all(|message| message.channel == Channel::Direct), "{heard:?}");
}
