//! What happens in a world, drawn from its seed: who takes part, what is asked, what breaks, who lies.
//!
//! The probabilities themselves are drawn (swarm testing): most worlds have a few faults each at a rate of its own, so
//! that calm and brutal ones both occur, and rare faults meet each other.

mod profile;
mod spend;
mod stand_still;

use core::time::Duration;
use std::collections::BTreeSet;

use motet_node::{Config, Privacy, Rounds};
use motet_wire::{Commitments, Derivation, Difficulty, Election, Item, RequestOptions};

use super::dice::{Dice, EntropyFault};
use super::transactions::Deriving;
pub use profile::Profile;
pub use spend::Spend;
pub use stand_still::{Moment, StandStill};

/// A way of being dishonest: the actors B1 to B20 of the threat model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Vice {
    /// B1: says different things to different peers.
    Equivocates = 1,
    /// B2: makes partial signatures that are wrong.
    BadPartials = 2,
    /// B3: reveals nonces that it should not.
    BadNonces = 3,
    /// B4: commits to what it does not reveal.
    BadCommitments = 4,
    /// B5: repeats what was said before, elsewhere.
    Replays = 5,
    /// B6: falls silent, to all or to some.
    Silent = 6,
    /// B7: speaks for others.
    Forges = 7,
    /// B8: lies about lengths.
    Lengths = 8,
    /// B9: flips bits and sends garbage.
    Garbage = 9,
    /// B10: chooses nonces and partials so that a sum comes out right.
    Cancels = 10,
    /// B11: accuses the innocent.
    Accuses = 11,
    /// B12: changes requests on their way.
    Tampers = 12,
    /// B13: joins twice, and with others' keys.
    JoinsTwice = 13,
    /// B14: asks for other derivations than it says.
    LiesAboutTweaks = 14,
    /// B15: skips attempts.
    SkipsAttempts = 15,
    /// B16: sends everything as late as can be.
    Drips = 16,
    /// B17: coordinates wrongly: withholds, reorders, invents outcomes.
    Coordinates = 17,
    /// B18: floods.
    Floods = 18,
    /// B19: is of an old version with bugs.
    Outdated = 19,
    /// B20: asks for transactions that are not what they are said to be.
    LiesAboutTransactions = 20,
}

impl Vice {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Equivocates,
        Self::BadPartials,
        Self::BadNonces,
        Self::BadCommitments,
        Self::Replays,
        Self::Silent,
        Self::Forges,
        Self::Lengths,
        Self::Garbage,
        Self::Cancels,
        Self::Accuses,
        Self::Tampers,
        Self::JoinsTwice,
        Self::LiesAboutTweaks,
        Self::SkipsAttempts,
        Self::Drips,
        Self::Coordinates,
        Self::Floods,
        Self::Outdated,
        Self::LiesAboutTransactions,
    ];

    /// Those that say what no honest node says. The last one only asks for what no honest node asks for.
    pub fn of_messages() -> &'static [Self] {
        Self::ALL.split_last().map_or(&[], |(_, others)| others)
    }

    /// `B1` to `B20`.
    pub fn code(self) -> String {
        format!("B{}", self as u8)
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    /// When, in milliseconds of the world.
    pub at: u64,
    /// The signers, by their numbers, in the order of the request; the first to be named is not always the creator.
    pub signers: Vec<usize>,
    /// Who asks.
    pub creator: usize,
    /// For what.
    pub items: Vec<Item>,
    /// How.
    pub options: RequestOptions,
    /// How long the others have to join.
    pub lifetime: Duration,
    /// Somebody changes their mind: who and when.
    pub cancel: Option<(usize, u64)>,
    /// The transaction that it is for. Items and the order of the signers follow from it.
    pub spend: Option<Spend>,
}

/// What the person at a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// Thinks so long at most, in milliseconds.
    pub thinks: u64,
    /// Declines so many times in a thousand.
    pub declines: u64,
    /// Approves something else than what is shown so many times in a thousand.
    pub confuses: u64,
}

/// When a node crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Before it carries out the consequence of this number, counted from its start.
    pub boundary: u64,
    /// For how long, in milliseconds.
    pub down: u64,
}

/// One node.
#[derive(Debug, Clone)]
pub struct NodePlan {
    /// How it lies; empty for the honest.
    pub vices: BTreeSet<Vice>,
    /// Its clock's rate in parts of a million.
    pub rate: u64,
    /// Its wall clock's error in milliseconds.
    pub offset: i64,
    /// Its wall clock's jumps: when, and how far.
    pub jumps: Vec<(u64, i64)>,
    /// What its person does.
    pub person: Person,
    /// Its crashes.
    pub crashes: Vec<Crash>,
    /// When it stands still, one after the other.
    pub stand_stills: Vec<StandStill>,
    /// When its disk is full.
    pub full: Option<(u64, u64)>,
    /// Whether its disk lies about what it has stored.
    pub disk_lies: bool,
    /// Its randomness.
    pub entropy: EntropyFault,
    /// When a copy of it wakes up.
    pub cloned: Option<u64>,
    /// How long a commit takes at most, in milliseconds.
    pub commit: u64,
    /// How long its signer and its computations take at most, in milliseconds.
    pub work: u64,
}

