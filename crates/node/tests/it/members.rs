//! Messages of a session at nodes that are no part of it: three nodes sign, twelve others are connected to one of them and listen. Real
//! sockets on loopback, all in this process.

use std::sync::Arc;
use std::time::Duration;

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Entry, EntryPolicy, Keypair, Multiaddr, Net, NetConfig, NetEvent, parse_address};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{Config, Events, LocalSigner, MemoryStore, Node, OsEntropy, SigningRequestSpec};
use motet_wire::{
    Criteria, Derivation, Difficulty, HashWork, Item, Kind, NetworkId, RequestMetadata, RequestOptions, SignerMetadata,
    Topic, Verdict, peek,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const HOUR: Duration = Duration::from_secs(3600);
const LISTENERS: usize = 12;
const SIGNERS: usize = 3;

#[derive(Debug)]
pub(crate) struct NoEntries;

impl EntryPolicy for NoEntries {
    fn entry(&self, _: &[u8; 32], _: &[u8]) -> Option<Entry> {
        None
    }
}

fn network() -> NetConfig {
    NetConfig::local(NetworkId::new("members").unwrap(), Keypair::generate())
}

/// A node with a signer that signs everything.
async fn signer() -> (Node, Events, PublicKey) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signer = key.public_key();
    let work = HashWork { floor: Difficulty(0), ceiling: Difficulty(0) };
    let node = Node::builder(network()).store(MemoryStore::default()).policy(ApproveAll).work(work);
    let node = node.config(Config::default().difficulty(Difficulty(0))).signer(LocalSigner::new(key, OsEntropy));
    let (node, events) = node.start().await.unwrap();
    node.subscribe_to_all_signers().unwrap().keep();
    (node, events, signer)
}

/// A network node that listens until all signers have withdrawn their offers, and tells what it has heard. It says when it has heard all
/// offers.
async fn listener(to: Multiaddr) -> (oneshot::Receiver<()>, JoinHandle<Vec<Kind>>) {
    let (net, mut events) = Net::start(network(), Arc::new(NoEntries)).unwrap();
    net.subscribe([Topic::AllOffers].into()).await.unwrap();
    net.dial(to).await.unwrap();
    let (ready, is_ready) = oneshot::channel();
    let listening = tokio::spawn(async move {
        let mut ready = Some(ready);
        let mut heard: Vec<(Kind, Arc<[u8]>)> = Vec::new();
        let count = |heard: &[(Kind, Arc<[u8]>)], wanted| heard.iter().filter(|(kind, _)| *kind == wanted).count();
        while count(&heard, Kind::SignerUnavailable) < SIGNERS {
            let NetEvent::Received { bytes, token, .. } = events.recv().await.unwrap() else { continue };
            if let Some(token) = token {
                net.report(token, Verdict::Accept).await.unwrap();
            }
            // Several ways lead here. Pages of offers are answers to a question of catch-up.
            let kind = peek(&bytes).unwrap().kind;
            if heard.iter().all(|(_, known)| *known != bytes) && kind != Kind::SyncRequest {
                heard.push((kind, bytes));
            }
            if count(&heard, Kind::SignerAdvertisement) == SIGNERS
                && let Some(ready) = ready.take()
            {
                ready.send(()).unwrap();
            }
        }
        heard.into_iter().map(|(kind, _)| kind).collect()
    });
    (is_ready, listening)
}

async fn until(events: &mut Events, mut count: usize, is_wanted: impl Fn(&Event) -> bool) {
    while count > 0 {
        if is_wanted(&events.next().await.unwrap().unwrap()) {
            count -= 1;
        }
    }
}

async fn three_sign_while_others_listen() {
    let (asker, mut events, own) = signer().await;
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break parse_address(&format!("{address}/p2p/{}", asker.peer_id())).unwrap();
        }
    };
    let mut nodes = vec![(asker, events, own)];
    for _ in 1..SIGNERS {
        let (node, events, signer) = signer().await;
        node.connect(address.clone()).await.unwrap();
        nodes.push((node, events, signer));
    }
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        listeners.push(listener(address.clone()).await);
    }
    let connected = SIGNERS - 1 + LISTENERS;
    until(&mut nodes.first_mut().unwrap().1, connected, |event| matches!(event, Event::PeerConnected { .. })).await;
    for (node, _, signer) in &nodes {
        node.advertise_signer(*signer, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
    }
    for (_, events, _) in &mut nodes {
        until(events, SIGNERS - 1, |event| matches!(event, Event::SignerDiscovered(_))).await;
    }
    let mut listening = Vec::new();
    for (is_ready, task) in listeners {
        is_ready.await.unwrap();
        listening.push(task);
    }
    let request = SigningRequestSpec {
        creator: own,
        keys: nodes.iter().map(|(.., signer)| *signer).collect(),
        items: vec![Item { message: vec![1; 32], derivation: Derivation::None }],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: HOUR,
    };
    nodes.first().unwrap().0.announce_signing_request(request).await.unwrap();
    for (_, events, _) in &mut nodes {
        until(events, 1, |event| matches!(event, Event::SessionComplete(_))).await;
    }
    for (node, _, signer) in &nodes {
        node.withdraw_advertisement(*signer, "done".to_owned()).await.unwrap();
    }
    for task in listening {
        let heard = task.await.unwrap();
        let is_offer = |kind: &Kind| matches!(kind, Kind::SignerAdvertisement | Kind::SignerUnavailable);
        assert!(heard.iter().all(is_offer), "{heard:?}");
    }
    for (node, ..) in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_are_connected_to_a_signer_hear_nothing_of_its_sessions() {
    tokio::time::timeout(Duration::from_secs(60), three_sign_while_others_listen()).await.unwrap();
}
