//! Many identities of few networks. Addresses of 127.0.0.0/8 stand for networks.

use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use libp2p::swarm::{NetworkBehaviour, Swarm, SwarmEvent};
use libp2p::{Multiaddr, SwarmBuilder, gossipsub, identify, noise, tcp, yamux};
use motet_net::{Guard, LocalGroups, NetConfig, parse_address};
use motet_wire::{NetworkId, PeerId, Rate};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use crate::hostile::Hostile;
use crate::peer::{GUARD, Peer, config, entry};
use crate::stranger::Stranger;

/// A peer that says where it is, and nothing else.
#[derive(NetworkBehaviour)]
struct Bare {
    identify: identify::Behaviour,
    gossip: gossipsub::Behaviour,
}

/// The address of a node as a peer sees it whose connections come from another address of this machine: libp2p dials from 127.0.0.1, whatever it
/// listens on.
async fn seen_from(from: &str, node: &str) -> String {
    let mut words = node.split('/');
    let (ip, port) = (words.nth(2).unwrap(), words.nth(1).unwrap());
    let to: SocketAddr = format!("{ip}:{port}").parse().unwrap();
    let from: SocketAddr = format!("{from}:0").parse().unwrap();
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = door.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = door.accept().await {
            tokio::spawn(async move {
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind(from).unwrap();
                if let Ok(mut far) = socket.connect(to).await {
                    drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                }
            });
        }
    });
    format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", node.rsplit('/').next().unwrap())
}

/// A bare peer that listens at an address.
async fn bare(from: &str) -> Swarm<Bare> {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|keys| {
            let name = format!("/motet/{}/1", NetworkId::test());
            let settings = gossipsub::ConfigBuilder::default()
                .validation_mode(gossipsub::ValidationMode::Anonymous)
                .build()
                .unwrap();
            let gossip = gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, settings).unwrap();
            Bare { identify: identify::Behaviour::new(identify::Config::new(name, keys.public())), gossip }
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(3_600)))
        .build();
    swarm.listen_on(format!("/ip4/{from}/tcp/0").parse().unwrap()).unwrap();
    while !matches!(swarm.select_next_some().await, SwarmEvent::NewListenAddr { .. }) {}
    swarm
}

/// Identities of one host that call a node; each stays as long as it may. Returns when each has been let in or refused.
async fn besiege(victim: &str, from: &str, count: usize) -> JoinSet<()> {
    let mut siege = JoinSet::new();
    let (done, mut settled) = tokio::sync::mpsc::channel(count);
    let victim = seen_from(from, victim).await;
    for _ in 0..count {
        let mut swarm = bare(from).await;
        swarm.dial(victim.parse::<Multiaddr>().unwrap()).unwrap();
        let done = done.clone();
        siege.spawn(async move {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::Behaviour(BareEvent::Identify(identify::Event::Received { .. }))
                    | SwarmEvent::ConnectionClosed { .. }
                    | SwarmEvent::OutgoingConnectionError { .. } => drop(done.try_send(())),
                    _ => {}
                }
            }
        });
    }
    for _ in 0..count {
        tokio::time::timeout(GUARD, settled.recv()).await.unwrap().unwrap();
    }
    siege
}

/// A node at an address of this machine, whose addresses stand for networks.
fn counted(listen: &str) -> NetConfig {
    let mut settings = config(&format!("/ip4/{listen}/tcp/0"));
    settings.guard = Guard { local_groups: LocalGroups::Counted, ..Guard::default() };
    settings
}

