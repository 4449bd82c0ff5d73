//! The order of sending and computing: frames leave before the node goes on computing, so that others work meanwhile. Real sockets on
//! loopback; the two nodes have runtimes of their own, as two processes have.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, SecretKey, Signature};
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{
    Config, Events, LocalSigner, MemoryStore, Node, NonceId, OsEntropy, Pace, Signer, SignerError, SigningItem,
    SigningRequestSpec,
};
use motet_wire::{
    Commitments, Criteria, Derivation, Item, NetworkId, RequestMetadata, RequestOptions, SignerIndex, SignerMetadata,
};
use tokio::runtime::Runtime;

const HOUR: Duration = Duration::from_secs(3600);
/// Longer than any machine takes. A node that computes first fails the test only then.
const GUARD: Duration = Duration::from_secs(30);

/// A signer that makes no nonces and does not sign before it is let.
#[derive(Debug)]
struct Gated {
    signer: LocalSigner<OsEntropy>,
    nonces: Mutex<mpsc::Receiver<()>>,
    signatures: Mutex<mpsc::Receiver<()>>,
}

impl Signer for Gated {
    fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    /// It computes on the thread of its node, and the node waits.
    fn pace(&self) -> Pace {
        Pace::Computes
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.signer.delegate(digest)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        self.nonces.lock().unwrap().recv_timeout(GUARD).map_err(|_| SignerError::Faulty)?;
        self.signer.generate_nonces(nonce_id, items)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        self.signatures.lock().unwrap().recv_timeout(GUARD).map_err(|_| SignerError::Faulty)?;
        self.signer.sign(nonce_id, items, nonces)
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.signer.forget(nonce_id);
    }
}

async fn node(signer: impl Signer + 'static, contact: PublicKey) -> (Node, Events) {
    let net = NetConfig::local(NetworkId::new("order").unwrap(), Keypair::generate());
    let config = Config::default().contacts([contact].into());
    let node = Node::builder(net).store(MemoryStore::default()).policy(ApproveAll).config(config);
    let (node, events) = node.signer(signer).start().await.unwrap();
    node.subscribe_to_all_signers().unwrap().keep();
    (node, events)
}

async fn until(events: &mut Events, is_wanted: impl Fn(&Event) -> bool) {
    loop {
        match events.next().await.unwrap().unwrap() {
            Event::SessionAborted(aborted) => panic!("{aborted:?}"),
            event if is_wanted(&event) => return,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_leaves_before_nonces_are_made_and_nonces_before_their_node_signs() {
    let other_runtime = Runtime::new().unwrap();
    let (key, other_key) = (SecretKey::generate(&mut OsEntropy).unwrap(), SecretKey::generate(&mut OsEntropy).unwrap());
    let (own, contact) = (key.public_key(), other_key.public_key());
    let ((let_make, nonces), (let_sign, signatures)) = (mpsc::channel(), mpsc::channel());
    let signer = LocalSigner::new(key, OsEntropy);
    let gated = Gated { signer, nonces: Mutex::new(nonces), signatures: Mutex::new(signatures) };
    let (asker, mut events) = node(gated, contact).await;
    let starting = other_runtime.spawn(node(LocalSigner::new(other_key, OsEntropy), own));
    let (asked, mut asked_events) = starting.await.unwrap();
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break parse_address(&format!("{address}/p2p/{}", asker.peer_id())).unwrap();
        }
    };
    asked.connect(address).await.unwrap();
    asked.advertise_signer(contact, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
    until(&mut events, |event| matches!(event, Event::SignerDiscovered(_))).await;
    let announcement = SigningRequestSpec {
        creator: own,
        keys: vec![own, contact],
        items: vec![Item { message: vec![1; 32], derivation: Derivation::None }],
        options: RequestOptions { commitments: Commitments::On, ..RequestOptions::default() },
        metadata: RequestMetadata::default(),
        lifetime: HOUR,
    };
    let announcing = tokio::spawn({
        let asker = asker.clone();
        async move { asker.announce_signing_request(announcement).await.map(drop) }
    });
    // The other node hears of the request, and of the nonces, while the asker's thread waits in its signer.
    until(&mut asked_events, |event| matches!(event, Event::SigningRequestReceived { .. })).await;
    let_make.send(()).unwrap();
    until(&mut asked_events, |event| matches!(event, Event::NonceReceived(nonce) if nonce.index == SignerIndex(0)))
        .await;
    let_sign.send(()).unwrap();
    until(&mut asked_events, |event| matches!(event, Event::SessionComplete(_))).await;
    until(&mut events, |event| matches!(event, Event::SessionComplete(_))).await;
    announcing.await.unwrap().unwrap();
    asker.stop().await;
    asked.stop().await;
    other_runtime.shutdown_background();
}
