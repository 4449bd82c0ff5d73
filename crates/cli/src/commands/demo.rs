//! `motet demo`: strangers find each other and sign, in one process, over real sockets on loopback.

mod bitcoin;
mod stage;

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{KeyAggContext, SecretKey, schnorr};
use motet_node::policy::ApproveAll;
use motet_node::{Clock, OsEntropy, Registry, SigningRequestSpec};
use motet_wire::{Derivation, Item, RequestMetadata, RequestOptions};
use serde_json::json;

use crate::args::DemoArgs;
use crate::counted::counted;
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};
use stage::{LIFETIME, Player, Results, Stage};

/// The transaction type that the signers of the demonstration sign.
const TRANSACTION_TYPE: &str = "demo";
/// Time limit of the whole demonstration.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn run(args: DemoArgs) -> Result<Exit, Failed> {
    let clock = Clock::start();
    let mut output = Output::new(Format::of(args.json), clock.now().mono);
    let demonstration = async {
        if args.bitcoin {
            bitcoin::demonstrate(args.signers.into(), clock, &mut output).await
        } else {
            demonstrate(&args, clock, &mut output).await
        }
    };
    let done = tokio::time::timeout(PATIENCE, demonstration).await;
    done.unwrap_or_else(|_| Err(Failed::here(format!("the demonstration did not end within {PATIENCE:?}"))))
}

async fn demonstrate(args: &DemoArgs, clock: Clock, output: &mut Output) -> Result<Exit, Failed> {
    let mut players = Vec::new();
    for number in 0..args.signers.into() {
        let key = SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?;
        let (name, policy) = (stage::name(number), Arc::new(ApproveAll));
        players.push(Player { name, key, policy, groups: Registry::new() });
    }
    let mut stage = Stage::open(players, TRANSACTION_TYPE, clock, output).await?;
    let keys = stage.find(output).await?;
    let creator = stage.creator()?;
    let announcement = SigningRequestSpec {
        creator: creator.signer,
        keys,
        items: (1..=args.items).map(|number| item(&args.message, number, args.items)).collect(),
        options: RequestOptions::default(),
        metadata: RequestMetadata {
            description: "a demonstration".to_owned(),
            transaction_type: TRANSACTION_TYPE.to_owned(),
            ..RequestMetadata::default()
        },
        lifetime: LIFETIME,
    };
    creator.handle.announce_signing_request(announcement.clone()).await.map_err(Failed::here)?;
    let results = stage.collect(output).await?;
    report(&announcement, &results, output)
}

fn item(message: &str, number: u8, count: u8) -> Item {
    let message = if count == 1 { message.to_owned() } else { format!("{message} #{number}") };
    Item { message: message.into_bytes(), derivation: Derivation::Taproot { merkle_root: None } }
}

/// Shows the results, and verifies them from nothing but the list of keys and the messages.
fn report(announcement: &SigningRequestSpec, results: &Results, output: &Output) -> Result<Exit, Failed> {
    let context = KeyAggContext::new(&announcement.keys).map_err(Failed::here)?;
    let context = context.with_taproot(None).map_err(Failed::here)?;
    let verified = results.of_nodes.iter().all(|(_, result)| {
        result.items.len() == announcement.items.len()
            && result.items.iter().zip(&announcement.items).all(|(signed, item)| {
                schnorr::verify(&context.aggregate_key(), &item.message, &signed.signature).is_ok()
            })
    });
    if !(verified && results.are_identical()) {
        return Err(Failed::new(Exit::Invalid, "the signatures do not verify, or differ between nodes"));
    }
    let mut lines = format!("\n  aggregate key  {}\n", context.aggregate_key());
    for item in results.of_nodes.first().map(|(_, result)| result.items.as_slice()).unwrap_or_default() {
        lines.push_str(&format!("  message        {}\n", String::from_utf8_lossy(&item.message)));
        lines.push_str(&format!("  signature      {}\n", item.signature));
    }
    let took = results.took;
    lines.push_str(&format!(
        "  verdict        valid: {} nodes, {}, {took} ms from announcement to signature",
        results.of_nodes.len(),
        if announcement.items.len() == 1 {
            "the same signature".to_owned()
        } else {
            format!("the same {}", counted(announcement.items.len(), "signature"))
        },
    ));
    let nodes: Vec<_> = results
        .of_nodes
        .iter()
        .map(|(signer, result)| json!({"signer": signer.to_string(), "items": result.items}))
        .collect();
    output.result(&lines, &json!({"event": "result", "announce_to_signature_ms": took, "nodes": nodes}))?;
    Ok(Exit::Success)
}
