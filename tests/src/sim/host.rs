//! One node: an engine, and what `node` puts around it, in virtual time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use motet_coordinator::{CommandId, Engine, Input, Outbox, Reply};
use motet_core_crypto::{PublicKey, SecretKey};
use motet_node::{CommandError, Config, LocalSigner, Signer, Store};
use motet_wire::work::Free;
use motet_wire::{NetworkId, PeerClass, PeerId, Topic, Validated, Validator, ValidatorLimits, peek};

use super::clock::Clock;
use super::dice::{Dice, Entropy, EntropyFault};
use super::disk::Disk;
use super::ledger::{Shared, Watched};
use super::plan::{NodePlan, StandStill};
use super::world::Still;

/// What is lost in a crash.
#[derive(Debug)]
pub struct Running {
    /// The machine.
    pub engine: Engine,
    /// How often its store had been opened before.
    pub epoch: u64,
    /// The pipeline in front of it.
    pub validator: Validator,
    /// The key's holder.
    pub signer: Arc<Watched<LocalSigner<Entropy>>>,
    /// What the engine and the jobs are lent.
    pub entropy: Entropy,
    /// What the engine wants stored and done.
    pub outbox: Outbox,
    /// The gossip topics that it subscribes to.
    pub topics: BTreeSet<Topic>,
    /// The engine's own messages that have not left.
    pub unsaid: VecDeque<Validated>,
    /// Refusals of its disk that the engine has not heard of, in their order.
    pub refusals: VecDeque<Input>,
    /// When something leaves that is held back, in the world's milliseconds.
    pub leaves_at: Option<u64>,
    /// When the next tick is due, in the world's milliseconds.
    pub tick_at: Option<u64>,
    /// Consequences carried out in this life.
    pub boundaries: u64,
    /// Answers to commands.
    pub replies: BTreeMap<CommandId, Result<Reply, CommandError>>,
}

/// A node.
#[derive(Debug)]
pub struct Host {
    /// Which signer it serves; a clone serves the same as its original.
    pub serves: usize,
    /// The peer that it is.
    pub peer: PeerId,
    /// The signer's key.
    pub key: PublicKey,
    secret: [u8; 32],
    /// Its clocks.
    pub clock: Clock,
    /// What outlives a crash.
    pub disk: Arc<Disk>,
    /// What happens to it.
    pub plan: NodePlan,
    /// What does not outlive one; nothing while it is down.
    pub running: Option<Running>,
    /// How often it has started.
    pub life: u32,
    /// Crashes that are still to come.
    pub crashes: VecDeque<super::plan::Crash>,
    /// Stand-stills that are still to come.
    pub stand_stills: VecDeque<StandStill>,
    /// That it stands still, and what waits.
    pub(super) standing: Option<Still>,
    /// When it has connections again after it has stood still.
    pub connected_from: u64,
    /// The message key of its present life.
    pub voice: Option<PublicKey>,
    /// How many commits its store has made, in all lives.
    pub commits: u64,
    /// How many of them held a partial signature.
    pub signed: u64,
    dice: Dice,
    repeated: Entropy,
}

impl Host {
    /// A node that is still down.
    pub fn new(serves: usize, plan: NodePlan, disk: Disk, dice: &mut Dice) -> Self {
        let secret: [u8; 32] = dice.bytes();
        let key = SecretKey::from_bytes(&secret).expect("32 random bytes are a scalar").public_key();
        let mark = u8::try_from(serves + 1).expect("few nodes");
        let peer = PeerId::from_bytes(&[mark; 38]).expect("38 bytes");
        let clock = Clock::new(plan.rate, plan.offset);
        Self::down(serves, peer, (key, secret), clock, disk, plan, dice.fork())
    }

    /// A copy that wakes up beside this one: the same key, the same disk, other randomness.
    pub fn copy(&self, dice: &mut Dice) -> Self {
        let plan =
            NodePlan { crashes: Vec::new(), stand_stills: Vec::new(), cloned: None, full: None, ..self.plan.clone() };
        let key = (self.key, self.secret);
        Self::down(self.serves, self.peer, key, self.clock.clone(), self.disk.copy(), plan, dice.fork())
    }

