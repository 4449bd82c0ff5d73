//! The network: who hears what, when, how often, if at all.

use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, tagged_hash};
use motet_wire::{Channel, Kind, PeerId, Topic, Validated, peek};
use rand_core::TryRng;

use super::{Happening, World, mark};
use crate::sim::hostile::Rogue;
use crate::sim::invariant::Invariant;

impl World {
    /// To everybody else that subscribes to one of these topics, by gossip.
    pub(super) fn broadcast(&mut self, host: usize, topics: &[Topic], frame: &Arc<[u8]>) {
        if peek(frame).is_some_and(|peek| peek.kind == Kind::SignerAdvertisement) {
            self.advertised.insert(self.hosts[host].serves, Arc::clone(frame));
        }
        self.check_binding(host, frame);
        for to in 0..self.hosts.len() {
            let is_other = to != host && self.hosts[to].peer != self.hosts[host].peer;
            if is_other && self.hosts[to].hears(topics) && self.frozen.is_none() {
                self.utter(host, to, Channel::Gossip, frame);
            }
        }
    }

    /// Into the DHT, where whoever looks finds it some time later, whatever is lost elsewhere.
    pub(super) fn publish(&mut self, host: usize, frame: &Arc<[u8]>) {
        let wanted = peek(frame).map(|peek| peek.kind);
        if self.frozen.is_some() || !matches!(wanted, Some(Kind::SigningRequest | Kind::SignerAdvertisement)) {
            return;
        }
        for to in 0..self.hosts.len() {
            let looks = wanted == Some(Kind::SigningRequest) || self.looks(to);
            if looks && self.hosts[to].serves != self.hosts[host].serves {
                let from = self.hosts[to].peer;
                let at = self.time.max(super::BEGIN) + self.dice.between(1_000, 8_000);
                self.at(at, Happening::Arrive { host: to, channel: Channel::Dht, from, frame: Arc::clone(frame) });
            }
        }
    }

    /// A node reads from the DHT where signers are.
    pub(super) fn look_up(&mut self, host: usize, signers: &[PublicKey]) {
        let known: Vec<Arc<[u8]>> = self
            .advertised
            .iter()
            .filter(|(serves, _)| signers.contains(&self.hosts[**serves].key))
            .map(|(_, frame)| Arc::clone(frame))
            .collect();
        for frame in known {
            let from = self.hosts[host].peer;
            let at = self.time + self.dice.between(100, 2_000);
            self.at(at, Happening::Arrive { host, channel: Channel::Dht, from, frame });
        }
    }

    /// To one peer, directly.
    pub(super) fn send(&mut self, host: usize, peer: &PeerId, frame: &Arc<[u8]>) {
        if *peer == self.hosts[host].peer {
            // An answer to a copy, which has the same peer: there is no way to it.
            return;
        }
        self.check_binding(host, frame);
        for to in 0..self.hosts.len() {
            if self.hosts[to].peer == *peer {
                self.utter(host, to, Channel::Direct, frame);
            }
        }
    }

    /// Carries what a node says: an honest one what it means, a hostile one what it makes of that.
    fn utter(&mut self, host: usize, to: usize, channel: Channel, frame: &Arc<[u8]>) {
        let now = self.hosts[host].clock.now(self.time);
        let receiver = self.hosts[to].serves;
        let Some(rogue) = self.rogues.get_mut(&host) else { return self.carry(host, to, channel, frame) };
        let uttered = rogue.utter(frame, receiver, now);
        if let Some((vice, name)) = uttered.deed {
            *self.tally.deeds.entry((vice, name)).or_default() += 1;
            self.tell(|| format!("node {host} ({}) to node {to}: {name}", vice.code()));
        }
        for frame in uttered.frames {
            if uttered.later == 0 {
                self.carry(host, to, channel, &frame);
            } else {
                let from = self.hosts[host].peer;
                self.at(self.time + uttered.later, Happening::Arrive { host: to, channel, from, frame });
            }
        }
    }

    /// A node with vices knows its message key, and what its engine is about to say.
    pub(super) fn turn_rogue(&mut self, host: usize) {
        let node = &self.hosts[host];
        let Some(running) = &node.running else { return };
        // The engine draws its message key first of all.
        let mut entropy = running.entropy.clone();
        let random: [u8; 32] = {
            let mut bytes = [0; 32];
            entropy.try_fill_bytes(&mut bytes).expect("a rogue's randomness does not fail");
            bytes
        };
        let now = node.clock.now(self.time);
        let (wall, mono) = (now.wall.0.to_be_bytes(), now.mono.0.to_be_bytes());
        let hash = tagged_hash(
            "motet/message-key/v1",
            &[&random, &node.key.to_bytes(), &running.epoch.to_be_bytes(), &wall, &mono],
        );
        let message_key = SecretKey::from_bytes(&hash).expect("a hash is a scalar");
        let (vices, network) = (node.plan.vices.clone(), self.network.clone());
        let rogue = Rogue::new(
            vices,
            network,
            (node.serves, node.peer),
            (node.secret(), message_key),
            self.plan.profile,
            &mut self.dice,
        );
        self.rogues.insert(host, rogue);
    }

