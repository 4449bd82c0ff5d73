//! The example program, run against another node: real sockets on loopback, both nodes in this process.

use std::time::Duration;

use motet_core_crypto::{PublicKey, SecretKey, schnorr};
use motet_net::{Keypair, NetConfig};
use motet_node::event::{AbortCause, Event};
use motet_node::{Events, LocalSigner, MemoryStore, Node, OsEntropy, SigningRequestSpec};
use motet_wire::{Criteria, Derivation, Item, NetworkId, RequestMetadata, RequestOptions, SignerMetadata};

#[path = "../../examples/embed.rs"]
#[expect(dead_code, unreachable_pub, reason = "its own `main` is for the command line")]
mod example;

const HOUR: Duration = Duration::from_secs(3600);

/// The node of whoever asks: its address, and its signer.
async fn node() -> (Node, Events, String, PublicKey) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signer = key.public_key();
    let net = NetConfig::local(NetworkId::new("example").unwrap(), Keypair::generate());
    let node = Node::builder(net).store(MemoryStore::default()).signer(LocalSigner::new(key, OsEntropy));
    let (handle, mut events) = node.start().await.unwrap();
    handle.subscribe_to_all_signers().unwrap().keep();
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break format!("{address}/p2p/{}", handle.peer_id());
        }
    };
    // Others have to know where to answer.
    handle.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
    (handle, events, address, signer)
}

/// Asks the first signer that turns up for this many signatures, and waits for how that ends.
async fn ask(handle: &Node, events: &mut Events, own: PublicKey, items: u8) -> Event {
    loop {
        match events.next().await.unwrap().unwrap() {
            Event::SignerDiscovered(found) => {
                let item = |number| Item { message: vec![number; 32], derivation: Derivation::None };
                let announcement = SigningRequestSpec {
                    creator: own,
                    keys: vec![own, found.advertisement.delegation.signer],
                    items: (1..=items).map(item).collect(),
                    options: RequestOptions::default(),
                    metadata: RequestMetadata::default(),
                    lifetime: HOUR,
                };
                handle.announce_signing_request(announcement).await.unwrap();
            }
            event @ (Event::SessionComplete(_) | Event::SessionAborted(_)) => return event,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_signer_signs_with_its_contact() {
    let (handle, mut events, address, own) = node().await;
    let (served, asked) = tokio::join!(example::serve(&address, own), ask(&handle, &mut events, own, 1));
    let served = served.unwrap();
    let Event::SessionComplete(completed) = asked else { panic!("{asked:?}") };
    assert_eq!(completed.items, served.items);
    let [item] = completed.items.as_slice() else { panic!("{completed:?}") };
    assert_eq!(item.message, [1; 32]);
    schnorr::verify(&item.aggregate_key, &item.message, &item.signature).unwrap();
    handle.stop().await;
}

/// A request that the embedded signer refuses, and why it says so.
async fn refused(contact: Option<PublicKey>, items: u8) -> String {
    let (handle, mut events, address, own) = node().await;
    let serving = example::serve(&address, contact.unwrap_or(own));
    let (served, asked) = tokio::join!(serving, ask(&handle, &mut events, own, items));
    assert!(served.unwrap_err().to_string().contains("no signature"));
    handle.stop().await;
    let Event::SessionAborted(aborted) = asked else { panic!("{asked:?}") };
    let AbortCause::Refused { signer, detail, .. } = aborted.cause else { panic!("{aborted:?}") };
    assert_ne!(signer, own);
    detail
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_signer_signs_with_nobody_but_its_contact() {
    let somebody_else = SecretKey::generate(&mut OsEntropy).unwrap().public_key();
    let reason = refused(Some(somebody_else), 1).await;
    assert!(reason.contains("this signer answers its contacts only"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_signer_signs_no_more_than_it_was_told_to() {
    let reason = refused(None, 2).await;
    assert!(reason.contains("this node signs only what it asks for itself"), "{reason}");
}

#[test]
fn the_example_is_short_and_needs_no_other_crate_of_motet() {
    let text = include_str!("../../examples/embed.rs");
    let lines = text.lines().count();
    assert!(lines <= 40, "{lines} lines");
    let others = text.match_indices("motet_").filter(|(at, _)| !text.split_at(*at).1.starts_with("motet_node")).count();
    assert_eq!(others, 0, "a wallet depends on motet-node alone");
}
