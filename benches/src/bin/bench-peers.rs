//! Prints how long the same MuSig2 work takes in five libraries, interleaved in one run: `cargo xtask bench-peers`.
//!
//! `musig2` is built with one backend at a time (its arithmetic crate is one crate, and libsecp256k1 wins where both
//! are enabled), so that `musig2` on k256 runs in a second process, `musig2-k256-peer`, which measures one sample on
//! request between the samples of the others. Usage:
//! `bench-peers [--json] [--quick] [--signers 2,3,..] [--operations a,b,..] [--musig2-k256 PATH] [--counts PATH]`.
//!
//! `--counts` names `count-operations`, whose field operations (multiplications, squarings, inversions of the
//! variable-time engine) are printed beside our times.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a report is what this is for")]

use motet_benches::peer::libsecp::Libsecp;
use motet_benches::peer::motet::Motet;
use motet_benches::peer::musig2_crate::Musig2;
use motet_benches::peer::remote::Remote;
use motet_benches::peer::schnorr_fun_crate::SchnorrFun;
use motet_benches::peer::{Operation, Peer};
use motet_benches::sample::{Effort, medians};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::Duration;

struct Arguments {
    json: bool,
    effort: Effort,
    signers: Vec<usize>,
    operations: Vec<Operation>,
    musig2_k256: Option<String>,
    counts: Option<String>,
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let full = Effort { budget: Duration::from_millis(1_500), minimum: 7, maximum: 2_000 };
    let quick = Effort { budget: Duration::from_millis(150), minimum: 3, maximum: 300 };
    let mut parsed = Arguments {
        json: false,
        effort: full,
        signers: vec![2, 3, 5, 10, 15, 100, 1000],
        operations: Operation::ALL.to_vec(),
        musig2_k256: None,
        counts: None,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--json" => parsed.json = true,
            "--quick" => parsed.effort = quick,
            "--signers" => {
                parsed.signers = value()?
                    .split(',')
                    .map(|number| number.parse().ok().filter(|signers| *signers >= 2))
                    .collect::<Option<_>>()
                    .ok_or("--signers wants numbers from 2")?;
            }
            "--operations" => {
                parsed.operations = value()?
                    .split(',')
                    .map(|name| Operation::from_name(name).ok_or_else(|| format!("no operation {name}")))
                    .collect::<Result<_, _>>()?;
            }
            "--musig2-k256" => parsed.musig2_k256 = Some(value()?),
            "--counts" => parsed.counts = Some(value()?),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    Ok(parsed)
}

/// What `count-operations` says, by number of signers and operation.
fn counts(path: &str, signers: &[usize]) -> Result<BTreeMap<(usize, String), Value>, String> {
    let list: Vec<String> = signers.iter().map(ToString::to_string).collect();
    let output = Command::new(path).arg(list.join(",")).output().map_err(|error| format!("{path}: {error}"))?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(lines
        .lines()
        .filter_map(|line| {
            let value: Value = serde_json::from_str(line).ok()?;
            let signers = usize::try_from(value.get("n")?.as_u64()?).ok()?;
            Some(((signers, value.get("operation")?.as_str()?.to_owned()), value.get("field_operations")?.clone()))
        })
        .collect())
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let counts = arguments.counts.as_deref().map_or(Ok(BTreeMap::new()), |path| counts(path, &arguments.signers))?;
    for signers in &arguments.signers {
        let mut peers: Vec<Box<dyn Peer>> = vec![
            Box::new(Motet::new(*signers)),
            Box::new(Libsecp::new(*signers)),
            Box::new(Musig2::new(*signers)),
            Box::new(SchnorrFun::new(*signers)),
        ];
        if let Some(path) = &arguments.musig2_k256 {
            peers.push(Box::new(Remote::start(path, *signers)?));
        }
        let names: Vec<&str> = peers.iter().map(|peer| peer.name()).collect();
        if !arguments.json {
            println!("\nn = {signers}: median in microseconds, and ours divided by theirs");
            let columns: String = names.iter().skip(1).map(|name| format!("{name:>26}")).collect();
            println!("{:<24}{:>12}{columns}", "operation", "ours");
        }
        for operation in &arguments.operations {
            let times = medians(&mut peers, *operation, arguments.effort);
            let Some((ours, theirs)) = times.split_first() else { continue };
            let theirs = names.iter().skip(1).zip(theirs);
            let ratio = |time: u64| *ours as f64 / time.max(1) as f64;
            let count = counts.get(&(*signers, operation.name().to_owned()));
            if arguments.json {
                let peers: serde_json::Map<String, Value> =
                    theirs.clone().map(|(name, time)| ((*name).to_owned(), json!(time))).collect();
                let ratios: serde_json::Map<String, Value> = theirs
                    .map(|(name, time)| ((*name).to_owned(), json!((ratio(*time) * 1e3).round() / 1e3)))
                    .collect();
                let line = json!({
                    "n": signers, "operation": operation.name(), "ours_ns": ours, "peers_ns": peers, "ratios": ratios,
                    "field_operations": count,
                });
                println!("{line}");
            } else {
                let columns: String =
                    theirs.map(|(_, time)| format!("{:>18.1} {:>7.3}", *time as f64 / 1e3, ratio(*time))).collect();
                let number = |name: &str| count.and_then(|count| count.get(name)?.as_u64()).unwrap_or(0);
                let count = count.map_or_else(String::new, |_| {
                    format!("   {} M {} S {} I", number("mul"), number("square"), number("invert"))
                });
                println!("{:<24}{:>12.1}{columns}{count}", operation.name(), *ours as f64 / 1e3);
            }
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-peers: {error}");
            ExitCode::FAILURE
        }
    }
}
