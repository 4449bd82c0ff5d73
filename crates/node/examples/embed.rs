//! A signer inside another program: `cargo run -p motet-node --example embed -- PEER CONTACT` joins the network
//! through PEER, a multiaddr with `/p2p/PEER_ID`, and signs the first message that CONTACT, a signer key, wants signed with it alone.
#![expect(clippy::print_stdout, clippy::wildcard_enum_match_arm, reason = "it shows its result, and waits for little")]

use motet_node::event::{Completed, Event};
use motet_node::policy::{Condition, DeclineAll, Rule, RulePolicy, Rules, Verdict};
use motet_node::{Criteria, Keypair, LocalSigner, MemoryStore, NetConfig, NetworkId, Node, OsEntropy, PublicKey};
use motet_node::{SecretKey, SignerMetadata, parse_address};
use std::{error::Error, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (peer, contact) = std::env::args().nth(1).zip(std::env::args().nth(2)).ok_or("name PEER and CONTACT")?;
    println!("{:?}", serve(&peer, contact.parse()?).await?.items);
    Ok(())
}

/// Serves one signer until it has signed, or until a request has failed.
pub async fn serve(peer: &str, contact: PublicKey) -> Result<Completed, Box<dyn Error>> {
    let when = vec![Condition::CosignersExactly([contact].into()), Condition::Items(1..=1)];
    let rule = Rule { name: "one message with my contact".to_owned(), when, then: Verdict::Allow };
    let rules = Rules { contacts: Some([contact].into()), rules: vec![rule], otherwise: Verdict::Ask };
    let policy = RulePolicy::new(rules, DeclineAll)?; // Nobody is here to be asked, so DeclineAll answers.
    let (key, hour) = (SecretKey::generate(&mut OsEntropy)?, Duration::from_hours(1));
    let signer = key.public_key();
    let mut net = NetConfig::local(NetworkId::new("example")?, Keypair::generate());
    net.bootstrap.push(parse_address(peer)?);
    let node = Node::builder(net).store(MemoryStore::default()).policy(policy); // A kept key needs a RedbStore.
    let (node, mut events) = node.signer(LocalSigner::new(key, OsEntropy)).start().await?;
    node.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), hour).await?;
    let ended = loop {
        match events.next().await.ok_or("the node has stopped")?? {
            Event::SessionComplete(completed) => break Ok(completed),
            Event::SessionAborted(aborted) => break Err(format!("no signature: {:?}", aborted.cause).into()),
            _ => {}
        }
    };
    node.stop().await; // What is on its way to the others is sent first.
    ended
}
