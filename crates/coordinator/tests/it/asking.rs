//! Requests from the side of their creator: however a request ends, and whatever it costs, its creator is told.

use core::time::Duration;

use motet_coordinator::event::{AbortCause, Event};
use motet_coordinator::{Command, CommandError, Config, Reply, SigningRequestSpec};
use motet_testkit::{Cluster, Stranger};
use motet_wire::{Commitments, Message, PeerClass, RequestId, RequestMetadata, RequestOptions, Topology};

use crate::kit::{announce, asks, clock, cluster_of, hear_stranger, sessions_of};
use crate::session::{assert_signed, items, options};

fn advertised(nodes: usize) -> Cluster {
    let mut cluster = cluster_of(nodes, 3, &Config::default());
    cluster.advertise_all();
    cluster
}

/// How a request ended on a node.
fn ends(cluster: &Cluster, node: usize, request: RequestId) -> Vec<AbortCause> {
    let events = cluster.node(node).events().iter();
    let ends = events.filter_map(|event| if let Event::SessionAborted(end) = event { Some(end) } else { None });
    ends.filter(|end| end.request == request).map(|end| end.cause.clone()).collect()
}

fn ask(cluster: &mut Cluster, creator: usize, other: usize) -> RequestId {
    let announcement = SigningRequestSpec {
        creator: cluster.key(creator),
        keys: vec![cluster.key(creator), cluster.key(other)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    match cluster.command(creator, Command::Announce(announcement)).unwrap() {
        Reply::Announced { request, .. } => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_time_to_join_is_counted_from_after_the_proof_of_work() {
    for (lifetime, work) in [(30, 500), (1, 9_999), (1_000, 9_000)] {
        let mut cluster = advertised(3);
        let lifetime = Duration::from_millis(lifetime);
        cluster.set_work_times([work].map(Duration::from_millis));
        let request = cluster.request(0, &[0, 1, 2], items(1), options(Commitments::On));
        cluster.announce_request(0, SigningRequestSpec { lifetime, ..request }).unwrap();
        cluster.settle();
        assert_signed(&cluster, &items(1));
    }
}

#[test]
fn a_request_whose_proof_of_work_took_too_long_is_dated_anew() {
    // The lid was closed for a minute, which is as long as the others would have had.
    let mut cluster = advertised(3);
    cluster.set_work_times([62_000, 20].map(Duration::from_millis));
    announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    assert_signed(&cluster, &items(1));
}

#[test]
fn a_machine_that_is_too_slow_to_ask_is_told_so() {
    let mut cluster = advertised(2);
    cluster.set_work_times([400_000].map(Duration::from_millis));
    let announcement = SigningRequestSpec {
        creator: cluster.key(0),
        keys: vec![cluster.key(0), cluster.key(1)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let error = cluster.command(0, Command::Announce(announcement)).unwrap_err();
    assert_eq!(error, CommandError::SlowWork { took: Duration::from_secs(400) });
    assert!(error.to_string().contains("asleep"), "{error}");
}

#[test]
fn a_request_that_nobody_hears_ends_for_its_creator() {
    let mut cluster = advertised(2);
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.network().lose_everything();
    let start = clock(&cluster);
    while ends(&cluster, 0, request).is_empty() {
        cluster.sleep_of(&[0]);
        cluster.network().lose_everything();
        assert!(clock(&cluster) <= start + 60_000, "it ends when it can be joined no more");
    }
    let ended = ends(&cluster, 0, request);
    let [AbortCause::Unresponsive { signers, .. }] = ended.as_slice() else { panic!("{ended:?}") };
    assert_eq!(*signers, [cluster.key(1)]);
}

#[test]
fn a_creator_that_asks_for_more_than_is_allowed_is_told_so() {
    let mut cluster = advertised(3);
    cluster.set_policy(|_, _| None);
    let allowed = Config::default().max_sessions_per_creator;
    let mut requests = Vec::new();
    for number in 0..=allowed {
        if number == allowed {
            // Others take ten at once, and then one in twelve seconds.
            cluster.jump(Duration::from_millis(13_000));
        }
        requests.push(ask(&mut cluster, 0, 1));
        cluster.settle();
    }
    let refused = requests.pop().unwrap();
    let ended = ends(&cluster, 0, refused);
    let [AbortCause::Refused { signer, detail, .. }] = ended.as_slice() else { panic!("{ended:?}") };
    assert_eq!(*signer, cluster.key(1));
    assert!(detail.contains("10 requests of yours are open here"), "{detail}");
    assert!(requests.iter().all(|request| ends(&cluster, 0, *request).is_empty()), "the others go on");
    assert!(!cluster.node(2).events().iter().any(|event| matches!(event, Event::ParticipantDeclined { .. })));
}

const STAR: RequestOptions = RequestOptions {
    commitments: Commitments::On,
    election: motet_wire::Election::Lexicographic,
    topology: Topology::Star,
};

#[test]
fn a_request_in_the_topology_star_is_not_announced() {
    let mut cluster = advertised(2);
    let announcement = SigningRequestSpec {
        creator: cluster.key(0),
        keys: vec![cluster.key(0), cluster.key(1)],
        items: items(1),
        options: STAR,
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let error = cluster.command(0, Command::Announce(announcement)).unwrap_err();
    assert_eq!(error, CommandError::UnsupportedTopology { topology: Topology::Star });
}

#[test]
fn a_request_in_the_topology_star_is_declined_as_unsupported() {
    let mut cluster = advertised(1);
    let mut stranger = Stranger::new(1);
    let (request, frame) = asks(&cluster, &mut stranger, cluster.key(0), STAR);
    hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    let said = cluster.messages_to(stranger.peer());
    let [Message::ParticipantDeclined(declined)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(declined.request, request);
    assert!(declined.reason.starts_with("unsupported: "), "{}", declined.reason);
    // The user is not asked, and the same question in the other topology is answered.
    assert_eq!(cluster.node(0).engine().active_sessions(), 0);
    let (_, frame) = asks(&cluster, &mut stranger, cluster.key(0), RequestOptions { topology: Topology::Mesh, ..STAR });
    hear_stranger(&mut cluster, 0, stranger.peer(), &frame);
    assert_eq!(cluster.node(0).engine().active_sessions(), 1);
}

#[test]
fn a_node_that_asks_more_often_than_others_listen_is_told_when_it_can_ask_again() {
    let mut cluster = advertised(3);
    cluster.set_policy(|_, _| None);
    cluster.set_peer_class(PeerClass::Stranger);
    let announcement = |cluster: &Cluster, other: usize| SigningRequestSpec {
        creator: cluster.key(0),
        keys: vec![cluster.key(0), cluster.key(other)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(600),
    };
    for number in 0..10 {
        let asked = announcement(&cluster, 1 + number % 2);
        cluster.command(0, Command::Announce(asked)).unwrap();
    }
    let asked = announcement(&cluster, 1);
    let error = cluster.command(0, Command::Announce(asked.clone())).unwrap_err();
    let CommandError::TooOften { per_minute: 5, next, .. } = error else { panic!("{error:?}") };
    assert!((Duration::from_secs(12)..Duration::from_secs(14)).contains(&next), "{next:?}");
    assert!(error.to_string().contains("5 requests a minute from one node"), "{error}");
    // In that time it is said, and the other, who counts by itself, hears it.
    cluster.settle();
    cluster.jump(Duration::from_millis(next.as_millis() as u64));
    let Reply::Announced { request, .. } = cluster.command(0, Command::Announce(asked.clone())).unwrap() else {
        panic!()
    };
    cluster.settle();
    assert!(cluster.command(1, Command::Status { request }).is_ok());
    assert!(cluster.command(0, Command::Announce(asked)).is_err());
}

#[test]
fn a_node_that_shares_sessions_with_those_whom_it_asks_may_ask_more_often() {
    let mut cluster = advertised(2);
    cluster.set_policy(|_, _| None);
    for _ in 0..10 {
        ask(&mut cluster, 0, 1);
        cluster.settle();
    }
    // They are not in a session yet: nobody has joined but the one that asks.
    let asked = SigningRequestSpec {
        creator: cluster.key(0),
        keys: vec![cluster.key(0), cluster.key(1)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    assert!(matches!(cluster.command(0, Command::Announce(asked.clone())), Err(CommandError::TooOften { .. })));
    let sessions = sessions_of(&mut cluster, 1);
    let signer = cluster.key(1);
    cluster.command(1, Command::Join { request: sessions[0], signer }).unwrap();
    while cluster.node(0).engine().sessions_with(&cluster.node(1).peer()) == 0 {
        assert!(cluster.deliver_next());
    }
    cluster.jump(Duration::from_millis(2_000));
    cluster.command(0, Command::Announce(asked)).unwrap();
}

#[test]
fn a_signer_that_is_advertised_more_often_than_others_listen_is_refused() {
    let mut cluster = cluster_of(2, 3, &Config::default());
    let advertise = |cluster: &mut Cluster| {
        let (signer, metadata) = (cluster.key(0), motet_wire::SignerMetadata::default());
        let (criteria, lifetime) = (motet_wire::Criteria::ANY, Duration::from_secs(3600));
        cluster.command(0, Command::Advertise { signer, criteria, metadata, addresses: Vec::new(), lifetime })
    };
    let mut refusal = None;
    for _ in 0..5 {
        cluster.jump(Duration::from_millis(100));
        if let Err(error) = advertise(&mut cluster) {
            refusal = Some(error);
            break;
        }
    }
    let Some(CommandError::TooOften { next, .. }) = refusal else { panic!("{refusal:?}") };
    assert!(next <= Duration::from_secs(63));
    cluster.jump(Duration::from_millis(next.as_millis() as u64));
    advertise(&mut cluster).unwrap();
}
