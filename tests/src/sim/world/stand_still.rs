//! Nodes that stand still: whatever is theirs waits in its order until they go on, and then happens as it always does.

use motet_coordinator::Record;
use motet_wire::Channel;

use super::{BEGIN, Happening, World};
use crate::sim::plan::{Moment, StandStill};

/// How long others keep a connection on which nothing comes, in milliseconds.
const IDLE: u64 = 10_000;
/// The most milliseconds between two messages that a node reads when it goes on.
const READING: u64 = 20;

/// A node that stands still.
#[derive(Debug)]
pub(in crate::sim) struct Still {
    how: StandStill,
    since: u64,
    /// The happenings that have been put off, in order.
    waiting: Vec<Happening>,
}

impl World {
    /// Counts a commit, and begins what is planned to come after it: nothing that waits for the commit has left then.
    pub(super) fn stands_still_after(&mut self, host: usize, records: &[Record]) {
        let node = &mut self.hosts[host];
        node.commits += 1;
        let signs = records.iter().any(|record| matches!(record, Record::Spent { .. }));
        node.signed += u64::from(signs);
        let comes = |still: &&StandStill| match still.after {
            Moment::Commit(number) => node.commits >= number,
            Moment::Signed(number) => signs && node.signed >= number,
        };
        // Before the first request there is nothing to miss, and in the end only what is given back is of interest.
        let Some(how) = node.stand_stills.front().filter(comes).copied().filter(|_| self.time >= BEGIN && !self.dark)
        else {
            return;
        };
        node.stand_stills.pop_front();
        node.standing = Some(Still { how, since: self.time, waiting: Vec::new() });
        self.tally.fault(if how.asleep { "node stands still, clock too" } else { "node stands still" });
        self.tell(|| format!("node {host} stands still: {how:?}"));
        self.at(self.time + how.lasts, Happening::GoOn { host });
    }

    /// Lets what happens wait if it is of a node that stands still; hands it back otherwise.
    pub(super) fn unless_standing(&mut self, happening: Happening) -> Option<Happening> {
        let host = match &happening {
            Happening::Arrive { host, .. }
            | Happening::Tick { host, .. }
            | Happening::Work { host, .. }
            | Happening::Committed { host, .. }
            | Happening::Late { host, .. } => *host,
            Happening::Ask { ask } => self.plan.asks[*ask].creator,
            Happening::Cancel { ask } => self.plan.asks[*ask].cancel?.0,
            _ => return Some(happening),
        };
        let (time, cut_off) = (self.time, self.is_cut_off(host));
        let node = &mut self.hosts[host];
        let due = node.running.as_ref().and_then(|running| running.tick_at) == Some(time);
        let Some(standing) = &mut node.standing else { return Some(happening) };
        if is_carried(&happening) && cut_off {
            self.tally.fault("message lost with a node's connections");
            return None;
        }
        // Of ticks that have been put off, only the last counts.
        if due || !matches!(happening, Happening::Tick { .. }) {
            standing.waiting.push(happening);
        }
        None
    }

    /// True if a node's connections are gone, because it stands still or stood still until now.
    pub(super) fn is_cut_off(&self, host: usize) -> bool {
        let node = &self.hosts[host];
        let gone = |standing: &Still| standing.how.reconnects.is_some() && self.time >= standing.since + IDLE;
        self.time < node.connected_from || node.standing.as_ref().is_some_and(gone)
    }

    /// A node goes on: what waited for its disk leaves, what its own parts have ready is taken, and messages are read one
    /// after the other.
    pub(super) fn go_on(&mut self, host: usize) {
        let (time, cut_off) = (self.time, self.is_cut_off(host));
        let node = &mut self.hosts[host];
        let Some(standing) = node.standing.take() else { return };
        if standing.how.asleep {
            node.clock.sleep(standing.since, time);
        }
        if cut_off {
            node.connected_from = time + standing.how.reconnects.unwrap_or(0);
        }
        self.mended = self.mended.max(time).max(self.hosts[host].connected_from);
        self.tell(|| format!("node {host} goes on"));
        if self.plan.is_private {
            self.at(self.hosts[host].connected_from.max(time) + 100, Happening::Connect { host });
        }
        self.pump(host);
        let mut read = time;
        for happening in standing.waiting {
            if let (Happening::Tick { .. }, Some(running)) = (&happening, &mut self.hosts[host].running) {
                running.tick_at = Some(time);
            }
            if is_carried(&happening) {
                read += self.dice.below(READING + 1);
                self.at(read, happening);
            } else {
                self.at(time, happening);
            }
        }
    }

    /// True if a node has stood still.
    pub(super) fn has_stood(&self) -> bool {
        self.stood().next().is_some()
    }

    /// The stand-stills that have come, of all nodes.
    pub(super) fn stood(&self) -> impl Iterator<Item = &StandStill> {
        (0..self.hosts.len()).flat_map(|host| self.stood_of(host))
    }

    fn stood_of(&self, host: usize) -> impl Iterator<Item = &StandStill> {
        let node = &self.hosts[host];
        let come = node.plan.stand_stills.len() - node.stand_stills.len();
        node.plan.stand_stills.iter().take(come)
    }

    /// How long a node has stood still at most while its clock went on, in its own milliseconds.
    pub(super) fn stood_by_its_clock(&self, host: usize) -> u64 {
        let counted = self.stood_of(host).filter(|still| !still.asleep);
        counted.map(|still| still.lasts / 100 * 106 + 1_000).sum()
    }

    /// How long nodes have stood still in all, in milliseconds, if that keeps nobody from signing: others wait so long in a
    /// round, nonces live so long, and no connection is lost.
    pub(super) fn stood_shortly(&self) -> Option<u64> {
        let stood: u64 = self.stood().map(|still| still.lasts).sum();
        let most = self.plan.config.round_timeout.min(self.plan.config.nonce_lifetime) / 2;
        let short = u128::from(stood) < most.as_millis();
        let connected = self.stood().all(|still| still.reconnects.is_none() || still.lasts < IDLE);
        (stood == 0 || (short && connected)).then_some(stood)
    }

    /// True while a node stands still.
    pub(super) fn stands(&self, host: usize) -> bool {
        self.hosts[host].standing.is_some()
    }
}

/// True if this comes over a connection.
const fn is_carried(happening: &Happening) -> bool {
    matches!(happening, Happening::Arrive { channel: Channel::Gossip | Channel::Direct, .. })
}
