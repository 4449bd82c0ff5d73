//! The cluster of these tests: messages take no time, and the events of each test are held by their hash.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use motet_coordinator::{Command, Config, Decision, Effect, Reply, SignerTask, Transition};
use motet_core_crypto::{PublicKey, PublicNonce};
use motet_testkit::{Cluster, Seen, Stranger, Way};
use motet_wire::{Arrival, Attempt, Channel, Item, Kind, NetworkGroup, PeerId, RequestId, RequestOptions};

use crate::frozen::Told;
use crate::session::items;

pub(crate) fn cluster_of(count: usize, seed: u64, config: &Config) -> Cluster {
    let mut cluster = Cluster::with_config(count, seed, config);
    cluster.network().set_delay(core::time::Duration::ZERO);
    let mut told = Told::default();
    cluster.observe(move |node, seen| match seen {
        // What the canary test searches.
        Seen::Input(input) => tracing::trace!(?input, pretty = format!("{input:#?}"), "a test"),
        Seen::Transition(Transition { records, .. }) if !records.is_empty() => {
            tracing::trace!(?records, pretty = format!("{records:#?}"), "a test");
        }
        Seen::Effect(effect) => {
            tracing::trace!(?effect, pretty = format!("{effect:#?}"), "a test");
            if let Effect::Emit(event, _) = effect {
                told.add(node, event);
            }
        }
        _ => {}
    });
    cluster
}

/// Milliseconds since the beginning.
pub(crate) fn clock(cluster: &Cluster) -> u64 {
    u64::try_from(cluster.elapsed().as_millis()).unwrap()
}

/// The first signer asks all for signatures.
pub(crate) fn announce(cluster: &mut Cluster, items: Vec<Item>, options: RequestOptions) -> RequestId {
    let keys = (0..cluster.nodes().len()).map(|node| cluster.key(node)).collect();
    announce_to(cluster, keys, items, options)
}

/// The first signer asks these.
pub(crate) fn announce_to(
    cluster: &mut Cluster,
    keys: Vec<PublicKey>,
    items: Vec<Item>,
    options: RequestOptions,
) -> RequestId {
    let mut request = cluster.request(0, &[], items, options);
    request.keys = keys;
    cluster.announce_request(0, request).unwrap()
}

/// All frames that have left nodes.
pub(crate) fn frames(cluster: &Cluster) -> Vec<Arc<[u8]>> {
    cluster.sent().iter().map(|sent| Arc::clone(&sent.frame)).collect()
}

/// How often a node has sent partial signatures to others.
pub(crate) fn partials_sent(cluster: &Cluster, node: usize) -> usize {
    let sent = cluster.sent().iter().filter(|sent| sent.by == node && matches!(sent.way, Way::Direct(_)));
    sent.filter(|sent| sent.kind() == Some(Kind::PartialSigShare)).count()
}

/// Lets a node stand still: frames to it wait, and so do the partial signatures that it was about to send.
pub(crate) fn freeze(cluster: &mut Cluster, node: usize) {
    cluster
        .network()
        .hold(move |flight| flight.to == node || flight.by == node && flight.kind() == Some(Kind::PartialSigShare));
}

/// The requests that a node knows.
pub(crate) fn sessions_of(cluster: &mut Cluster, node: usize) -> Vec<RequestId> {
    match cluster.command(node, Command::Sessions).unwrap() {
        Reply::Sessions(sessions) => sessions.iter().map(|session| session.request).collect(),
        other => panic!("{other:?}"),
    }
}

/// Lets a node hear a frame of another as if it had never heard it before.
pub(crate) fn hear(cluster: &mut Cluster, node: usize, other: usize, frame: &Arc<[u8]>) {
    let from = cluster.node(other).peer();
    cluster.hear_afresh(node, Arrival::new(Arc::clone(frame), Channel::Direct, from)).unwrap();
}

/// Lets a node hear a frame straight from a peer that is no node of this network.
pub(crate) fn hear_stranger(cluster: &mut Cluster, node: usize, from: PeerId, frame: &Arc<[u8]>) {
    hear_over(cluster, node, from, NetworkGroup::Local, frame);
}

/// The same, over a connection of this network group.
pub(crate) fn hear_over(cluster: &mut Cluster, node: usize, from: PeerId, group: NetworkGroup, frame: &Arc<[u8]>) {
    cluster.hear_afresh(node, Arrival::new(Arc::clone(frame), Channel::Direct, from).group(group)).unwrap();
}

/// Lets a node find a frame in the DHT, as if it had never heard of it before.
pub(crate) fn find_in_dht(cluster: &mut Cluster, node: usize, frame: &Arc<[u8]>) {
    let own = cluster.node(node).peer();
    cluster.hear_afresh(node, Arrival::new(Arc::clone(frame), Channel::Dht, own)).unwrap();
}

/// A request of a stranger for a signature of it and another signer, and its id.
pub(crate) fn asks(
    cluster: &Cluster,
    stranger: &mut Stranger,
    other: PublicKey,
    options: RequestOptions,
) -> (RequestId, Arc<[u8]>) {
    asks_with(cluster, stranger, other, options, 0)
}

/// The same, with a stamp that is worth exactly so many bits; with none, if they are none.
pub(crate) fn asks_with(
    cluster: &Cluster,
    stranger: &mut Stranger,
    other: PublicKey,
    options: RequestOptions,
    bits: u8,
) -> (RequestId, Arc<[u8]>) {
    stranger.asks(other, items(2), options, bits, cluster.now())
}

/// Everything that is signed from now on: the attempt, the signer's own public nonces, and what they were used with.
pub(crate) type Signed = Rc<RefCell<Vec<(Attempt, Vec<u8>, Vec<u8>)>>>;

pub(crate) fn watch_signing(cluster: &mut Cluster) -> Signed {
    let signed = Signed::default();
    let log = Rc::clone(&signed);
    cluster.observe(move |_, seen| {
        let Seen::Effect(Effect::AskSigner(SignerTask::Sign { nonce_id, items, nonces })) = seen else { return };
        let bytes = |nonces: &[PublicNonce]| nonces.iter().flat_map(PublicNonce::to_bytes).collect::<Vec<u8>>();
        let own = bytes(&nonces[nonce_id.index.as_usize()]);
        let mut transcript: Vec<u8> = nonces.iter().flat_map(|nonces| bytes(nonces)).collect();
        for item in items.iter() {
            transcript.extend(item.context.aggregate_key().to_bytes());
            transcript.extend(&*item.message);
        }
        log.borrow_mut().push((nonce_id.attempt, own, transcript));
    });
    signed
}

/// Lets every user approve again.
pub(crate) fn approve_all(cluster: &mut Cluster) {
    cluster.set_policy(|_, _| Some(Decision::Approve));
}
