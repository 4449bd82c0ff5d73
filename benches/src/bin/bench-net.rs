//! Measures the network and prints one JSON object or one row a line: `cargo xtask bench-net`.
//!
//! Usage: `bench-net [--json] [--nodes 2,10,..] [--runs N] [--only direct,gossip,dht,memory,idle,index,bystanders,cluster]
//! [--channel gossip,direct,dht] [--signers 100,1000,..] [--of ours,bare] [--seconds 120]`.
//! `bench-net --only floods [--attack gossip,direct,reconnecting,silent] [--seconds 8]` and `bench-net --only soak [--nodes 10] [--minutes 60]`: they
//! want a quiet machine, so they run only when they are named.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a report is what this is for")]

use std::process::{Command, ExitCode};
use std::time::Duration;

use motet_benches::network::attackers;
use motet_benches::network::bare::Bare;
use motet_benches::network::beside::{self, Samples};
use motet_benches::network::bystanders::overheard;
use motet_benches::network::cluster::{Channel, spread};
use motet_benches::network::flood::{self, Suffered};
use motet_benches::network::footprint::footprint;
use motet_benches::network::idle::idle;
use motet_benches::network::index::Storing;
use motet_benches::network::node::Sockets;
use motet_benches::network::ours::Ours;
use motet_benches::network::soak::{self, Minute};
use motet_benches::network::victim::{self, Defence};
use motet_benches::session::group::Failure;
use motet_benches::session::percentile;
use serde_json::{Value, json};

/// Clusters of more nodes have no sockets: their ports and buffers are the system's.
const ON_SOCKETS: usize = 50;

struct Arguments {
    json: bool,
    nodes: Option<Vec<usize>>,
    runs: u64,
    only: Vec<String>,
    channels: Vec<Channel>,
    signers: Vec<usize>,
    of: Vec<String>,
    attacks: Vec<String>,
    victim: Option<Defence>,
    /// The duration of a flood, or the rest of idle nodes and the time for which they are watched after it.
    seconds: Option<u64>,
    /// The duration of a soak.
    minutes: u64,
    /// The node that this process attacks.
    victim_at: Option<String>,
    /// The attackers of this process, and the networks of their addresses.
    attackers: [u8; 2],
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let words = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut parsed = Arguments {
        json: false,
        nodes: None,
        runs: 200,
        only: words("direct,gossip,dht,memory,idle,index,bystanders,cluster"),
        channels: Channel::ALL.to_vec(),
        signers: vec![100, 1_000, 10_000],
        of: words("ours,bare"),
        attacks: words("gossip,direct,reconnecting,silent"),
        victim: None,
        seconds: None,
        minutes: 60,
        victim_at: None,
        attackers: [50, 4],
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--json" => parsed.json = true,
            "--nodes" => parsed.nodes = Some(numbers(&value()?).ok_or("--nodes wants numbers from 2 on")?),
            "--runs" => parsed.runs = value()?.parse().map_err(|_| "--runs wants a number")?,
            "--only" => parsed.only = words(&value()?),
            "--channel" => parsed.channels = channels(&value()?).ok_or("--channel wants gossip, direct, dht")?,
            "--signers" => parsed.signers = numbers(&value()?).ok_or("--signers wants numbers from 2 on")?,
            "--attack" => parsed.attacks = words(&value()?),
            "--victim" => parsed.victim = Some(defence(&value()?).ok_or("--victim wants on, off")?),
            "--seconds" => parsed.seconds = Some(value()?.parse().map_err(|_| "--seconds wants a number")?),
            "--minutes" => parsed.minutes = value()?.parse().map_err(|_| "--minutes wants a number")?,
            "--attackers" => parsed.attackers[0] = value()?.parse().map_err(|_| "--attackers wants a number")?,
            "--networks" => parsed.attackers[1] = value()?.parse().map_err(|_| "--networks wants a number")?,
            "--returning-to" => parsed.victim_at = Some(value()?),
            "--of" => parsed.of = words(&value()?),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    Ok(parsed)
}

fn numbers(list: &str) -> Option<Vec<usize>> {
    list.split(',').map(|number| number.parse().ok().filter(|number| *number >= 2)).collect()
}

fn defence(name: &str) -> Option<Defence> {
    Defence::ALL.into_iter().find(|defence| defence.name() == name)
}

fn channels(list: &str) -> Option<Vec<Channel>> {
    let named = |name: &str| Channel::ALL.into_iter().find(|channel| channel.name() == name);
    list.split(',').map(named).collect()
}

fn print(arguments: &Arguments, line: &Value) {
    if arguments.json {
        println!("{line}");
        return;
    }
    let fields = line.as_object().into_iter().flatten().map(|(name, value)| match value.as_f64() {
        Some(time) if name.ends_with("_ns") => format!("{} {:.3} ms", name.trim_end_matches("_ns"), time / 1e6),
        _ => format!("{name} {value}"),
    });
    println!("{}", fields.collect::<Vec<_>>().join("  "));
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1_000.0).round() / 1_000.0
}

