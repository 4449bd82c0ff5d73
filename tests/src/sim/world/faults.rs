//! Faults of nodes: those that are there from the beginning, copies, crashes.

use super::{Happening, World};
use crate::sim::dice::EntropyFault;

impl World {
    /// Counts the faults that are there from the beginning.
    pub(super) fn count_lasting(&mut self) {
        for node in self.plan.nodes.clone() {
            let faults = [
                (node.rate != 1_000_000, "clock too fast or too slow"),
                (node.offset != 0, "wall clock off"),
                (node.disk_lies, "disk that lies"),
                (node.entropy == EntropyFault::Repeats, "randomness that repeats"),
                (matches!(node.entropy, EntropyFault::Fails(_)), "randomness that fails"),
                (node.work > 100, "node that is slow"),
            ];
            for (_, name) in faults.into_iter().filter(|(there, _)| *there) {
                self.tally.fault(name);
            }
        }
        for partition in self.plan.net.partitions.clone() {
            let back = self.plan.net.partitions.iter().any(|other| {
                (other.senders, other.receivers, other.from) == (partition.receivers, partition.senders, partition.from)
            });
            self.tally.fault(if back { "partition, half of one of both ways" } else { "partition, one way" });
        }
        let liars = self.plan.nodes.iter().filter(|node| !node.vices.is_empty()).count();
        if liars + 1 == self.plan.nodes.len() {
            self.tally.fault("all but one lie");
        }
    }

    pub(super) fn clone_host(&mut self, host: usize) {
        if self.hosts[host].running.is_none() {
            return;
        }
        self.tally.fault("clone");
        self.watch.all_single = false;
        let copy = self.hosts[host].copy(&mut self.dice);
        self.hosts.push(copy);
        let copy = self.hosts.len() - 1;
        self.tell(|| format!("node {copy} is a copy of node {host}"));
        self.start(copy);
    }

    pub(super) fn crash(&mut self, host: usize) {
        let Some(crash) = self.hosts[host].crashes.pop_front() else { return };
        self.tally.fault("crash");
        self.tell(|| format!("node {host} crashes"));
        let outbox = self.hosts[host].running.as_mut().map(|running| core::mem::take(&mut running.outbox));
        for effect in outbox.into_iter().flat_map(motet_coordinator::Outbox::into_effects) {
            self.leave_untold(host, &effect);
        }
        let keep = self.dice.below(64);
        let lost =
            self.hosts[host].disk.lose_power(|unsafe_commits| usize::try_from(keep).unwrap_or(0) % unsafe_commits);
        if lost > 0 {
            self.tally.fault("commits lost that the disk had promised");
        }
        self.hosts[host].running = None;
        self.at(self.time + crash.down, Happening::Start { host });
    }
}
