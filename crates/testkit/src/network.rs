//! The network of a cluster: frames on their way, and what may happen to them.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_wire::{Channel, Kind, PeerId, peek};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use crate::entropy::dice;

/// Time of a frame from one node to another, unless a test sets another ([`Network::set_delay`]).
const DELAY: u64 = 50;

/// A frame on its way to a node.
#[derive(Debug, Clone)]
pub struct Flight {
    /// The node that has sent it. It is [`Flight::to`] for frames that a node hands to its own pipeline.
    pub by: usize,
    /// The node that gets it.
    pub to: usize,
    /// The channel on which it arrives.
    pub channel: Channel,
    /// The peer that the receiver takes it from.
    pub from: PeerId,
    /// The frame.
    pub frame: Arc<[u8]>,
}

impl Flight {
    /// The kind of message that the frame claims to be.
    pub fn kind(&self) -> Option<Kind> {
        peek(&self.frame).map(|peek| peek.kind)
    }

    const fn is_between_nodes(&self) -> bool {
        self.by != self.to
    }
}

/// The fate of a frame between two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives after the delay of the network.
    Arrive,
    /// It is lost.
    Lose,
    /// It arrives so much later than others.
    Late(Duration),
    /// It arrives twice.
    Twice,
}

/// A rule for frames between two nodes.
type Link = Box<dyn FnMut(&Flight) -> Fate>;

/// True for frames that wait.
type Held = Box<dyn Fn(&Flight) -> bool>;