/// The network while faults last.
#[derive(Debug, Clone, Default)]
pub struct NetPlan {
    /// Lost, of a thousand.
    pub lost: u64,
    /// Delivered twice, of a thousand.
    pub doubled: u64,
    /// The usual delay at most, in milliseconds.
    pub delay: u64,
    /// Delayed by far more than that, of a thousand; and by how much at most.
    pub late: u64,
    /// The longest delay, in milliseconds.
    pub latest: u64,
    /// Whether what a partition holds back is sent again when it heals, of a thousand.
    pub retried: u64,
    /// Handed on by honest nodes, of a thousand gossip messages.
    pub relayed: u64,
    /// Partitions.
    pub partitions: Vec<Partition>,
}

/// A time in which some cannot reach some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// From when, in milliseconds.
    pub from: u64,
    /// Until when.
    pub until: u64,
    /// Who is cut off, as bits.
    pub senders: u32,
    /// From whom, as bits.
    pub receivers: u32,
}

impl Partition {
    /// Whether it keeps a message back.
    pub const fn cuts(&self, at: u64, from: usize, to: usize) -> bool {
        self.from <= at && at < self.until && self.senders >> from & 1 == 1 && self.receivers >> to & 1 == 1
    }
}

/// A world to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// How hard it is.
    pub profile: Profile,
    /// Its nodes, one signer each.
    pub nodes: Vec<NodePlan>,
    /// What is asked.
    pub asks: Vec<Ask>,
    /// The network.
    pub net: NetPlan,
    /// When faults end.
    pub calm_from: u64,
    /// The engines' configuration.
    pub config: Config,
    /// True if requests go to their signers alone, who have each other as contacts.
    pub is_private: bool,
    /// The keys that the groups of its transactions derive. Members' keys are derived in private requests alone.
    pub deriving: Deriving,
}

/// When requests begin: what is said before, at the start, is heard by all.
pub const BEGIN: u64 = 1_000;

impl Plan {
    /// Draws the world of a seed.
    pub fn draw(seed: u64, profile: Profile) -> Self {
        let mut dice = Dice::new(seed ^ 0x6d6f_7465_7400_0000);
        let count = dice.pick(&[2, 2, 2, 3, 3, 3, 3, 4, 4, 5]);
        let calm = profile == Profile::Calm;
        let calm_from = if calm { 0 } else { BEGIN + dice.heavy(200_000) };
        let mut nodes = draw_nodes(&mut dice, profile, count, calm_from);
        let mut asks = draw_asks(&mut dice, count, calm);
        if profile == Profile::Deep {
            deepen(&mut dice, &mut nodes, &mut asks);
        }
        let net = if calm {
            NetPlan { delay: 50, ..NetPlan::default() }
        } else {
            draw_net(&mut dice, profile, count, calm_from)
        };
        let config = draw_config(&mut dice);
        let deriving = Deriving::Aggregate;
        let mut plan = Self { seed, profile, nodes, asks, net, calm_from, config, is_private: false, deriving };
        plan.draw_spends();
        plan.draw_stand_stills();
        plan
    }

    /// What is drawn, for whoever reads the story.
    pub fn summary(&self) -> Vec<String> {
        let node = |(number, node): (usize, &NodePlan)| {
            let vices: Vec<String> = node.vices.iter().map(|vice| format!("{} {vice:?}", vice.code())).collect();
            let honest = if vices.is_empty() { "honest".to_owned() } else { vices.join(", ") };
            let crashes: Vec<u64> = node.crashes.iter().map(|crash| crash.boundary).collect();
            format!(
                "node {number}: {honest}; crashes before {crashes:?}, cloned {:?}, disk full {:?}, lying {}, entropy {:?}, clock {} {:+} {:?}, {:?}",
                node.cloned, node.full, node.disk_lies, node.entropy, node.rate, node.offset, node.jumps, node.person
            )
        };
        let net = &self.net;
        let network = format!(
            "network until {} ms: of a thousand {} lost, {} doubled, {} late by up to {} ms; delay {} ms; {:?}",
            self.calm_from, net.lost, net.doubled, net.late, net.latest, net.delay, net.partitions
        );
        let asks = self.asks.iter().map(|ask| {
            format!(
                "ask at {} ms: node {} asks {:?}, {} items, {:?}, {:?}, {:?} to join, cancelled {:?}",
                ask.at,
                ask.creator,
                ask.signers,
                ask.items.len(),
                ask.options.commitments,
                ask.options.election,
                ask.lifetime,
                ask.cancel
            )
        });
        let spend = |(ask, plan): (usize, &Ask)| {
            let how = match (self.is_private, self.deriving) {
                (_, Deriving::Members) => "in private, under keys that are derived before they are aggregated",
                (true, Deriving::Aggregate) => "in private",
                (false, Deriving::Aggregate) => "in public",
            };
            plan.spend.map(|spend| format!("ask {ask} is for a transaction, {how}: {spend:?}"))
        };
        let spends = self.asks.iter().enumerate().filter_map(spend);
        let still = |(number, node): (usize, &NodePlan)| {
            let stands = || format!("node {number} stands still: {:?}", node.stand_stills);
            (!node.stand_stills.is_empty()).then(stands)
        };
        let nodes = || self.nodes.iter().enumerate();
        nodes().map(node).chain(nodes().filter_map(still)).chain([network]).chain(asks).chain(spends).collect()
    }

