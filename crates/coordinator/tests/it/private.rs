//! Private requests: they and their sessions go to their members, and no other node hears a byte of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Audience, Command, CommandError, Config, Input, Interest, Reply, Route, SigningRequestSpec};
use motet_core_crypto::PublicKey;
use motet_testkit::{Cluster, Forger, Way};
use motet_wire::{Charge, Commitments, Derivation, Evidence, Item, MemberPaths, NetworkId, RequestId};

use crate::kit::{clock, cluster_of};
use crate::session::{items, options};

const NODES: usize = 20;
const MEMBERS: usize = 3;
/// The same seed gives the same keys.
const SEED: u64 = 9;

/// A request of the first node to the first three.
fn spec(cluster: &Cluster) -> SigningRequestSpec {
    SigningRequestSpec {
        creator: cluster.key(0),
        keys: (0..MEMBERS).map(|node| cluster.key(node)).collect(),
        items: items(2),
        options: options(Commitments::On),
        metadata: Default::default(),
        lifetime: Duration::from_secs(3_600),
    }
}

fn routes(cluster: &Cluster) -> BTreeMap<PublicKey, Route> {
    let route = |node| Route { peer: cluster.node(node).peer(), addresses: Vec::new() };
    (1..MEMBERS).map(|node| (cluster.key(node), route(node))).collect()
}

fn ask(cluster: &mut Cluster) -> RequestId {
    let (request, audience) = (spec(cluster), Audience::Members(routes(cluster)));
    match cluster.command(0, Command::AnnounceTo(request, audience)) {
        Ok(Reply::Announced { request, .. }) => request,
        other => panic!("{other:?}"),
    }
}

/// A cluster in which every node listens for all that it can, and the members have each other as contacts.
fn cluster() -> Cluster {
    let same = Cluster::new(MEMBERS, SEED);
    let route = |node| Route { peer: same.node(node).peer(), addresses: Vec::new() };
    let book = (0..MEMBERS).map(|node| (same.key(node), route(node))).collect();
    let cluster = cluster_of(NODES, SEED, &Config::default().routes(book));
    assert!(cluster.nodes().iter().all(|node| !node.topics().is_empty()));
    cluster
}

/// Sees that everything has gone to members, on direct streams.
fn assert_private(cluster: &Cluster) {
    for (number, node) in cluster.nodes().iter().enumerate().skip(MEMBERS) {
        assert_eq!(node.heard().len(), 0, "node {number}");
        assert!(node.events().iter().all(|event| !matches!(event, Event::SigningRequestReceived(_))));
    }
    let members: Vec<_> = (0..MEMBERS).map(|node| cluster.node(node).peer()).collect();
    for sent in cluster.sent() {
        assert!(matches!(sent.way, Way::Direct(peer) if members.contains(&peer)), "{:?} {:?}", sent.kind(), sent.way);
    }
}

fn phases(cluster: &mut Cluster, request: RequestId) -> Vec<Option<Phase>> {
    (0..MEMBERS).map(|node| cluster.status(node, request).ok().map(|status| status.phase)).collect()
}

/// Lets a node meet another again, as after an outage.
fn meet(cluster: &mut Cluster, node: usize, other: usize) {
    for (here, there) in [(node, other), (other, node)] {
        let peer = cluster.node(there).peer();
        cluster.input(here, Input::PeerConnected { peer });
    }
    cluster.settle();
}

fn pass_time(cluster: &mut Cluster, seconds: u64) {
    let end = clock(cluster) + seconds * 1_000;
    while clock(cluster) < end {
        cluster.settle();
        cluster.sleep();
    }
    cluster.settle();
}

#[test]
fn a_private_request_and_its_session_reach_their_members_and_nobody_else() {
    let mut cluster = cluster();
    let request = ask(&mut cluster);
    cluster.settle();
    assert_eq!(phases(&mut cluster, request), [Some(Phase::Complete); MEMBERS]);
    pass_time(&mut cluster, 60);
    assert_private(&cluster);
}

#[test]
fn a_private_request_is_not_published_for_a_member_that_is_away_or_not_reached() {
    let mut cluster = cluster();
    cluster.network().cut(2);
    let request = ask(&mut cluster);
    pass_time(&mut cluster, 30);
    let peer = cluster.node(2).peer();
    cluster.input(0, Input::PeerUnreachable { peer, reason: "it is not there".to_owned() });
    pass_time(&mut cluster, 600);
    assert_eq!(cluster.status(0, request).unwrap().phase, Phase::Joining);
    assert_private(&cluster);
    cluster.network().reconnect(2);
    meet(&mut cluster, 0, 2);
    assert!(cluster.status(2, request).is_ok(), "as soon as it is back");
    // The others' nonces have lapsed meanwhile, and it does not know them yet.
    pass_time(&mut cluster, 120);
    // The time may pass the one at which a session that is over is forgotten.
    assert!((0..MEMBERS).all(|node| cluster.node(node).completed(request).is_some()));
    assert_private(&cluster);
}

