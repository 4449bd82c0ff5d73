//! `motet sign`: ask other signers for a signature.

use std::sync::Arc;

use motet_core_crypto::{PublicKey, schnorr};
use motet_node::event::Completed;
use motet_node::policy::DeclineAll;
use motet_node::{Audience, Clock, SigningRequestSpec};
use motet_wire::{Derivation, Item, RequestMetadata, RequestOptions};
use serde_json::json;

use super::asking;
use crate::args::{SignArgs, message};
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::{Format, Output};
use crate::peer_node::PeerNode;
use crate::search::explain;
use crate::text::printable;

pub(crate) async fn run(args: SignArgs) -> Result<Exit, Failed> {
    let mut interrupts = Interrupts::listen()?;
    let clock = Clock::start();
    let mut output = Output::new(Format::of(args.node.json), clock.now().mono);
    let (node, announcement) = interrupts.unless(prepare(&args, &mut output)).await?;
    asking::ask(node, announcement, Audience::Public, show, &mut interrupts, clock, &mut output).await
}

/// Starts a node, and looks for the other signers. Returns the request to announce.
async fn prepare(args: &SignArgs, output: &mut Output) -> Result<(PeerNode, SigningRequestSpec), Failed> {
    let message = message(args.message.as_ref(), args.message_hex.as_ref())?;
    let check = |signer: &PublicKey| args.check_others(signer);
    let node = PeerNode::start(&args.node, Arc::new(DeclineAll), check).await?;
    output.learn(node.signer, &node.nickname);
    output.say(&format!("looking for {} …", printable(&asking::list(&args.with))));
    // A node that only asks is not on offer: the others answer on the connections on which they are asked.
    let others = match asking::find(&args.with, args.find_timeout, &node).await {
        Ok(others) => others,
        Err(failed) => return Err(explain(failed, &node).await),
    };
    for other in &others {
        output.learn(other.delegation.signer, &other.metadata.nickname);
    }
    let mut keys: Vec<PublicKey> = others.iter().map(|other| other.delegation.signer).chain([node.signer]).collect();
    // The usual order (BIP-327 KeySort), so that the same signers get the same key again.
    keys.sort();
    let derivation = if args.taproot { Derivation::Taproot { merkle_root: None } } else { Derivation::None };
    let announcement = SigningRequestSpec {
        creator: node.signer,
        keys,
        items: vec![Item { message, derivation }],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: args.join_timeout,
    };
    asking::check_open_ends(args.despite_open, &node, &announcement, output).await?;
    Ok((node, announcement))
}

/// Shows the signatures, after another look at each.
fn show(completed: &Completed, output: &Output) -> Result<(), Failed> {
    for item in &completed.items {
        schnorr::verify(&item.aggregate_key, &item.message, &item.signature)
            .map_err(|error| Failed::new(Exit::Invalid, error))?;
    }
    let lines = asking::lines(completed);
    let object = json!({"event": "result", "request": completed.request.to_string(), "items": completed.items});
    output.result(&lines, &object).map_err(|failed| {
        // It cannot be asked for again, so the message of the failure contains it.
        let made = format!("the signature has been made, but {}", failed.what);
        Failed::new(failed.exit, made).hint(lines.trim_start().to_owned())
    })
}