    /// Whether a node is honest.
    pub fn is_honest(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| node.vices.is_empty())
    }
}

fn draw_nodes(dice: &mut Dice, profile: Profile, count: usize, calm_from: u64) -> Vec<NodePlan> {
    let harsh = profile == Profile::Brutal;
    // Each kind of fault is there or not, for the whole world.
    let with = |dice: &mut Dice, normal: u64, brutal: u64| match profile {
        Profile::Calm => false,
        Profile::Normal | Profile::Deep => dice.chance(normal),
        Profile::Brutal => dice.chance(brutal),
    };
    let (crashes, clocks, disks) = (with(dice, 300, 600), with(dice, 250, 500), with(dice, 100, 300));
    let (entropy, clones, lying) = (with(dice, 60, 150), with(dice, 60, 150), with(dice, 450, 600));
    let (slow, declines, confuses) = (with(dice, 300, 500), with(dice, 80, 100), with(dice, 60, 60));
    let lying = lying || profile == Profile::Deep;
    let liars = if lying { dice.between(1, count as u64 - 1) as usize } else { 0 };
    let mut order: Vec<usize> = (0..count).collect();
    dice.shuffle(&mut order);
    (0..count)
        .map(|node| {
            let liar = order.iter().take(liars).any(|liar| *liar == node);
            let mut vices = BTreeSet::new();
            if liar {
                vices.insert(dice.pick(Vice::of_messages()));
                while harsh && dice.chance(400) {
                    vices.insert(dice.pick(Vice::of_messages()));
                }
            }
            let far = harsh && dice.chance(200);
            let entropy = match entropy && !liar && dice.chance(600) {
                true if dice.chance(500) => EntropyFault::Repeats,
                true => EntropyFault::Fails(1 + dice.heavy(300)),
                false => EntropyFault::None,
            };
            let jump = |dice: &mut Dice| {
                let most = if far { 31_536_000_000 } else { 100_000 };
                dice.heavy(most).cast_signed() * if dice.chance(500) { 1 } else { -1 }
            };
            let jumps = if clocks && dice.chance(500) { dice.below(3) } else { 0 };
            NodePlan {
                vices,
                rate: if clocks { dice.between(950_000, 1_050_000) } else { 1_000_000 },
                offset: if clocks { jump(dice).clamp(-120_000, 120_000) } else { 0 },
                jumps: (0..jumps).map(|_| (BEGIN + dice.below(calm_from.max(BEGIN + 1) - BEGIN), jump(dice))).collect(),
                person: Person {
                    thinks: if slow { dice.heavy(60_000) } else { dice.heavy(500) },
                    declines: if declines { dice.heavy(500) } else { 0 },
                    confuses: if confuses { dice.heavy(1000) } else { 0 },
                },
                crashes: if crashes && !liar && dice.chance(600) { draw_crashes(dice) } else { Vec::new() },
                stand_stills: Vec::new(),
                full: (disks && dice.chance(300)).then(|| {
                    let from = BEGIN + dice.heavy(60_000);
                    (from, from + dice.heavy(60_000))
                }),
                disk_lies: disks && entropy == EntropyFault::None && dice.chance(300),
                entropy,
                cloned: (clones && !liar && dice.chance(400)).then(|| BEGIN + dice.heavy(20_000)),
                commit: dice.heavy(if disks { 2_000 } else { 8 }),
                work: dice.heavy(if slow { 1_000 } else { 4 }),
            }
        })
        .collect()
}

