//! Every order in which two signers' messages and works can come, with one fault at every place where there can be one.
//!
//! Time stands still: whatever is under way may come next. A world is built again for every way through it, and ways that
//! lead to the same state are followed once: the same statements heard, the same things under way, the same stages on both
//! nodes. Where nothing is under way any more, time moves to the next deadline until the session is over.

use core::time::Duration;
use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use motet_node::Config;
use motet_wire::{Commitments, Derivation, Difficulty, Item, RequestOptions};

use super::dice::EntropyFault;
use super::invariant::Breach;
use super::plan::{Ask, BEGIN, Crash, NetPlan, NodePlan, Person, Plan, Profile};
use super::transactions::Deriving;
use super::watch::End;
use super::world::World;

/// What may go wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// A message is lost.
    Loss,
    /// A message comes twice.
    Doubling,
    /// A node crashes and starts again.
    Crash,
    /// Everything takes so long that a deadline passes: that of asking again, or that of a round.
    Delay,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::None, Self::Loss, Self::Doubling, Self::Crash, Self::Delay];
}

/// One step on the way through a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// This comes next, of what is under way.
    Next(usize),
    /// This is lost.
    Lose(usize),
    /// This comes, and will come again.
    Double(usize),
    /// This node crashes.
    Crash(usize),
    /// Time passes.
    Wait,
}

/// What an exploration has seen.
#[derive(Debug, Clone, Default)]
pub struct Explored {
    /// States that differ.
    pub states: u64,
    /// Ways that were followed to their end.
    pub ends: u64,
    /// Ends in which both have the signatures, or have never heard of the request.
    pub complete: u64,
    /// Whether every state was reached before the bound.
    pub exhausted: bool,
    /// The first breach, and the story of the way to it.
    pub breach: Option<(Breach, Vec<String>)>,
}

/// How often somebody is told how far it is.
const TOLD: u64 = 500;

/// Explores all orders with one fault, following at most so many states.
pub fn explore(commitments: Commitments, fault: Fault, most: u64) -> Explored {
    explore_and_tell(commitments, fault, most, |_| {})
}

/// The same, and says now and then how many states it has seen.
pub fn explore_and_tell(commitments: Commitments, fault: Fault, most: u64, tell: impl Fn(u64)) -> Explored {
    let mut explored = Explored { exhausted: true, ..Explored::default() };
    let mut known: HashSet<u64> = HashSet::new();
    let mut open: Vec<Vec<Choice>> = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let Some((mut world, spent)) = follow(commitments, &path, &mut explored) else { return explored };
        if !known.insert(digest(&world, spent)) {
            continue;
        }
        if explored.states >= most {
            explored.exhausted = false;
            return explored;
        }
        explored.states += 1;
        if explored.states.is_multiple_of(TOLD) {
            tell(explored.states);
        }
        let under_way = world.under_way();
        let mut choices: Vec<Choice> = (0..under_way).map(Choice::Next).collect();
        if !spent {
            choices.extend(faults(&world, fault, under_way));
        }
        if under_way == 0 {
            explored.ends += 1;
            finish(&mut world, commitments, fault, &path, &mut explored);
            if explored.breach.is_some() {
                return explored;
            }
        }
        for choice in choices {
            open.push(path.iter().copied().chain([choice]).collect());
        }
    }
    explored
}

/// Where the fault can strike in this state.
fn faults(world: &World, fault: Fault, under_way: usize) -> Vec<Choice> {
    let messages = (0..under_way).filter(|at| world.is_message(*at));
    match fault {
        Fault::None => Vec::new(),
        Fault::Loss => messages.map(Choice::Lose).collect(),
        Fault::Doubling => messages.map(Choice::Double).collect(),
        Fault::Crash => vec![Choice::Crash(0), Choice::Crash(1)],
        Fault::Delay => world.may_wait().then_some(Choice::Wait).into_iter().collect(),
    }
}

