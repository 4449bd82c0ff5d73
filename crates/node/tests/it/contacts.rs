//! Contacts: what they ask needs no proof of work, and what is asked of them is sent without one. Real sockets on loopback, both nodes
//! in this process.

use std::time::Duration;

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{Config, Events, LocalSigner, MemoryStore, Node, OsEntropy, SigningRequestSpec};
use motet_wire::{
    Criteria, Derivation, Difficulty, HashWork, Item, NetworkId, RequestMetadata, RequestOptions, SignerMetadata,
};

const HOUR: Duration = Duration::from_secs(3600);

/// A node that has this contact, and puts so much work on what it announces.
async fn node(key: SecretKey, contact: PublicKey, difficulty: Difficulty) -> (Node, Events) {
    let net = NetConfig::local(NetworkId::new("contacts").unwrap(), Keypair::generate());
    let config = Config::default().contacts([contact].into()).difficulty(difficulty);
    let work = HashWork { floor: Difficulty(4), ceiling: Difficulty(4) };
    let node = Node::builder(net).store(MemoryStore::default()).policy(ApproveAll).config(config).work(work);
    let (node, events) = node.signer(LocalSigner::new(key, OsEntropy)).start().await.unwrap();
    node.subscribe_to_all_signers().unwrap().keep();
    (node, events)
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_sign_for_each_other_without_a_proof_of_work() {
    let (key, other_key) = (SecretKey::generate(&mut OsEntropy).unwrap(), SecretKey::generate(&mut OsEntropy).unwrap());
    let (own, contact) = (key.public_key(), other_key.public_key());
    // Nobody finds a proof that is worth 200 bits: what this node says has none, or is not said.
    let (asker, mut events) = node(key, contact, Difficulty(200)).await;
    let (asked, _) = node(other_key, own, Difficulty(4)).await;
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break parse_address(&format!("{address}/p2p/{}", asker.peer_id())).unwrap();
        }
    };
    asked.connect(address).await.unwrap();
    asked.advertise_signer(contact, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
    while !matches!(events.next().await.unwrap().unwrap(), Event::SignerDiscovered(_)) {}
    let announcement = SigningRequestSpec {
        creator: own,
        keys: vec![own, contact],
        items: vec![Item { message: vec![1; 32], derivation: Derivation::None }],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: HOUR,
    };
    let announced = tokio::time::timeout(Duration::from_secs(60), asker.announce_signing_request(announcement));
    let (request, _) = announced.await.expect("no proof of work is looked for").unwrap();
    loop {
        match events.next().await.unwrap().unwrap() {
            Event::SessionComplete(complete) if complete.request == request => break,
            Event::SessionAborted(aborted) => panic!("{aborted:?}"),
            _ => {}
        }
    }
    asker.stop().await;
    asked.stop().await;
}
