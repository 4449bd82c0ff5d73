//! What a restart leaves: nonces die with their process, what was signed is sent again, and the session goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, Config, Input, Reply};
use motet_node::Store;
use motet_wire::{Attempt, Commitments, Kind, RequestId, peek};
use proptest::prelude::*;

use crate::network::Network;
use crate::session::{assert_signed, items, options};

fn over(network: &mut Network, node: usize, request: RequestId) -> bool {
    let status = network.command(node, Command::Status { request });
    matches!(status, Ok(Reply::Status(status)) if matches!(status.phase, Phase::Complete | Phase::Aborted))
}

/// Steps until every node has ended its session, or so many deadlines have passed.
fn run_to_the_end(network: &mut Network, request: RequestId) {
    for _ in 0..2000 {
        network.run();
        if (0..network.nodes.len()).all(|node| over(network, node, request)) {
            return;
        }
        network.sleep_to_next_deadline();
    }
    panic!("the session goes on and on");
}

/// Every attempt of a signer has at most one set of nonces and one signed answer: what was ever sent says so.
fn assert_nonces_are_used_once(network: &Network) {
    let mut used: BTreeMap<Vec<u8>, (Attempt, Vec<u8>)> = BTreeMap::new();
    for (attempt, nonces, transcript) in network.signed().iter().cloned() {
        if let Some(before) = used.insert(nonces, (attempt, transcript.clone())) {
            assert_eq!(before, (attempt, transcript), "one nonce, two challenges");
        }
    }
}

#[test]
fn signatures_are_told_again_after_a_crash_until_they_are_noted() {
    let mut network = Network::new(2, 31, &Config::default());
    network.advertise_all();
    let items = items(2);
    let request = network.announce(items.clone(), options(Commitments::On));
    network.run();
    let told = |network: &Network| -> Vec<Event> {
        let events = network.nodes[1].events.iter();
        events.filter(|event| matches!(event, Event::SessionComplete(_))).cloned().collect()
    };
    let first = told(&network);
    assert_eq!(first.len(), 1);
    // The process may have died between the record and the user.
    for _ in 0..2 {
        network.restart(1);
        assert_eq!(told(&network), first);
        let kept = network.command(1, Command::Results).unwrap();
        assert!(matches!(&kept, Reply::Results(kept) if kept.len() == 1 && kept[0].request == request), "{kept:?}");
    }
    network.command(1, Command::Note { request }).unwrap();
    assert!(network.command(1, Command::Note { request }).is_err());
    network.restart(1);
    assert_eq!(told(&network), []);
}

