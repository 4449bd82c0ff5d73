//! The needs of a node before it starts.

use std::sync::Arc;

use motet_core_crypto::SecretKey;
use motet_net::{DhtState, Keypair, NetConfig};
use motet_node::policy::{DeclineAll, Policy};
use motet_node::{LocalSigner, MemoryStore, Node, NodeBuilder, NodeError, OsEntropy, Signer, Store};
use motet_wire::{NetworkId, Rule};

fn builder() -> NodeBuilder {
    Node::builder(NetConfig::local(NetworkId::new("builder").unwrap(), Keypair::generate()))
}

fn signer() -> LocalSigner<OsEntropy> {
    LocalSigner::new(SecretKey::generate(&mut OsEntropy).unwrap(), OsEntropy)
}

#[tokio::test]
async fn a_node_with_a_signer_does_not_start_without_a_store() {
    let refused = builder().signer(signer()).start().await.unwrap_err();
    assert!(matches!(refused, NodeError::NoStore), "{refused}");
}

#[tokio::test]
async fn a_node_without_signers_needs_no_store() {
    let (node, _) = builder().start().await.unwrap();
    assert!(node.sessions().await.unwrap().is_empty());
    node.stop().await;
}

#[tokio::test]
async fn what_a_program_shares_with_its_node_may_be_given_as_an_arc() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let policy: Arc<dyn Policy> = Arc::new(DeclineAll);
    let signer: Arc<dyn Signer> = Arc::new(signer());
    let (node, _) =
        builder().store(Arc::clone(&store)).policy(policy).signer(Arc::clone(&signer)).start().await.unwrap();
    node.stop().await;
    // The node has certified its message key, and its records are in the store that the program holds.
    let delegated = store.load().unwrap().delegated;
    assert_eq!(delegated.first().map(|(key, _)| *key), Some(signer.public_key()));
}

#[tokio::test]
async fn a_node_shows_a_counter_of_every_rule_and_ends_in_the_state_stopped() {
    let (node, _) = builder().start().await.unwrap();
    let text = node.metrics().await.unwrap();
    for rule in Rule::ALL {
        assert!(text.contains(&format!("motet_rejected_total{{rule=\"{}\"", rule.code())), "{rule}\n{text}");
    }
    assert!(text.contains("motet_queue{queue=\"backlog\"} 0\n"), "{text}");
    assert!(node.peers().await.unwrap().is_empty());
    assert_eq!(node.dht_stats().await.unwrap().state, DhtState::Initialized);
    node.stop().await;
    assert_eq!(node.dht_stats().await.unwrap().state, DhtState::Stopped);
}