    /// A rogue hears something, and may say more than its engine will.
    pub(super) fn provoke(&mut self, host: usize, message: &Validated) {
        let now = self.hosts[host].clock.now(self.time);
        let Some(rogue) = self.rogues.get_mut(&host) else { return };
        for deed in rogue.provoked(message, now) {
            *self.tally.deeds.entry((deed.vice, deed.name)).or_default() += 1;
            self.tell(|| format!("node {host} ({}): {}", deed.vice.code(), deed.name));
            for to in 0..self.hosts.len() {
                let meant = deed.to.is_none_or(|node| node == self.hosts[to].serves);
                if to != host && meant {
                    self.carry(host, to, deed.channel, &deed.frame);
                }
            }
        }
    }

    /// S11, on a sample: a frame of this network is none of another.
    fn check_binding(&mut self, host: usize, frame: &Arc<[u8]>) {
        if self.is_honest(host) && self.dice.chance(20) {
            self.check_frame_for_secrets(host, frame);
            let arrival = motet_wire::Arrival::new(Arc::clone(frame), Channel::Sync, self.hosts[host].peer);
            let now = self.hosts[host].clock.now(self.time);
            if self.stranger.validate(arrival, now).is_ok() {
                self.watch.breach(Invariant::Binding, format!("a frame of host {host} is valid on another network"));
            }
        }
    }

    /// Carries a frame from one node to another, or loses it.
    pub(super) fn carry(&mut self, from: usize, to: usize, channel: Channel, frame: &Arc<[u8]>) {
        let peer = self.hosts[from].peer;
        if self.frozen.is_some() {
            return self.at(self.time, Happening::Arrive { host: to, channel, from: peer, frame: Arc::clone(frame) });
        }
        if self.is_cut_off(from) || self.is_cut_off(to) {
            return self.tally.fault("message lost with a node's connections");
        }
        let (sender, receiver) = (self.hosts[from].serves, self.hosts[to].serves);
        // Of two nodes that are one peer, either may have the connection.
        if self.hosts.len() > self.plan.nodes.len() && self.is_copied(to) && self.dice.chance(300) {
            return;
        }
        let calm = self.time >= self.plan.calm_from || self.time < super::BEGIN;
        if calm {
            let most = if self.time < super::BEGIN { 10 } else { self.plan.net.delay.min(50) };
            let at = self.time + 1 + self.dice.below(most);
            return self.at(at, Happening::Arrive { host: to, channel, from: peer, frame: Arc::clone(frame) });
        }
        let copies = if self.dice.chance(self.plan.net.doubled) { 2 } else { 1 };
        if copies == 2 {
            self.tally.fault("message doubled");
        }
        for _ in 0..copies {
            let mut at = self.time;
            let cut = self.plan.net.partitions.iter().find(|partition| partition.cuts(at, sender, receiver));
            if let Some(until) = cut.map(|partition| partition.until) {
                self.tally.fault("message cut off");
                if !self.dice.chance(self.plan.net.retried) {
                    continue;
                }
                at = until;
            } else if self.dice.chance(self.plan.net.lost) {
                self.tally.fault("message lost");
                continue;
            }
            at += 1 + self.dice.below(self.plan.net.delay);
            if self.dice.chance(self.plan.net.late) {
                self.tally.fault("message late");
                at += self.dice.heavy(self.plan.net.latest);
            }
            let latest = self.latest.entry((from, to)).or_default();
            if at < *latest {
                self.tally.fault("message overtakes");
            }
            *latest = at.max(*latest);
            self.at(at, Happening::Arrive { host: to, channel, from: peer, frame: Arc::clone(frame) });
        }
    }

    fn is_copied(&self, host: usize) -> bool {
        let peer = self.hosts[host].peer;
        self.hosts.iter().filter(|other| other.peer == peer).count() > 1
    }

    /// A frame came while nobody was there; whoever sent it may try again.
    pub(super) fn on_missed(&mut self, host: usize, channel: Channel, from: PeerId, frame: Arc<[u8]>) {
        self.tally.fault("message to a node that is down");
        if channel == Channel::Direct && self.dice.chance(500) {
            let at = self.time + self.dice.between(500, 5_000);
            self.at(at, Happening::Arrive { host, channel, from, frame });
        }
    }

    /// Hands a gossip message on, as neighbours do.
    pub(super) fn relay(&mut self, host: usize, message: &Validated) {
        if self.plan.net.relayed == 0 || !self.dice.chance(self.plan.net.relayed) {
            return;
        }
        self.tally.fault("message relayed");
        let from = mark(message.from());
        for to in 0..self.hosts.len() {
            if to != host && self.hosts[to].serves != from {
                self.carry(host, to, Channel::Gossip, message.frame());
            }
        }
    }
}