async fn counted_at(listen: &str, other: &Peer) -> Peer {
    let mut settings = counted(listen);
    settings.bootstrap.push(parse_address(&seen_from(listen, &other.address).await).unwrap());
    Peer::start(settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_with_two_hundred_identities_takes_the_places_of_one_network() {
    let mut victim = Peer::start(counted("127.0.1.1")).await;
    let _siege = besiege(&victim.address, "127.0.2.1", 200).await;
    let stats = victim.handle.stats().await.unwrap();
    assert!(stats.inbound <= 8, "{stats:?}");
    // A co-signer dials in, and another is dialled.
    let mut caller = counted_at("127.0.3.1", &victim).await;
    caller.connected(&victim.id()).await;
    caller.send(&victim.id(), *b"dialled in").await;
    assert_eq!(victim.message_with(b"dialled in").await.from, caller.id());
    let mut called = Peer::start(counted("127.0.4.1")).await;
    victim.handle.dial(parse_address(&called.address).unwrap()).await.unwrap();
    called.connected(&victim.id()).await;
    victim.send(&called.id(), *b"dialled").await;
    assert_eq!(called.message_with(b"dialled").await.from, victim.id());
    // One of the attacker's own network is dialled as well.
    let mut member = Peer::start(counted("127.0.2.1")).await;
    while victim.handle.try_reserve(vec![member.id()]).is_err() {}
    victim.handle.dial(parse_address(&member.address).unwrap()).await.unwrap();
    member.connected(&victim.id()).await;
    member.send(&victim.id(), *b"of a session").await;
    assert_eq!(victim.message_with(b"of a session").await.from, member.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_peers_that_are_banned_is_kept_out_before_the_handshake_and_others_are_not() {
    let mut settings = counted("127.0.1.2");
    // Whoever says anything is a flood.
    settings.guard.subscriptions = Rate { per_minute: 1, burst: 1 };
    let victim = Peer::start(settings).await;
    let here = seen_from("127.0.2.2", &victim.address).await.parse::<Multiaddr>().unwrap();
    for _ in 0..8 {
        let mut swarm = bare("127.0.2.2").await;
        for topic in 0..3 {
            swarm.behaviour_mut().gossip.subscribe(&gossipsub::IdentTopic::new(topic.to_string())).unwrap();
        }
        swarm.dial(here.clone()).unwrap();
        let banned = async { while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionClosed { .. }) {} };
        tokio::time::timeout(GUARD, banned).await.unwrap();
    }
    let stats = victim.handle.stats().await.unwrap();
    assert_eq!((stats.blocked, stats.blocked_groups), (8, 1), "{stats:?}");
    // Identities without end: none gets as far as to show itself.
    let mut refused = bare("127.0.2.3").await;
    refused.dial(here).unwrap();
    let trying = async {
        loop {
            match refused.select_next_some().await {
                SwarmEvent::OutgoingConnectionError { .. } => break,
                SwarmEvent::ConnectionEstablished { .. } => panic!("its network is banned"),
                _ => {}
            }
        }
    };
    tokio::time::timeout(GUARD, trying).await.unwrap();
    let mut other = bare("127.0.3.2").await;
    other.dial(seen_from("127.0.3.2", &victim.address).await.parse::<Multiaddr>().unwrap()).unwrap();
    let connecting = async {
        while !matches!(
            other.select_next_some().await,
            SwarmEvent::Behaviour(BareEvent::Identify(identify::Event::Received { .. }))
        ) {}
    };
    tokio::time::timeout(GUARD, connecting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_the_dht_takes_a_few_peers_of_one_network() {
    let mut settings = counted("127.0.1.3");
    settings.guard.group_connections = 100;
    let mut victim = Peer::start(settings).await;
    let mut crowd = Vec::new();
    for number in 0..14 {
        let peer = counted_at(if number < 12 { "127.0.2.4" } else { "127.0.3.4" }, &victim).await;
        victim.connected(&peer.id()).await;
        peer.send(&victim.id(), *b"here").await;
        assert_eq!(victim.message_with(b"here").await.from, peer.id());
        crowd.push(peer);
    }
    let ready = async {
        while victim.handle.dht_stats().await.unwrap().peers < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, ready).await.unwrap();
    let stats = victim.handle.dht_stats().await.unwrap();
    assert!(stats.peers <= 8 + 2, "{stats:?}");
    assert_eq!(victim.handle.stats().await.unwrap().peers, crowd.len());
}

/// Waits until a node has banned a peer, while this goes on.
async fn is_banned(victim: &Peer, flood: impl Future<Output = ()>) {
    let banned = async {
        while victim.handle.stats().await.unwrap().blocked == 0 {
            tokio::task::yield_now().await;
        }
    };
    let either = async {
        tokio::select! {
            () = banned => {}
            () = flood => panic!("the flood has ended, and its peer was not banned"),
        }
    };
    tokio::time::timeout(GUARD, either).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_without_end_end_in_a_ban() {
    // Names that are no topics, and topics beyond those that a peer may subscribe to: this node takes neither.
    for name in ["", "motet/test/v2/offers/type/"] {
        let victim = Peer::alone().await;
        let mut swarm = bare("127.0.0.1").await;
        swarm.dial(victim.address.parse::<Multiaddr>().unwrap()).unwrap();
        let topic = |number: u32| gossipsub::IdentTopic::new(format!("{name}{number}"));
        let flood = async {
            for number in 0..1_000_000_u32 {
                let gossip = &mut swarm.behaviour_mut().gossip;
                gossip.subscribe(&topic(number)).unwrap();
                gossip.unsubscribe(&topic(number.saturating_sub(100)));
                if number % 50 == 0 {
                    drop(futures::future::poll_immediate(swarm.next()).await);
                    tokio::task::yield_now().await;
                }
            }
        };
        is_banned(&victim, flood).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_questions_without_end_end_in_a_ban() {
    let few = Rate { per_minute: 60, burst: 200 };
    let mut settings = config(crate::peer::TCP);
    settings.guard.puts = few;
    let victim = Peer::start(settings).await;
    let mut hostile = Hostile::at(&victim).await;
    let puts = async {
        for _ in 0..100_000 {
            hostile.put([1; 32], entry(1, 1, b"an offer").to_vec(), GUARD).await;
        }
    };
    is_banned(&victim, puts).await;
    let mut settings = config(crate::peer::TCP);
    settings.guard.bytes = Rate { per_minute: 60, burst: 400_000 };
    let victim = Peer::start(settings).await;
    let mut hostile = Hostile::at(&victim).await;
    let questions = async {
        for _ in 0..100_000 {
            hostile.get([1; 32]).await;
        }
    };
    is_banned(&victim, questions).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_without_end_end_in_a_ban_before_anybody_has_looked_at_them() {
    let mut victim = Peer::alone().await;
    let mut stranger = Stranger::at(&victim).await;
    let mut stream = stranger.stream(&victim).await;
    let mut events = core::mem::replace(&mut victim.events, tokio::sync::mpsc::channel(1).1);
    // Its user takes them, and says nothing about them.
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    tokio::spawn(async move {
        while events.recv().await.is_some() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let flood = async {
        let frames = [0, 0, 0, 1, 9].repeat(100);
        while stream.try_write(&frames).await {}
        futures::future::pending::<()>().await;
    };
    is_banned(&victim, flood).await;
    // What it may send, and what its readers held when it was banned.
    assert!(taken.load(Ordering::Relaxed) < 30_000, "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bans_are_kept_over_a_restart_also_of_a_process_that_is_killed() {
    let folder = std::env::temp_dir().join(format!("motet-bans-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let state = folder.join("peers");
    let mut settings = config(crate::peer::TCP);
    settings.state = Some(state.clone());
    let first = Peer::start(settings.clone()).await;
    let banned: PeerId = motet_net::Keypair::generate().peer_id();
    first.handle.block(banned).await.unwrap();
    let written = async {
        while !std::fs::read_to_string(&state).is_ok_and(|text| text.contains("\nban ")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GUARD, written).await.unwrap();
    // The first is not stopped before the second reads: a process that was killed has written nothing more either.
    let second = Peer::start(settings).await;
    assert_eq!(second.handle.stats().await.unwrap().blocked, 1);
    first.handle.stop().await;
    second.handle.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_keeps_honest_peers_of_its_choosing_among_two_hundred_identities_of_two_networks() {
    let folder = std::env::temp_dir().join(format!("motet-eclipse-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut honest: Vec<Peer> = Vec::new();
    for number in 0..20 {
        // They dial from one address of this machine, which they do not hold against each other.
        let mut settings = config(&format!("/ip4/127.1.{number}.1/tcp/0"));
        let before = honest.last().map(|before| parse_address(&before.address).unwrap());
        settings.bootstrap.extend(before);
        honest.push(Peer::start(settings).await);
    }
    let mut settings = counted("127.2.0.1");
    settings.state = Some(folder.join("peers"));
    // Once, it is told of an honest node. After that it finds its way by itself.
    settings.bootstrap.push(parse_address(&honest[0].address).unwrap());
    let mut siege = Vec::new();
    for restart in 0..=10 {
        let victim = Peer::start(settings.clone()).await;
        settings.bootstrap.clear();
        if restart == 0 {
            siege.push(besiege(&victim.address, "127.3.1.1", 100).await);
            siege.push(besiege(&victim.address, "127.3.2.1", 100).await);
        }
        // Two networks are the attacker's: the third is honest.
        let choosing = async {
            loop {
                let stats = victim.handle.stats().await.unwrap();
                if stats.networks >= 3 && stats.chosen >= 3 {
                    break stats;
                }
                tokio::task::yield_now().await;
            }
        };
        let stats = tokio::time::timeout(GUARD, choosing).await.unwrap_or_else(|_| panic!("eclipsed: {restart}"));
        assert!(!stats.diversity_fell);
        victim.handle.stop().await;
    }
    std::fs::remove_dir_all(folder).unwrap();
}
