//! Nodes over real sockets, with their events.

use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Keypair, NetConfig};
use motet_node::{Config, DeclineAll, Event, LocalSigner, MemoryStore, Node, OsEntropy};
use motet_node::{Events, Handle};
use motet_wire::work::Free;
use motet_wire::{Difficulty, NetworkId};

/// A node with a signer, which signs nothing that others ask for, and where it listens.
pub(crate) async fn real_node(network: NetworkId) -> (Handle, Events, PublicKey, String) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signer = key.public_key();
    let net = NetConfig::local(network, Keypair::generate()).unwrap();
    let node = Node::new(net, Arc::new(MemoryStore::default()), Arc::new(DeclineAll)).work(Arc::new(Free));
    let node = node.config(Config { difficulty: Difficulty(0), ..Config::default() });
    let (handle, mut events) = node.signer(Arc::new(LocalSigner::new(key, OsEntropy))).start().await.unwrap();
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap() {
            break format!("{address}/p2p/{}", handle.peer_id());
        }
    };
    (handle, events, signer, address)
}
