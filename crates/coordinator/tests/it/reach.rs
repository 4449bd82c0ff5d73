//! Where a node says that it is, whom it does not reach, and who else speaks for its signers.

use core::time::Duration;
use motet_coordinator::event::Event;
use motet_coordinator::{Config, Input};
use motet_core_crypto::PublicKey;
use motet_testkit::{Cluster, Way};
use motet_wire::{Address, Kind, RequestOptions, peek};

use crate::kit::{announce, clock, cluster_of, find_in_dht, frames};
use crate::session::items;

fn addresses(last: &[u8]) -> Vec<Address> {
    last.iter().map(|last| Address::from_bytes(&[4, 203, 0, 113, *last, 6, 0x1f, 0x90]).unwrap()).collect()
}

/// What each advertisement of a node has said, as the others have heard it.
fn said(cluster: &Cluster, by: usize, to: usize) -> Vec<Vec<Address>> {
    let signer = cluster.key(by);
    let heard = cluster.node(to).events().iter().filter_map(|event| match event {
        Event::SignerDiscovered(found) if found.advertisement.delegation.signer == signer => {
            Some(found.advertisement.addresses.clone())
        }
        _ => None,
    });
    heard.collect()
}

fn rivals(cluster: &Cluster, node: usize) -> Vec<PublicKey> {
    let events = cluster.node(node).events().iter();
    events
        .filter_map(|event| if let Event::IdentityConflict { signer, .. } = event { Some(*signer) } else { None })
        .collect()
}

#[test]
fn an_advertisement_is_renewed_when_the_addresses_change_and_not_before_others_take_it() {
    let mut cluster = cluster_of(2, 1, &Config::default());
    cluster.input(0, Input::Addresses(addresses(&[1])));
    cluster.advertise(0).unwrap();
    cluster.settle();
    assert_eq!(said(&cluster, 0, 1), [addresses(&[1])]);
    let published = clock(&cluster);
    for last in [2, 3, 4] {
        cluster.input(0, Input::Addresses(addresses(&[last])));
        cluster.settle();
    }
    assert_eq!(said(&cluster, 0, 1).len(), 1, "others take one a minute");
    cluster.sleep_of(&[0]);
    cluster.settle();
    assert_eq!(said(&cluster, 0, 1), [addresses(&[1]), addresses(&[4])]);
    assert!(clock(&cluster) - published < 120_000, "{}", clock(&cluster) - published);
    // The same again is no change.
    cluster.input(0, Input::Addresses(addresses(&[4])));
    cluster.sleep_of(&[0]);
    cluster.settle();
    assert!(clock(&cluster) - published > 600_000, "half of its life");
    assert_eq!(said(&cluster, 0, 1).last(), Some(&addresses(&[4])));
}

#[test]
fn whoever_runs_beside_a_copy_of_itself_is_told_on_both_sides() {
    let mut cluster = cluster_of(2, 2, &Config::default());
    cluster.advertise_all();
    cluster.jump(Duration::from_millis(61_000));
    cluster.jump(Duration::from_millis(5));
    let twin = cluster.copy(0);
    cluster.jump(Duration::from_millis(1000));
    cluster.advertise(twin).unwrap();
    cluster.settle();
    let signer = cluster.key(0);
    assert_eq!(rivals(&cluster, 0), [signer]);
    // The copy cannot tell what is left of an earlier process from a process that goes on, until that one says something. It
    // does so at once, and the copy finds it in the DHT.
    let last = frames(&cluster).iter().rfind(|frame| peek(frame).unwrap().kind == Kind::SignerAdvertisement).cloned();
    assert_eq!(rivals(&cluster, twin), []);
    find_in_dht(&mut cluster, twin, &last.unwrap());
    cluster.settle();
    assert_eq!(rivals(&cluster, twin), [signer]);
    assert_eq!((rivals(&cluster, 0).len(), rivals(&cluster, 1).len()), (1, 0), "nobody is told at every message");
}

#[test]
fn what_an_earlier_process_of_a_node_has_said_is_no_rival() {
    let mut cluster = cluster_of(2, 3, &Config::default());
    cluster.advertise_all();
    let advertised: Vec<_> = frames(&cluster)
        .iter()
        .filter(|frame| peek(frame).unwrap().kind == Kind::SignerAdvertisement)
        .cloned()
        .collect();
    cluster.jump(Duration::from_millis(1000));
    cluster.restart(0);
    for frame in &advertised {
        find_in_dht(&mut cluster, 0, frame);
    }
    cluster.advertise(0).unwrap();
    for frame in &advertised {
        find_in_dht(&mut cluster, 0, frame);
    }
    cluster.settle();
    assert_eq!(rivals(&cluster, 0), []);
}

#[test]
fn who_is_not_reached_is_said_once_and_only_while_something_is_asked() {
    let mut cluster = cluster_of(2, 4, &Config::default());
    cluster.advertise_all();
    let peer = cluster.node(1).peer();
    let unreachable = |cluster: &Cluster| -> Vec<(PublicKey, String)> {
        let events = cluster.node(0).events().iter();
        events
            .filter_map(|event| match event {
                Event::SignerUnreachable { signer, reason } => Some((*signer, reason.clone())),
                _ => None,
            })
            .collect()
    };
    let reason = "nobody listens there".to_owned();
    cluster.input(0, Input::PeerUnreachable { peer, reason: reason.clone() });
    assert_eq!(unreachable(&cluster), []);
    announce(&mut cluster, items(1), RequestOptions::default());
    for _ in 0..3 {
        cluster.input(0, Input::PeerUnreachable { peer, reason: reason.clone() });
    }
    assert_eq!(unreachable(&cluster), [(cluster.key(1), reason)]);
}

#[derive(Clone, Copy, PartialEq)]
enum Third {
    Silent,
    Unreached,
}

/// True if the request has been put into the DHT, at each of the first times at which the signers that have not joined are asked again.
fn is_put(mut cluster: Cluster, third: Third) -> [bool; 4] {
    cluster.network().cut(2);
    announce(&mut cluster, items(1), RequestOptions::default());
    cluster.settle();
    if third == Third::Unreached {
        let peer = cluster.node(2).peer();
        cluster.input(0, Input::PeerUnreachable { peer, reason: "nobody listens there".to_owned() });
    }
    core::array::from_fn(|_| {
        cluster.sleep_of(&[0]);
        cluster.settle();
        cluster.sent().iter().any(|sent| sent.way == Way::Dht && sent.kind() == Some(Kind::SigningRequest))
    })
}

#[test]
fn a_request_is_put_into_the_dht_for_signers_that_may_not_have_got_it_and_for_no_others() {
    let mut cluster = cluster_of(3, 5, &Config::default());
    cluster.advertise_all();
    assert_eq!(is_put(cluster, Third::Silent), [false, false, false, true], "a known peer is asked directly, for 8 s");

    let mut cluster = cluster_of(3, 6, &Config::default());
    cluster.advertise(0).unwrap();
    cluster.advertise(1).unwrap();
    cluster.settle();
    assert_eq!(is_put(cluster, Third::Silent), [true; 4], "nobody knows where the third is");

    let mut cluster = cluster_of(3, 7, &Config::default());
    cluster.advertise_all();
    assert_eq!(is_put(cluster, Third::Unreached), [true; 4], "the third was not reached");
}
