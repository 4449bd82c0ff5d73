//! Decisions that nobody waits for any more: the policy is told, and the future that decides is dropped. Real sockets on
//! loopback, both nodes in this process.

use std::time::Duration;

use async_trait::async_trait;
use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::event::{AbortCause, Event};
use motet_node::policy::{DeclineAll, Policy, RulePolicy, Rules};
use motet_node::{Decision, Events, LocalSigner, MemoryStore, Node, OsEntropy, Proposal, SigningRequestSpec};
use motet_wire::{Criteria, Derivation, Item, NetworkId, RequestId, RequestMetadata, RequestOptions, SignerMetadata};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const HOUR: Duration = Duration::from_secs(3600);

/// What a policy has seen of a question.
#[derive(Debug, PartialEq)]
enum Seen {
    Asked(RequestId),
    Over(RequestId, PublicKey, Option<Box<AbortCause>>),
    Dropped,
}

/// A person who never answers, and remembers what happens to the question.
#[derive(Debug)]
struct Undecided(UnboundedSender<Seen>);

struct Question(UnboundedSender<Seen>);

impl Drop for Question {
    fn drop(&mut self) {
        // The test may have seen enough.
        let _ = self.0.send(Seen::Dropped);
    }
}

#[async_trait]
impl Policy for Undecided {
    async fn decide(&self, proposal: Proposal) -> Decision {
        let _question = Question(self.0.clone());
        self.0.send(Seen::Asked(proposal.request)).unwrap();
        std::future::pending().await
    }

    fn over(&self, request: &RequestId, signer: &PublicKey, cause: Option<&AbortCause>) {
        self.0.send(Seen::Over(*request, *signer, cause.cloned().map(Box::new))).unwrap();
    }
}

/// A node and its signer.
async fn node(policy: impl Policy + 'static) -> (Node, Events, PublicKey) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signer = key.public_key();
    let net = NetConfig::local(NetworkId::new("decisions").unwrap(), Keypair::generate());
    let node = Node::builder(net).store(MemoryStore::default()).policy(policy);
    let (handle, events) = node.signer(LocalSigner::new(key, OsEntropy)).start().await.unwrap();
    handle.subscribe_to_all_signers().unwrap().keep();
    (handle, events, signer)
}

/// Somebody who asks, and an undecided one who has been asked.
struct Scene {
    asker: Node,
    asked: Node,
    signer: PublicKey,
    request: RequestId,
    seen: UnboundedReceiver<Seen>,
}

impl Scene {
    async fn new() -> Self {
        let (asker, mut events, own) = node(DeclineAll).await;
        let address = loop {
            if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
                break format!("{address}/p2p/{}", asker.peer_id());
            }
        };
        let (saw, mut seen) = unbounded_channel();
        // Rules that ask about everything hand on what they are told.
        let rules = RulePolicy::new(Rules::default(), Undecided(saw)).unwrap();
        let (asked, _, signer) = node(rules).await;
        asked.connect(parse_address(&address).unwrap()).await.unwrap();
        asker.advertise_signer(own, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
        asked.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
        while !matches!(events.next().await.unwrap().unwrap(), Event::SignerDiscovered(_)) {}
        let announcement = SigningRequestSpec {
            creator: own,
            keys: vec![own, signer],
            items: vec![Item { message: vec![1; 32], derivation: Derivation::None }],
            options: RequestOptions::default(),
            metadata: RequestMetadata::default(),
            lifetime: HOUR,
        };
        let (request, _) = asker.announce_signing_request(announcement).await.unwrap();
        // The asked node may be faster than the asker's own request on its way back.
        while !matches!(events.next().await.unwrap().unwrap(), Event::SigningRequestCreated(_)) {}
        assert_eq!(seen.recv().await, Some(Seen::Asked(request)));
        Self { asker, asked, signer, request, seen }
    }

    /// Why the question was over; its future has been dropped.
    async fn over(&mut self) -> Option<AbortCause> {
        let Some(Seen::Over(request, signer, cause)) = self.seen.recv().await else { panic!("it was not told") };
        assert_eq!((request, signer), (self.request, self.signer));
        assert_eq!(self.seen.recv().await, Some(Seen::Dropped));
        cause.map(|cause| *cause)
    }

    async fn end(self) {
        self.asker.stop().await;
        self.asked.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_taken_back_when_its_request_is_given_up() {
    let mut scene = Scene::new().await;
    scene.asker.abort_session(scene.request, "changed my mind".to_owned()).await.unwrap();
    let Some(AbortCause::Refused { detail, .. }) = scene.over().await else { panic!("another cause") };
    assert!(detail.contains("changed my mind"), "{detail}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_taken_back_when_its_signer_has_answered_by_a_command() {
    let mut scene = Scene::new().await;
    scene.asked.join_signing_request(scene.request, scene.signer).await.unwrap();
    assert_eq!(scene.over().await, None);
    scene.end().await;
    let mut scene = Scene::new().await;
    scene.asked.decline_signing_request(scene.request, scene.signer, "no".to_owned()).await.unwrap();
    assert_eq!(scene.over().await, None);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_taken_back_when_its_node_stops() {
    let mut scene = Scene::new().await;
    scene.asked.stop().await;
    assert_eq!(scene.seen.recv().await, Some(Seen::Dropped));
    scene.asker.stop().await;
}
