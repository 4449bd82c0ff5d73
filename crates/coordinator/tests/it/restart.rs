//! What a restart leaves: nonces die with their process, what was signed is sent again, and the session goes on.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, Config, Input, Reply};
use motet_testkit::Cluster;
use motet_wire::{Attempt, Commitments, Kind, RequestId, peek};
use proptest::prelude::*;

use crate::kit::{
    Signed, announce, announce_to, approve_all, cluster_of, frames, freeze, hear, partials_sent, watch_signing,
};
use crate::session::{assert_signed, items, options};

fn over(cluster: &mut Cluster, node: usize, request: RequestId) -> bool {
    let status = cluster.command(node, Command::Status { request });
    matches!(status, Ok(Reply::Status(status)) if matches!(status.phase, Phase::Complete | Phase::Aborted))
}

/// Steps until every node has ended its session, or so many deadlines have passed.
fn run_to_the_end(cluster: &mut Cluster, request: RequestId) {
    for _ in 0..2000 {
        cluster.settle();
        if (0..cluster.nodes().len()).all(|node| over(cluster, node, request)) {
            return;
        }
        cluster.sleep();
    }
    panic!("the session goes on and on");
}

/// Every attempt of a signer has at most one set of nonces and one signed answer: what was ever sent says so.
fn assert_nonces_are_used_once(signed: &Signed) {
    let mut used: BTreeMap<Vec<u8>, (Attempt, Vec<u8>)> = BTreeMap::new();
    for (attempt, nonces, transcript) in signed.borrow().iter().cloned() {
        if let Some(before) = used.insert(nonces, (attempt, transcript.clone())) {
            assert_eq!(before, (attempt, transcript), "one nonce, two challenges");
        }
    }
}

#[test]
fn signatures_are_told_again_after_a_crash_until_they_are_noted() {
    let mut cluster = cluster_of(2, 31, &Config::default());
    cluster.advertise_all();
    let items = items(2);
    let request = announce(&mut cluster, items.clone(), options(Commitments::On));
    cluster.settle();
    let told = |cluster: &Cluster| -> Vec<Event> {
        let events = cluster.node(1).events().iter();
        events.filter(|event| matches!(event, Event::SessionComplete(_))).cloned().collect()
    };
    let first = told(&cluster);
    assert_eq!(first.len(), 1);
    // The process may have died between the record and the user.
    for _ in 0..2 {
        cluster.restart(1);
        assert_eq!(told(&cluster), first);
        let kept = cluster.command(1, Command::Results).unwrap();
        assert!(matches!(&kept, Reply::Results(kept) if kept.len() == 1 && kept[0].request == request), "{kept:?}");
    }
    cluster.command(1, Command::Note { request }).unwrap();
    assert!(cluster.command(1, Command::Note { request }).is_err());
    cluster.restart(1);
    assert_eq!(told(&cluster), []);
}

