//! `motet-sim`: runs seeds of the simulator on all cores; `cargo xtask sim` builds and starts it.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures and reports")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use motet_tests::sim::explore::{Fault, explore_and_tell};
use motet_tests::sim::plan::Vice;
use motet_tests::sim::{Outcome, Plan, Profile, Tally, report, run};
use motet_wire::Commitments;

/// More states than two signers and one fault have, for each fault; to reach this bound is to fail.
const MOST_STATES: u64 = 1_000_000;
/// Seeds that a thread takes at a time.
const BATCH: u64 = 16;

/// What was asked for.
struct Arguments {
    from: u64,
    to: u64,
    profile: Profile,
    form: Form,
    threads: usize,
    /// Only worlds in which this actor is.
    actor: Option<Vice>,
    /// Go on after the first breach, to count all.
    all: bool,
    /// Follow all orders of two signers instead.
    explore: bool,
}

impl Arguments {
    fn wants(&self, seed: u64) -> bool {
        let is_in = |actor: Vice| Plan::draw(seed, self.profile).nodes.iter().any(|node| node.vices.contains(&actor));
        self.actor.is_none_or(is_in)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    Story,
}

const USAGE: &str = "motet-sim [--seeds A..B | --replay SEED | --explore] [--profile calm|normal|brutal|deep] [--actor B4] [--json] [--threads N] [--all]";

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    // Panics are breaches, and are told as such.
    std::panic::set_hook(Box::new(|_| {}));
    if arguments.explore {
        return if explore_all(&arguments) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let sound = if arguments.form == Form::Story { replay(&arguments) } else { run_all(&arguments) };
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments {
        from: 0,
        to: 10_000,
        profile: Profile::Normal,
        form: Form::Text,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        actor: None,
        all: false,
        explore: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => {
                let range = words.next()?;
                let (from, to) = range.split_once("..")?;
                (parsed.from, parsed.to) = (number(from)?, number(to)?);
            }
            "--replay" => {
                parsed.from = number(&words.next()?)?;
                (parsed.to, parsed.form) = (parsed.from + 1, Form::Story);
            }
            "--profile" => parsed.profile = Profile::named(&words.next()?)?,
            "--threads" => parsed.threads = words.next()?.parse().ok()?,
            "--actor" => {
                let code = words.next()?;
                parsed.actor = Some(Vice::ALL.into_iter().find(|vice| vice.code() == code)?);
            }
            "--json" => parsed.form = Form::Json,
            "--all" => parsed.all = true,
            "--explore" => parsed.explore = true,
            _ => return None,
        }
    }
    (parsed.from < parsed.to).then_some(parsed)
}

/// A seed, as people write it.
fn number(text: &str) -> Option<u64> {
    text.replace('_', "").parse().ok()
}

/// Follows all orders of what two signers send and do, for each fault, with commitments and without: one after the other
/// on each thread.
fn explore_all(arguments: &Arguments) -> bool {
    let cases: Vec<(Commitments, Fault)> = [Commitments::On, Commitments::Off]
        .into_iter()
        .flat_map(|commitments| Fault::ALL.map(|fault| (commitments, fault)))
        .collect();
    let (next, sound) = (AtomicUsize::new(0), AtomicBool::new(true));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                while let Some((commitments, fault)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = format!("commitments {commitments:?}, {fault:?}");
                    let explored = explore_and_tell(*commitments, *fault, MOST_STATES, |states| {
                        eprintln!("{name}: {states} states, {} s", begun.elapsed().as_secs());
                    });
                    let whole = if explored.exhausted { "all" } else { "NOT all: the bound is reached" };
                    println!(
                        "{name}: {} states ({whole}), {} ends, {} with signatures",
                        explored.states, explored.ends, explored.complete
                    );
                    if let Some((breach, story)) = &explored.breach {
                        println!("{}\n{breach}", story.join("\n"));
                    }
                    sound.fetch_and(explored.breach.is_none() && explored.exhausted, Ordering::Relaxed);
                }
            });
        }
    });
    println!("{:.1} s", begun.elapsed().as_secs_f64());
    sound.into_inner()
}

/// Tells what happens in one world.
fn replay(arguments: &Arguments) -> bool {
    let outcome = run(arguments.from, arguments.profile, true);
    for line in &outcome.story {
        println!("{line}");
    }
    match &outcome.breach {
        Some(breach) => println!("seed {}: {breach}", outcome.seed),
        None => println!("seed {}: every invariant holds", outcome.seed),
    }
    outcome.breach.is_none()
}

fn run_all(arguments: &Arguments) -> bool {
    let next = AtomicU64::new(arguments.from);
    let stopped = AtomicBool::new(false);
    let gathered = Mutex::new((Tally::default(), Vec::<Outcome>::new()));
    let (begun, told) = (Instant::now(), AtomicU64::new(1));
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                while !stopped.load(Ordering::Relaxed) {
                    let from = next.fetch_add(BATCH, Ordering::Relaxed);
                    if from >= arguments.to {
                        break;
                    }
                    let mut tally = Tally::default();
                    let mut broken = Vec::new();
                    let seeds = from..(from + BATCH).min(arguments.to);
                    for seed in seeds.filter(|seed| arguments.wants(*seed)) {
                        let mut outcome = run(seed, arguments.profile, false);
                        tally.add(core::mem::take(&mut outcome.tally));
                        if outcome.breach.is_some() {
                            broken.push(outcome);
                        }
                    }
                    if !broken.is_empty() && !arguments.all {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    let Ok(mut gathered) = gathered.lock() else { break };
                    gathered.0.add(tally);
                    gathered.1.extend(broken);
                    let (worlds, sessions, broken) = (gathered.0.worlds, gathered.0.sessions, gathered.1.len());
                    drop(gathered);
                    // Every second at first, more and more seldom in a run of hours.
                    let seconds = begun.elapsed().as_secs();
                    let due = told.load(Ordering::Relaxed);
                    let later = seconds + 1 + seconds / 60;
                    let mine = seconds >= due
                        && told.compare_exchange(due, later, Ordering::Relaxed, Ordering::Relaxed).is_ok();
                    if mine {
                        eprintln!(
                            "{worlds} of {} worlds, {sessions} sessions, {broken} breaches, {seconds} s",
                            arguments.to - arguments.from
                        );
                    }
                }
            });
        }
    });
    let (tally, mut broken) = gathered.into_inner().unwrap_or_default();
    broken.sort_by_key(|outcome| outcome.seed);
    let seconds = begun.elapsed().as_secs_f64();
    if arguments.form == Form::Json {
        println!("{}", report::json(&tally, &broken, seconds));
    } else {
        print!("{}", report::text(&tally, &broken, seconds));
    }
    broken.is_empty()
}
