//! Measures whole sessions and prints one JSON object or one row a line: `cargo xtask bench-sessions`.
//!
//! Usage: `bench-sessions [--json] [--n 2,3,..] [--runs N] [--only latency,crowd,engine,find,transactions,api] [--crowds 100,1000]
//! [--store memory,redb] [--waiting 10000]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a report is what this is for")]

use std::process::ExitCode;
use std::time::Duration;

use motet_benches::session::calls::{self, Called};
use motet_benches::session::directory::Full;
use motet_benches::session::engines::Engines;
use motet_benches::session::floor::{Arithmetic, Bare, Disk, SYNCS, shared};
use motet_benches::session::group::{Failure, Group, Storage};
use motet_benches::session::place::Runtimes;
use motet_benches::session::transactions::{Times, Transactions};
use motet_benches::session::{crowd, percentile};
use motet_wire::Commitments;
use serde_json::{Value, json};

/// Sessions that are not counted after nodes have started: certificates are checked and streams opened in them.
const WARM_UP: usize = 2;

struct Arguments {
    json: bool,
    signers: Vec<usize>,
    runs: usize,
    only: Vec<String>,
    crowds: Vec<usize>,
    waiting: usize,
    stores: Vec<Storage>,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut parsed = Arguments {
        json: false,
        signers: vec![2, 3, 5, 10, 15, 50],
        runs: 100,
        only: ["latency", "crowd", "engine", "find", "transactions", "api"].map(str::to_owned).to_vec(),
        crowds: vec![100, 1000],
        waiting: 0,
        stores: vec![Storage::Memory, Storage::Redb],
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--json" => parsed.json = true,
            "--n" => parsed.signers = numbers(&value()?).ok_or("--n wants numbers")?,
            "--runs" => parsed.runs = value()?.parse().map_err(|_| "--runs wants a number")?,
            "--only" => parsed.only = value()?.split(',').map(str::to_owned).collect(),
            "--crowds" => parsed.crowds = numbers(&value()?).ok_or("--crowds wants numbers")?,
            "--waiting" => parsed.waiting = value()?.parse().map_err(|_| "--waiting wants a number")?,
            "--store" => parsed.stores = stores(&value()?).ok_or("--store wants memory, redb or both")?,
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    if parsed.signers.iter().any(|signers| !(2..=100).contains(signers)) {
        return Err("a session has 2 to 100 signers".to_owned());
    }
    Ok(parsed)
}

fn numbers(list: &str) -> Option<Vec<usize>> {
    list.split(',').map(|number| number.parse().ok()).collect()
}

fn stores(list: &str) -> Option<Vec<Storage>> {
    let named = |name: &str| [Storage::Memory, Storage::Redb].into_iter().find(|store| store.name() == name);
    list.split(',').map(named).collect()
}

/// One line: the operation, its numbers of nanoseconds, and whatever else belongs to it.
fn print(arguments: &Arguments, line: &Value) {
    if arguments.json {
        println!("{line}");
        return;
    }
    let fields = line.as_object().into_iter().flatten().map(|(name, value)| match value.as_u64() {
        Some(time) if name.ends_with("_ns") => {
            format!("{} {:.3} ms", name.trim_end_matches("_ns"), time as f64 / 1e6)
        }
        _ => format!("{name} {value}"),
    });
    println!("{}", fields.collect::<Vec<_>>().join("  "));
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

/// Begins with everybody idle: what one sample leaves to do is not the next one's time, and all are alike cold.
async fn after_a_pause<T>(sample: impl Future<Output = T>) -> T {
    tokio::time::sleep(Duration::from_millis(20)).await;
    sample.await
}

/// Sessions one after the other, each followed by bare messages, a chain of them and as many as the session has, and by
/// the arithmetic of one signer, with the request's signature before it.
async fn latency(signers: usize, runs: usize, storage: Storage, commitments: Commitments) -> Result<Value, Failure> {
    let phases = if commitments == Commitments::On { 4 } else { 3 };
    let (mut chain, mut all) =
        (Bare::start(2, Runtimes::OneEach).await?, Bare::start(signers, Runtimes::OneEach).await?);
    let mut arithmetic = Arithmetic::new(signers);
    let (mut everybody, mut creators, mut chains, mut alls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut sums, mut openings) = (Vec::new(), Vec::new());
    let (mut disk, mut syncs) = (Disk::new()?, Vec::new());
    let mut failed = 0;
    for _ in 0..WARM_UP {
        chain.round(phases).await?;
        all.round(phases).await?;
        arithmetic.measure();
    }
    let mut group = None;
    while everybody.len() + failed < runs {
        let nodes = match &mut group {
            Some(nodes) => nodes,
            None => {
                let mut started = Group::start("bench", signers, storage, Runtimes::OneEach).await?;
                for _ in 0..WARM_UP {
                    started.sign(commitments).await?;
                }
                group.insert(started)
            }
        };
        match after_a_pause(nodes.sign(commitments)).await {
            Ok(took) => {
                everybody.push(took.everybody);
                creators.push(took.creator);
            }
            Err(error) => {
                eprintln!("a session of {signers} failed: {error}");
                failed += 1;
            }
        }
        chains.push(after_a_pause(chain.round(phases)).await?);
        alls.push(after_a_pause(all.round(phases)).await?);
        openings.push(arithmetic.open());
        sums.push(arithmetic.measure());
        if storage == Storage::Redb {
            syncs.push(disk.sync()?);
        }
        if nodes.left() == 0
            && let Some(spent) = group.take()
        {
            spent.stop().await;
        }
    }
    let sum = percentile(&openings, 50) + shared(percentile(&sums, 50), signers);
    // None without a disk.
    let synced = percentile(&syncs, 50) * SYNCS;
    let floor = percentile(&alls, 50) + sum + synced;
    let chain_floor = percentile(&chains, 50) + sum + synced;
    let median = percentile(&everybody, 50);
    Ok(json!({
        "operation": "announce_to_signature", "n": signers, "store": storage.name(),
        "commitments": commitments == Commitments::On,
        "median_ns": nanoseconds(median),
        "p95_ns": nanoseconds(percentile(&everybody, 95)),
        "p99_ns": nanoseconds(percentile(&everybody, 99)),
        "floor_ns": nanoseconds(floor),
        "ratio": rounded(median.as_secs_f64() / floor.as_secs_f64()),
        "fastest_ns": nanoseconds(percentile(&everybody, 0)),
        "chain_floor_ns": nanoseconds(chain_floor),
        "chain_ratio": rounded(median.as_secs_f64() / chain_floor.as_secs_f64()),
        "creator_median_ns": nanoseconds(percentile(&creators, 50)),
        "messages_ns": nanoseconds(percentile(&alls, 50)),
        "chain_messages_ns": nanoseconds(percentile(&chains, 50)),
        "arithmetic_ns": nanoseconds(sum), "syncs_ns": nanoseconds(synced),
        "runs": everybody.len(), "failed": failed,
    }))
}

/// Crowds of all sizes with one kind of store, and what the largest is to the smallest and to the engine alone on all cores: it runs
/// before and after each crowd, since a shared machine is not as fast at all times.
async fn crowds(arguments: &Arguments, storage: Storage) -> Result<(), Failure> {
    let mut engines = Engines::new(crowd::SIGNERS);
    let mut alone = |runs: usize| (0..runs.max(1)).map(|_| engines.sign().total).min().unwrap_or_default();
    let mut fastest = alone(arguments.runs);
    let mut rates: Vec<(usize, f64)> = Vec::new();
    for sessions in &arguments.crowds {
        let networks = crowd::networks(*sessions, arguments.waiting);
        let (line, rate) = crowded(*sessions, 0, networks, storage).await?;
        print(arguments, &line);
        rates.push((*sessions, rate));
        fastest = fastest.min(alone(arguments.runs));
        if arguments.waiting > 0 {
            let (line, beside) = crowded(*sessions, arguments.waiting, networks, storage).await?;
            print(arguments, &line);
            let ratio = json!({
                "operation": "waiting_ratio", "store": storage.name(), "sessions": sessions,
                "waiting": arguments.waiting, "waiting_to_none": rounded(beside / rate),
            });
            print(arguments, &ratio);
        }
    }
    let (Some((fewest, slow)), Some((most, fast))) =
        (rates.iter().min_by_key(|(sessions, _)| *sessions), rates.iter().max_by_key(|(sessions, _)| *sessions))
    else {
        return Ok(());
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let allowed = cores / fastest.as_secs_f64();
    let line = json!({
        "operation": "crowd_ratio", "store": storage.name(), "fewest": fewest, "most": most,
        "most_to_fewest": rounded(fast / slow), "engine_alone_per_second": rounded(allowed),
        "fewest_to_engine_alone": rounded(slow / allowed), "most_to_engine_alone": rounded(fast / allowed),
    });
    print(arguments, &line);
    Ok(())
}

async fn crowded(sessions: usize, waiting: usize, networks: usize, storage: Storage) -> Result<(Value, f64), Failure> {
    let crowd = crowd::run(sessions, waiting, networks, storage).await?;
    let done = crowd.times.len();
    let rate = done as f64 / crowd.all.as_secs_f64();
    let line = json!({
        "operation": "concurrent_sessions", "n": crowd::SIGNERS, "sessions": sessions, "waiting": waiting,
        "networks": networks, "store": storage.name(), "sessions_per_second": rounded(rate),
        "p50_ns": nanoseconds(percentile(&crowd.times, 50)), "p95_ns": nanoseconds(percentile(&crowd.times, 95)),
        "all_ns": nanoseconds(crowd.all),
        "processor_ns": nanoseconds(crowd.processor / u32::try_from(done.max(1))?), "most_at_once": crowd.peak,
        "bytes_per_session": crowd.bytes / (sessions as u64).max(1), "failed": crowd.failed,
    });
    Ok((line, rate))
}

/// The fastest session of all is the one that nothing else interrupted: on one core that is what a session takes.
fn engine(signers: usize, runs: usize) -> Value {
    let mut engines = Engines::new(signers);
    for _ in 0..WARM_UP {
        engines.sign();
    }
    let splits: Vec<_> = (0..runs.max(1)).map(|_| engines.sign()).collect();
    let totals: Vec<Duration> = splits.iter().map(|split| split.total).collect();
    let best = splits.into_iter().min_by_key(|split| split.total).unwrap_or_default();
    json!({
        "operation": "engine_alone", "n": signers,
        "fastest_ns": nanoseconds(best.total), "median_ns": nanoseconds(percentile(&totals, 50)),
        "sessions_per_second": rounded(1.0 / best.total.as_secs_f64()),
        "arithmetic_ns": nanoseconds(best.arithmetic()),
        "overhead_percent": rounded(best.overhead() * 100.0),
        "signers_ns": nanoseconds(best.signers), "jobs_ns": nanoseconds(best.jobs),
        "checks_ns": nanoseconds(best.checks), "seals_ns": nanoseconds(best.seals),
        "keys_ns": nanoseconds(best.keys), "frames": best.frames,
    })
}

/// Inputs of the transaction that is measured: the most items of a request.
const INPUTS: u32 = 64;

/// The check of a transaction beside the sessions that sign it. The medians of a tenth of the runs, since each has 65 sessions.
fn transactions(signers: usize, runs: usize) -> Value {
    let mut transactions = Transactions::new(signers, INPUTS);
    transactions.measure();
    let samples: Vec<Times> = (0..runs.div_ceil(10).max(1)).map(|_| transactions.measure()).collect();
    let median = |of: fn(&Times) -> Duration| percentile(&samples.iter().map(of).collect::<Vec<_>>(), 50);
    let (check, session) = (median(|times| times.check), median(|times| times.session));
    let check_far = median(|times| times.check_far);
    let (check_one, singles) = (median(|times| times.check_one), median(|times| times.singles));
    let bare = median(|times| times.bare);
    let percent = |part: Duration, whole: Duration| rounded(100.0 * part.as_secs_f64() / whole.as_secs_f64());
    json!({
        "operation": "transaction", "n": signers, "inputs": INPUTS, "runs": samples.len(),
        "inspect_ns": nanoseconds(median(|times| times.inspect)),
        "first_check_ns": nanoseconds(median(|times| times.first_check)),
        "check_ns": nanoseconds(check), "check_far_ns": nanoseconds(check_far), "check_one_ns": nanoseconds(check_one),
        "session_ns": nanoseconds(session), "singles_ns": nanoseconds(singles),
        "session_arithmetic_ns": nanoseconds(median(|times| times.session_arithmetic)),
        "bare_ns": nanoseconds(bare),
        "check_to_session_percent": percent(check, session),
        "check_far_to_session_percent": percent(check_far, session),
        "check_one_to_single_percent": percent(check_one * INPUTS, singles),
        "check_to_bare_percent": percent(check, bare),
        "session_to_singles": rounded((session + check).as_secs_f64() / (singles + check_one * INPUTS).as_secs_f64()),
        "session_to_bare": rounded(session.as_secs_f64() / bare.as_secs_f64()),
    })
}

/// Sessions that a client asks for beside those that the library asks for, in turns, and then as many beside listeners that read nothing; again
/// with new nodes, so that all meet the same machine. And the start of a signer.
async fn api(runs: usize) -> Result<Value, Failure> {
    let (mut library, mut client, mut crowded, mut starts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut listeners = 0;
    while library.len() < runs {
        let mut called = Called::start().await?;
        for _ in 0..WARM_UP {
            called.by_client().await?;
        }
        let each = usize::try_from(called.left() / 3)?.min(runs - library.len());
        for _ in 0..each {
            library.push(after_a_pause(called.by_library()).await?);
            client.push(after_a_pause(called.by_client()).await?);
        }
        let crowd = called.crowd().await?;
        listeners = crowd.len();
        for _ in 0..each {
            crowded.push(after_a_pause(called.by_library()).await?);
        }
        drop(crowd);
        called.stop().await;
        starts.push(calls::start_up().await?);
    }
    let median = |times: &[Duration]| percentile(times, 50);
    let ratio = |times: &[Duration]| rounded(median(times).as_secs_f64() / median(&library).as_secs_f64());
    Ok(json!({
        "operation": "api", "n": 2, "runs": library.len(), "listeners": listeners,
        "library_ns": nanoseconds(median(&library)), "client_ns": nanoseconds(median(&client)),
        "crowded_ns": nanoseconds(median(&crowded)), "start_ns": nanoseconds(median(&starts)),
        "client_to_library": ratio(&client), "crowded_to_library": ratio(&crowded),
    }))
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let wanted = |name: &str| arguments.only.iter().any(|only| only == name);
    if wanted("engine") {
        for signers in &arguments.signers {
            print(arguments, &engine(*signers, arguments.runs));
        }
    }
    if wanted("find") {
        let mut full = Full::new();
        let times: Vec<Duration> = (0..arguments.runs.max(1)).map(|_| full.find()).collect();
        let line = json!({
            "operation": "find_available_signers", "signers": Full::SIGNERS,
            "median_ns": nanoseconds(percentile(&times, 50)), "p99_ns": nanoseconds(percentile(&times, 99)),
        });
        print(arguments, &line);
    }
    if wanted("transactions") {
        for signers in &arguments.signers {
            print(arguments, &transactions(*signers, arguments.runs));
        }
    }
    if wanted("latency") {
        for signers in &arguments.signers {
            for (storage, commitments) in [
                (Storage::Memory, Commitments::On),
                (Storage::Redb, Commitments::On),
                (Storage::Memory, Commitments::Off),
            ]
            .into_iter()
            .filter(|(storage, _)| arguments.stores.contains(storage))
            {
                print(arguments, &latency(*signers, arguments.runs, storage, commitments).await?);
            }
        }
    }
    if wanted("crowd") {
        for storage in &arguments.stores {
            crowds(arguments, *storage).await?;
        }
    }
    if wanted("api") {
        print(arguments, &api(arguments.runs.max(1)).await?);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("bench-sessions: {error}");
            return ExitCode::FAILURE;
        }
    };
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-sessions: {error}");
            ExitCode::FAILURE
        }
    }
}