#[test]
fn a_session_that_is_closed_has_been_noted() {
    let mut cluster = cluster_of(2, 32, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    cluster.command(0, Command::Close { request }).unwrap();
    assert!(matches!(cluster.command(0, Command::Results), Ok(Reply::Results(kept)) if kept.is_empty()));
    cluster.restart(0);
    assert!(!cluster.node(0).events().iter().any(|event| matches!(event, Event::SessionComplete(_))));
}

#[test]
fn a_restart_in_any_phase_costs_an_attempt_and_not_the_session() {
    for commitments in [Commitments::On, Commitments::Off] {
        for after in 0..60 {
            let mut cluster = cluster_of(3, 7, &Config::default());
            let signed = watch_signing(&mut cluster);
            cluster.advertise_all();
            let items = items(2);
            let request = announce(&mut cluster, items.clone(), options(commitments));
            let mut left = after;
            while left > 0 && cluster.deliver_next() {
                left -= 1;
            }
            if !cluster.node(1).store().snapshot().ended.is_empty() {
                // It had its signature before.
                break;
            }
            cluster.restart(1);
            cluster.advertise_all();
            run_to_the_end(&mut cluster, request);
            assert_signed(&cluster, &items);
            assert_nonces_are_used_once(&signed);
        }
    }
}

#[test]
fn what_was_announced_is_announced_even_if_nothing_of_it_had_left() {
    for commitments in [Commitments::On, Commitments::Off] {
        let mut cluster = cluster_of(3, 7, &Config::default());
        cluster.advertise_all();
        let items = items(1);
        let request = announce(&mut cluster, items.clone(), options(commitments));
        cluster.network().lose_everything();
        cluster.restart(0);
        cluster.advertise_all();
        run_to_the_end(&mut cluster, request);
        assert_signed(&cluster, &items);
    }
}

#[test]
fn who_has_stood_still_is_told_that_it_is_over_and_blames_nobody() {
    for after in 0.. {
        let mut cluster = cluster_of(3, 7, &Config::default());
        let signed = watch_signing(&mut cluster);
        cluster.advertise_all();
        let request = announce(&mut cluster, items(1), options(Commitments::On));
        for _ in 0..after {
            cluster.deliver_next();
        }
        if partials_sent(&cluster, 2) > 0 {
            // It has given all that the others need.
            break;
        }
        cluster.network().cut(2);
        while !over(&mut cluster, 0, request) || !over(&mut cluster, 1, request) {
            cluster.settle();
            cluster.sleep_of(&[0, 1]);
        }
        cluster.network().reconnect(2);
        for _ in 0..2000 {
            cluster.settle();
            let known = cluster.command(2, Command::Status { request }).is_ok();
            if !known || over(&mut cluster, 2, request) {
                break;
            }
            cluster.sleep();
        }
        for other in [0, 1] {
            let signer = cluster.key(other);
            let score = cluster.command(2, Command::Reputation { signer }).unwrap();
            assert!(matches!(score, Reply::Reputation(score) if score.get() == 0), "{after}: {score:?}");
        }
        assert_nonces_are_used_once(&signed);
    }
}

#[test]
fn who_is_told_that_it_is_over_still_hears_of_signatures() {
    for commitments in [Commitments::On, Commitments::Off] {
        let mut cluster = cluster_of(3, 7, &Config::default());
        let signed = watch_signing(&mut cluster);
        cluster.advertise_all();
        let request = announce(&mut cluster, items(1), options(commitments));
        // The last of them gets all partial signatures; the others hear nothing any more once they have sent theirs.
        while cluster.deliver_next() {
            for node in [0, 1] {
                if partials_sent(&cluster, node) > 0 {
                    cluster.network().cut(node);
                }
            }
        }
        assert!(over(&mut cluster, 2, request) && cluster.network().is_cut(0) && cluster.network().is_cut(1));
        // The first tries again in vain, and gives up in an attempt that it has not signed in.
        while !over(&mut cluster, 0, request) {
            cluster.sleep_of(&[0]);
        }
        assert_eq!(cluster.status(0, request).unwrap().phase, Phase::Aborted);
        // The second comes to the same attempt, asks both, and hears the first before the last.
        let last = Attempt(Config::default().max_attempts - 1);
        while cluster.status(1, request).unwrap().attempt != last {
            cluster.sleep_of(&[1]);
        }
        // By then the last has told whoever could hear it.
        cluster.input(2, Input::Tick);
        cluster.settle();
        cluster.network().reconnect(0);
        cluster.network().reconnect(1);
        while !over(&mut cluster, 1, request) {
            cluster.sleep_of(&[1]);
            cluster.settle();
        }
        assert_eq!(cluster.status(1, request).unwrap().phase, Phase::Complete, "{commitments:?}");
        assert_nonces_are_used_once(&signed);
    }
}

#[test]
fn a_session_that_has_ended_is_not_taken_up() {
    let mut cluster = cluster_of(2, 7, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    let snapshot = cluster.node(1).store().snapshot();
    assert_eq!(snapshot.ended, [request]);
    // What was approved stays beside the signatures alone.
    assert_eq!((snapshot.approved.len(), snapshot.results.len()), (1, 1));
    cluster.restart(1);
    assert!(cluster.command(1, Command::Status { request }).is_err());
}

#[test]
fn of_two_processes_with_one_key_the_older_stops() {
    let mut cluster = cluster_of(3, 9, &Config::default());
    let signed = watch_signing(&mut cluster);
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(1, request, Phase::Joining);
    // The signature is not made before the older has heard of the newer.
    freeze(&mut cluster, 2);
    cluster.jump(Duration::from_millis(5));
    let copy = cluster.copy(1);
    cluster.settle();
    let superseded = |event: &Event| format!("{event:?}").contains("Superseded");
    assert!(cluster.node(1).events().iter().any(superseded) || cluster.node(copy).events().iter().any(superseded));
    cluster.network().release();
    cluster.settle();
    run_to_the_end(&mut cluster, request);
    assert_nonces_are_used_once(&signed);
}

#[test]
fn a_process_hears_of_a_newer_one_with_its_key_though_the_newer_knows_the_creator_alone() {
    let mut cluster = cluster_of(3, 9, &Config::default());
    let signed = watch_signing(&mut cluster);
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(1, request, Phase::Nonces);
    cluster.jump(Duration::from_millis(5));
    let copy = cluster.copy(1);
    cluster.settle();
    run_to_the_end(&mut cluster, request);
    let (signer, peer) = (cluster.key(1), cluster.node(copy).peer());
    let is_told = |event: &Event| matches!(event, Event::IdentityConflict { signer: of, peer: at } if (*of, *at) == (signer, peer));
    assert!(cluster.node(1).events().iter().any(is_told), "also where the signature was made sooner");
    assert_nonces_are_used_once(&signed);
}

#[test]
fn nothing_is_revealed_while_a_copy_has_joined_in_its_place() {
    let mut cluster = cluster_of(3, 9, &Config::default());
    let signed = watch_signing(&mut cluster);
    cluster.advertise_all();
    cluster.set_policy(|_, _| None);
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    let kind = |frame: &Arc<[u8]>| peek(frame).map(|peek| peek.kind);
    let asked = frames(&cluster).iter().find(|frame| kind(frame) == Some(Kind::SigningRequest)).unwrap().clone();
    cluster.jump(Duration::from_millis(5));
    let copy = cluster.copy(1);
    hear(&mut cluster, copy, 0, &asked);
    let signer = cluster.key(1);
    cluster.command(copy, Command::Join { request, signer }).unwrap();
    cluster.settle();
    // The older joins, too, and hears the last of the others.
    cluster.command(1, Command::Join { request, signer }).unwrap();
    let signer = cluster.key(2);
    cluster.command(2, Command::Join { request, signer }).unwrap();
    let last =
        frames(&cluster).iter().rev().find(|frame| kind(frame) == Some(Kind::ParticipantJoined)).unwrap().clone();
    let revealed =
        |cluster: &Cluster| frames(cluster).iter().filter(|frame| kind(frame) == Some(Kind::NonceShare)).count();
    let before = revealed(&cluster);
    hear(&mut cluster, 1, 2, &last);
    assert_eq!(revealed(&cluster), before);
    cluster.settle();
    assert!(cluster.node(1).events().iter().any(|event| format!("{event:?}").contains("Superseded")));
    assert_nonces_are_used_once(&signed);
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
        let mut cluster = cluster_of(signers, seed, &Config::default());
        let signed = watch_signing(&mut cluster);
        cluster.network().set_shuffled(true);
        cluster.advertise_all();
        cluster.network().set_loss(loss);
        announce(&mut cluster, items(1), options(Commitments::On));
        for (steps, node) in when {
            for _ in 0..steps {
                if !cluster.deliver_next() {
                    cluster.sleep();
                }
            }
            // The creator's request must be out for anybody to remember it.
            if cluster.node(node % signers).store().snapshot().approved.len() == 1 {
                cluster.restart(node % signers);
            }
        }
        cluster.network().set_loss(0);
        for node in 0..signers {
            cluster.advertise(node).unwrap();
        }
        for _ in 0..400 {
            cluster.settle();
            if cluster.nodes().iter().all(|node| node.engine().active_sessions() == 0) {
                break;
            }
            cluster.sleep();
        }
        prop_assert!(cluster.nodes().iter().all(|node| node.engine().active_sessions() == 0));
        assert_nonces_are_used_once(&signed);
    }
}

#[test]
fn an_advertisement_after_a_quick_restart_is_heard() {
    let mut cluster = cluster_of(2, 5, &Config::default());
    cluster.advertise_all();
    let signer = cluster.key(1);
    let heard = |cluster: &Cluster| {
        let events = cluster.node(0).events().iter();
        events.filter(|event| matches!(event, Event::SignerDiscovered(found) if found.advertisement.delegation.signer == signer)).count()
    };
    assert_eq!(heard(&cluster), 1);
    for restarts in 1..=2 {
        cluster.jump(Duration::from_millis(1_000));
        cluster.restart(1);
        cluster.advertise(1).unwrap();
        cluster.settle();
        assert_eq!(heard(&cluster), 1 + restarts);
    }
}

/// How often a node's user has been told of a request since its last start.
fn received(cluster: &Cluster, node: usize, request: RequestId) -> usize {
    let events = cluster.node(node).events().iter();
    events.filter(|event| matches!(event, Event::SigningRequestReceived(asked) if asked.id == request)).count()
}

#[test]
fn a_request_that_waits_for_its_user_is_asked_about_again_after_a_restart() {
    let mut cluster = cluster_of(2, 6, &Config::default());
    cluster.advertise_all();
    cluster.set_policy(|_, _| None);
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    for _ in 0..2 {
        // Nobody says it again: it comes out of the store.
        cluster.restart(1);
        cluster.network().lose(|flight| flight.by == 0);
        cluster.settle();
        assert_eq!(received(&cluster, 1, request), 1);
    }
    approve_all(&mut cluster);
    cluster.restart(1);
    cluster.settle();
    // What the other had said is lost, and comes again when it is asked for.
    for _ in 0..5 {
        cluster.sleep();
        cluster.settle();
    }
    assert_signed(&cluster, &items(1));
    assert!(cluster.node(1).store().snapshot().asked.is_empty());
    cluster.restart(1);
    cluster.settle();
    assert_eq!(received(&cluster, 1, request), 0, "it has been answered");
}

#[test]
fn a_request_that_has_expired_while_its_node_was_off_is_not_asked_about_again() {
    let mut cluster = cluster_of(2, 7, &Config::default());
    cluster.advertise_all();
    cluster.set_policy(|_, _| None);
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    assert_eq!(cluster.node(1).store().snapshot().asked.len(), 1);
    cluster.network().lose_everything();
    cluster.jump(Duration::from_millis(80_000));
    cluster.restart(1);
    cluster.settle();
    assert_eq!(received(&cluster, 1, request), 0);
    // Whether it is looked at or not, it does not stay for ever.
    while !cluster.node(1).store().snapshot().asked.is_empty() {
        cluster.sleep_of(&[1]);
        cluster.settle();
    }
}

#[test]
fn a_copy_whose_user_has_not_approved_neither_joins_nor_makes_nonces() {
    let mut cluster = cluster_of(2, 8, &Config::default());
    cluster.advertise_all();
    cluster.jump(Duration::from_millis(5));
    let copy = cluster.copy(1);
    cluster.set_policy(|_, _| None);
    let (creator, signer) = (cluster.key(0), cluster.key(1));
    let request = announce_to(&mut cluster, vec![creator, signer], items(1), options(Commitments::On));
    cluster.settle();
    cluster.command(1, Command::Join { request, signer }).unwrap();
    cluster.settle();
    assert!(cluster.node(copy).store().snapshot().issued.is_empty());
    let frames = frames(&cluster);
    let joins = frames.iter().filter_map(|frame| peek(frame)).filter(|peek| peek.kind == Kind::ParticipantJoined);
    let speakers: std::collections::BTreeSet<[u8; 33]> = joins.map(|peek| peek.sender).collect();
    assert_eq!(speakers.len(), 2, "the creator and the process whose user has approved");
}
