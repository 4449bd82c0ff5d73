//! Engines driven by a script out of any bytes, with the simulator's oracles after every move.
//!
//! Twelve bytes say who takes part and what is asked, then three bytes are a move ([`Move`]), with nine more where a
//! hostile node forges something. Every byte string is a script, and a short change to it a short change to the course.
//! Hostile nodes hold valid keys, so that what they say passes the pipeline. Built with the toy (`cargo xtask fuzz
//! --toy`), signatures cost next to nothing.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use motet_node::{Config, Rounds};
use motet_wire::{Channel, Commitments, Derivation, Difficulty, Election, Item, RequestOptions};

use crate::sim::dice::EntropyFault;
use crate::sim::invariant::Breach;
use crate::sim::plan::{Ask, BEGIN, NetPlan, NodePlan, Person, Plan, Profile, Vice};
use crate::sim::transactions::Deriving;
use crate::sim::world::scripted::{Edit, Move, Order, Script};
use crate::sim::{Tally, World};

/// Bytes before the moves.
const HEADER: usize = 12;
/// Moves in a script at most.
const MOVES: usize = 160;
/// When requests after the first would be made, if nobody made them before: never.
const NEVER: u64 = u64::MAX / 2;

/// Any bytes as a script.
pub fn script(data: &[u8]) {
    if let Some(Played { breach: Some(breach), story, .. }) = play(data, *TELL) {
        let story = story.join("\n");
        panic!("{story}\n{breach} (MOTET_STORY=1 tells how it came to that)");
    }
}

static TELL: LazyLock<bool> = LazyLock::new(|| std::env::var_os("MOTET_STORY").is_some());

/// What came of a script.
#[derive(Debug)]
pub struct Played {
    /// What did not hold.
    pub breach: Option<Breach>,
    /// What was seen.
    pub tally: Tally,
    /// What happened, if that was asked for.
    pub story: Vec<String>,
}

/// Plays a script, if the bytes suffice for one; with its story, if somebody wants to read it.
pub fn play(data: &[u8], tell: bool) -> Option<Played> {
    let (header, rest) = data.split_first_chunk::<HEADER>()?;
    let mut world = World::new(plan(header), tell);
    world.freeze();
    let mut script = Script::default();
    let mut bytes = rest.iter().copied();
    for _ in 0..MOVES {
        let (Some(what), Some(first), Some(second)) = (bytes.next(), bytes.next(), bytes.next()) else { break };
        if let Some(what) = decoded(what, first, second) {
            world.make(&mut script, what);
        } else {
            let mut extra = [0; 9];
            extra.iter_mut().zip(bytes.by_ref()).for_each(|(to, from)| *to = from);
            let edits = extra.as_chunks::<3>().0.iter().filter_map(|edit| read_edit(*edit));
            let edits: Vec<Edit> = edits.collect();
            let channel = [Channel::Direct, Channel::Gossip, Channel::Sync][usize::from(second / 16) % 3];
            world.forge(&mut script, usize::from(first), usize::from(second % 16), channel, &edits);
        }
        let breach = world.found();
        if breach.is_some() {
            return Some(Played { breach, story: world.story().to_vec(), tally: world.tally });
        }
    }
    world.finish(&mut script);
    Some(Played { breach: world.found(), story: world.story().to_vec(), tally: world.tally })
}

