//! Results through a whole node: signatures are handed out until they are noted, over restarts too.

use std::sync::Arc;
use std::time::Duration;

use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{
    CallError, CommandError, Config, Derivation, Difficulty, Events, Item, Keypair, LocalSigner, MemoryStore,
    NetConfig, NetworkId, Node, OsEntropy, RequestMetadata, RequestOptions, SecretKey, SigningRequestSpec,
};

/// A node that serves two signers, and keeps its records here.
async fn node(keys: &[[u8; 32]; 2], store: &Arc<MemoryStore>) -> (Node, Events) {
    let net = NetConfig::local(NetworkId::new("results").unwrap(), Keypair::generate());
    let config = Config::default().difficulty(Difficulty(0));
    let mut builder = Node::builder(net).store(Arc::clone(store)).policy(ApproveAll).config(config);
    for key in keys {
        builder = builder.signer(LocalSigner::new(SecretKey::from_bytes(key).unwrap(), OsEntropy));
    }
    builder.start().await.unwrap()
}

async fn completed(events: &mut Events) -> Event {
    loop {
        let event = events.next().await.unwrap().unwrap();
        if matches!(event, Event::SessionComplete(_)) {
            return event;
        }
    }
}

#[tokio::test]
async fn signatures_are_handed_out_over_restarts_until_they_are_noted() {
    let (keys, store) = ([[1; 32], [2; 32]], Arc::new(MemoryStore::default()));
    let signers: Vec<_> = keys.iter().map(|key| SecretKey::from_bytes(key).unwrap().public_key()).collect();
    let (first, mut events) = node(&keys, &store).await;
    let asked = SigningRequestSpec {
        creator: *signers.first().unwrap(),
        keys: signers,
        items: vec![Item { message: b"rent".to_vec(), derivation: Derivation::None }],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let (request, _) = first.announce_signing_request(asked).await.unwrap();
    let told = completed(&mut events).await;
    first.stop().await;

    let (second, mut events) = node(&keys, &store).await;
    assert_eq!(completed(&mut events).await, told);
    let results = second.results().await.unwrap();
    assert_eq!(results.into_iter().map(Event::SessionComplete).collect::<Vec<_>>(), [told]);
    second.note_result(request).await.unwrap();
    let again = second.note_result(request).await;
    assert!(matches!(again, Err(CallError::Command(CommandError::UnknownRequest(unknown))) if unknown == request));
    second.stop().await;

    let (third, _) = node(&keys, &store).await;
    assert!(third.results().await.unwrap().is_empty());
    third.stop().await;
}
