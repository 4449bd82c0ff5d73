//! Own messages of a node, which it knows at once. A real network part, and a real store, on loopback.

use std::time::Duration;

use motet_core_crypto::SecretKey;
use motet_net::{Keypair, NetConfig};
use motet_node::event::{AbortCause, Event, Phase};
use motet_node::policy::DeclineAll;
use motet_node::{LocalSigner, MemoryStore, Node, OsEntropy, SigningRequestSpec};
use motet_wire::{Derivation, Item, NetworkId, RequestMetadata, RequestOptions};

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_an_announced_request_is_known_to_status_and_abort_at_once() {
    let keys = [(); 2].map(|()| SecretKey::generate(&mut OsEntropy).unwrap());
    let [creator, other] = [&keys[0], &keys[1]].map(SecretKey::public_key);
    let net = NetConfig::local(NetworkId::new("inside").unwrap(), Keypair::generate());
    let builder = Node::builder(net).store(MemoryStore::default()).policy(DeclineAll);
    let [key, _] = keys;
    let (node, mut events) = builder.signer(LocalSigner::new(key, OsEntropy)).start().await.unwrap();
    let announcement = SigningRequestSpec {
        creator,
        keys: vec![creator, other],
        items: vec![Item { message: vec![1; 32], derivation: Derivation::None }],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(3600),
    };
    let (request, _) = node.announce_signing_request(announcement).await.unwrap();
    assert_eq!(node.session_status(request).await.unwrap().phase, Phase::Joining);
    node.abort_session(request, "a slip".to_owned()).await.unwrap();
    let ended = loop {
        if let Event::SessionAborted(ended) = events.next().await.unwrap().unwrap() {
            break ended;
        }
    };
    assert_eq!((ended.request, ended.cause), (request, AbortCause::Cancelled));
    node.stop().await;
}