/// A move of three bytes; none where it is forgery, which needs more of them.
fn decoded(what: u8, first: u8, second: u8) -> Option<Move> {
    let (a, b) = (usize::from(first), usize::from(second));
    let squared = u64::from(second) * u64::from(second);
    Some(match what % 32 {
        0..=7 => Move::Next(a, b % 24),
        8 | 9 => Move::Lose(a),
        10 => Move::Double(a),
        11 => Move::Corrupt(a, b * 7, 1 << (first % 8)),
        12 | 13 => Move::Repeat(a, b, [Channel::Direct, Channel::Gossip, Channel::Sync][b / 8 % 3]),
        14 | 15 => Move::Crash(a, u64::from(second % 16)),
        16 => Move::Clone(a),
        17 | 18 => Move::Pass(1 + b % 4),
        19 => Move::Sleep(squared * 4),
        20 => Move::Tick(a),
        21 => Move::Jump(a, squared.cast_signed() * if first < 128 { 20 } else { -20 }),
        22 => Move::Disk(a, second.is_multiple_of(2)),
        23 => Move::Mind(a, second & 1 == 1, second & 2 == 2),
        24 | 25 => Move::Order(a, ORDERS[b % ORDERS.len()], b / 16),
        26 => Move::Ask,
        _ => return None,
    })
}

const ORDERS: [Order; 9] = [
    Order::Join,
    Order::Decline,
    Order::Abort,
    Order::Close,
    Order::Retry,
    Order::Commit,
    Order::Reveal,
    Order::Sign,
    Order::AddSigner,
];

fn read_edit([what, first, second]: [u8; 3]) -> Option<Edit> {
    let (a, b) = (usize::from(first), usize::from(second));
    Some(match what % 8 {
        0 | 1 => Edit::Flip(a, second),
        2 => Edit::Number(a, second),
        // A delegation, a nonce, a scalar, an id: most of what there is to graft.
        3..=5 => Edit::Graft(a, [32, 33, 64, 66, 132, 178, 4, 1024][usize::from(what) / 8 % 8], b),
        6 if what & 128 == 0 => Edit::Cut(a + b),
        _ => return None,
    })
}

/// Who takes part, what is asked.
fn plan(header: &[u8; HEADER]) -> Plan {
    let [count, seed, liars, vices, more_vices, options, items, entropy, disks, config, order, asks] = *header;
    let nodes = 2 + usize::from(count) % 3;
    let node = |number: usize| {
        let liar = number > 0 && liars >> number & 1 == 1;
        let vice =
            |byte: u8| Vice::of_messages()[usize::from(byte.wrapping_add(number as u8)) % Vice::of_messages().len()];
        let vices: BTreeSet<Vice> = [vice(vices), vice(more_vices)].into_iter().filter(|_| liar).collect();
        let entropy = match (entropy >> (2 * number) & 3, liar) {
            (1, false) => EntropyFault::Repeats,
            (2, false) => EntropyFault::Fails(30),
            _ => EntropyFault::None,
        };
        NodePlan {
            vices,
            rate: [1_000_000, 1_000_000, 1_050_000, 950_000][usize::from(config >> 4) % 4],
            offset: 0,
            jumps: Vec::new(),
            person: Person { thinks: 0, declines: 0, confuses: 0 },
            crashes: Vec::new(),
            stand_stills: Vec::new(),
            full: None,
            disk_lies: disks >> number & 1 == 1 && entropy == EntropyFault::None,
            entropy,
            cloned: None,
            commit: 0,
            work: 0,
        }
    };
    let ask = |number: usize| {
        let mut signers: Vec<usize> = (0..nodes).collect();
        signers.rotate_left(usize::from(order) % nodes);
        let creator = signers[usize::from(order >> 4) % nodes];
        // The others ask for less than the first, so that sessions differ in their signers.
        if number == 2 && nodes > 2 {
            signers.retain(|signer| *signer == creator || *signer != (creator + 1) % nodes);
        }
        Ask {
            at: if number == 0 { BEGIN } else { NEVER },
            signers,
            creator,
            items: (0..1 + items % 2).map(|item| read_item(items >> 1, item)).collect(),
            options: read_options(options),
            lifetime: Duration::from_secs(60),
            cancel: None,
            spend: None,
        }
    };
    Plan {
        seed: u64::from(seed),
        profile: Profile::Brutal,
        nodes: (0..nodes).map(node).collect(),
        asks: (0..1 + usize::from(asks) % 3).map(ask).collect(),
        net: NetPlan { delay: 1, ..NetPlan::default() },
        calm_from: 0,
        config: Config::default()
            .difficulty(Difficulty(0))
            .round_timeout(Duration::from_secs([120, 120, 60, 20][usize::from(config) % 4]))
            .nonce_lifetime(Duration::from_secs([600, 600, 30, 5][usize::from(config >> 2) % 4]))
            .rounds(if config & 0xc0 == 0xc0 { Rounds::Manual } else { Rounds::Automatic }),
        is_private: false,
        deriving: Deriving::Aggregate,
    }
}

