//! The clock of a cluster, and what happens while it moves.

use core::time::Duration;

use motet_coordinator::Input;

use super::{Cluster, MONO};
use crate::network::milliseconds;

/// Virtual time after which a test has waited in vain: longer than any time limit of an engine.
const IN_VAIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Cluster {
    /// Lets so much time pass, with all that happens in it: frames arrive, timers run out.
    pub fn advance(&mut self, time: Duration) {
        let end = self.clock.saturating_add(milliseconds(time));
        while self.next_happening().is_some_and(|next| next <= end) {
            self.step();
        }
        self.clock = self.clock.max(end);
    }

    /// Lets time pass until this is true. Checked after each frame and each timer.
    ///
    /// # Panics
    ///
    /// If it is not true within a week, or if nothing happens any more.
    #[expect(clippy::panic, reason = "documented: what a test waits for has to happen")]
    pub fn run_until(&mut self, mut condition: impl FnMut(&Self) -> bool) {
        let end = self.clock.saturating_add(milliseconds(IN_VAIN));
        while !condition(self) {
            assert!(self.clock < end, "the condition was not met within {IN_VAIN:?}");
            if !self.step() {
                panic!("the condition was not met, and nothing happens any more");
            }
        }
    }

    /// Lets the next thing happen: a frame arrives, a frame leaves that was held back, or a timer runs out. Returns false if
    /// nothing is to come.
    pub fn step(&mut self) -> bool {
        let Some(next) = self.next_happening() else { return false };
        let is_frame = [self.network.next_arrival(), self.next_held()].into_iter().flatten().any(|at| at <= next);
        if is_frame {
            return self.deliver_next();
        }
        self.clock = self.clock.max(next);
        self.tick_due();
        true
    }

    /// Delivers frames until none is on its way and none is held back. Time passes as the frames need it, and timers run out
    /// that are due before a frame arrives.
    pub fn settle(&mut self) {
        while self.deliver_next() {}
    }

    /// Delivers the next frame. Time passes until it arrives, and timers run out that are due before. Returns false if no frame is on its way.
    pub fn deliver_next(&mut self) -> bool {
        loop {
            self.let_out_held();
            let arrival = self.network.next_arrival();
            let Some(next) = [arrival, self.next_held()].into_iter().flatten().min() else { return false };
            if next > self.clock {
                // On the way to that time, timers run out.
                let timer =
                    self.nodes.iter().filter_map(|node| node.next_tick()).min().map(|at| at.saturating_sub(MONO));
                self.clock = timer.filter(|timer| *timer < next).map_or(next, |timer| timer.max(self.clock));
                if self.clock < next {
                    self.tick_due();
                    continue;
                }
            }
            if let Some(flight) = arrival.filter(|at| *at <= self.clock).and_then(|_| self.network.take(self.clock)) {
                self.receive(flight);
                return true;
            }
        }
    }

    /// Moves all clocks without any node noticing, as when the machines of all nodes are asleep: overdue frames and timers
    /// follow with what comes next.
    pub fn jump(&mut self, time: Duration) {
        self.clock = self.clock.saturating_add(milliseconds(time));
    }

    /// Moves the clock to the next timer of any node, and lets all nodes look at the time. Frames on their way wait.
    ///
    /// # Panics
    ///
    /// If no node waits for anything.
    pub fn sleep(&mut self) {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.sleep_of(&all);
    }

    /// The same with the timers of these nodes, while the others stand still.
    ///
    /// # Panics
    ///
    /// If none of them waits for anything.
    pub fn sleep_of(&mut self, awake: &[usize]) {
        let deadlines = awake.iter().filter_map(|node| self.node(*node).engine().next_deadline());
        #[expect(clippy::expect_used, reason = "documented: a test that waits for nothing is wrong")]
        let next = deadlines.min().expect("a node waits for something");
        self.clock = self.clock.max(next.0.saturating_sub(MONO));
        for node in awake {
            self.input(*node, Input::Tick);
        }
    }

    /// The time of the next thing to happen, now at the earliest.
    fn next_happening(&self) -> Option<u64> {
        let timers = self.nodes.iter().filter_map(|node| node.next_tick()).map(|at| at.saturating_sub(MONO));
        let next = timers.chain(self.network.next_arrival()).chain(self.next_held()).min();
        next.map(|next| next.max(self.clock))
    }

    fn next_held(&self) -> Option<u64> {
        self.nodes.iter().filter_map(|node| node.next_due()).min().map(|due| due.saturating_sub(MONO))
    }

    fn tick_due(&mut self) {
        for node in 0..self.nodes.len() {
            if self.node(node).next_tick().is_some_and(|due| due <= MONO + self.clock) {
                self.input(node, Input::Tick);
            }
        }
    }

    /// Lets frames leave whose time has come.
    fn let_out_held(&mut self) {
        for node in 0..self.nodes.len() {
            let now = self.now();
            for effect in self.node_mut(node).due(now) {
                if let Some(input) = self.carry_out(node, effect) {
                    self.input(node, input);
                }
            }
        }
    }
}