#[test]
fn a_member_that_comes_back_hears_of_the_request_from_any_other_member() {
    let mut cluster = cluster();
    cluster.crash(2);
    let request = ask(&mut cluster);
    pass_time(&mut cluster, 600);
    cluster.network().cut(0);
    cluster.restart(2);
    cluster.settle();
    assert!(cluster.status(2, request).is_err(), "nobody has told it");
    meet(&mut cluster, 1, 2);
    assert_eq!(cluster.status(2, request).unwrap().phase, Phase::Joining);
    cluster.network().reconnect(0);
    meet(&mut cluster, 0, 2);
    pass_time(&mut cluster, 120);
    // The time may pass the one at which a session that is over is forgotten.
    assert!((0..MEMBERS).all(|node| cluster.node(node).completed(request).is_some()));
    assert_private(&cluster);
}

#[test]
fn a_creator_that_is_restarted_goes_on_with_its_private_request_until_it_ends() {
    let mut cluster = cluster();
    cluster.network().cut(2);
    let request = ask(&mut cluster);
    cluster.settle();
    cluster.restart(0);
    pass_time(&mut cluster, 900);
    assert_eq!(cluster.status(0, request).unwrap().phase, Phase::Joining, "a public one ends after a minute");
    cluster.network().reconnect(2);
    meet(&mut cluster, 0, 2);
    meet(&mut cluster, 1, 2);
    pass_time(&mut cluster, 60);
    assert!((0..MEMBERS).all(|node| cluster.node(node).completed(request).is_some()));
    assert_private(&cluster);
}

#[test]
fn a_member_that_comes_back_and_advertises_is_handed_the_request_by_its_creator() {
    let mut cluster = cluster();
    cluster.network().cut(2);
    let request = ask(&mut cluster);
    pass_time(&mut cluster, 600);
    cluster.network().reconnect(2);
    cluster.advertise(2).unwrap();
    cluster.settle();
    assert!(cluster.status(2, request).is_ok(), "as soon as it is back");
    let blamed = cluster.node(2).events().iter().any(|event| matches!(event, Event::ClocksDiffer { .. }));
    assert!(!blamed, "an old announcement looks like one of a wrong clock");
}

#[test]
fn requests_that_nobody_has_asked_for_are_not_taken_from_strangers() {
    // The same without contacts: what has waited for too long is no announcement, and not heard from anybody.
    let mut cluster = cluster_of(MEMBERS, SEED, &Config::default());
    cluster.network().cut(2);
    let request = ask(&mut cluster);
    pass_time(&mut cluster, 600);
    cluster.network().reconnect(2);
    meet(&mut cluster, 0, 2);
    assert!(cluster.status(2, request).is_err());
}

#[test]
fn a_forger_among_members_that_derive_first_is_convicted_by_a_third_party() {
    let mut cluster = cluster();
    let honest = Arc::clone(&cluster.node(2).signers()[0]);
    cluster.node_mut(2).replace_signer(Forger(honest));
    let chain_codes: Arc<[_]> = [Some([1; 32]), None, Some([3; 32])].into();
    let item = |path: [u32; 2], taproot| {
        let paths = MemberPaths { chain_codes: Arc::clone(&chain_codes), path: path.into() };
        Item { message: vec![7; 32], derivation: Derivation::Members { paths, taproot } }
    };
    let asked = SigningRequestSpec { items: vec![item([0, 5], Some(None)), item([1, 2], None)], ..spec(&cluster) };
    let audience = Audience::Members(routes(&cluster));
    let Ok(Reply::Announced { request, .. }) = cluster.command(0, Command::AnnounceTo(asked, audience)) else {
        panic!("it is not announced")
    };
    cluster.settle();
    let forger = cluster.key(2);
    for node in [0, 1] {
        let status = cluster.status(node, request).unwrap();
        assert!(matches!(status.cause, Some(AbortCause::Convicted { culprit, .. }) if culprit == forger), "{status:?}");
        let Ok(Reply::Proofs(proofs)) = cluster.command(node, Command::Proofs) else { panic!("no proofs") };
        let conviction = Evidence::from_bytes(&proofs[0].evidence).unwrap().verify(&NetworkId::test()).unwrap();
        assert_eq!((conviction.signer, conviction.charge), (forger, Charge::BadPartialSignature));
    }
}

#[test]
fn a_private_request_needs_a_way_to_each_member() {
    let mut cluster = cluster_of(NODES, SEED, &Config::default());
    let mut routes = routes(&cluster);
    routes.remove(&cluster.key(2));
    let request = spec(&cluster);
    let refused = cluster.command(0, Command::AnnounceTo(request, Audience::Members(routes))).unwrap_err();
    assert_eq!(refused, CommandError::NoRoute(cluster.key(2)));
    assert!(cluster.sent().is_empty());
}

#[test]
fn nothing_is_said_in_public_of_a_signer_that_is_not_to_be_known() {
    let key = Cluster::new(1, SEED).key(0);
    let mut cluster = Cluster::with_config(2, SEED, &Config::default().unlisted([key].into()));
    assert_eq!(cluster.key(0), key);
    cluster.set_interest(0, Interest::Nothing);
    assert!(cluster.node(0).topics().is_empty());
    assert_eq!(cluster.advertise(0).unwrap_err(), CommandError::Unlisted(key));
    let keys = vec![key, cluster.key(1)];
    let request = SigningRequestSpec { keys, ..spec(&Cluster::new(3, SEED)) };
    assert_eq!(cluster.command(0, Command::Announce(request)).unwrap_err(), CommandError::Unlisted(key));
    assert!(cluster.sent().is_empty());
}