/// Goes a way from the beginning. The world at its end, and whether its fault has struck; nothing if it broke on the way.
fn follow(commitments: Commitments, path: &[Choice], explored: &mut Explored) -> Option<(World, bool)> {
    let mut world = World::new(plan(commitments), false);
    world.freeze();
    let mut spent = false;
    for choice in path {
        go(&mut world, *choice);
        spent |= !matches!(choice, Choice::Next(_));
        if let Some(breach) = world.found() {
            explored.breach = Some((breach, tale(commitments, path)));
            return None;
        }
    }
    Some((world, spent))
}

fn go(world: &mut World, choice: Choice) {
    match choice {
        Choice::Next(at) => world.come(at, false),
        Choice::Double(at) => world.come(at, true),
        Choice::Lose(at) => world.lose(at),
        Choice::Crash(host) => world.crash_now(host),
        Choice::Wait => world.pass(),
    }
}

/// What happens on the way, and after it.
fn tale(commitments: Commitments, path: &[Choice]) -> Vec<String> {
    let mut world = World::new(plan(commitments), true);
    world.freeze();
    for choice in path {
        world.note(&format!("({choice:?})"));
        go(&mut world, *choice);
    }
    settle(&mut world);
    world.story().to_vec()
}

/// Lets time pass until the session is over on both nodes.
fn settle(world: &mut World) {
    for _ in 0..400 {
        if world.is_over() {
            break;
        }
        world.pass();
        while world.under_way() > 0 {
            world.come(0, false);
        }
    }
}

/// Judges the end of a way, after all deadlines.
fn finish(world: &mut World, commitments: Commitments, fault: Fault, path: &[Choice], explored: &mut Explored) {
    settle(world);
    let breach = world.found();
    let ends = world.ends();
    let complete = ends.iter().all(|end| *end == Some(End::Complete));
    explored.complete += u64::from(complete || ends.iter().all(Option::is_none));
    // One message that is lost, doubled or late, and one crash, keep nobody from signing.
    // A request that crashed with its creator before anybody had heard of it is owed to nobody.
    let heard = ends.iter().any(Option::is_some);
    let owed = breach.is_none() && !complete && heard;
    let breach = breach.or_else(|| owed.then(|| world.unfinished(&format!("after {fault:?}: {ends:?}"))));
    explored.breach = breach.map(|breach| (breach, tale(commitments, path)));
}

fn digest(world: &World, spent: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    spent.hash(&mut hasher);
    world.fingerprint().hash(&mut hasher);
    hasher.finish()
}

/// Two signers, one request, nothing that takes time.
fn plan(commitments: Commitments) -> Plan {
    let node = NodePlan {
        vices: BTreeSet::new(),
        rate: 1_000_000,
        offset: 0,
        jumps: Vec::new(),
        person: Person { thinks: 0, declines: 0, confuses: 0 },
        crashes: Vec::new(),
        stand_stills: Vec::new(),
        full: None,
        disk_lies: false,
        entropy: EntropyFault::None,
        cloned: None,
        commit: 0,
        work: 0,
    };
    let ask = Ask {
        at: BEGIN,
        signers: vec![0, 1],
        creator: 0,
        items: vec![Item { message: vec![7; 32], derivation: Derivation::None }],
        options: RequestOptions { commitments, ..RequestOptions::default() },
        lifetime: Duration::from_secs(60),
        cancel: None,
        spend: None,
    };
    Plan {
        seed: 1,
        profile: Profile::Calm,
        nodes: vec![node.clone(), node],
        asks: vec![ask],
        net: NetPlan { delay: 1, ..NetPlan::default() },
        calm_from: 0,
        config: Config::default().difficulty(Difficulty(0)),
        is_private: false,
        deriving: Deriving::Aggregate,
    }
}

/// A crash that is over at once.
pub(super) const BRIEF: Crash = Crash { boundary: u64::MAX, down: 0 };
