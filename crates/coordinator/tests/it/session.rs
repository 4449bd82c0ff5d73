//! Sessions from announcement to signature.

use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Command, CommandError, Config, Decision, Replacement, Reply, SignerQuery, SigningRequestSpec};
use motet_core_crypto::schnorr;
use motet_wire::{Commitments, Derivation, Election, Item, Kind, RequestMetadata, RequestOptions, SignerIndex};
use proptest::prelude::*;

use crate::network::{Network, Node};

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

pub(crate) fn assert_signed(network: &Network, items: &[Item]) {
    let keys: Vec<_> = (0..network.nodes.len()).map(|node| network.key(node)).collect();
    for node in &network.nodes {
        let completed: Vec<_> = node
            .events
            .iter()
            .filter_map(|event| if let Event::SessionComplete(done) = event { Some(done) } else { None })
            .collect();
        assert_eq!(completed.len(), 1, "{:?}", node.events.iter().map(name).collect::<Vec<_>>());
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
            let mut network = Network::new(signers, signers as u64, &Config::default());
            network.advertise_all();
            let items = items(1 + signers % 4);
            network.announce(items.clone(), options(commitments));
            network.run();
            assert_signed(&network, &items);
        }
    }
}

#[test]
fn every_event_of_the_happy_path_comes_exactly_once() {
    let mut network = Network::new(3, 1, &Config::default());
    network.advertise_all();
    network.announce(items(2), options(Commitments::On));
    network.run();
    for (index, node) in network.nodes.iter().enumerate() {
        let count = |wanted: &str| node.events.iter().filter(|event| name(event) == wanted).count();
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
    let mut network = Network::new(3, 2, &Config::default());
    network.advertise_all();
    network.nodes[2].deaf = true;
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    assert_eq!(network.status(0, request).awaiting, [network.key(2)]);
    for _ in 0..40 {
        network.sleep_to_next_deadline();
        network.run();
    }
    for node in &network.nodes[..2] {
        let timeout =
            node.events.iter().find_map(|event| if let Event::SessionTimeout(out) = event { Some(out) } else { None });
        assert_eq!(timeout.unwrap().awaiting, vec![SignerIndex(2)]);
        assert_eq!(timeout.unwrap().phase, Phase::Joining);
        assert!(node.events.iter().any(|event| matches!(event, Event::SessionAborted(aborted)
            if matches!(&aborted.cause, AbortCause::Unresponsive { awaiting, .. } if *awaiting == vec![SignerIndex(2)]))));
    }
}

#[test]
fn where_not_all_have_joined_whoever_asked_may_ask_again_and_nobody_else() {
    let mut network = Network::new(3, 4, &Config::default());
    network.advertise_all();
    network.nodes[2].deaf = true;
    let request = network.announce(items(2), options(Commitments::On));
    network.run();
    // Not while it is being waited for.
    let early = network.command(0, Command::Retry { request, replace: Vec::new() });
    assert!(matches!(early, Err(CommandError::WrongPhase(Phase::Joining))), "{early:?}");
    let is_over = |event: &Event| matches!(event, Event::SessionAborted(_));
    while !network.nodes[..2].iter().all(|node| node.events.iter().any(is_over)) {
        network.sleep_to_next_deadline();
        network.run();
    }
    network.nodes[2].deaf = false;
    let stranger = network.command(1, Command::Retry { request, replace: Vec::new() });
    assert!(matches!(stranger, Err(CommandError::WrongPhase(Phase::Aborted))), "{stranger:?}");
    let Ok(Reply::Announced { request: again, keys }) =
        network.command(0, Command::Retry { request, replace: Vec::new() })
    else {
        panic!("not asked again")
    };
    assert_ne!(again, request);
    network.run();
    for node in &network.nodes {
        let complete = node.events.iter().find_map(|event| match event {
            Event::SessionComplete(completed) => Some(completed),
            _ => None,
        });
        let complete = complete.unwrap();
        assert_eq!(complete.request, again);
        assert_eq!(complete.items.iter().map(|item| item.aggregate_key).collect::<Vec<_>>(), keys);
    }
    let done = network.command(0, Command::Retry { request: again, replace: Vec::new() });
    assert!(matches!(done, Err(CommandError::WrongPhase(Phase::Complete))), "{done:?}");
}

#[test]
fn a_signer_that_failed_is_replaced_in_a_new_request() {
    let mut network = Network::new(4, 6, &Config::default().max_attempts(1));
    network.advertise_all();
    let keys: Vec<_> = (0..4).map(|node| network.key(node)).collect();
    let announcement = SigningRequestSpec {
        creator: keys[0],
        keys: keys[..3].to_vec(),
        items: items(2),
        options: options(Commitments::On),
        metadata: RequestMetadata::default(),
        lifetime: network.lifetime,
    };
    let Ok(Reply::Announced { request, .. }) = network.command(0, Command::Announce(announcement)) else { panic!() };
    network.run_until(0, request, Phase::Nonces);
    network.nodes[2].deaf = true;
    network.run();
    let replace = |leaves, joins| vec![Replacement { leaves, joins }];
    let early = network.command(0, Command::Retry { request, replace: replace(keys[2], keys[3]) });
    assert!(matches!(early, Err(CommandError::WrongPhase(Phase::Nonces))), "{early:?}");
    while network.status(0, request).phase != Phase::Aborted {
        network.sleep_to_next_deadline();
        network.run();
    }
    for (leaves, joins, error) in [
        (keys[0], keys[3], CommandError::NotReplaceable(keys[0])),
        (keys[3], keys[2], CommandError::NotReplaceable(keys[3])),
        (keys[2], keys[1], CommandError::SignerTwice(keys[1])),
    ] {
        let refused = network.command(0, Command::Retry { request, replace: replace(leaves, joins) });
        assert_eq!(refused.unwrap_err(), error);
    }
    let retry = Command::Retry { request, replace: replace(keys[2], keys[3]) };
    let Ok(Reply::Announced { request: again, .. }) = network.command(0, retry) else { panic!("not asked again") };
    network.run();
    for node in [0, 1, 3] {
        let status = network.status(node, again);
        assert_eq!((status.phase, &status.signers), (Phase::Complete, &vec![keys[0], keys[1], keys[3]]));
        assert_eq!(status.retry_of, (node == 0).then_some(request));
    }
}

#[test]
fn whoever_falls_silent_after_joining_is_named_in_every_attempt() {
    let mut network = Network::new(3, 3, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(0, request, Phase::Nonces);
    network.nodes[1].deaf = true;
    network.run();
    for _ in 0..200 {
        network.sleep_to_next_deadline();
        network.run();
    }
    for index in [0, 2] {
        let timeouts: Vec<_> = network.nodes[index]
            .events
            .iter()
            .filter_map(|event| if let Event::SessionTimeout(out) = event { Some(out.awaiting.clone()) } else { None })
            .collect();
        assert_eq!(timeouts.len(), 3, "{:?}", network.nodes[index].events.iter().map(name).collect::<Vec<_>>());
        assert!(timeouts.iter().all(|awaiting| awaiting.contains(&SignerIndex(1))));
    }
}

#[test]
fn a_refusal_ends_the_session_for_everybody_and_blames_nobody() {
    let mut network = Network::new(3, 4, &Config::default());
    network.advertise_all();
    network.decision = Decision::Decline { reason: "not today".to_owned() };
    network.announce(items(1), options(Commitments::On));
    network.run();
    for node in &network.nodes {
        assert!(node.events.iter().any(|event| matches!(event, Event::SessionAborted(aborted)
            if matches!(&aborted.cause, AbortCause::Refused { detail, .. } if detail == "not today"))));
    }
}

#[test]
fn an_abort_of_a_participant_reaches_everybody() {
    let mut network = Network::new(3, 5, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(0, request, Phase::Nonces);
    network.command(0, Command::Abort { request, detail: "changed my mind".to_owned() }).unwrap();
    network.run();
    for (index, node) in network.nodes.iter().enumerate() {
        let aborted = node
            .events
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
    let mut network = Network::new(4, 6, &Config::default());
    network.advertise_all();
    let wishes = SignerQuery { nickname: Some("node 2".to_owned()), ..SignerQuery::default() };
    match network.command(0, Command::Find(wishes)).unwrap() {
        Reply::Found(found) => {
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].delegation.signer, network.key(2));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_way_of_election_chooses_one_coordinator_that_all_agree_on() {
    for election in [Election::Creator, Election::Lexicographic, Election::HashBased, Election::First, Election::Last] {
        let mut network = Network::new(4, 8, &Config::default());
        network.advertise_all();
        let request = network.announce(items(1), RequestOptions { election, ..RequestOptions::default() });
        network.run();
        let elected: Vec<SignerIndex> = (0..4).map(|node| network.status(node, request).coordinator).collect();
        assert!(elected.iter().all(|index| *index == elected[0]));
        assert_signed(&network, &items(1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn messages_in_any_order_lead_to_the_same_signature(seed in any::<u64>(), signers in 2usize..6, off in any::<bool>()) {
        let mut network = Network::new(signers, seed, &Config::default());
        network.advertise_all();
        network.shuffle = true;
        let items = items(2);
        network.announce(items.clone(), options(if off { Commitments::Off } else { Commitments::On }));
        network.run();
        assert_signed(&network, &items);
    }

    #[test]
    fn lost_messages_are_healed(seed in any::<u64>(), signers in 2usize..5, off in any::<bool>()) {
        let mut network = Network::new(signers, seed, &Config::default());
        network.advertise_all();
        network.shuffle = true;
        network.loss = 40;
        network.lifetime = core::time::Duration::from_secs(600);
        let items = items(1);
        network.announce(items.clone(), options(if off { Commitments::Off } else { Commitments::On }));
        network.run();
        let is_done = |node: &Node| node.events.iter().any(|event| matches!(event, Event::SessionComplete(_)));
        while !network.nodes.iter().all(is_done) {
            network.sleep_to_next_deadline();
            network.run();
            prop_assert!(network.clock < 600_000, "it takes {} ms", network.clock);
        }
        assert_signed(&network, &items);
    }
}

#[test]
fn whoever_asked_can_give_up_before_it_has_joined_itself() {
    let mut network = Network::new(3, 12, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    // Its own request is back, its own join is not.
    assert!(network.deliver_one());
    network.command(0, Command::Abort { request, detail: "no need".to_owned() }).unwrap();
    network.run();
    for node in 0..3 {
        assert_eq!(network.status(node, request).phase, Phase::Aborted, "node {node}");
    }
}

#[test]
fn two_who_have_missed_each_others_joins_hear_them_again() {
    for commitments in [Commitments::On, Commitments::Off] {
        let mut network = Network::new(2, 13, &Config::default());
        network.advertise_all();
        network.announce(items(1), options(commitments));
        loop {
            network.lose(Kind::ParticipantJoined);
            if !network.deliver_one() {
                break;
            }
        }
        for _ in 0..10 {
            network.run();
            network.sleep_to_next_deadline();
        }
        network.run();
        assert_signed(&network, &items(1));
    }
}

#[test]
fn a_join_after_a_restart_that_nobody_has_heard_is_said_again() {
    let mut network = Network::new(2, 14, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(1, request, Phase::Nonces);
    network.restart(0);
    loop {
        network.lose(Kind::ParticipantJoined);
        if !network.deliver_one() {
            break;
        }
    }
    let complete = |network: &mut Network| (0..2).all(|node| network.status(node, request).phase == Phase::Complete);
    for _ in 0..20 {
        network.run();
        if complete(&mut network) {
            return;
        }
        network.sleep_to_next_deadline();
    }
    panic!("no signatures");
}
