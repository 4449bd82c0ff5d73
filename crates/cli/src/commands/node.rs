//! `motet node`: be a node without a signer. Other nodes begin at it, are reached through it, and store in its part of the DHT.

use core::time::Duration;
use std::fs;
use std::path::Path;

use motet_net::{Keypair, Relaying};
use motet_node::{Clock, Node};
use serde_json::json;

use crate::args::KeylessArgs;
use crate::contact_book::ContactBook;
use crate::data_folder::{DataFolder, PEERS};
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::{Format, Output, note};
use crate::peer_node::{explain, public_net};

/// The name of the node in the timeline and in objects.
const NAME: &str = "node";
/// Pause between two writes of the metrics.
const METRICS: Duration = Duration::from_secs(15);
/// The ending of a file that is not complete yet.
const INCOMPLETE: &str = ".part";

pub(crate) async fn run(args: KeylessArgs) -> Result<Exit, Failed> {
    // From here on interrupts are remembered until they are handled.
    let mut interrupts = Interrupts::listen()?;
    let clock = Clock::start();
    let mut output = Output::new(Format::of(args.json), clock.now().mono);
    let data = DataFolder::without_signer(&args.data)?;
    let mut net =
        public_net(&args.network, Keypair::from_seed(*data.identity), &args.net, &ContactBook::read(&args.data)?)?;
    net.state = Some(args.data.join(PEERS));
    net.relaying = if args.no_relay { Relaying::Off } else { Relaying::On };
    let (node, mut events) = Node::builder(net).store(data.store).start().await.map_err(|error| explain(&error))?;
    // It tells newcomers of all signers.
    node.subscribe_to_all_signers().map_err(Failed::here)?.keep();
    let peer = node.peer_id().to_string();
    let mut told = write_metrics(&node, args.metrics.as_deref()).await;
    if told.is_ok() {
        let words = format!("node {peer}, without a signer; stop with Ctrl-C");
        told = output.result(&words, &json!({"event": "ready", "peer": peer}));
    }
    let mut rhythm = tokio::time::interval(METRICS);
    rhythm.reset();
    while told.is_ok() {
        tokio::select! {
            _ = rhythm.tick() => {
                // A full disk does not end the service.
                if let Err(failed) = write_metrics(&node, args.metrics.as_deref()).await {
                    note(&failed.to_string());
                }
            }
            event = events.next() => {
                let now = clock.now().mono;
                told = match event {
                    None => Err(Failed::here("the node has stopped")),
                    Some(Ok(event)) => output.event(NAME, now, &event),
                    Some(Err(lost)) => output.lost(NAME, now, lost),
                };
            }
            () = interrupts.next() => break,
        }
    }
    node.stop().await;
    told.map(|()| Exit::Success)
}

/// Replaces the file of metrics, if one is wanted: a reader finds the old text or the new one, and never a part.
async fn write_metrics(node: &Node, file: Option<&Path>) -> Result<(), Failed> {
    let Some(file) = file else { return Ok(()) };
    let text = node.metrics().await.map_err(Failed::here)?;
    let mut part = file.as_os_str().to_owned();
    part.push(INCOMPLETE);
    let written = fs::write(&part, text).and_then(|()| fs::rename(&part, file));
    written.map_err(|error| {
        let what = format!("cannot write metrics to {}: {error}", file.display());
        Failed::here(what).hint("mend that, or choose another file with --metrics FILE")
    })
}