    fn down(
        serves: usize,
        peer: PeerId,
        (key, secret): (PublicKey, [u8; 32]),
        clock: Clock,
        disk: Disk,
        plan: NodePlan,
        mut dice: Dice,
    ) -> Self {
        Self {
            serves,
            peer,
            key,
            secret,
            clock,
            disk: Arc::new(disk),
            crashes: plan.crashes.iter().copied().collect(),
            stand_stills: plan.stand_stills.iter().copied().collect(),
            standing: None,
            connected_from: 0,
            voice: None,
            commits: 0,
            signed: 0,
            plan,
            running: None,
            life: 0,
            repeated: Entropy::sound(&mut dice),
            dice,
        }
    }

    /// The secret key, for those who know it anyway.
    pub fn secret(&self) -> SecretKey {
        SecretKey::from_bytes(&self.secret).expect("it was a scalar before")
    }

    /// The same, to look for it where it should not be.
    pub const fn secret_bytes(&self) -> [u8; 32] {
        self.secret
    }

    /// Starts, from what the disk holds. The signer's nonces of an earlier life are gone.
    pub fn start(&mut self, network: &NetworkId, config: &Config, ledger: &Shared) {
        let snapshot = self.disk.load().expect("the disk can be read");
        let fails = match self.plan.entropy {
            EntropyFault::Fails(per_mille) => per_mille,
            EntropyFault::None | EntropyFault::Repeats => 0,
        };
        let repeats = self.plan.entropy == EntropyFault::Repeats;
        let fresh = |dice: &mut Dice, repeated: &Entropy| {
            let sound = if repeats { repeated.clone() } else { Entropy::sound(dice) };
            sound.failing(dice, fails)
        };
        let signers = fresh(&mut self.dice, &self.repeated);
        let entropy = fresh(&mut self.dice, &self.repeated);
        self.life += 1;
        self.voice = None;
        let signer = LocalSigner::new(self.secret(), signers);
        let epoch = snapshot.epoch;
        self.running = Some(Running {
            epoch,
            engine: Engine::new(config.clone(), network.clone(), self.peer, snapshot),
            validator: Validator::with_work(network.clone(), ValidatorLimits::default(), Arc::new(Free)),
            signer: Arc::new(Watched::new(signer, ledger.clone(), self.life)),
            entropy,
            outbox: Outbox::new(),
            topics: BTreeSet::new(),
            unsaid: VecDeque::new(),
            refusals: VecDeque::new(),
            leaves_at: None,
            tick_at: None,
            boundaries: 0,
            replies: BTreeMap::new(),
        });
    }

    /// The node subscribes to these topics.
    pub fn subscribe(&mut self, topics: BTreeSet<Topic>) {
        if let Some(running) = &mut self.running {
            running.topics = topics;
        }
    }

    /// True if the node runs, and subscribes to one of these topics.
    pub fn hears(&self, topics: &[Topic]) -> bool {
        self.running.as_ref().is_some_and(|running| topics.iter().any(|topic| running.topics.contains(topic)))
    }

    /// What a peer is to this node, as `node` tells the pipeline.
    pub fn standing_of_peer(&self, peer: &PeerId) -> PeerClass {
        if *peer == self.peer {
            return PeerClass::Participant { sessions: u16::MAX };
        }
        member(self.running.as_ref().map_or(0, |running| running.engine.sessions_with(peer)))
    }

    /// What the claimed author of a frame is to this node.
    pub fn standing_of_author(&self, frame: &[u8]) -> PeerClass {
        let sender = peek(frame).and_then(|peek| PublicKey::from_bytes(&peek.sender).ok());
        let sessions = |sender| self.running.as_ref().map_or(0, |running| running.engine.sessions_of(sender));
        member(sender.as_ref().map_or(0, sessions))
    }

    /// Performs what is asked of the signer.
    pub fn signer(&self) -> Option<Arc<dyn Signer>> {
        self.running.as_ref().map(|running| Arc::clone(&running.signer) as Arc<dyn Signer>)
    }
}

fn member(sessions: usize) -> PeerClass {
    match u16::try_from(sessions).unwrap_or(u16::MAX) {
        0 => PeerClass::Stranger,
        sessions => PeerClass::Participant { sessions },
    }
}