/// Makes attempts fail once or twice, so that the phases of later ones are seen, too.
fn deepen(dice: &mut Dice, nodes: &mut [NodePlan], asks: &mut [Ask]) {
    for ask in asks.iter_mut() {
        if dice.chance(700) {
            ask.options.commitments = Commitments::On;
        }
    }
    let Some(begin) = asks.iter().map(|ask| ask.at).min() else { return };
    for node in nodes.iter_mut().filter(|node| node.vices.is_empty()) {
        if dice.chance(500) {
            node.jumps.push((begin + 20 + dice.heavy(4_000), 5_000));
        }
    }
}

fn draw_crashes(dice: &mut Dice) -> Vec<Crash> {
    let count = dice.between(1, 3);
    (0..count).map(|_| Crash { boundary: dice.between(4, 70), down: dice.heavy(40_000) }).collect()
}

fn draw_asks(dice: &mut Dice, count: usize, calm: bool) -> Vec<Ask> {
    let asks = dice.pick(&[1, 1, 1, 2, 2, 3]);
    (0..asks)
        .map(|_| {
            let mut signers: Vec<usize> = (0..count).collect();
            dice.shuffle(&mut signers);
            if count > 2 && dice.chance(150) {
                signers.truncate(dice.between(2, count as u64) as usize);
            }
            let creator = dice.pick(&signers);
            let cancels = !calm && dice.chance(40);
            let at = BEGIN + dice.heavy(20_000);
            Ask {
                at,
                cancel: cancels.then(|| (dice.pick(&signers), at + dice.heavy(30_000))),
                creator,
                signers,
                items: draw_items(dice),
                options: draw_options(dice),
                lifetime: Duration::from_millis(dice.between(20_000, 120_000)),
                spend: None,
            }
        })
        .collect()
}

fn draw_items(dice: &mut Dice) -> Vec<Item> {
    let count = dice.pick(&[1, 1, 1, 1, 2, 3]);
    (0..count)
        .map(|_| {
            let derivation = match dice.below(6) {
                0 => Derivation::Taproot { merkle_root: None },
                1 => Derivation::Taproot { merkle_root: Some(dice.bytes()) },
                2 => Derivation::Bip328 { path: vec![0, dice.below(1000) as u32] },
                _ => Derivation::None,
            };
            // The same message twice is nothing unusual.
            let message = if dice.chance(300) { vec![7; 32] } else { dice.bytes::<32>().to_vec() };
            Item { message, derivation }
        })
        .collect()
}

fn draw_options(dice: &mut Dice) -> RequestOptions {
    let elections = [Election::Creator, Election::Lexicographic, Election::HashBased, Election::First, Election::Last];
    RequestOptions {
        commitments: if dice.chance(350) { Commitments::Off } else { Commitments::On },
        election: dice.pick(&elections),
        ..RequestOptions::default()
    }
}

fn draw_net(dice: &mut Dice, profile: Profile, count: usize, calm_from: u64) -> NetPlan {
    let harsh = profile == Profile::Brutal;
    let often = if harsh { 800 } else { 450 };
    let parted = if dice.chance(if harsh { 600 } else { 200 }) { dice.between(1, 3) } else { 0 };
    let all = (1u32 << count) - 1;
    let mut partitions = Vec::new();
    for _ in 0..parted {
        let from = BEGIN + dice.heavy(40_000);
        let senders = dice.below(u64::from(all) + 1) as u32;
        let receivers = if dice.chance(500) { all & !senders } else { dice.below(u64::from(all) + 1) as u32 };
        let one_way = Partition { from, until: (from + dice.heavy(90_000)).min(calm_from), senders, receivers };
        partitions.push(one_way);
        if dice.chance(500) {
            partitions.push(Partition { senders: receivers, receivers: senders, ..one_way });
        }
    }
    let (lost, doubled, late) = (dice.chance(often), dice.chance(often), dice.chance(often));
    NetPlan {
        lost: if lost { dice.heavy(500) } else { 0 },
        doubled: if doubled { dice.heavy(200) } else { 0 },
        delay: 1 + dice.heavy(300),
        late: if late { dice.heavy(300) } else { 0 },
        latest: dice.heavy(30_000),
        retried: dice.below(1001),
        relayed: if dice.chance(300) { dice.heavy(1000) } else { 0 },
        partitions,
    }
}

fn draw_config(dice: &mut Dice) -> Config {
    let round_timeout = dice.pick(&[120, 120, 60, 20]);
    let nonce_lifetime = dice.pick(&[600, 600, 600, 5, 30]);
    // In every fifth world frames are held back, and others mean nothing.
    let private = Privacy { delay: Duration::from_secs(3), cover: Some(Duration::from_secs(10)) };
    Config::default()
        .difficulty(Difficulty(0))
        .round_timeout(Duration::from_secs(round_timeout))
        .nonce_lifetime(Duration::from_secs(nonce_lifetime))
        .rounds(Rounds::Automatic)
        .privacy(if nonce_lifetime == 30 { private } else { Privacy::default() })
}
