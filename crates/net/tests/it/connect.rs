//! Who comes together with whom.

use motet_net::{Keypair, NetEvent, address_to_wire, parse_address, split_peer};
use motet_wire::Channel;

use crate::peer::{Peer, QUIC, TCP, config};

async fn two_speak_over(listen: &str, protocol: &str) {
    let mut one = Peer::start(config(listen)).await;
    let mut settings = config(listen);
    settings.bootstrap.push(parse_address(&one.address).unwrap());
    let mut other = Peer::start(settings).await;
    let seen = other.connected(&one.id()).await;
    assert!(seen.contains(protocol), "{seen}");
    let seen = one.connected(&other.id()).await;
    assert!(seen.contains(protocol), "{seen}");
    one.send(&other.id(), *b"there").await;
    let there = other.message().await;
    assert_eq!((&there.from, there.channel, &*there.bytes), (&one.id(), Channel::Direct, &b"there"[..]));
    other.send(&one.id(), *b"and back").await;
    let back = one.message().await;
    assert_eq!((&back.from, back.channel, &*back.bytes), (&other.id(), Channel::Direct, &b"and back"[..]));
    assert_eq!(one.handle.stats().await.unwrap().peers, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_speak_over_tcp() {
    two_speak_over(TCP, "/tcp/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_speak_over_quic() {
    two_speak_over(QUIC, "/quic-v1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_listens_on_both_and_says_where() {
    let mut settings = config(TCP);
    settings.listen.push(parse_address(QUIC).unwrap());
    let mut node = Peer::start(settings).await;
    let first = split_peer(&node.address).unwrap().1;
    let second = node.wait("Listening", |event| match event {
        NetEvent::Listening { address } => Some(address.to_string()),
        _ => None,
    });
    let mut said = vec![first, second.await];
    let listening = node.handle.stats().await.unwrap().listening;
    let mut listening: Vec<String> = listening.iter().map(ToString::to_string).collect();
    said.sort();
    listening.sort();
    assert_eq!(said, listening);
    assert!(said.iter().any(|address| address.contains("/tcp/")), "{said:?}");
    assert!(said.iter().any(|address| address.ends_with("/quic-v1")), "{said:?}");
    assert!(said.iter().all(|address| !address.contains("/tcp/0") && !address.contains("/udp/0/")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_is_dialled_until_there_and_again_when_lost() {
    let identity = Keypair::generate();
    let at = |place: &str| {
        let mut settings = config(place);
        settings.keypair = identity.clone();
        settings
    };
    let first = Peer::start(at(TCP)).await;
    let place = split_peer(&first.address).unwrap().1;
    let address = first.address.clone();
    first.handle.stop().await;
    drop(first);

    // Nobody is there yet.
    let mut other = Peer::alone().await;
    other.handle.dial(parse_address(&address).unwrap()).await.unwrap();
    let second = Peer::start(at(&place)).await;
    other.connected(&second.id()).await;
    second.handle.stop().await;
    other.disconnected(&second.id()).await;
    drop(second);
    let third = Peer::start(at(&place)).await;
    other.connected(&third.id()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_is_dialled_though_the_routing_table_has_no_room() {
    // A bucket holds twenty, and the first half of all peers are in one.
    let mut hub = Peer::alone().await;
    let mut others = Vec::new();
    for _ in 0..60 {
        let other = Peer::alone().await;
        hub.handle.dial(parse_address(&other.address).unwrap()).await.unwrap();
        hub.connected(&other.id()).await;
        others.push(other);
    }
    assert_eq!(hub.handle.stats().await.unwrap().peers, others.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_dials_whom_it_is_for() {
    let mut one = Peer::alone().await;
    let two = Peer::alone().await;
    let (peer, place) = split_peer(&one.address).unwrap();
    assert_eq!(peer, one.id());
    two.handle.send(peer, vec![address_to_wire(&place).unwrap()], (*b"knock").into()).await.unwrap();
    let message = one.message().await;
    assert_eq!((&message.from, &*message.bytes), (&two.id(), &b"knock"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_blocked_is_disconnected_and_kept_out() {
    let mut one = Peer::alone().await;
    let mut other = Peer::at(&one).await;
    one.connected(&other.id()).await;
    other.connected(&one.id()).await;
    for _ in 0..3 {
        one.handle.block(other.id()).await.unwrap();
    }
    assert_eq!(one.handle.stats().await.unwrap().blocked, 1);
    one.disconnected(&other.id()).await;
    other.disconnected(&one.id()).await;
    // A third is welcome, and the one outside stays outside though it tries again before the third comes.
    other.handle.dial(parse_address(&one.address).unwrap()).await.unwrap();
    let third = Peer::at(&one).await;
    loop {
        let event = one.next("the third").await.unwrap();
        if let NetEvent::PeerConnected { peer, .. } = event {
            assert_eq!(peer, third.id());
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_block_itself() {
    let mut one = Peer::alone().await;
    for _ in 0..20 {
        one.handle.block(one.id()).await.unwrap();
    }
    assert_eq!(one.handle.stats().await.unwrap().blocked, 0);
    let other = Peer::at(&one).await;
    other.send(&one.id(), *b"still here").await;
    assert_eq!(one.message().await.from, other.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dials_although_another_program_has_a_connection_from_the_port_that_it_listens_on() {
    let mut other = Peer::alone().await;
    // The connection of the other program, from a port that the kernel has chosen for it at 127.0.0.1.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
    let port = client.local_addr().unwrap().port();
    let node = Peer::start(config(&format!("/ip4/127.0.2.2/tcp/{port}"))).await;
    node.handle.dial(parse_address(&other.address).unwrap()).await.unwrap();
    other.connected(&node.id()).await;
    drop((client, server));
}
