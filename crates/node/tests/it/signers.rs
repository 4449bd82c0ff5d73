//! Signers that come and go while their node runs.

use core::time::Duration;

use motet_core_crypto::SecretKey;
use motet_net::{Keypair, NetConfig};
use motet_node::{CallError, CommandError, LocalSigner, MemoryStore, Node, NodeBuilder, OsEntropy, SignerQuery};
use motet_wire::{Criteria, NetworkId, SignerMetadata};

fn builder() -> NodeBuilder {
    Node::builder(NetConfig::local(NetworkId::new("signers").unwrap(), Keypair::generate()))
}

#[tokio::test]
async fn signers_come_and_go_while_their_node_runs() {
    let (node, _) = builder().store(MemoryStore::default()).start().await.unwrap();
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let bytes = *key.dangerous_to_bytes();
    let signer = key.public_key();
    let advertise = async |node: &Node| {
        let (criteria, metadata) = (Criteria::ANY, SignerMetadata::default());
        node.advertise_signer(signer, criteria, metadata, Duration::from_secs(3600)).await
    };
    let unknown = CallError::Command(CommandError::UnknownSigner(signer));
    assert_eq!(advertise(&node).await.unwrap_err(), unknown);
    assert_eq!(node.remove_signer(signer).await.unwrap_err(), unknown);
    let mut key = Some(key);
    for _ in 0..2 {
        let key = key.take().unwrap_or_else(|| SecretKey::from_bytes(&bytes).unwrap());
        node.add_signer(LocalSigner::new(key, OsEntropy)).await.unwrap();
        advertise(&node).await.unwrap();
        node.remove_signer(signer).await.unwrap();
        assert_eq!(advertise(&node).await.unwrap_err(), unknown);
    }
    assert!(node.find_known_signers(SignerQuery::default()).await.is_ok());
    node.stop().await;
}

#[tokio::test]
async fn a_node_without_a_store_serves_no_signer() {
    let (node, _) = builder().start().await.unwrap();
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    assert_eq!(node.add_signer(LocalSigner::new(key, OsEntropy)).await.unwrap_err(), CallError::NoStore);
    node.stop().await;
}
