//! `motet status`, `motet peers`, `motet halt`: the node of a running signer.

use motet_daemon::api::{LogFilter, Peer, Status};
use serde_json::json;

use super::call::{client, explain, print};
use crate::args::{CalledArgs, LogArgs};
use crate::counted::counted;
use crate::exit::{Exit, Failed};
use crate::output::Output;
use crate::text::printable;

pub(super) async fn status(called: &CalledArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(called.json);
    let status = client(called)?.status().await.map_err(|error| explain(&error))?;
    print(&output, &lines(&status), &status)?;
    Ok(Exit::Success)
}

/// The state of a daemon for people.
fn lines(status: &Status) -> String {
    let Status {
        version,
        network,
        peer,
        signers,
        locked,
        uptime_ms,
        questions,
        sessions,
        results,
        connections,
        dht,
        ..
    } = status;
    let mut text = format!("motet {version} on the network {network}, for {} s\n", uptime_ms / 1000);
    for signer in signers {
        text.push_str(&format!("  signer      {signer}\n"));
    }
    if *locked {
        text.push_str("  locked      it signs nothing until `motet unlock`\n");
    }
    text.push_str(&format!("  peer        {peer}\n"));
    text.push_str(&format!("  waiting     {} for an approval\n", counted(*questions, "request")));
    text.push_str(&format!("  sessions    {sessions} open, {} not noted\n", counted(*results, "result")));
    let (peers, inbound, outbound) = (connections.peers, connections.inbound, connections.outbound);
    text.push_str(&format!("  connections {peers} peers, {inbound} inbound and {outbound} outbound\n"));
    text.push_str(&format!("  reachable   {}\n", connections.reachability));
    text.push_str(&format!("  DHT         {}, {} peers, {} records\n", dht.state, dht.peers, dht.records));
    if let Some(address) = &status.api {
        text.push_str(&format!("  page        http://{}/\n", printable(address)));
    }
    for named in &connections.named {
        let reason = named.reason.as_deref().map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
        text.push_str(&format!("  named       {} {}{reason}\n", printable(&named.address), named.contact));
    }
    text.trim_end().to_owned()
}

pub(super) async fn peers(called: &CalledArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(called.json);
    let peers = client(called)?.peers().await.map_err(|error| explain(&error))?.peers;
    for peer in &peers {
        let Peer { peer: id, address, direction, relayed } = peer;
        let relayed = if *relayed { ", through a relay" } else { "" };
        print(&output, &format!("{id}  {}  {direction}{relayed}", printable(address)), peer)?;
    }
    if peers.is_empty() {
        output.say("no connection");
    }
    Ok(Exit::Success)
}

/// Shows the filter of the log, or changes it.
pub(super) async fn log(args: LogArgs) -> Result<Exit, Failed> {
    const LOG: &str = "/v1/log";
    let output = Output::without_node(args.called.json);
    let client = client(&args.called)?;
    let told: Result<LogFilter, _> = match args.filter {
        Some(filter) => client.put(LOG, &LogFilter { filter }).await,
        None => client.get(LOG).await,
    };
    let told = told.map_err(|error| explain(&error))?;
    print(&output, &told.filter, &told)?;
    Ok(Exit::Success)
}

/// Ends the signer, and waits until it has ended: its events end then.
pub(super) async fn halt(called: &CalledArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(called.json);
    let client = client(called)?;
    let mut events = client.watch(None, None).await.map_err(|error| explain(&error))?;
    client.halt().await.map_err(|error| explain(&error))?;
    // A connection that breaks is an end, too.
    while let Some(Ok(_)) = events.next().await {}
    output.result("halted", &json!({"done": true}))?;
    Ok(Exit::Success)
}
