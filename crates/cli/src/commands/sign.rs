//! `motet sign`: ask other signers for a signature.

use std::collections::BTreeMap;

use motet_core_crypto::{PublicKey, schnorr};
use motet_node::event::Completed;
use motet_node::{Audience, Clock, SigningRequestSpec};
use motet_wire::{Commitments, Item, RequestMetadata, RequestOptions, limits};
use serde_json::json;

use super::asking;
use crate::args::{Message, Named, SignArgs};
use crate::asker::Asker;
use crate::exit::{Exit, Failed};
use crate::files;
use crate::interrupt::Interrupts;
use crate::output::{Format, Output};
use crate::search::explain;
use crate::text::printable;

pub(crate) async fn run(args: SignArgs) -> Result<Exit, Failed> {
    let mut interrupts = Interrupts::listen()?;
    let clock = Clock::start();
    let mut output = Output::new(Format::of(args.node.json), clock.now().mono);
    let (node, announcement) = interrupts.unless(prepare(&args, &mut output)).await?;
    let audience = if args.private { Audience::Members(BTreeMap::new()) } else { Audience::Public };
    asking::ask(node, announcement, audience, show, &mut interrupts, clock, &mut output).await
}

/// Looks for the other signers. Returns the request to announce, and the node that announces it.
async fn prepare(args: &SignArgs, output: &mut Output) -> Result<(Asker, SigningRequestSpec), Failed> {
    let messages = messages(args)?;
    let node = Asker::start(&args.node, |signer| SignArgs::check_others(&args.with, signer)).await?;
    // A name of a contact is certain; a nickname is not.
    let contacts = node.contacts()?;
    let with: Vec<Named> = args.with.iter().map(|named| contacts.resolve(named)).collect();
    SignArgs::check_others(&with, &node.signer())?;
    output.learn(node.signer(), node.nickname());
    output.say(&format!("looking for {} …", printable(&asking::list(&args.with))));
    // A node that only asks is not on offer: the others answer on the connections on which they are asked.
    let others = match asking::find(&with, args.find_timeout, &node).await {
        Ok(others) => others,
        Err(failed) => return Err(explain(failed, &node).await),
    };
    for other in &others {
        output.learn(other.signer, &other.nickname);
    }
    for entry in contacts.entries() {
        output.learn(entry.contact.signer, &entry.name);
    }
    let mut keys: Vec<PublicKey> = others.iter().map(|other| other.signer).chain([node.signer()]).collect();
    // The usual order (BIP-327 KeySort), so that the same signers get the same key again.
    keys.sort();
    let item = |message| Item { message, derivation: args.derivation() };
    let commitments = if args.no_commitments { Commitments::Off } else { Commitments::On };
    let announcement = SigningRequestSpec {
        creator: node.signer(),
        keys,
        items: messages.into_iter().map(item).collect(),
        options: RequestOptions { commitments, election: args.election.into(), ..RequestOptions::default() },
        metadata: RequestMetadata {
            description: args.description.clone().unwrap_or_default(),
            amount: args.amount,
            transaction_type: args.transaction_type.clone().unwrap_or_default(),
            ..RequestMetadata::default()
        },
        lifetime: args.join_timeout,
    };
    asking::check_open_ends(args.despite_open, &node, &announcement, output).await?;
    Ok((node, announcement))
}

/// The messages: texts, hexadecimal digits, and contents of files, in this order.
fn messages(args: &SignArgs) -> Result<Vec<Vec<u8>>, Failed> {
    let typed = args.message.iter().chain(&args.message_hex).cloned().map(Message::into_bytes);
    let mut messages: Vec<Vec<u8>> = typed.collect();
    for path in &args.message_file {
        let name = path.display();
        let wrong = |what: &str| Failed::usage(format!("--message-file: {name}: {what}"));
        let most = u64::try_from(limits::ITEM_MESSAGE).unwrap_or(u64::MAX);
        let content = files::read_up_to(path, most).map_err(|error| Failed::here(format!("{name}: {error}")))?;
        let content =
            content.ok_or_else(|| wrong(&format!("it has more than {most} bytes; sign a hash of it instead")))?;
        let message = Message::of_file(content).map_err(|what| wrong(&what))?;
        if message.may_be_hash() && !args.blind {
            let failed = wrong("these are 32 bytes, which may be the hash of a payment");
            return Err(failed.hint("say --blind to sign the hash all the same"));
        }
        messages.push(message.into_bytes());
    }
    Ok(messages)
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