/// The medians and the slow ends of both kinds of nodes.
fn beside(operation: &str, nodes: usize, samples: &Samples) -> Value {
    let (ours, bare) = (percentile(&samples.ours, 50), percentile(&samples.bare, 50));
    let mut line = json!({
        "operation": operation, "nodes": nodes,
        "ours_ns": nanoseconds(ours), "bare_ns": nanoseconds(bare),
        "ratio": rounded(ours.as_secs_f64() / bare.as_secs_f64()),
        "ours_p95_ns": nanoseconds(percentile(&samples.ours, 95)),
        "bare_p95_ns": nanoseconds(percentile(&samples.bare, 95)),
        "runs": samples.ours.len(),
    });
    if let Some(line) = line.as_object_mut().filter(|_| !samples.bare_at_all_places.is_empty()) {
        let bare = percentile(&samples.bare_at_all_places, 50);
        line.insert("bare_at_all_places_ns".to_owned(), nanoseconds(bare).into());
        line.insert("ratio_at_all_places".to_owned(), rounded(ours.as_secs_f64() / bare.as_secs_f64()).into());
    }
    line
}

/// Runs this program with other arguments, so that nothing that was measured before is in the memory of the process, and returns its lines.
fn in_a_process_of_its_own(words: &[&str]) -> Result<Vec<Value>, Failure> {
    let output = Command::new(std::env::current_exe()?).arg("--json").args(words).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(String::from_utf8(output.stdout)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

async fn memory(arguments: &Arguments) -> Result<Vec<Value>, Failure> {
    let nodes = arguments.nodes.as_ref().and_then(|nodes| nodes.first()).copied().unwrap_or(50);
    if let [kind] = arguments.of.as_slice() {
        let footprint = match kind.as_str() {
            "ours" => footprint::<Ours>(nodes).await?,
            "bare" => footprint::<Bare>(nodes).await?,
            _ => return Err("--of wants ours, bare".into()),
        };
        return Ok(vec![json!({
            "operation": "memory", "of": kind, "nodes": nodes, "node_bytes": footprint.node,
            "connection_bytes": footprint.connection,
        })]);
    }
    let mut lines = Vec::new();
    for kind in ["ours", "bare"] {
        let nodes = nodes.to_string();
        lines.extend(in_a_process_of_its_own(&["--only", "memory", "--of", kind, "--nodes", &nodes])?);
    }
    let [ours, bare] = lines.as_slice() else { return Err("a process measured nothing".into()) };
    let line = |operation: &str, field: &str| {
        let bytes = |line: &Value| line.get(field).and_then(Value::as_u64).unwrap_or_default();
        let ratio = bytes(ours) as f64 / bytes(bare).max(1) as f64;
        json!({
            "operation": operation, "nodes": nodes, "ours_bytes": bytes(ours), "bare_bytes": bytes(bare),
            "ratio": rounded(ratio),
        })
    };
    Ok(vec![line("memory_node", "node_bytes"), line("memory_connection", "connection_bytes")])
}

async fn cluster(count: usize, channel: Channel) -> Result<Value, Failure> {
    let sockets = if count > ON_SOCKETS { Sockets::Memory } else { Sockets::Tcp };
    let spread = spread(count, channel, sockets).await?;
    Ok(json!({
        "operation": "cluster", "nodes": count, "channel": channel.name(), "found": spread.times.len(),
        "median_ms": milliseconds(percentile(&spread.times, 50)),
        "worst_ms": milliseconds(percentile(&spread.times, 100)),
        "published_ms": milliseconds(spread.published),
        "peers_each": rounded(spread.ends as f64 / count as f64), "resident_mib": spread.resident / 1_048_576,
    }))
}

async fn clusters(arguments: &Arguments) -> Result<(), Failure> {
    for channel in &arguments.channels {
        let sizes = arguments.nodes.clone().unwrap_or_else(|| match channel {
            Channel::Gossip | Channel::CatchUp => vec![2, 10, 50, 200, 1_000],
            // A server of the DHT is connected with as many others as it may be, and a thousand of those fill more than ten gigabytes.
            Channel::Dht => vec![2, 10, 50, 200],
        });
        for count in &sizes {
            if sizes.len() * arguments.channels.len() == 1 {
                print(arguments, &cluster(*count, *channel).await?);
                continue;
            }
            let words = ["--only", "cluster", "--channel", channel.name(), "--nodes", &count.to_string()];
            for line in in_a_process_of_its_own(&words)? {
                print(arguments, &line);
            }
        }
    }
    Ok(())
}

async fn at_rest(arguments: &Arguments) -> Result<(), Failure> {
    let sizes = arguments.nodes.clone().unwrap_or_else(|| vec![50, 200]);
    let seconds = arguments.seconds.unwrap_or(120);
    for count in &sizes {
        if sizes.len() > 1 {
            let (nodes, seconds) = (count.to_string(), seconds.to_string());
            for line in in_a_process_of_its_own(&["--only", "idle", "--nodes", &nodes, "--seconds", &seconds])? {
                print(arguments, &line);
            }
            continue;
        }
        let time = Duration::from_secs(seconds);
        let idle = idle(*count, time, time).await?;
        let line = json!({
            "operation": "idle", "nodes": count, "core": rounded(idle.core),
            "opened_a_minute": rounded(idle.opened_a_minute), "peers_each": rounded(idle.peers),
            "routed_each": rounded(idle.routed), "resident_mib": idle.resident / 1_048_576,
        });
        print(arguments, &line);
    }
    Ok(())
}

async fn index(arguments: &Arguments) -> Result<(), Failure> {
    let nodes = arguments.nodes.as_ref().and_then(|nodes| nodes.first()).copied().unwrap_or(200);
    let storing = Storing::start(nodes, |line| eprintln!("index: {line}")).await?;
    for signers in &arguments.signers {
        let found = storing.enumerate(*signers).await?;
        let share = |found: usize| rounded(found as f64 / found_of(*signers));
        let line = json!({
            "operation": "index_recall", "nodes": nodes, "signers": signers, "recall": share(found.found),
            "search_ms": milliseconds(found.took), "first_look_found": found.first_look,
            "first_look_recall": share(found.first_look), "first_look_ms": milliseconds(found.first_took),
            "search_requests": found.work.requests, "search_dials": found.work.dials,
            "first_look_requests": found.first_work.requests, "first_look_dials": found.first_work.dials,
            "puts": found.puts, "put_ms": milliseconds(found.put_took), "put_requests": found.put_work.requests,
            "put_dials": found.put_work.dials, "copies": rounded(found.copies), "dropped": found.dropped,
        });
        print(arguments, &line);
    }
    storing.stop().await;
    Ok(())
}

fn suffered(attack: &str, defence: Defence, suffered: &Suffered) -> Value {
    json!({
        "operation": "flood", "attack": attack, "defence": defence.name(), "core": rounded(suffered.core),
        "grown_mib": rounded(suffered.grown as f64 / 1_048_576.0), "sent_a_second": suffered.a_second.round(),
        "frames": suffered.frames, "frames_a_core": suffered.frames_a_core.round(),
    })
}

/// The line of a flood, with these fields besides.
fn with(mut line: Value, fields: Value) -> Value {
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
        line.extend(fields);
    }
    line
}

async fn floods(arguments: &Arguments) -> Result<(), Failure> {
    let lasting = Duration::from_secs(arguments.seconds.unwrap_or(8));
    let wanted = |name: &str| arguments.attacks.iter().any(|attack| attack == name);
    for defence in Defence::ALL {
        if wanted("gossip") {
            let junk = flood::junk_gossip(defence, 10_000, lasting).await?;
            print(arguments, &suffered("junk_gossip", defence, &junk));
        }
        if wanted("direct") {
            let junk = flood::junk_direct(defence, lasting).await?;
            print(arguments, &suffered("junk_direct", defence, &junk));
        }
        if wanted("reconnecting") {
            let (attack, sessions) = flood::reconnecting(defence, 50, 4, lasting).await?;
            let times = json!({
                "sessions": sessions.attacked.len(), "failed": sessions.failed,
                "calm_median_ms": milliseconds(percentile(&sessions.calm, 50)),
                "attacked_median_ms": milliseconds(percentile(&sessions.attacked, 50)),
                "attacked_worst_ms": milliseconds(percentile(&sessions.attacked, 100)),
            });
            print(arguments, &with(suffered("reconnecting", defence, &attack), times));
        }
        if wanted("silent") {
            let (attack, dials) = flood::silent_sockets(defence, 1_000, lasting).await?;
            let times = json!({
                "dials": dials.times.len(), "dial_median_ms": milliseconds(percentile(&dials.times, 50)),
                "dial_worst_ms": milliseconds(percentile(&dials.times, 100)), "in_vain": dials.reasons,
            });
            print(arguments, &with(suffered("silent_sockets", defence, &attack), times));
        }
    }
    Ok(())
}

fn minute(minute: &Minute) -> Value {
    json!({
        "operation": "soak_minute", "minute": minute.number, "sent": minute.sent, "arrived": minute.arrived, "lost": minute.lost,
        "median_ms": milliseconds(minute.median), "p99_ms": milliseconds(minute.p99), "worst_ms": milliseconds(minute.worst),
        "restarted_ms": milliseconds(minute.restarted), "core": rounded(minute.core),
        "resident_mib": rounded(minute.resident as f64 / 1_048_576.0), "descriptors": minute.descriptors,
        "tasks": minute.tasks,
    })
}

async fn soaked(arguments: &Arguments) -> Result<(), Failure> {
    let nodes = arguments.nodes.as_ref().and_then(|nodes| nodes.first()).copied().unwrap_or(10);
    let minutes = soak::soak(nodes, arguments.minutes, |done| print(arguments, &minute(done))).await?;
    let growth = soak::growth(&minutes).ok_or("a soak has three minutes at least")?;
    let lost: u64 = minutes.iter().map(|minute| minute.lost).sum();
    let line = json!({
        "operation": "soak", "nodes": nodes, "minutes": minutes.len(),
        "sent": minutes.iter().map(|minute| minute.sent).sum::<u64>(), "lost": lost,
        "resident": rounded(growth.resident), "descriptors": rounded(growth.descriptors),
        "tasks": rounded(growth.tasks), "median": rounded(growth.median),
    });
    print(arguments, &line);
    if lost > 0 { Err(format!("{lost} messages were lost").into()) } else { Ok(()) }
}

fn found_of(signers: usize) -> f64 {
    signers.max(1) as f64
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let wanted = |name: &str| arguments.only.iter().any(|only| only == name);
    let sizes = |otherwise: &[usize]| arguments.nodes.clone().unwrap_or_else(|| otherwise.to_vec());
    if wanted("direct") {
        print(arguments, &beside("direct_one_way", 2, &beside::direct(arguments.runs).await?));
    }
    if wanted("gossip") {
        for nodes in sizes(&[2, 10, 50]) {
            print(arguments, &beside("gossip_deliver", nodes, &beside::gossip(nodes, arguments.runs).await?));
        }
    }
    if wanted("dht") {
        for nodes in sizes(&[50]) {
            let records = beside::dht(nodes, arguments.runs).await?;
            print(arguments, &beside("dht_put", nodes, &records.puts));
            print(arguments, &beside("dht_get", nodes, &records.gets));
            print(arguments, &beside("dht_find", nodes, &records.finds));
        }
    }
    if wanted("memory") {
        for line in memory(arguments).await? {
            print(arguments, &line);
        }
    }
    if wanted("idle") {
        at_rest(arguments).await?;
    }
    if wanted("index") {
        index(arguments).await?;
    }
    if wanted("bystanders") {
        for nodes in sizes(&[10, 100]) {
            let heard = overheard(nodes, usize::try_from(arguments.runs.min(10))?).await?;
            let each = (heard.bystanders * heard.sessions).max(1);
            let line = json!({
                "operation": "bystander_frames", "nodes": nodes, "sessions": heard.sessions,
                "frames": heard.frames, "frames_per_session": rounded(heard.frames as f64 / each as f64),
            });
            print(arguments, &line);
        }
    }
    if wanted("floods") {
        floods(arguments).await?;
    }
    if wanted("soak") {
        soaked(arguments).await?;
    }
    if wanted("cluster") {
        clusters(arguments).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match parse(std::env::args().skip(1)) {
        Ok(Arguments { victim: Some(defence), .. }) => victim::serve(defence).await,
        Ok(Arguments { victim_at: Some(address), seconds, attackers: [count, networks], .. }) => {
            attackers::attack(&address, count, networks, Duration::from_secs(seconds.unwrap_or(8))).await
        }
        Ok(arguments) => run(&arguments).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-net: {error}");
            ExitCode::FAILURE
        }
    }
}