fn read_item(derivation: u8, item: u8) -> Item {
    let derivation = match derivation % 4 {
        1 => Derivation::Taproot { merkle_root: None },
        2 => Derivation::Bip328 { path: vec![0, u32::from(item)] },
        _ => Derivation::None,
    };
    Item { message: vec![item; 32], derivation }
}

fn read_options(options: u8) -> RequestOptions {
    let elections = [Election::Creator, Election::Lexicographic, Election::HashBased, Election::First, Election::Last];
    RequestOptions {
        commitments: if options & 1 == 1 { Commitments::Off } else { Commitments::On },
        election: elections[usize::from(options >> 1) % elections.len()],
        ..RequestOptions::default()
    }
}

/// Scripts that reach far: everything in order, crashes, lies, forgeries of every kind of message, full disks.
pub fn seeds() -> Vec<Vec<u8>> {
    let calm = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let with = |at: usize, value: u8| {
        let mut header = calm;
        header[at] = value;
        header
    };
    let script = |header: [u8; HEADER], moves: &[&[u8]]| [header.as_slice(), &moves.concat()].concat();
    let on: &[u8] = &[0, 0, 9];
    let all: Vec<&[u8]> = vec![on; 24];
    let mut seeds = vec![
        script(calm, &all),
        script(with(0, 1), &all),
        script(with(0, 2), &all),
        script(with(5, 1), &all),
        script(with(6, 3), &all),
        script(
            with(9, 0xc0),
            &[on, on, on, &[24, 0, 5], &[24, 1, 5], on, &[24, 0, 6], &[24, 1, 6], on, &[24, 0, 7], on],
        ),
        script(with(11, 2), &[on, &[26, 0, 0], on, on, &[26, 0, 0], on, on, on]),
        script(calm, &[on, &[14, 1, 0], on, on, &[17, 0, 3], on, on]),
        script(calm, &[on, on, &[15, 0, 3], on, on, &[17, 0, 3], on, on, &[15, 1, 5], on, on]),
        script(with(8, 3), &[on, on, &[14, 0, 7], on, &[22, 1, 0], on, &[17, 0, 1], &[22, 1, 1], on]),
        script(calm, &[on, on, &[16, 1, 0], on, on, &[17, 0, 2], on]),
        script(with(7, 1), &[on, &[14, 0, 2], on, on, on]),
        script(calm, &[on, &[24, 1, 2], on, &[24, 0, 3], on]),
        script(calm, &[&[23, 1, 1], on, on, &[21, 0, 255], &[19, 0, 200], on]),
        script(calm, &[&[3, 5, 0], &[3, 3, 0], &[8, 4, 0], &[10, 2, 0], &[12, 3, 9], on, on]),
    ];
    for vice in 0..19u8 {
        let mut header = with(0, 1);
        [header[2], header[3], header[4]] = [0b10, vice, vice + 1];
        seeds.push(script(header, &all));
    }
    // Every remembered frame in turn, forged in some way, in the middle of a session.
    for frame in 0..24u8 {
        let mut header = with(0, frame);
        [header[2], header[3], header[4]] = [0b10, 10, 10];
        let forgery = [27, frame * 3, frame % 3, 3 + 8 * (frame % 7), 36, frame, 0, frame * 5, 1, 7, 0, 0];
        seeds.push(script(header, &[on, on, on, &forgery, on, &forgery, on, on, &[17, 0, 1], on]));
    }
    seeds
}
