//! Sessions from announcement to signature.

use core::time::Duration;
use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Command, CommandError, Config, Decision, Replacement, Reply, SignerQuery, SigningRequestSpec};
use motet_core_crypto::schnorr;
use motet_testkit::{Cluster, Fate};
use motet_wire::{
    Commitments, Derivation, Election, Item, Kind, RequestId, RequestMetadata, RequestOptions, SignerIndex,
};
use proptest::prelude::*;

use crate::kit::{announce, cluster_of};

pub(crate) fn items(count: usize) -> Vec<Item> {
    (0..count)
        .map(|index| Item {
            message: vec![index as u8 + 1; 32],
            derivation: match index % 3 {
                0 => Derivation::None,
                1 => Derivation::Taproot { merkle_root: Some([7; 32]) },
                _ => Derivation::Bip328 { path: vec![0, 3] },
            },
        })
        .collect()
}

pub(crate) fn options(commitments: Commitments) -> RequestOptions {
    RequestOptions { commitments, ..RequestOptions::default() }
}

/// The name of an event and nothing else.
fn name(event: &Event) -> String {
    let text = format!("{event:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

pub(crate) fn assert_signed(cluster: &Cluster, items: &[Item]) {
    let keys: Vec<_> = (0..cluster.nodes().len()).map(|node| cluster.key(node)).collect();
    for node in cluster.nodes() {
        let completed: Vec<_> = node
            .events()
            .iter()
            .filter_map(|event| if let Event::SessionComplete(done) = event { Some(done) } else { None })
            .collect();
        assert_eq!(completed.len(), 1, "{:?}", node.events().iter().map(name).collect::<Vec<_>>());
        assert_eq!(completed[0].items.len(), items.len());
        for (signed, item) in completed[0].items.iter().zip(items) {
            assert_eq!(signed.message, item.message);
            assert_eq!(signed.aggregate_key, item.verification_key(&keys).unwrap());
            schnorr::verify(&signed.aggregate_key, &item.message, &signed.signature).unwrap();
        }
    }
}

#[test]
fn any_number_of_signers_sign_several_items() {
    for signers in 2..=15 {
        for commitments in [Commitments::On, Commitments::Off] {
            let mut cluster = cluster_of(signers, signers as u64, &Config::default());
            cluster.advertise_all();
            let items = items(1 + signers % 4);
            announce(&mut cluster, items.clone(), options(commitments));
            cluster.settle();
            assert_signed(&cluster, &items);
        }
    }
}

#[test]
fn every_event_of_the_happy_path_comes_exactly_once() {
    let mut cluster = cluster_of(3, 1, &Config::default());
    cluster.advertise_all();
    announce(&mut cluster, items(2), options(Commitments::On));
    cluster.settle();
    for (index, node) in cluster.nodes().iter().enumerate() {
        let count = |wanted: &str| node.events().iter().filter(|event| name(event) == wanted).count();
        assert_eq!(count("SignerAdvertised"), 1);
        assert_eq!(count("SignerDiscovered"), 2);
        assert_eq!(count("SigningRequestCreated"), usize::from(index == 0));
        assert_eq!(count("SigningRequestReceived"), usize::from(index != 0));
        assert_eq!(count("SigningRequestJoined"), 1);
        assert_eq!(count("ParticipantJoined"), 3);
        assert_eq!(count("NonceReceived"), 3);
        assert_eq!(count("PartialSigReceived"), 3);
        for once in [
            "CoordinatorElected",
            "SessionReady",
            "SessionNonceCommitmentsComplete",
            "SessionNoncesComplete",
            "SessionPartialSigsComplete",
            "SessionComplete",
        ] {
            assert_eq!(count(once), 1, "{once} on node {index}");
        }
        for never in ["SessionAborted", "SessionError", "SessionTimeout", "ParticipantDeclined"] {
            assert_eq!(count(never), 0, "{never} on node {index}");
        }
    }
}

#[test]
fn whoever_does_not_join_is_named_by_everybody_else() {
    let mut cluster = cluster_of(3, 2, &Config::default());
    cluster.advertise_all();
    cluster.network().cut(2);
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    assert_eq!(cluster.status(0, request).unwrap().awaiting, [cluster.key(2)]);
    for _ in 0..40 {
        cluster.sleep();
        cluster.settle();
    }
    for node in &cluster.nodes()[..2] {
        let timeout = node
            .events()
            .iter()
            .find_map(|event| if let Event::SessionTimeout(out) = event { Some(out) } else { None });
        assert_eq!(timeout.unwrap().awaiting, vec![SignerIndex(2)]);
        assert_eq!(timeout.unwrap().phase, Phase::Joining);
        assert!(node.events().iter().any(|event| matches!(event, Event::SessionAborted(aborted)
            if matches!(&aborted.cause, AbortCause::Unresponsive { awaiting, .. } if *awaiting == vec![SignerIndex(2)]))));
    }
}

#[test]
fn where_not_all_have_joined_whoever_asked_may_ask_again_and_nobody_else() {
    let mut cluster = cluster_of(3, 4, &Config::default());
    cluster.advertise_all();
    cluster.network().cut(2);
    let request = announce(&mut cluster, items(2), options(Commitments::On));
    cluster.settle();
    // Not while it is being waited for.
    let early = cluster.command(0, Command::Retry { request, replace: Vec::new() });
    assert!(matches!(early, Err(CommandError::WrongPhase(Phase::Joining))), "{early:?}");
    let is_over = |event: &Event| matches!(event, Event::SessionAborted(_));
    while !cluster.nodes()[..2].iter().all(|node| node.events().iter().any(is_over)) {
        cluster.sleep();
        cluster.settle();
    }
    cluster.network().reconnect(2);
    let stranger = cluster.command(1, Command::Retry { request, replace: Vec::new() });
    assert!(matches!(stranger, Err(CommandError::WrongPhase(Phase::Aborted))), "{stranger:?}");
    let Ok(Reply::Announced { request: again, keys }) =
        cluster.command(0, Command::Retry { request, replace: Vec::new() })
    else {
        panic!("not asked again")
    };
    assert_ne!(again, request);
    cluster.settle();
    for node in cluster.nodes() {
        let complete = node.events().iter().find_map(|event| match event {
            Event::SessionComplete(completed) => Some(completed),
            _ => None,
        });
        let complete = complete.unwrap();
        assert_eq!(complete.request, again);
        assert_eq!(complete.items.iter().map(|item| item.aggregate_key).collect::<Vec<_>>(), keys);
    }
    let done = cluster.command(0, Command::Retry { request: again, replace: Vec::new() });
    assert!(matches!(done, Err(CommandError::WrongPhase(Phase::Complete))), "{done:?}");
}

#[test]
fn a_signer_that_failed_is_replaced_in_a_new_request() {
    let mut cluster = cluster_of(4, 6, &Config::default().max_attempts(1));
    cluster.advertise_all();
    let keys: Vec<_> = (0..4).map(|node| cluster.key(node)).collect();
    let announcement = SigningRequestSpec {
        creator: keys[0],
        keys: keys[..3].to_vec(),
        items: items(2),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let Ok(Reply::Announced { request, .. }) = cluster.command(0, Command::Announce(announcement)) else { panic!() };
    cluster.deliver_until(0, request, Phase::Nonces);
    cluster.network().cut(2);
    cluster.settle();
    let replace = |leaves, joins| vec![Replacement { leaves, joins }];
    let early = cluster.command(0, Command::Retry { request, replace: replace(keys[2], keys[3]) });
    assert!(matches!(early, Err(CommandError::WrongPhase(Phase::Partials))), "{early:?}");
    while cluster.status(0, request).unwrap().phase != Phase::Aborted {
        cluster.sleep();
        cluster.settle();
    }
    for (leaves, joins, error) in [
        (keys[0], keys[3], CommandError::NotReplaceable(keys[0])),
        (keys[3], keys[2], CommandError::NotReplaceable(keys[3])),
        (keys[2], keys[1], CommandError::SignerTwice(keys[1])),
    ] {
        let refused = cluster.command(0, Command::Retry { request, replace: replace(leaves, joins) });
        assert_eq!(refused.unwrap_err(), error);
    }
    let retry = Command::Retry { request, replace: replace(keys[2], keys[3]) };
    let Ok(Reply::Announced { request: again, .. }) = cluster.command(0, retry) else { panic!("not asked again") };
    cluster.settle();
    for node in [0, 1, 3] {
        let status = cluster.status(node, again).unwrap();
        assert_eq!((status.phase, &status.signers), (Phase::Complete, &vec![keys[0], keys[1], keys[3]]));
        assert_eq!(status.retry_of, (node == 0).then_some(request));
    }
}

#[test]
fn whoever_falls_silent_after_joining_is_named_in_every_attempt() {
    let mut cluster = cluster_of(3, 3, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(0, request, Phase::Nonces);
    cluster.network().cut(1);
    cluster.settle();
    for _ in 0..200 {
        cluster.sleep();
        cluster.settle();
    }
    for index in [0, 2] {
        let timeouts: Vec<_> = cluster
            .node(index)
            .events()
            .iter()
            .filter_map(|event| if let Event::SessionTimeout(out) = event { Some(out.awaiting.clone()) } else { None })
            .collect();
        assert_eq!(timeouts.len(), 3, "{:?}", cluster.node(index).events().iter().map(name).collect::<Vec<_>>());
        assert!(timeouts.iter().all(|awaiting| awaiting.contains(&SignerIndex(1))));
    }
}

#[test]
fn a_refusal_ends_the_session_for_everybody_and_blames_nobody() {
    let mut cluster = cluster_of(3, 4, &Config::default());
    cluster.advertise_all();
    cluster.set_policy(|_, _| Some(Decision::Decline { reason: "not today".to_owned() }));
    announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    for node in cluster.nodes() {
        assert!(node.events().iter().any(|event| matches!(event, Event::SessionAborted(aborted)
            if matches!(&aborted.cause, AbortCause::Refused { detail, .. } if detail == "not today"))));
    }
}

#[test]
fn an_abort_of_a_participant_reaches_everybody() {
    let mut cluster = cluster_of(3, 5, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(0, request, Phase::Nonces);
    cluster.command(0, Command::Abort { request, detail: "changed my mind".to_owned() }).unwrap();
    cluster.settle();
    for (index, node) in cluster.nodes().iter().enumerate() {
        let aborted = node
            .events()
            .iter()
            .find_map(|event| if let Event::SessionAborted(aborted) = event { Some(aborted) } else { None });
        match &aborted.unwrap().cause {
            AbortCause::Cancelled => assert_eq!(index, 0),
            AbortCause::Refused { by, .. } => assert_eq!((*by, index != 0), (SignerIndex(0), true)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn signers_are_found_by_what_they_are_willing_to_sign() {
    let mut cluster = cluster_of(4, 6, &Config::default());
    cluster.advertise_all();
    let wishes = SignerQuery { nickname: Some("node 2".to_owned()), ..SignerQuery::default() };
    match cluster.command(0, Command::Find(wishes)).unwrap() {
        Reply::Found(found) => {
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].delegation.signer, cluster.key(2));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_way_of_election_chooses_one_coordinator_that_all_agree_on() {
    for election in [Election::Creator, Election::Lexicographic, Election::HashBased, Election::First, Election::Last] {
        let mut cluster = cluster_of(4, 8, &Config::default());
        cluster.advertise_all();
        let request = announce(&mut cluster, items(1), RequestOptions { election, ..RequestOptions::default() });
        cluster.settle();
        let elected: Vec<SignerIndex> = (0..4).map(|node| cluster.status(node, request).unwrap().coordinator).collect();
        assert!(elected.iter().all(|index| *index == elected[0]));
        assert_signed(&cluster, &items(1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn messages_in_any_order_lead_to_the_same_signature(seed in any::<u64>(), signers in 2usize..6, off in any::<bool>()) {
        let mut cluster = cluster_of(signers, seed, &Config::default());
        cluster.advertise_all();
        cluster.network().set_shuffled(true);
        let items = items(2);
        announce(&mut cluster, items.clone(), options(if off { Commitments::Off } else { Commitments::On }));
        cluster.settle();
        assert_signed(&cluster, &items);
    }

    #[test]
    fn lost_messages_are_healed(seed in any::<u64>(), signers in 2usize..5, off in any::<bool>()) {
        let mut cluster = cluster_of(signers, seed, &Config::default());
        cluster.advertise_all();
        cluster.network().set_shuffled(true);
        cluster.network().set_loss(40);
        let commitments = if off { Commitments::Off } else { Commitments::On };
        let all: Vec<usize> = (0..signers).collect();
        let mut asked = cluster.request(0, &all, items(1), options(commitments));
        asked.lifetime = Duration::from_secs(600);
        let request = cluster.announce_request(0, asked).unwrap();
        cluster.settle();
        while cluster.signature(request).is_none() {
            cluster.sleep();
            cluster.settle();
            prop_assert!(cluster.elapsed() < Duration::from_secs(600), "it takes {:?}", cluster.elapsed());
        }
        assert_signed(&cluster, &items(1));
    }
}

#[test]
fn whoever_asked_can_give_up_before_it_has_joined_itself() {
    let mut cluster = cluster_of(3, 12, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    // Its own request is back, its own join is not.
    assert!(cluster.deliver_next());
    cluster.command(0, Command::Abort { request, detail: "no need".to_owned() }).unwrap();
    cluster.settle();
    for node in 0..3 {
        assert_eq!(cluster.status(node, request).unwrap().phase, Phase::Aborted, "node {node}");
    }
}

#[test]
fn two_who_have_missed_each_others_joins_hear_them_again() {
    for commitments in [Commitments::On, Commitments::Off] {
        let mut cluster = cluster_of(2, 13, &Config::default());
        cluster.advertise_all();
        announce(&mut cluster, items(1), options(commitments));
        loop {
            cluster.network().lose(|flight| flight.kind() == Some(Kind::ParticipantJoined));
            if !cluster.deliver_next() {
                break;
            }
        }
        for _ in 0..10 {
            cluster.settle();
            cluster.sleep();
        }
        cluster.settle();
        assert_signed(&cluster, &items(1));
    }
}

/// Lets deadlines pass, so many at most, until all nodes have the signatures.
fn assert_signed_after(cluster: &mut Cluster, request: RequestId, deadlines: usize) {
    for _ in 0..deadlines {
        cluster.settle();
        if (0..cluster.nodes().len()).all(|node| cluster.status(node, request).unwrap().phase == Phase::Complete) {
            return;
        }
        cluster.sleep();
    }
    panic!("no signatures");
}

#[test]
fn a_join_after_a_restart_that_nobody_has_heard_is_said_again() {
    let mut cluster = cluster_of(2, 14, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(1, request, Phase::Nonces);
    cluster.restart(0);
    loop {
        cluster.network().lose(|flight| flight.kind() == Some(Kind::ParticipantJoined));
        if !cluster.deliver_next() {
            break;
        }
    }
    assert_signed_after(&mut cluster, request, 20);
}

#[test]
fn a_join_after_a_restart_is_handed_on_to_a_node_that_holds_the_one_before() {
    let mut cluster = cluster_of(3, 15, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(2, request, Phase::Nonces);
    // From here on nodes 1 and 2 hear each other through node 0 alone.
    cluster.network().on_link(|flight| match (flight.by, flight.to) {
        (1, 2) | (2, 1) => Fate::Lose,
        _ => Fate::Arrive,
    });
    cluster.restart(1);
    assert_signed_after(&mut cluster, request, 40);
}
