//! Signers that leave their node while it runs.

use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Command, CommandError, Config};
use motet_wire::{Commitments, RequestId};

use crate::network::Network;
use crate::session::{assert_signed, items, options};

fn refusal(network: &Network, node: usize, request: RequestId) -> Option<String> {
    network.nodes[node].events.iter().find_map(|event| match event {
        Event::SessionAborted(end) if end.request == request => match &end.cause {
            AbortCause::Refused { detail, .. } => Some(detail.clone()),
            other => panic!("{other:?}"),
        },
        _ => None,
    })
}

#[test]
fn a_signer_that_leaves_withdraws_its_offer_and_declines_what_waits_for_it() {
    let mut network = Network::new(2, 1, &Config::default());
    network.advertise_all();
    network.undecided = true;
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    let signer = network.key(1);
    network.command(1, Command::RemoveSigner { signer }).unwrap();
    network.run();
    assert_eq!(refusal(&network, 0, request).unwrap(), "this signer is not served here any more");
    let withdrawn = network.nodes[0].events.iter().any(|event| matches!(event, Event::SignerUnavailable(_)));
    assert!(withdrawn);
    // Nobody is asked for it, and it cannot be removed twice.
    let told = network.nodes[1].events.len();
    network.announce(items(2), options(Commitments::On));
    network.run();
    assert!(!network.nodes[1].events[told..].iter().any(|event| matches!(event, Event::SigningRequestReceived(_))));
    let again = network.command(1, Command::RemoveSigner { signer });
    assert_eq!(again.unwrap_err(), CommandError::UnknownSigner(signer));
}

#[test]
fn a_signer_that_leaves_in_the_middle_of_a_session_says_so() {
    for (phase, commitments) in
        [(Phase::Joining, Commitments::On), (Phase::Nonces, Commitments::On), (Phase::Nonces, Commitments::Off)]
    {
        let mut network = Network::new(2, 2, &Config::default());
        network.advertise_all();
        let request = network.announce(items(1), options(commitments));
        network.run_until(1, request, phase);
        let signer = network.key(1);
        network.command(1, Command::RemoveSigner { signer }).unwrap();
        network.run();
        assert_eq!(refusal(&network, 0, request).unwrap(), "declined: this signer is not served here any more");
    }
}

#[test]
fn a_signer_that_has_signed_before_it_left_is_told_the_signature() {
    let mut network = Network::new(2, 3, &Config::default());
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run_until(1, request, Phase::Partials);
    while network.nodes[1].partials_sent == 0 {
        assert!(network.deliver_one());
    }
    let signer = network.key(1);
    network.command(1, Command::RemoveSigner { signer }).unwrap();
    network.run();
    assert_signed(&network, &items(1));
    let aborted = network.nodes[1].events.iter().any(|event| matches!(event, Event::SessionAborted(_)));
    assert!(aborted, "it left before the signature was there");
}

#[test]
fn a_signer_that_comes_back_signs_again() {
    let mut network = Network::new(2, 4, &Config::default());
    network.advertise_all();
    let signer = network.key(1);
    network.command(1, Command::RemoveSigner { signer }).unwrap();
    network.run();
    network.command(1, Command::AddSigner { signer }).unwrap();
    network.advertise(1);
    network.run();
    network.announce(items(1), options(Commitments::On));
    network.run();
    assert_signed(&network, &items(1));
}
