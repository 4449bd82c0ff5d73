//! `motet sign`: ask other signers for a signature.

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::event::Completed;
use motet_coordinator::node::{CallError, Clock};
use motet_coordinator::{Announcement, DeclineAll, Event, Wishes};
use motet_core_crypto::{PublicKey, schnorr};
use motet_wire::{
    Criteria, Derivation, Item, RequestId, RequestMetadata, RequestOptions, SignerAdvertisement, SignerMetadata,
};
use serde_json::json;

use super::run::{outcome, over};
use crate::args::{Named, SignArgs, message, words};
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::{Format, Output, items};
use crate::peer_node::PeerNode;
use crate::search::{explain, search};
use crate::text::printable;

/// How long it may take to tell the others that this node gives up.
const FAREWELL: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: SignArgs) -> Result<Exit, Failed> {
    let mut interrupts = Interrupts::listen()?;
    let clock = Clock::start();
    let mut output = Output::new(Format::of(args.node.json), clock.now().mono);
    let (mut node, announcement) = interrupts.unless(prepare(&args, &mut output)).await?;
    // From here on others may hear of it, and are told if it is given up.
    let (request, _) = node.handle.announce_signing_request(announcement).await.map_err(Failed::here)?;
    let mut farewell = None;
    let mut untold = false;
    let mut unsaid = None;
    let ended = loop {
        tokio::select! {
            event = node.events.next() => {
                let Some(event) = event else { return Err(Failed::here("the node has stopped")) };
                // The signature matters more than what is said on the way to it.
                if let Err(failed) = output.event(&node.nickname, clock.now().mono, &event) {
                    unsaid.get_or_insert(failed);
                }
                if untold && matches!(event, Event::SigningRequestCreated(_)) {
                    untold = give_up(&node, request).await.is_err();
                }
                if let Event::SessionComplete(completed) = &event
                    && let Err(failed) = show(completed, &output)
                {
                    break Err(failed);
                }
                if let Some(ended) = outcome(&event, &node.signer, &output) {
                    break ended;
                }
            }
            () = interrupts.next() => {
                // The others need not wait for nothing; a second interrupt does not wait for them.
                if farewell.is_some() {
                    break Err(Interrupts::cancelled());
                }
                // Its own request may not have come back to it yet.
                untold = give_up(&node, request).await.is_err();
                farewell = Some(Box::pin(tokio::time::sleep(FAREWELL)));
            }
            () = over(farewell.as_mut()) => break Err(Interrupts::cancelled()),
        }
    };
    node.handle.stop().await;
    ended.and_then(|exit| unsaid.map_or(Ok(exit), Err))
}

async fn give_up(node: &PeerNode, request: RequestId) -> Result<(), CallError> {
    node.handle.abort_session(request, "given up by its asker".to_owned()).await
}

/// Starts a node, and looks for the others. What to ask them.
async fn prepare(args: &SignArgs, output: &mut Output) -> Result<(PeerNode, Announcement), Failed> {
    let message = message(args.message.as_ref(), args.message_hex.as_ref())?;
    let check = |signer: &PublicKey| args.check_others(signer);
    let mut node = PeerNode::start(&args.node, Arc::new(DeclineAll), check).await?;
    output.learn(node.signer, &node.nickname);
    output.say(&format!("looking for {} …", printable(&list(&args.with))));
    // The others have to know where to answer; what that costs is paid while they are looked for.
    let metadata = SignerMetadata { nickname: node.nickname.clone(), ..SignerMetadata::default() };
    let offer = async {
        let offered = node.handle.advertise_signer(node.signer, Criteria::ANY, metadata, args.join_timeout * 2).await;
        offered.map_err(Failed::here)
    };
    let others = match tokio::try_join!(offer, find(args, &node)) {
        Ok((_, others)) => others,
        Err(failed) => return Err(explain(failed, &mut node, &args.node.peer).await),
    };
    for other in &others {
        output.learn(other.delegation.signer, &other.metadata.nickname);
    }
    let mut keys: Vec<PublicKey> = others.iter().map(|other| other.delegation.signer).chain([node.signer]).collect();
    // The usual order (BIP-327 KeySort): whoever signs with the same signers again gets the same key.
    keys.sort();
    let derivation = if args.taproot { Derivation::Taproot { merkle_root: None } } else { Derivation::None };
    let announcement = Announcement {
        creator: node.signer,
        keys,
        items: vec![Item { message, derivation }],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: args.join_timeout,
    };
    Ok((node, announcement))
}

/// Shows the signatures, after another look at each.
fn show(completed: &Completed, output: &Output) -> Result<(), Failed> {
    let mut lines = String::new();
    for item in &completed.items {
        schnorr::verify(&item.aggregate_key, &item.message, &item.signature)
            .map_err(|error| Failed::new(Exit::Invalid, error))?;
        lines.push_str(&format!("\n  aggregate key  {}\n  signature      {}", item.aggregate_key, item.signature));
    }
    output.result(&lines, &json!({"event": "result", "items": items(completed)})).map_err(|failed| {
        // It cannot be asked for again: whoever reads this takes it from here.
        let made = format!("the signature has been made, but {}", failed.what);
        Failed::new(failed.exit, made).hint(lines.trim_start().to_owned())
    })
}

/// The advertisements of all signers that were named.
async fn find(args: &SignArgs, node: &PeerNode) -> Result<Vec<SignerAdvertisement>, Failed> {
    let mut missing = args.with.clone();
    let look = |known: &[SignerAdvertisement]| {
        let mut found: Vec<(&Named, &SignerAdvertisement)> = Vec::new();
        missing.clear();
        for wanted in &args.with {
            let Some(offer) = pick(known, wanted, &node.signer)? else {
                missing.push(wanted.clone());
                continue;
            };
            let signer = offer.delegation.signer;
            if let Some((earlier, _)) = found.iter().find(|(_, other)| other.delegation.signer == signer) {
                let failed = format!("--with: {} and {} are one signer", shown(earlier), shown(wanted));
                return Err(Failed::usage(failed).hint("name each signer once"));
            }
            found.push((wanted, offer));
        }
        Ok(missing.is_empty().then(|| found.into_iter().map(|(_, offer)| offer.clone()).collect()))
    };
    let found = search(node, &Wishes::default(), args.find_timeout, look).await?;
    found.ok_or_else(|| {
        let what = format!("not found within {}: {}", words(args.find_timeout), list(&missing));
        Failed::new(Exit::NotFound, what)
    })
}

/// The signer with this nickname or key. Two with one nickname are an error: nicknames prove nothing.
fn pick<'a>(
    known: &'a [SignerAdvertisement],
    wanted: &Named,
    own: &PublicKey,
) -> Result<Option<&'a SignerAdvertisement>, Failed> {
    let mut matching = known.iter().filter(|offer| offer.delegation.signer != *own && wanted.matches(offer));
    let first = matching.next();
    if matching.next().is_some() {
        let failed = Failed::new(Exit::NotFound, format!("several signers call themselves {}", shown(wanted)));
        return Err(failed.hint("name it by its key; `motet find` lists the keys"));
    }
    Ok(first)
}

fn shown(named: &Named) -> String {
    printable(&named.to_string())
}

fn list(named: &[Named]) -> String {
    named.iter().map(shown).collect::<Vec<_>>().join(", ")
}
