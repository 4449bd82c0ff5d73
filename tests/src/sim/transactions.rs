//! Bitcoin transactions in simulated worlds: groups of the world's signers, the coins that they spend, and the lies of a creator.
//!
//! Each ask of such a world is a transaction of the group of its signers. Honest nodes know the groups and run the check of a
//! node; its answers are judged by [`truth`], which computes the same from the PSBT with other code.

mod group;
mod lie;
mod terms;
pub mod truth;

use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_wallet::Registry;
use motet_wire::RequestMetadata;

pub use group::{Deriving, Group, INDEXES};
pub use lie::Lie;
pub use terms::Terms;

use super::host::Host;
use super::plan::Plan;

/// The transactions of a world.
#[derive(Debug, Default)]
pub struct Transactions {
    /// The groups that every honest node knows; none in a world without transactions.
    pub registry: Option<Registry>,
    /// The groups by their sorted keys.
    pub groups: BTreeMap<Vec<PublicKey>, Group>,
    /// The metadata of each ask.
    metadata: Vec<RequestMetadata>,
}

impl Transactions {
    /// Makes the transactions that a plan asks for. The asks get their signers in the order of the request, and their items.
    pub fn of(plan: &mut Plan, hosts: &[Host]) -> Self {
        let mut registry = Registry::new();
        let mut made = Self::default();
        let deriving = plan.deriving;
        for ask in &mut plan.asks {
            let Some(spend) = &ask.spend else {
                made.metadata.push(RequestMetadata::default());
                continue;
            };
            let mut keys: Vec<PublicKey> = ask.signers.iter().map(|signer| hosts[*signer].key).collect();
            keys.sort();
            let group = made.groups.entry(keys).or_insert_with_key(|keys| {
                let mut group = Group::new(keys, deriving, spend.has_tree);
                group.registered.rename(&format!("group {}", registry.len())).expect("a short name");
                registry.add(group.registered.clone()).expect("groups with other keys and other names");
                group
            });
            let Terms { keys, items, metadata } = Terms::of(spend, group);
            ask.signers.sort_by_key(|signer| keys.iter().position(|key| *key == hosts[*signer].key));
            ask.items = items;
            made.metadata.push(metadata);
        }
        made.registry = (!registry.is_empty()).then_some(registry);
        made
    }

    /// The metadata of an ask.
    pub fn metadata(&self, ask: usize) -> RequestMetadata {
        self.metadata[ask].clone()
    }

    /// The group that exactly these signers are, in any order.
    pub fn group_of(&self, keys: &[PublicKey]) -> Option<&Group> {
        let mut sorted = keys.to_vec();
        sorted.sort();
        self.groups.get(&sorted)
    }

    /// True if a key is of a group.
    pub fn has_member(&self, key: &PublicKey) -> bool {
        self.groups.keys().any(|keys| keys.contains(key))
    }
}
