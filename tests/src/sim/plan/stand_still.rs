//! Nodes that stand still for a while: a process that is stopped, a laptop whose lid is closed.
//!
//! A world's stand-stills are drawn from dice of their own, after everything else: a seed's other draws do not depend on
//! them.

use core::time::Duration;

use super::{Plan, Profile};
use crate::sim::dice::Dice;

/// When a node begins to stand still: always after a commit of its store, and before what waits for that commit leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After the commit of this number, counted from the node's first.
    Commit(u64),
    /// After the commit of this number among those that hold a partial signature.
    Signed(u64),
}

/// A time in which a node does nothing, and after which it goes on as if nothing had been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandStill {
    /// When it begins.
    pub after: Moment,
    /// How long it lasts, in milliseconds.
    pub lasts: u64,
    /// True if the whole machine sleeps: then its monotonic clock stands still, too. That of a process that is stopped
    /// goes on.
    pub asleep: bool,
    /// The milliseconds that new connections take, if the old ones do not survive it.
    pub reconnects: Option<u64>,
}

impl Plan {
    /// Draws which nodes stand still.
    pub(super) fn draw_stand_stills(&mut self) {
        let mut dice = Dice::new(self.seed ^ 0x7374_696c_6c00_0000);
        let (worlds, more) = match self.profile {
            Profile::Calm => return,
            Profile::Normal | Profile::Deep => (250, 100),
            Profile::Brutal => (400, 300),
        };
        if !dice.chance(worlds) {
            return;
        }
        // A liar that is silent is another fault: B6 and B16.
        let mut honest: Vec<usize> = (0..self.nodes.len()).filter(|node| self.is_honest(*node)).collect();
        dice.shuffle(&mut honest);
        let patience = self.patience();
        for (place, node) in honest.into_iter().enumerate() {
            if place == 0 || dice.chance(more) {
                let count = if dice.chance(more) { 2 } else { 1 };
                self.nodes[node].stand_stills = (0..count).map(|_| draw(&mut dice, patience)).collect();
            }
        }
    }

    /// How long a node waits for one that says nothing more in a round, until it gives the session up: all its attempts,
    /// with the most items and the slowest clock. In milliseconds.
    fn patience(&self) -> u64 {
        let items = self.asks.iter().map(|ask| ask.items.len()).max().unwrap_or(1);
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        let round = self.config.round_timeout + self.config.round_timeout_per_item * items;
        let all: Duration = round * self.config.max_attempts;
        u64::try_from(all.as_millis()).unwrap_or(u64::MAX) / 100 * 106
    }
}

fn draw(dice: &mut Dice, patience: u64) -> StandStill {
    let after = if dice.chance(600) {
        Moment::Signed(dice.pick(&[1, 1, 1, 2, 3]))
    } else {
        Moment::Commit(dice.between(1, 15))
    };
    let long = dice.chance(600);
    let lasts = if long { patience + 1_000 + dice.heavy(120_000) } else { 1 + dice.heavy(30_000) };
    let asleep = dice.chance(500);
    let reconnects = dice.chance(500).then(|| dice.heavy(15_000));
    StandStill { after, lasts, asleep, reconnects }
}
