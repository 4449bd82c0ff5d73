//! Nodes over real sockets, with their events.

use motet_coordinator::Config;
use motet_coordinator::event::Event;
use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Keypair, NetConfig};
use motet_node::{Events, LocalSigner, MemoryStore, Node, OsEntropy};
use motet_wire::work::Free;
use motet_wire::{Difficulty, NetworkId};

/// A node with a signer, which signs nothing that others ask for, and where it listens.
pub(crate) async fn real_node(network: NetworkId) -> (Node, Events, PublicKey, String) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signer = key.public_key();
    let net = NetConfig::local(network, Keypair::generate());
    let node = Node::builder(net).store(MemoryStore::default()).work(Free);
    let node = node.config(Config::default().difficulty(Difficulty(0)));
    let (handle, mut events) = node.signer(LocalSigner::new(key, OsEntropy)).start().await.unwrap();
    handle.subscribe_to_all_signers().unwrap().keep();
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break format!("{address}/p2p/{}", handle.peer_id());
        }
    };
    (handle, events, signer, address)
}
