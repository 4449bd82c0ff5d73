//! The directory under a flood of offers: what an offer claims of itself is paid for, and equals do not push each other out.

use core::time::Duration;

use motet_coordinator::event::Event;
use motet_coordinator::{Command, Config, Reply, SignerQuery};
use motet_core_crypto::PublicKey;
use motet_node::limits;

use crate::network::Network;
use crate::stranger::Stranger;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn found(network: &mut Network) -> Vec<PublicKey> {
    match network.command(0, Command::Find(SignerQuery::default())).unwrap() {
        Reply::Found(found) => found.iter().map(|offer| offer.delegation.signer).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn cheap_offers_with_long_lives_do_not_push_out_those_with_short_ones() {
    let mut network = Network::new(1, 1, &Config::default());
    let mut honest = Vec::new();
    for number in 0..9 {
        let mut signer = Stranger::new(10_000 + number);
        let frame = signer.advertises(&network, HOUR, 3);
        network.hear_stranger(0, signer.peer, &frame);
        honest.push(signer.signer());
    }
    for number in 0..limits::ADVERTISEMENTS as u64 + 100 {
        let mut flood = Stranger::new(number);
        let frame = flood.advertises(&network, DAY, 3);
        network.hear_stranger(0, flood.peer, &frame);
    }
    let there = found(&mut network);
    assert_eq!(there.len(), limits::ADVERTISEMENTS);
    assert!(honest.iter().all(|signer| there.contains(signer)));
    // Nor do offers of the same life that come later, unless they have cost more.
    let mut late = Stranger::new(20_000);
    let frame = late.advertises(&network, DAY, 3);
    let told = network.nodes[0].events.len();
    network.hear_stranger(0, late.peer, &frame);
    assert!(!network.nodes[0].events[told..].iter().any(|event| matches!(event, Event::SignerDiscovered(_))));
    network.clock += 61_000;
    let frame = late.advertises(&network, HOUR, 3);
    network.hear_stranger(0, late.peer, &frame);
    assert!(found(&mut network).contains(&late.signer()), "a shorter life costs less");
}

#[test]
fn a_life_shorter_than_an_hour_gains_nothing() {
    let mut network = Network::new(1, 2, &Config::default());
    let mut honest = Stranger::new(10_000);
    let frame = honest.advertises(&network, HOUR, 3);
    network.hear_stranger(0, honest.peer, &frame);
    for number in 0..limits::ADVERTISEMENTS as u64 {
        let mut flood = Stranger::new(number);
        let frame = flood.advertises(&network, Duration::from_secs(60), 3);
        network.hear_stranger(0, flood.peer, &frame);
    }
    assert!(found(&mut network).contains(&honest.signer()));
}
