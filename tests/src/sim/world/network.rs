//! The network: who hears what, when, how often, if at all.

use std::sync::Arc;

use motet_wire::{Channel, Kind, PeerId, Validated, peek};

use super::{Happening, World, mark};
use crate::sim::watch::Invariant;

impl World {
    /// To everybody, by gossip, and back to the node itself.
    pub(super) fn broadcast(&mut self, host: usize, frame: &Arc<[u8]>) {
        if peek(frame).is_some_and(|peek| peek.kind == Kind::SignerAdvertisement) {
            self.advertised.insert(self.hosts[host].serves, Arc::clone(frame));
        }
        self.check_binding(host, frame);
        for to in 0..self.hosts.len() {
            if to == host {
                let from = self.hosts[host].peer;
                self.at(
                    self.time,
                    Happening::Arrive { host, channel: Channel::Loopback, from, frame: Arc::clone(frame) },
                );
            } else if self.hosts[to].peer != self.hosts[host].peer {
                self.carry(host, to, Channel::Gossip, frame);
            }
        }
    }

    /// To one peer, directly.
    pub(super) fn send(&mut self, host: usize, peer: &PeerId, frame: &Arc<[u8]>) {
        if *peer == self.hosts[host].peer {
            let frame = Arc::clone(frame);
            return self.at(self.time, Happening::Arrive { host, channel: Channel::Loopback, from: *peer, frame });
        }
        self.check_binding(host, frame);
        for to in 0..self.hosts.len() {
            if self.hosts[to].peer == *peer {
                self.carry(host, to, Channel::Direct, frame);
            }
        }
    }

    /// S11, on a sample: a frame of this network is none of another.
    fn check_binding(&mut self, host: usize, frame: &Arc<[u8]>) {
        if self.is_honest(host) && self.dice.chance(20) {
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