#[test]
fn a_session_that_is_closed_has_been_noted() {
    let mut network = Network::new(2, 32, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    network.command(0, Command::Close { request }).unwrap();
    assert!(matches!(network.command(0, Command::Results), Ok(Reply::Results(kept)) if kept.is_empty()));
    network.restart(0);
    assert!(!network.nodes[0].events.iter().any(|event| matches!(event, Event::SessionComplete(_))));
}

#[test]
fn a_restart_in_any_phase_costs_an_attempt_and_not_the_session() {
    for commitments in [Commitments::On, Commitments::Off] {
        for after in 0..60 {
            let mut network = Network::new(3, 7, &Config::default());
            network.advertise_all();
            let items = items(2);
            let request = network.announce(items.clone(), options(commitments));
            let mut left = after;
            while left > 0 && network.deliver_one() {
                left -= 1;
            }
            if !network.nodes[1].store.load().unwrap().ended.is_empty() {
                // It had its signature before.
                break;
            }
            network.restart(1);
            network.advertise_all();
            run_to_the_end(&mut network, request);
            assert_signed(&network, &items);
            assert_nonces_are_used_once(&network);
        }
    }
}

#[test]
fn what_was_announced_is_announced_even_if_nothing_of_it_had_left() {
    for commitments in [Commitments::On, Commitments::Off] {
        let mut network = Network::new(3, 7, &Config::default());
        network.advertise_all();
        let items = items(1);
        let request = network.announce(items.clone(), options(commitments));
        network.lose_everything();
        network.restart(0);
        network.advertise_all();
        run_to_the_end(&mut network, request);
        assert_signed(&network, &items);
    }
}

#[test]
fn who_has_stood_still_is_told_that_it_is_over_and_blames_nobody() {
    for after in 0.. {
        let mut network = Network::new(3, 7, &Config::default());
        network.advertise_all();
        let request = network.announce(items(1), options(Commitments::On));
        for _ in 0..after {
            network.deliver_one();
        }
        if network.nodes[2].partials_sent > 0 {
            // It has given all that the others need.
            break;
        }
        network.nodes[2].deaf = true;
        while !over(&mut network, 0, request) || !over(&mut network, 1, request) {
            network.run();
            network.sleep_to_next_deadline_of(&[0, 1]);
        }
        network.nodes[2].deaf = false;
        for _ in 0..2000 {
            network.run();
            let known = network.command(2, Command::Status { request }).is_ok();
            if !known || over(&mut network, 2, request) {
                break;
            }
            network.sleep_to_next_deadline();
        }
        for other in [0, 1] {
            let signer = network.key(other);
            let score = network.command(2, Command::Reputation { signer }).unwrap();
            assert!(matches!(score, Reply::Reputation(score) if score.get() == 0), "{after}: {score:?}");
        }
        assert_nonces_are_used_once(&network);
    }
}

#[test]
fn who_is_told_that_it_is_over_still_hears_of_signatures() {
    for commitments in [Commitments::On, Commitments::Off] {
        let mut network = Network::new(3, 7, &Config::default());
        network.advertise_all();
        let request = network.announce(items(1), options(commitments));
        // The last of them gets all partial signatures; the others hear nothing any more once they have sent theirs.
        while network.deliver_one() {
            for node in [0, 1] {
                network.nodes[node].deaf |= network.nodes[node].partials_sent > 0;
            }
        }
        assert!(over(&mut network, 2, request) && network.nodes[0].deaf && network.nodes[1].deaf);
        // The first tries again in vain, and gives up in an attempt that it has not signed in.
        while !over(&mut network, 0, request) {
            network.sleep_to_next_deadline_of(&[0]);
        }
        assert_eq!(network.status(0, request).phase, Phase::Aborted);
        // The second comes to the same attempt, asks both, and hears the first before the last.
        let last = Attempt(Config::default().max_attempts - 1);
        while network.status(1, request).attempt != last {
            network.sleep_to_next_deadline_of(&[1]);
        }
        // By then the last has told whoever could hear it.
        network.input(2, Input::Tick);
        network.run();
        (network.nodes[0].deaf, network.nodes[1].deaf) = (false, false);
        while !over(&mut network, 1, request) {
            network.sleep_to_next_deadline_of(&[1]);
            network.run();
        }
        assert_eq!(network.status(1, request).phase, Phase::Complete, "{commitments:?}");
        assert_nonces_are_used_once(&network);
    }
}

#[test]
fn nothing_is_left_of_a_session_that_has_ended() {
    let mut network = Network::new(2, 7, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    let snapshot = network.nodes[1].store.load().unwrap();
    assert!(snapshot.approved.is_empty());
    assert_eq!(snapshot.ended, [request]);
    network.restart(1);
    assert!(network.command(1, Command::Status { request }).is_err());
}

#[test]
fn of_two_processes_with_one_key_the_older_stops() {
    let mut network = Network::new(3, 9, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(1, request, Phase::Nonces);
    // The signature is not made before the older has heard of the newer.
    network.nodes[2].frozen = true;
    let copy = network.copy(1);
    network.run();
    let superseded = |event: &Event| format!("{event:?}").contains("Superseded");
    assert!(network.nodes[1].events.iter().any(superseded) || network.nodes[copy].events.iter().any(superseded));
    network.nodes[2].frozen = false;
    network.run();
    run_to_the_end(&mut network, request);
    assert_nonces_are_used_once(&network);
}

#[test]
fn a_process_hears_of_a_newer_one_with_its_key_though_the_newer_knows_the_creator_alone() {
    let mut network = Network::new(3, 9, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(1, request, Phase::Nonces);
    network.copy(1);
    network.run();
    run_to_the_end(&mut network, request);
    let (signer, peer) = (network.key(1), network.nodes[3].peer);
    let is_told = |event: &Event| matches!(event, Event::IdentityConflict { signer: of, peer: at } if (*of, *at) == (signer, peer));
    assert!(network.nodes[1].events.iter().any(is_told), "also where the signature was made sooner");
    assert_nonces_are_used_once(&network);
}

#[test]
fn nothing_is_revealed_while_a_copy_has_joined_in_its_place() {
    let mut network = Network::new(3, 9, &Config::default());
    network.advertise_all();
    network.undecided = true;
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    let kind = |frame: &Arc<[u8]>| peek(frame).map(|peek| peek.kind);
    let asked = network.frames.iter().find(|frame| kind(frame) == Some(Kind::SigningRequest)).unwrap().clone();
    let copy = network.copy(1);
    network.hear(copy, 0, &asked);
    let signer = network.key(1);
    network.command(copy, Command::Join { request, signer }).unwrap();
    network.run();
    // The older joins, too, and hears the last of the others before itself.
    network.command(1, Command::Join { request, signer }).unwrap();
    let signer = network.key(2);
    network.command(2, Command::Join { request, signer }).unwrap();
    let last = network.frames.iter().rev().find(|frame| kind(frame) == Some(Kind::ParticipantJoined)).unwrap().clone();
    network.hear(1, 2, &last);
    assert!(network.frames.iter().all(|frame| kind(frame) != Some(Kind::NonceShare)));
    network.run();
    assert!(network.nodes[1].events.iter().any(|event| format!("{event:?}").contains("Superseded")));
    assert_nonces_are_used_once(&network);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn restarts_in_a_lossy_network_never_use_a_nonce_twice(
        seed in any::<u64>(),
        signers in 2usize..5,
        when in proptest::collection::vec((0usize..60, 0usize..5), 1..4),
        loss in 0u32..40,
    ) {
        let mut network = Network::new(signers, seed, &Config::default());
        network.shuffle = true;
        network.advertise_all();
        network.loss = loss;
        network.announce(items(1), options(Commitments::On));
        for (steps, node) in when {
            for _ in 0..steps {
                if !network.deliver_one() {
                    network.sleep_to_next_deadline();
                }
            }
            // The creator's request must be out for anybody to remember it.
            if network.nodes[node % signers].store.load().unwrap().approved.len() == 1 {
                network.restart(node % signers);
            }
        }
        network.loss = 0;
        for node in 0..signers {
            network.advertise(node);
        }
        for _ in 0..400 {
            network.run();
            if network.nodes.iter().all(|node| node.engine.active_sessions() == 0) {
                break;
            }
            network.sleep_to_next_deadline();
        }
        prop_assert!(network.nodes.iter().all(|node| node.engine.active_sessions() == 0));
        assert_nonces_are_used_once(&network);
    }
}

#[test]
fn an_advertisement_after_a_quick_restart_is_heard() {
    let mut network = Network::new(2, 5, &Config::default());
    network.advertise_all();
    let signer = network.key(1);
    let heard = |network: &Network| {
        let events = network.nodes[0].events.iter();
        events.filter(|event| matches!(event, Event::SignerDiscovered(found) if found.advertisement.delegation.signer == signer)).count()
    };
    assert_eq!(heard(&network), 1);
    for restarts in 1..=2 {
        network.clock += 1_000;
        network.restart(1);
        network.advertise(1);
        network.run();
        assert_eq!(heard(&network), 1 + restarts);
    }
}

/// How often a node's user has been told of a request since its last start.
fn received(network: &Network, node: usize, request: RequestId) -> usize {
    let events = network.nodes[node].events.iter();
    events.filter(|event| matches!(event, Event::SigningRequestReceived(asked) if asked.id == request)).count()
}

#[test]
fn a_request_that_waits_for_its_user_is_asked_about_again_after_a_restart() {
    let mut network = Network::new(2, 6, &Config::default());
    network.advertise_all();
    network.undecided = true;
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    for _ in 0..2 {
        // Nobody says it again: it comes out of the store.
        network.restart(1);
        network.lose_words_of(0);
        network.run();
        assert_eq!(received(&network, 1, request), 1);
    }
    network.undecided = false;
    network.restart(1);
    network.run();
    // What the other had said is lost, and comes again when it is asked for.
    for _ in 0..5 {
        network.sleep_to_next_deadline();
        network.run();
    }
    assert_signed(&network, &items(1));
    assert!(network.nodes[1].store.load().unwrap().asked.is_empty());
    network.restart(1);
    network.run();
    assert_eq!(received(&network, 1, request), 0, "it has been answered");
}

#[test]
fn a_request_that_has_expired_while_its_node_was_off_is_not_asked_about_again() {
    let mut network = Network::new(2, 7, &Config::default());
    network.advertise_all();
    network.undecided = true;
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    assert_eq!(network.nodes[1].store.load().unwrap().asked.len(), 1);
    network.lose_everything();
    network.clock += 80_000;
    network.restart(1);
    network.run();
    assert_eq!(received(&network, 1, request), 0);
    // Whether it is looked at or not, it does not stay for ever.
    while !network.nodes[1].store.load().unwrap().asked.is_empty() {
        network.sleep_to_next_deadline_of(&[1]);
        network.run();
    }
}

#[test]
fn a_copy_whose_user_has_not_approved_neither_joins_nor_makes_nonces() {
    let mut network = Network::new(2, 8, &Config::default());
    network.advertise_all();
    let copy = network.copy(1);
    network.undecided = true;
    let (creator, signer) = (network.key(0), network.key(1));
    let request = network.announce_to(vec![creator, signer], items(1), options(Commitments::On));
    network.run();
    network.command(1, Command::Join { request, signer }).unwrap();
    network.run();
    assert!(network.nodes[copy].store.load().unwrap().issued.is_empty());
    let joins =
        network.frames.iter().filter_map(|frame| peek(frame)).filter(|peek| peek.kind == Kind::ParticipantJoined);
    let speakers: std::collections::BTreeSet<[u8; 33]> = joins.map(|peek| peek.sender).collect();
    assert_eq!(speakers.len(), 2, "the creator and the process whose user has approved");
}