/// The network between the nodes of a [`Cluster`](crate::Cluster).
pub struct Network {
    /// The frames on their way, by the time of arrival and by the order in which they were sent.
    flying: BTreeMap<(u64, u64), Flight>,
    sent: u64,
    dice: ChaCha20Rng,
    delay: u64,
    loss: u32,
    shuffled: bool,
    gossip: bool,
    cut: BTreeSet<usize>,
    groups: Vec<BTreeSet<usize>>,
    link: Option<Link>,
    held: Option<Held>,
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            flying: BTreeMap::new(),
            sent: 0,
            dice: dice(seed),
            delay: DELAY,
            loss: 0,
            shuffled: false,
            gossip: true,
            cut: BTreeSet::new(),
            groups: Vec::new(),
            link: None,
            held: None,
        }
    }

    /// Time of every frame from one node to another, in whole milliseconds; 50 ms at first.
    pub fn set_delay(&mut self, delay: Duration) {
        self.delay = milliseconds(delay);
    }

    /// Percentage of frames on direct streams that are lost. Gossip has many paths and loses none.
    pub fn set_loss(&mut self, percent: u32) {
        self.loss = percent;
    }

    /// Order of frames that could arrive at the same time: drawn by lot, or the order in which they were sent.
    pub fn set_shuffled(&mut self, shuffled: bool) {
        self.shuffled = shuffled;
    }

    /// Lets broadcasts reach other nodes, or not. Without gossip, only direct streams are left.
    pub fn set_gossip(&mut self, gossip: bool) {
        self.gossip = gossip;
    }

    /// Cuts a node off: nothing reaches it, and nothing that it sends reaches another.
    pub fn cut(&mut self, node: usize) {
        self.cut.insert(node);
    }

    /// Connects a node again that was cut off. Frames of the time between are lost.
    pub fn reconnect(&mut self, node: usize) {
        self.cut.remove(&node);
    }

    /// True if a node is cut off.
    pub fn is_cut(&self, node: usize) -> bool {
        self.cut.contains(&node)
    }

    /// Splits the network into these groups. A node that is in none of them reaches no other.
    pub fn partition(&mut self, groups: &[&[usize]]) {
        self.groups = groups.iter().map(|group| group.iter().copied().collect()).collect();
    }

    /// Ends a partition.
    pub fn heal(&mut self) {
        self.groups.clear();
    }

    /// Decides from now on what becomes of each frame between two nodes.
    pub fn on_link(&mut self, link: impl FnMut(&Flight) -> Fate + 'static) {
        self.link = Some(Box::new(link));
    }

    /// Lets these frames wait where they are, until [`Network::release`].
    pub fn hold(&mut self, held: impl Fn(&Flight) -> bool + 'static) {
        self.held = Some(Box::new(held));
    }

    /// Lets all frames go on that [`Network::hold`] has stopped.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// Loses these frames of those that are on their way between nodes.
    pub fn lose(&mut self, lost: impl Fn(&Flight) -> bool) {
        self.flying.retain(|_, flight| !flight.is_between_nodes() || !lost(flight));
    }

    /// Loses all that is on its way, and all that nodes have handed to their own pipelines.
    pub fn lose_everything(&mut self) {
        self.flying.clear();
    }

    /// The frames on their way, in the order in which they arrive.
    pub fn on_the_way(&self) -> impl Iterator<Item = &Flight> {
        self.flying.values()
    }

    /// A frame that a node hands to its own pipeline. It takes no time.
    pub(crate) fn hand_in(&mut self, flight: Flight, now: u64) {
        self.put(flight, now);
    }

    /// A frame by gossip.
    pub(crate) fn gossip(&mut self, flight: Flight, now: u64) {
        if self.gossip {
            self.send(flight, now);
        }
    }

    /// A frame on a direct stream.
    pub(crate) fn direct(&mut self, flight: Flight, now: u64) {
        // Drawn in any case, so that the rest of a story does not depend on whether frames are lost in it.
        let is_lost = self.dice.next_u32() % 100 < self.loss;
        if !is_lost {
            self.send(flight, now);
        }
    }

    /// All that is on its way to a node is lost with its process.
    pub(crate) fn lose_to(&mut self, node: usize) {
        self.flying.retain(|_, flight| flight.to != node);
    }

    /// A number for the seeds of later processes.
    pub(crate) fn draw(&mut self) -> u64 {
        self.dice.next_u64()
    }

    /// The time at which the next frame arrives that is not held.
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.ready().next().map(|(time, _)| time)
    }

    /// Takes the next frame that arrives by this time.
    pub(crate) fn take(&mut self, now: u64) -> Option<Flight> {
        let at = if self.shuffled {
            let here: Vec<(u64, u64)> = self.ready().take_while(|(time, _)| *time <= now).collect();
            let among = u64::try_from(here.len()).ok().filter(|among| *among > 0)?;
            usize::try_from(self.dice.next_u64() % among).ok().and_then(|lot| here.get(lot).copied())
        } else {
            self.ready().next()
        };
        at.and_then(|at| self.flying.remove(&at))
    }

    /// True if a frame that is here now is heard.
    pub(crate) fn is_heard(&self, flight: &Flight) -> bool {
        !self.cut.contains(&flight.to) && self.connects(flight)
    }

    fn ready(&self) -> impl Iterator<Item = (u64, u64)> {
        let waits = |flight: &Flight| self.held.as_ref().is_some_and(|held| held(flight));
        self.flying.iter().filter(move |(_, flight)| !waits(flight)).map(|(at, _)| *at)
    }

    fn connects(&self, flight: &Flight) -> bool {
        !flight.is_between_nodes()
            || self.groups.is_empty()
            || self.groups.iter().any(|group| group.contains(&flight.by) && group.contains(&flight.to))
    }

    fn send(&mut self, flight: Flight, now: u64) {
        if self.cut.contains(&flight.by) || !self.connects(&flight) {
            return;
        }
        let arrives = now.saturating_add(self.delay);
        match self.link.as_mut().map_or(Fate::Arrive, |link| link(&flight)) {
            Fate::Arrive => self.put(flight, arrives),
            Fate::Lose => {}
            Fate::Late(time) => self.put(flight, arrives.saturating_add(milliseconds(time))),
            Fate::Twice => {
                self.put(flight.clone(), arrives);
                self.put(flight, arrives);
            }
        }
    }

    fn put(&mut self, flight: Flight, arrives: u64) {
        self.sent += 1;
        self.flying.insert((arrives, self.sent), flight);
    }
}

/// A duration in whole milliseconds.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("flying", &self.flying)
            .field("delay", &self.delay)
            .field("loss", &self.loss)
            .field("cut", &self.cut)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}
