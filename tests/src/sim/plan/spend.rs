//! Worlds whose asks are Bitcoin transactions of a group: of the world's signers, perhaps with a creator that lies.
//!
//! They are drawn from dice of their own, after everything else: a seed's other draws do not depend on them, and most worlds are
//! as they would be without.

use motet_wire::{Derivation, Item};

use super::{NodePlan, Plan, Profile, Vice};
use crate::sim::dice::{Dice, EntropyFault};
use crate::sim::judge::HAS_BITCOIN_KEYS;
use crate::sim::transactions::{Deriving, Lie};

/// The worlds of a thousand whose asks are transactions: deriving their addresses takes longer than everything else in a world.
const WORLDS: u64 = 60;
/// Of these, the worlds of a thousand in which a creator lies, if anybody lies at all.
const LYING: u64 = 500;
/// Of these, the worlds of a thousand whose requests are private.
const PRIVATE: u64 = 400;
/// Of those, the worlds of a thousand whose groups derive the keys of their members.
const MEMBERS: u64 = 500;
/// Of those with a liar, the worlds of a thousand in which the lie is about a chain code.
const CHAIN_CODES: u64 = 200;

/// A transaction that an ask is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spend {
    /// True if the group has a script tree.
    pub has_tree: bool,
    /// True if the coins are spent by the leaf of that tree.
    pub by_leaf: bool,
    /// The number of coins of the group.
    pub own: usize,
    /// The number of coins of others.
    pub foreign: usize,
    /// True if an output is the group's own.
    pub has_change: bool,
    /// The sighash type of the own inputs.
    pub sighash: u8,
    /// The lie of the creator.
    pub lie: Option<Lie>,
}

impl Plan {
    /// Draws whether the asks are transactions, and which.
    pub(super) fn draw_spends(&mut self) {
        let mut dice = Dice::new(self.seed ^ 0x7370_656e_6400_0000);
        if !HAS_BITCOIN_KEYS || !dice.chance(WORLDS) {
            return;
        }
        self.is_private = dice.chance(PRIVATE);
        // The worlds in which anybody else hears of a private request have a node that is no member.
        if self.is_private && self.nodes.len() > 2 {
            let most = self.nodes.len() - 1;
            for ask in &mut self.asks {
                ask.signers.truncate(most);
                if !ask.signers.contains(&ask.creator) {
                    ask.creator = dice.pick(&ask.signers);
                }
                ask.cancel = ask.cancel.filter(|(who, _)| ask.signers.contains(who));
            }
        }
        // All groups with the same members are one.
        let has_tree = dice.chance(500);
        for ask in &mut self.asks {
            let spend = draw(&mut dice, has_tree);
            ask.items = placeholders(spend.own);
            ask.spend = Some(spend);
        }
        if self.profile != Profile::Calm && dice.chance(LYING) {
            let (ask, lie) = (dice.index(self.asks.len()), dice.pick(Lie::about_any_group()));
            self.lie(ask, lie);
        }
        if self.is_private {
            self.draw_deriving();
        }
    }

    /// Draws whether members' keys are derived before they are aggregated. The dice are others again, so that transactions of other groups
    /// are as they would be without.
    fn draw_deriving(&mut self) {
        let mut dice = Dice::new(self.seed ^ 0x6465_7269_7665_0000);
        if !dice.chance(MEMBERS) {
            return;
        }
        self.deriving = Deriving::Members;
        if dice.chance(CHAIN_CODES) {
            let spends = self.asks.iter_mut().filter_map(|ask| ask.spend.as_mut());
            for spend in spends.filter(|spend| spend.lie.is_some()) {
                spend.lie = Some(Lie::ChainCode);
            }
        }
    }

    /// The plan of a calm world in which a creator tells this lie.
    pub fn lying(seed: u64, lie: Lie) -> Self {
        let mut plan = Self::draw(seed, Profile::Calm);
        plan.asks.truncate(1);
        plan.lie(0, lie);
        if lie.is_about_members() {
            plan.is_private = true;
            plan.deriving = Deriving::Members;
        }
        plan
    }

    /// The plan of a calm world in which a creator tells this lie in private, of a group that derives its members' keys.
    pub fn lying_of_members(seed: u64, lie: Lie) -> Self {
        Self { is_private: true, deriving: Deriving::Members, ..Self::lying(seed, lie) }
    }

    /// The plan of a calm world with honest transactions of groups that derive their members' keys.
    pub fn spending_of_members(seed: u64) -> Self {
        Self { deriving: Deriving::Members, ..Self::spending(seed, true) }
    }

    /// The plan of a calm world with an honest transaction, private or not.
    pub fn spending(seed: u64, is_private: bool) -> Self {
        let mut plan = Self::draw(seed, Profile::Calm);
        let mut dice = Dice::new(seed);
        plan.is_private = is_private;
        let has_tree = dice.chance(500);
        for ask in &mut plan.asks {
            ask.spend = Some(draw(&mut dice, has_tree));
        }
        plan
    }

    /// Makes a creator lie.
    fn lie(&mut self, ask: usize, lie: Lie) {
        let by_leaf = lie.is_about_a_leaf();
        let has_tree = by_leaf || self.asks[ask].spend.is_some_and(|spend| spend.has_tree);
        let spend = Spend { has_tree, by_leaf, own: 2, foreign: 1, has_change: true, sighash: 0, lie: Some(lie) };
        for other in &mut self.asks {
            other.spend = other.spend.map(|spend| Spend { has_tree, by_leaf: spend.by_leaf && has_tree, ..spend });
        }
        self.asks[ask].items = placeholders(spend.own);
        self.asks[ask].spend = Some(spend);
        // One of the honest is left to be lied to.
        let liars = self.asks[ask].signers.iter().copied().filter(|signer| !self.is_honest(*signer));
        let liar = liars.clone().next().unwrap_or(self.asks[ask].creator);
        self.asks[ask].creator = liar;
        let node = &mut self.nodes[liar];
        node.vices.insert(Vice::LiesAboutTransactions);
        *node = NodePlan { crashes: Vec::new(), cloned: None, entropy: EntropyFault::None, ..node.clone() };
    }
}

fn draw(dice: &mut Dice, has_tree: bool) -> Spend {
    Spend {
        has_tree,
        by_leaf: has_tree && dice.chance(300),
        own: dice.between(1, 3) as usize,
        foreign: usize::from(dice.chance(300)),
        has_change: dice.chance(700),
        sighash: dice.pick(&[0, 0, 0, 1, 0x81]),
        lie: None,
    }
}

/// As many items as the transaction will have, until the signers have keys.
fn placeholders(count: usize) -> Vec<Item> {
    vec![Item { message: vec![0; 32], derivation: Derivation::None }; count]
}
