//! The directory under a flood of offers: what an offer claims of itself is paid for, and equals do not push each other out.

use core::time::Duration;
use motet_testkit::{Cluster, Stranger};

use motet_coordinator::event::Event;
use motet_coordinator::{Command, Config, Reply, SignerQuery};
use motet_core_crypto::PublicKey;
use motet_node::limits;

use crate::kit::{cluster_of, hear_stranger};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn found(cluster: &mut Cluster) -> Vec<PublicKey> {
    match cluster.command(0, Command::Find(SignerQuery::default())).unwrap() {
        Reply::Found(found) => found.iter().map(|offer| offer.delegation.signer).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn cheap_offers_with_long_lives_do_not_push_out_those_with_short_ones() {
    let mut cluster = cluster_of(1, 1, &Config::default());
    let mut honest = Vec::new();
    for number in 0..9 {
        let mut signer = Stranger::new(10_000 + number);
        let frame = signer.advertises(HOUR, 3, cluster.now());
        hear_stranger(&mut cluster, 0, signer.peer(), &frame);
        honest.push(signer.signer());
    }
    for number in 0..limits::ADVERTISEMENTS as u64 + 100 {
        let mut flood = Stranger::new(number);
        let frame = flood.advertises(DAY, 3, cluster.now());
        hear_stranger(&mut cluster, 0, flood.peer(), &frame);
    }
    let there = found(&mut cluster);
    assert_eq!(there.len(), limits::ADVERTISEMENTS);
    assert!(honest.iter().all(|signer| there.contains(signer)));
    // Nor do offers of the same life that come later, unless they have cost more.
    let mut late = Stranger::new(20_000);
    let frame = late.advertises(DAY, 3, cluster.now());
    let told = cluster.node(0).events().len();
    hear_stranger(&mut cluster, 0, late.peer(), &frame);
    assert!(!cluster.node(0).events()[told..].iter().any(|event| matches!(event, Event::SignerDiscovered(_))));
    cluster.jump(Duration::from_millis(61_000));
    let frame = late.advertises(HOUR, 3, cluster.now());
    hear_stranger(&mut cluster, 0, late.peer(), &frame);
    assert!(found(&mut cluster).contains(&late.signer()), "a shorter life costs less");
}

#[test]
fn a_life_shorter_than_an_hour_gains_nothing() {
    let mut cluster = cluster_of(1, 2, &Config::default());
    let mut honest = Stranger::new(10_000);
    let frame = honest.advertises(HOUR, 3, cluster.now());
    hear_stranger(&mut cluster, 0, honest.peer(), &frame);
    for number in 0..limits::ADVERTISEMENTS as u64 {
        let mut flood = Stranger::new(number);
        let frame = flood.advertises(Duration::from_secs(60), 3, cluster.now());
        hear_stranger(&mut cluster, 0, flood.peer(), &frame);
    }
    assert!(found(&mut cluster).contains(&honest.signer()));
}
