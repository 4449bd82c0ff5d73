//! A signer inside another program: `cargo run -p motet-node --example embed -- PEER CONTACT`.
//!
//! It joins the network through a peer (a multiaddr that ends in `/p2p/PEER_ID`), offers a new key, signs the first
//! message that its contact (a signer key) asks it to sign with nobody else, and ends.

#![expect(clippy::print_stdout, clippy::wildcard_enum_match_arm, reason = "it shows its result, and waits for little")]

use std::{error::Error, time::Duration};

use motet_node::event::{Completed, Event};
use motet_node::policy::{Condition, DeclineAll, Rule, RulePolicy, Rules, Verdict};
use motet_node::{
    Criteria, Keypair, LocalSigner, MemoryStore, NetConfig, NetworkId, Node, OsEntropy, PublicKey, SecretKey,
    SignerMetadata, parse_address,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (peer, contact) = arguments.next().zip(arguments.next()).ok_or("which PEER, and which CONTACT?")?;
    serve(&peer, contact.parse()?).await?.items.iter().for_each(|item| println!("{item:?}"));
    Ok(())
}

/// Serves one signer until it has signed, or until a request has failed.
pub async fn serve(peer: &str, contact: PublicKey) -> Result<Completed, Box<dyn Error>> {
    let when = vec![Condition::CosignersExactly([contact].into()), Condition::Items(1..=1)];
    let rules = vec![Rule { name: "one message with my contact".to_owned(), when, then: Verdict::Allow }];
    // What the rule does not allow, somebody would be asked about; here nobody is there.
    let rules = Rules { contacts: Some([contact].into()), rules, otherwise: Verdict::Ask };
    let policy = RulePolicy::new(rules, DeclineAll)?;
    let key = SecretKey::generate(&mut OsEntropy)?;
    let signer = key.public_key();
    let mut net = NetConfig::local(NetworkId::new("example")?, Keypair::generate());
    net.bootstrap.push(parse_address(peer)?);
    // A key that is kept needs a store that is kept, such as `RedbStore`.
    let node = Node::builder(net).store(MemoryStore::default()).policy(policy);
    let (node, mut events) = node.signer(LocalSigner::new(key, OsEntropy)).start().await?;
    // An offer is heard once somebody is there.
    while !matches!(events.next().await.transpose()?, Some(Event::DhtReady) | None) {}
    let (metadata, hour) = (SignerMetadata::default(), Duration::from_hours(1));
    node.advertise_signer(signer, Criteria::ANY, metadata, hour).await?;
    let ended = loop {
        match events.next().await.ok_or("the node has stopped")?? {
            Event::SessionComplete(completed) => break Ok(completed),
            Event::SessionAborted(aborted) => break Err(format!("no signature: {:?}", aborted.cause).into()),
            _ => {}
        }
    };
    // What is on its way to the others still goes.
    node.stop().await;
    ended
}
