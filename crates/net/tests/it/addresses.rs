//! Where a node listens, what it tells others of that, and what it says of peers that it does not reach.

use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;

use motet_net::{
    Contact, Keypair, Named, Net, NetConfig, NetError, NetEvent, Offered, Reach, Refused, address_from_wire,
    address_to_wire, parse_address, split_peer,
};
use motet_wire::{AddressScope, NetworkId, PeerId};

use crate::peer::{Peer, Plain, QUIC, TCP, config};

fn refused(config: NetConfig) -> Vec<Refused> {
    match Net::start(config, Arc::new(Plain::default())).unwrap_err() {
        NetError::Listen(refused) => refused,
        other => panic!("{other}"),
    }
}

fn place(node: &Peer) -> String {
    split_peer(&node.address).unwrap().1
}

fn texts(offered: &Offered) -> Vec<String> {
    offered.addresses.iter().map(|address| address_from_wire(address).unwrap().to_string()).collect()
}

async fn settled(node: &mut Peer) -> Offered {
    node.wait("settled addresses", |event| match event {
        NetEvent::AddressesChanged { offered, settled: true } => Some(offered),
        _ => None,
    })
    .await
}

async fn unreachable(node: &mut Peer) -> (PeerId, String) {
    node.wait("Unreachable", |event| match event {
        NetEvent::Unreachable { peer, reason } => Some((peer, reason)),
        _ => None,
    })
    .await
}

