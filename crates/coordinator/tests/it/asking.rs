//! Requests from the side of their creator: however a request ends, and whatever it costs, its creator is told.

use core::time::Duration;

use motet_coordinator::event::{AbortCause, Event};
use motet_coordinator::{Command, CommandError, Config, Reply, SigningRequestSpec};
use motet_wire::{Commitments, Message, RequestId, RequestMetadata, RequestOptions, Topology};

use crate::network::Network;
use crate::session::{assert_signed, items, options};
use crate::stranger::Stranger;

fn network(nodes: usize) -> Network {
    let mut network = Network::new(nodes, 3, &Config::default());
    network.advertise_all();
    network
}

/// How a request ended on a node.
fn ends(network: &Network, node: usize, request: RequestId) -> Vec<AbortCause> {
    let events = network.nodes[node].events.iter();
    let ends = events.filter_map(|event| if let Event::SessionAborted(end) = event { Some(end) } else { None });
    ends.filter(|end| end.request == request).map(|end| end.cause.clone()).collect()
}

fn ask(network: &mut Network, creator: usize, other: usize) -> RequestId {
    let announcement = SigningRequestSpec {
        creator: network.key(creator),
        keys: vec![network.key(creator), network.key(other)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    match network.command(creator, Command::Announce(announcement)).unwrap() {
        Reply::Announced { request, .. } => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_time_to_join_is_counted_from_after_the_proof_of_work() {
    for (lifetime, work) in [(30, 500), (1, 9_999), (1_000, 9_000)] {
        let mut network = network(3);
        network.lifetime = Duration::from_millis(lifetime);
        network.works = [work].into();
        network.announce(items(1), options(Commitments::On));
        network.run();
        assert_signed(&network, &items(1));
    }
}

#[test]
fn a_request_whose_proof_of_work_took_too_long_is_dated_anew() {
    // The lid was closed for a minute, which is as long as the others would have had.
    let mut network = network(3);
    network.works = [62_000, 20].into();
    network.announce(items(1), options(Commitments::On));
    network.run();
    assert_signed(&network, &items(1));
}

#[test]
fn a_machine_that_is_too_slow_to_ask_is_told_so() {
    let mut network = network(2);
    network.works = [400_000].into();
    let announcement = SigningRequestSpec {
        creator: network.key(0),
        keys: vec![network.key(0), network.key(1)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let error = network.command(0, Command::Announce(announcement)).unwrap_err();
    assert_eq!(error, CommandError::SlowWork { took: Duration::from_secs(400) });
    assert!(error.to_string().contains("asleep"), "{error}");
}

#[test]
fn a_request_that_never_comes_back_to_its_creator_ends_for_it() {
    let mut network = network(2);
    let request = network.announce(items(1), options(Commitments::On));
    network.lose_everything();
    assert_eq!(ends(&network, 0, request), []);
    let start = network.clock;
    while ends(&network, 0, request).is_empty() {
        network.sleep_to_next_deadline_of(&[0]);
        assert!(network.clock <= start + 60_000, "it ends when it can be joined no more");
    }
    assert_eq!(ends(&network, 0, request), [AbortCause::Expired]);
}

#[test]
fn a_request_that_comes_back_after_its_time_ends_for_its_creator() {
    let mut network = network(2);
    let request = network.announce(items(1), options(Commitments::On));
    // The machine stood still while the request was on its way out.
    network.clock += 80_000;
    network.run();
    network.sleep_to_next_deadline_of(&[0]);
    assert_eq!(ends(&network, 0, request), [AbortCause::Expired]);
}

#[test]
fn a_creator_that_asks_for_more_than_is_allowed_is_told_so() {
    let mut network = network(3);
    network.undecided = true;
    let allowed = Config::default().max_sessions_per_creator;
    let mut requests = Vec::new();
    for number in 0..=allowed {
        if number == allowed {
            // Others take ten at once, and then one in twelve seconds.
            network.clock += 13_000;
        }
        requests.push(ask(&mut network, 0, 1));
        network.run();
    }
    let refused = requests.pop().unwrap();
    let ended = ends(&network, 0, refused);
    let [AbortCause::Refused { signer, detail, .. }] = ended.as_slice() else { panic!("{ended:?}") };
    assert_eq!(*signer, network.key(1));
    assert!(detail.contains("10 requests of yours are open here"), "{detail}");
    assert!(requests.iter().all(|request| ends(&network, 0, *request).is_empty()), "the others go on");
    assert!(!network.nodes[2].events.iter().any(|event| matches!(event, Event::ParticipantDeclined { .. })));
}

const STAR: RequestOptions = RequestOptions {
    commitments: Commitments::On,
    election: motet_wire::Election::Lexicographic,
    topology: Topology::Star,
};

#[test]
fn a_request_in_the_topology_star_is_not_announced() {
    let mut network = network(2);
    let announcement = SigningRequestSpec {
        creator: network.key(0),
        keys: vec![network.key(0), network.key(1)],
        items: items(1),
        options: STAR,
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let error = network.command(0, Command::Announce(announcement)).unwrap_err();
    assert_eq!(error, CommandError::UnsupportedTopology { topology: Topology::Star });
}

#[test]
fn a_request_in_the_topology_star_is_declined_as_unsupported() {
    let mut network = network(1);
    let mut stranger = Stranger::new(1);
    let (request, frame) = stranger.asks(&network, network.key(0), STAR);
    network.hear_stranger(0, stranger.peer, &frame);
    let said = network.messages_to(&stranger);
    let [Message::ParticipantDeclined(declined)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(declined.request, request);
    assert!(declined.reason.starts_with("unsupported: "), "{}", declined.reason);
    // The user is not asked, and the same question in the other topology is answered.
    assert_eq!(network.nodes[0].engine.active_sessions(), 0);
    let (_, frame) = stranger.asks(&network, network.key(0), RequestOptions { topology: Topology::Mesh, ..STAR });
    network.hear_stranger(0, stranger.peer, &frame);
    assert_eq!(network.nodes[0].engine.active_sessions(), 1);
}

#[test]
fn a_node_that_asks_more_often_than_others_listen_is_told_when_it_can_ask_again() {
    let mut network = network(3);
    (network.undecided, network.strict) = (true, true);
    let announcement = |network: &Network, other: usize| SigningRequestSpec {
        creator: network.key(0),
        keys: vec![network.key(0), network.key(other)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(600),
    };
    for number in 0..10 {
        let asked = announcement(&network, 1 + number % 2);
        network.command(0, Command::Announce(asked)).unwrap();
    }
    let asked = announcement(&network, 1);
    let error = network.command(0, Command::Announce(asked.clone())).unwrap_err();
    let CommandError::TooOften { per_minute: 5, next, .. } = error else { panic!("{error:?}") };
    assert!((Duration::from_secs(12)..Duration::from_secs(14)).contains(&next), "{next:?}");
    assert!(error.to_string().contains("5 requests a minute from one node"), "{error}");
    // In that time it is said, and the other, who counts by itself, hears it.
    network.run();
    network.clock += next.as_millis() as u64;
    let Reply::Announced { request, .. } = network.command(0, Command::Announce(asked.clone())).unwrap() else {
        panic!()
    };
    network.run();
    assert!(network.command(1, Command::Status { request }).is_ok());
    assert!(network.command(0, Command::Announce(asked)).is_err());
}

#[test]
fn a_node_that_shares_sessions_with_those_whom_it_asks_may_ask_more_often() {
    let mut network = network(2);
    network.undecided = true;
    for _ in 0..10 {
        ask(&mut network, 0, 1);
        network.run();
    }
    // They are not in a session yet: nobody has joined but the one that asks.
    let asked = SigningRequestSpec {
        creator: network.key(0),
        keys: vec![network.key(0), network.key(1)],
        items: items(1),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    assert!(matches!(network.command(0, Command::Announce(asked.clone())), Err(CommandError::TooOften { .. })));
    let sessions = network.sessions_of(1);
    let signer = network.key(1);
    network.command(1, Command::Join { request: sessions[0], signer }).unwrap();
    while network.nodes[0].engine.sessions_with(&network.nodes[1].peer) == 0 {
        assert!(network.deliver_one());
    }
    network.clock += 2_000;
    network.command(0, Command::Announce(asked)).unwrap();
}

#[test]
fn a_signer_that_is_advertised_more_often_than_others_listen_is_refused() {
    let mut network = Network::new(2, 3, &Config::default());
    let advertise = |network: &mut Network| {
        let (signer, metadata) = (network.key(0), motet_wire::SignerMetadata::default());
        let (criteria, lifetime) = (motet_wire::Criteria::ANY, Duration::from_secs(3600));
        network.command(0, Command::Advertise { signer, criteria, metadata, addresses: Vec::new(), lifetime })
    };
    let mut refusal = None;
    for _ in 0..5 {
        network.clock += 100;
        if let Err(error) = advertise(&mut network) {
            refusal = Some(error);
            break;
        }
    }
    let Some(CommandError::TooOften { next, .. }) = refusal else { panic!("{refusal:?}") };
    assert!(next <= Duration::from_secs(63));
    network.clock += next.as_millis() as u64;
    advertise(&mut network).unwrap();
}
