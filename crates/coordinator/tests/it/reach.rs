//! Where a node says that it is, whom it does not reach, and who else speaks for its signers.

use motet_coordinator::event::Event;
use motet_coordinator::{Config, Input};
use motet_core_crypto::PublicKey;
use motet_wire::{Address, Kind, RequestOptions, peek};

use crate::network::Network;
use crate::session::items;

fn addresses(last: &[u8]) -> Vec<Address> {
    last.iter().map(|last| Address::from_bytes(&[4, 203, 0, 113, *last, 6, 0x1f, 0x90]).unwrap()).collect()
}

/// What each advertisement of a node has said, as the others have heard it.
fn said(network: &Network, by: usize, to: usize) -> Vec<Vec<Address>> {
    let signer = network.key(by);
    let heard = network.nodes[to].events.iter().filter_map(|event| match event {
        Event::SignerDiscovered(found) if found.advertisement.delegation.signer == signer => {
            Some(found.advertisement.addresses.clone())
        }
        _ => None,
    });
    heard.collect()
}

fn rivals(network: &Network, node: usize) -> Vec<PublicKey> {
    let events = network.nodes[node].events.iter();
    events
        .filter_map(|event| if let Event::IdentityConflict { signer, .. } = event { Some(*signer) } else { None })
        .collect()
}

#[test]
fn an_advertisement_is_renewed_when_the_addresses_change_and_not_before_others_take_it() {
    let mut network = Network::new(2, 1, &Config::default());
    network.input(0, Input::Addresses(addresses(&[1])));
    network.advertise(0);
    network.run();
    assert_eq!(said(&network, 0, 1), [addresses(&[1])]);
    let published = network.clock;
    for last in [2, 3, 4] {
        network.input(0, Input::Addresses(addresses(&[last])));
        network.run();
    }
    assert_eq!(said(&network, 0, 1).len(), 1, "others take one a minute");
    network.sleep_to_next_deadline_of(&[0]);
    network.run();
    assert_eq!(said(&network, 0, 1), [addresses(&[1]), addresses(&[4])]);
    assert!(network.clock - published < 120_000, "{}", network.clock - published);
    // The same again is no change.
    network.input(0, Input::Addresses(addresses(&[4])));
    network.sleep_to_next_deadline_of(&[0]);
    network.run();
    assert!(network.clock - published > 600_000, "half of its life");
    assert_eq!(said(&network, 0, 1).last(), Some(&addresses(&[4])));
}

#[test]
fn whoever_runs_beside_a_copy_of_itself_is_told_on_both_sides() {
    let mut network = Network::new(2, 2, &Config::default());
    network.advertise_all();
    network.clock += 61_000;
    let twin = network.copy(0);
    network.clock += 1000;
    network.advertise(twin);
    network.run();
    let signer = network.key(0);
    assert_eq!(rivals(&network, 0), [signer]);
    // The copy cannot tell what is left of an earlier process from a process that goes on, until that one says something. It
    // does so at once, and the copy finds it in the DHT.
    let last = network.frames.iter().rfind(|frame| peek(frame).unwrap().kind == Kind::SignerAdvertisement).cloned();
    assert_eq!(rivals(&network, twin), []);
    network.find(twin, &last.unwrap());
    network.run();
    assert_eq!(rivals(&network, twin), [signer]);
    assert_eq!((rivals(&network, 0).len(), rivals(&network, 1).len()), (1, 0), "nobody is told at every message");
}

#[test]
fn what_an_earlier_process_of_a_node_has_said_is_no_rival() {
    let mut network = Network::new(2, 3, &Config::default());
    network.advertise_all();
    let advertised: Vec<_> =
        network.frames.iter().filter(|frame| peek(frame).unwrap().kind == Kind::SignerAdvertisement).cloned().collect();
    network.clock += 1000;
    network.restart(0);
    for frame in &advertised {
        network.find(0, frame);
    }
    network.advertise(0);
    for frame in &advertised {
        network.find(0, frame);
    }
    network.run();
    assert_eq!(rivals(&network, 0), []);
}

#[test]
fn who_is_not_reached_is_said_once_and_only_while_something_is_asked() {
    let mut network = Network::new(2, 4, &Config::default());
    network.advertise_all();
    let peer = network.nodes[1].peer;
    let unreachable = |network: &Network| -> Vec<(PublicKey, String)> {
        let events = network.nodes[0].events.iter();
        events
            .filter_map(|event| match event {
                Event::SignerUnreachable { signer, reason } => Some((*signer, reason.clone())),
                _ => None,
            })
            .collect()
    };
    let reason = "nobody listens there".to_owned();
    network.input(0, Input::PeerUnreachable { peer, reason: reason.clone() });
    assert_eq!(unreachable(&network), []);
    network.announce(items(1), RequestOptions::default());
    for _ in 0..3 {
        network.input(0, Input::PeerUnreachable { peer, reason: reason.clone() });
    }
    assert_eq!(unreachable(&network), [(network.key(1), reason)]);
}

#[derive(Clone, Copy, PartialEq)]
enum Third {
    Silent,
    Unreached,
}

/// Whether the request has been put into the DHT, at each of the first times at which the signers that have not joined are asked again.
fn is_put(mut network: Network, third: Third) -> [bool; 4] {
    network.nodes[2].deaf = true;
    network.announce(items(1), RequestOptions::default());
    network.run();
    if third == Third::Unreached {
        let peer = network.nodes[2].peer;
        network.input(0, Input::PeerUnreachable { peer, reason: "nobody listens there".to_owned() });
    }
    core::array::from_fn(|_| {
        network.sleep_to_next_deadline_of(&[0]);
        network.run();
        network.put.iter().any(|frame| peek(frame).unwrap().kind == Kind::SigningRequest)
    })
}

#[test]
fn a_request_is_put_into_the_dht_for_signers_that_may_not_have_got_it_and_for_no_others() {
    let mut network = Network::new(3, 5, &Config::default());
    network.advertise_all();
    assert_eq!(is_put(network, Third::Silent), [false, false, false, true], "a known peer is asked directly, for 8 s");

    let mut network = Network::new(3, 6, &Config::default());
    network.advertise(0);
    network.advertise(1);
    network.run();
    assert_eq!(is_put(network, Third::Silent), [true; 4], "nobody knows where the third is");

    let mut network = Network::new(3, 7, &Config::default());
    network.advertise_all();
    assert_eq!(is_put(network, Third::Unreached), [true; 4], "the third was not reached");
}