async fn named_unreachable(node: &mut Peer) -> (String, String) {
    node.wait("NamedUnreachable", |event| match event {
        NetEvent::NamedUnreachable { address, reason } => Some((address.to_string(), reason)),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_on_a_port_is_refused_and_told_why() {
    for listen in [TCP, QUIC] {
        let first = Peer::start(config(listen)).await;
        let address = place(&first);
        let reason = "another program listens there".to_owned();
        assert_eq!(refused(config(&address)), [Refused { address, reason }]);
        // The first is none the worse for it.
        let mut second = Peer::at(&first).await;
        second.connected(&first.id()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_that_cannot_be_listened_on_is_named_with_its_reason() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addresses = [
        format!("/ip4/127.0.0.1/tcp/{}", tcp.local_addr().unwrap().port()),
        TCP.to_owned(),
        "/ip4/192.0.2.77/tcp/0".to_owned(),
        format!("/ip4/127.0.0.1/udp/{}/quic-v1", udp.local_addr().unwrap().port()),
    ];
    let mut settings = config(TCP);
    settings.listen = addresses.iter().map(|address| parse_address(address).unwrap()).collect();
    let found: Vec<(String, String)> =
        refused(settings.clone()).into_iter().map(|refused| (refused.address, refused.reason)).collect();
    let expected = [
        (&addresses[0], "another program listens there"),
        (&addresses[2], "no such address on this machine"),
        (&addresses[3], "another program listens there"),
    ];
    assert_eq!(found, expected.map(|(address, reason)| (address.clone(), reason.to_owned())));
    let words = Net::start(settings, Arc::new(Plain::default())).unwrap_err().to_string();
    assert!(expected.iter().all(|(address, reason)| words.contains(&format!("{address}: {reason}"))), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_stopped_leaves_its_port_free_at_once() {
    let mut place_of_all = TCP.to_owned();
    for _ in 0..8 {
        let node = Peer::start(config(&place_of_all)).await;
        place_of_all = place(&node);
        node.handle.stop().await;
    }
}

#[test]
fn addresses_of_other_transports_are_refused_in_words() {
    for text in ["/ip4/127.0.0.1/tcp/4001/wss/ws", "/ip4/127.0.0.1/udp/4001", "/unix/a"] {
        let error = parse_address(text).unwrap_err();
        assert!(matches!(error, NetError::Transport { .. }), "{error}");
        assert!(error.to_string().contains("/tcp/PORT"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_listens_on_loopback_alone_offers_that_and_says_how_far_it_reaches() {
    let mut settings = config(TCP);
    settings.reach = Reach::Public;
    let mut node = Peer::start(settings).await;
    let offered = settled(&mut node).await;
    assert_eq!((texts(&offered), offered.scope, offered.left_out), (vec![place(&node)], AddressScope::Machine, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_is_told_before_the_address_is_and_again_when_a_listener_has_gone() {
    let mut settings = config(TCP);
    settings.reach = Reach::Public;
    let (handle, mut events) = Net::start(settings, Arc::new(Plain::default())).unwrap();
    let first = events.recv().await.unwrap();
    let NetEvent::AddressesChanged { offered, settled: false } = first else { panic!("{first:?}") };
    let second = events.recv().await.unwrap();
    let NetEvent::Listening { address } = second else { panic!("{second:?}") };
    assert_eq!(texts(&offered), [address.to_string()]);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_goes_is_said_and_one_that_comes_back_is_listened_at_again() {
    let identity = Keypair::generate();
    let relay = |listen: &str| {
        let mut settings = config(listen);
        settings.keypair = identity.clone();
        settings.relaying = motet_net::Relaying::On;
        settings
    };
    let first = Peer::start(relay(TCP)).await;
    let there = place(&first);
    let mut settings = config(TCP);
    settings.exposure = motet_net::Exposure::RelayOnly;
    settings.relays = vec![parse_address(&first.address).unwrap()];
    let mut node = Peer::start(settings).await;
    first.handle.stop().await;
    let ended = node.wait("ListeningEnded", |event| match event {
        NetEvent::ListeningEnded { address, .. } => Some(address.to_string()),
        _ => None,
    });
    assert!(ended.await.contains("/p2p-circuit"));
    let empty = node.wait("no address", |event| match event {
        NetEvent::AddressesChanged { offered, .. } => (offered.scope == AddressScope::Nowhere).then_some(offered),
        _ => None,
    });
    assert_eq!(texts(&empty.await), Vec::<String>::new());
    let _second = Peer::start(relay(&there)).await;
    let again = node.wait("Listening", |event| match event {
        NetEvent::Listening { address } => Some(address.to_string()),
        _ => None,
    });
    assert!(again.await.starts_with(&there));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_on_the_loopback_of_either_family_reach_each_other() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no ::1");
        return;
    }
    for listen in [vec!["/ip6/::1/tcp/0"], vec![TCP, "/ip6/::1/tcp/0"]] {
        let mut settings = config(TCP);
        settings.reach = Reach::Public;
        settings.listen = listen.iter().map(|address| parse_address(address).unwrap()).collect();
        let mut one = Peer::start(settings.clone()).await;
        let offered = settled(&mut one).await;
        assert_eq!(offered.addresses.len(), listen.len());
        settings.keypair = Keypair::generate();
        let other = Peer::start(settings).await;
        other.handle.send(one.id(), offered.addresses, (*b"knock").into()).await.unwrap();
        one.message_with(b"knock").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_whose_addresses_are_of_another_network_is_said_to_be_out_of_reach() {
    let mut settings = config(TCP);
    settings.reach = Reach::Public;
    let mut node = Peer::start(settings).await;
    let stranger = Keypair::generate().peer_id();
    let private = "/ip4/192.168.7.2/tcp/4001";
    let addresses = vec![address_to_wire(private).unwrap()];
    node.handle.send(stranger, addresses, (*b"lost").into()).await.unwrap();
    let (peer, reason) = unreachable(&mut node).await;
    assert_eq!(peer, stranger);
    assert!(reason.contains("cannot be reached from this node's network") && reason.contains(private), "{reason}");
    let nowhere = Keypair::generate().peer_id();
    node.handle.send(nowhere, Vec::new(), (*b"lost").into()).await.unwrap();
    assert_eq!(unreachable(&mut node).await, (nowhere, "no address of it is known".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_has_gone_is_said_not_to_answer() {
    let mut node = Peer::alone().await;
    let gone = Peer::alone().await;
    let (peer, address) = split_peer(&gone.address).unwrap();
    gone.handle.stop().await;
    node.handle.send(peer, vec![address_to_wire(&address).unwrap()], (*b"lost").into()).await.unwrap();
    assert_eq!(unreachable(&mut node).await, (peer, "nobody listens there".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_peer_with_another_id_is_said_to_be_another_node_once() {
    let other = Peer::alone().await;
    let expected = Keypair::generate().peer_id();
    let wrong = format!("{}/p2p/{expected}", place(&other));
    let mut node = beginning_at(&wrong).await;
    let (address, reason) = named_unreachable(&mut node).await;
    assert_eq!((address, &*reason), (wrong.clone(), &*format!("another node answers there: {}", other.id())));
    let named = node.handle.stats().await.unwrap().named;
    assert_eq!(named, [Named { address: wrong.parse().unwrap(), contact: Contact::Failed(reason) }]);
    // It is dialled again, and that is no news.
    other.handle.stop().await;
    let (address, reason) = named_unreachable(&mut node).await;
    assert_eq!((address, &*reason), (wrong, "nobody listens there"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_peer_that_comes_late_is_connected_and_said_to_be() {
    let identity = Keypair::generate();
    let at = |listen: &str| {
        let mut settings = config(listen);
        settings.keypair = identity.clone();
        settings
    };
    let early = Peer::start(at(TCP)).await;
    let (place, address) = (place(&early), early.address.clone());
    early.handle.stop().await;
    let mut node = beginning_at(&address).await;
    assert_eq!(named_unreachable(&mut node).await, (address.clone(), "nobody listens there".to_owned()));
    let late = Peer::start(at(&place)).await;
    node.connected(&late.id()).await;
    let named = node.handle.stats().await.unwrap().named;
    assert_eq!(named, [Named { address: address.parse().unwrap(), contact: Contact::Connected }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_peer_that_is_blocked_stays_named_and_is_said_to_be_blocked() {
    let other = Peer::alone().await;
    let mut node = beginning_at(&other.address).await;
    node.connected(&other.id()).await;
    node.handle.block(other.id()).await.unwrap();
    let (address, reason) = named_unreachable(&mut node).await;
    assert_eq!(address, other.address);
    assert!(reason.starts_with("this node blocks it"), "{reason}");
    let stats = node.handle.stats().await.unwrap();
    assert_eq!((stats.blocked, stats.named.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_place_where_another_program_listens_is_said_to_be_that() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in other.incoming() {
            drop(std::io::Write::write_all(&mut socket.unwrap(), b"HTTP/1.0 400 Bad Request\r\n\r\n"));
        }
    });
    let peer = Keypair::generate().peer_id();
    let mut node = beginning_at(&format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}")).await;
    let (_, reason) = named_unreachable(&mut node).await;
    assert!(reason.starts_with("whatever listens there"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_peer_of_another_network_is_said_to_be_that() {
    let mut settings = config(TCP);
    settings.network = NetworkId::new("elsewhere").unwrap();
    let other = Peer::start(settings).await;
    let mut node = Peer::at(&other).await;
    let (address, reason) = named_unreachable(&mut node).await;
    assert_eq!(address, other.address);
    assert!(reason.contains("\"elsewhere\""), "{reason}");
}

/// A node that begins at this address.
async fn beginning_at(address: &str) -> Peer {
    let mut settings = config(TCP);
    settings.bootstrap.push(parse_address(address).unwrap());
    Peer::start(settings).await
}

async fn twin(node: &mut Peer) -> String {
    node.wait("Twin", |event| match event {
        NetEvent::Twin { address } => Some(address.to_string()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_of_one_identity_both_notice_when_one_calls_the_other() {
    for listen in [TCP, QUIC] {
        let identity = Keypair::generate();
        let copy = || {
            let mut settings = config(listen);
            settings.keypair = identity.clone();
            settings
        };
        let (mut one, mut other) = (Peer::start(copy()).await, Peer::start(copy()).await);
        other.handle.dial(parse_address(&one.address).unwrap()).await.unwrap();
        assert_eq!(twin(&mut other).await, place(&one));
        twin(&mut one).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_calls_itself_meets_no_twin_and_meets_one_that_comes_later() {
    let identity = Keypair::generate();
    let copy = || {
        let mut settings = config(QUIC);
        settings.keypair = identity.clone();
        settings
    };
    let mut node = Peer::start(copy()).await;
    // It does not know this address for its own, and has dialled it when it answers a question.
    let own = node.address.replace("/ip4/127.0.0.1/", "/dns4/localhost/");
    node.handle.dial(parse_address(&own).unwrap()).await.unwrap();
    node.handle.stats().await.unwrap();
    let other = Peer::start(copy()).await;
    other.handle.dial(parse_address(&node.address).unwrap()).await.unwrap();
    let met = twin(&mut node).await;
    assert!(met.starts_with("/ip4/127.0.0.1/"), "{met}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_call_its_own_address() {
    let mut node = Peer::alone().await;
    node.handle.dial(parse_address(&node.address.clone()).unwrap()).await.unwrap();
    assert_eq!(node.handle.stats().await.unwrap().named, []);
    let mut other = Peer::at(&node).await;
    other.connected(&node.id()).await;
    node.connected(&other.id()).await;
}
