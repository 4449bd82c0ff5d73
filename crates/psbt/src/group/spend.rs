//! Ways to spend from a group: the key path and each leaf, with their signers, locks and costs.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bitcoin::Weight;
use miniscript::policy::{Liftable as _, Semantic};
use miniscript::{Miniscript, Tap};

use super::{Group, is_unspendable};
use crate::descriptor::{KeyExpr, Output, SingleKey};

/// Which way to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathId {
    /// A signature for the output key.
    Key,
    /// The script of a leaf, by its number in the descriptor.
    Leaf(usize),
}

/// `key`, or `leaf 0`, `leaf 1`, ..
impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("key"),
            Self::Leaf(number) => write!(f, "leaf {number}"),
        }
    }
}

/// A way to spend from every address of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendPath {
    /// Which way.
    pub id: PathId,
    /// The numbers of the key expressions that may sign.
    pub keys: BTreeSet<usize>,
    /// The signers behind these keys, by their number in [`Group::participants`].
    pub signers: BTreeSet<usize>,
    /// True if all keys must sign. Otherwise the script has a choice between them.
    pub needs_all: bool,
    /// The relative timelock that the script may demand, as a sequence number: the greatest one in it.
    pub older: Option<u32>,
    /// The absolute timelock that the script may demand: the greatest one in it.
    pub after: Option<u32>,
    /// An upper bound of the weight of the witness with signatures for `SIGHASH_ALL`. None if the script cannot be satisfied.
    pub witness: Option<Weight>,
}

impl Group {
    /// All ways to spend, the key path first. A key path that is disabled by BIP-341's point without secret key is left out.
    pub fn spend_paths(&self) -> Vec<SpendPath> {
        let keys = self.descriptor.keys();
        let is_disabled = matches!(keys.first(), Some(KeyExpr::Single(key)) if is_unspendable(key));
        let key_path = SpendPath {
            id: PathId::Key,
            keys: BTreeSet::from([0]),
            signers: self.signers_of([0]),
            needs_all: true,
            older: None,
            after: None,
            // The number of elements, and one element with its length.
            witness: Some(Weight::from_wu(1 + 1 + 65)),
        };
        let mut paths = if is_disabled { Vec::new() } else { vec![key_path] };
        // Scripts differ between addresses in their keys alone.
        if let Ok(output) = self.descriptor.output(0, 0) {
            paths.extend((0..output.leaves.len()).filter_map(|leaf| self.leaf_path(&output, leaf)));
        }
        paths
    }

    fn leaf_path(&self, output: &Output, number: usize) -> Option<SpendPath> {
        let leaf = output.leaves.get(number)?;
        let script: Miniscript<bitcoin::XOnlyPublicKey, Tap> = Miniscript::decode(&leaf.script).ok()?;
        let mut conditions = Conditions { needs_all: true, older: None, after: None };
        conditions.add(&script.lift().ok()?);
        let control = leaf.control_block.size();
        let sized = |size: usize| size + bitcoin::VarInt::from(size).size();
        let elements =
            script.max_satisfaction_witness_elements().ok().map(|count| bitcoin::VarInt::from(count + 2).size());
        let size = |elements| {
            Some(elements + script.max_satisfaction_size().ok()? + sized(leaf.script.len()) + sized(control))
        };
        Some(SpendPath {
            id: PathId::Leaf(number),
            keys: leaf.keys.clone(),
            signers: self.signers_of(leaf.keys.iter().copied()),
            needs_all: conditions.needs_all,
            older: conditions.older,
            after: conditions.after,
            witness: elements.and_then(size).and_then(|size| u64::try_from(size).ok()).map(Weight::from_wu),
        })
    }

    fn signers_of(&self, keys: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let singles =
            keys.into_iter().filter_map(|number| self.descriptor.keys().get(number)).flat_map(KeyExpr::singles);
        singles.filter_map(|single| self.participant_number(single)).collect()
    }

    /// The number of a key in the list of participants.
    /// The numbers of the participants that sign any spend path. An internal key that nobody can sign for is none of them.
    pub fn signing_participants(&self) -> BTreeSet<usize> {
        self.spend_paths().into_iter().flat_map(|path| path.signers).collect()
    }

    pub(crate) fn participant_number(&self, single: &SingleKey) -> Option<usize> {
        self.participants().iter().position(|listed| listed.key == single.key)
    }
}

/// The demands of a script besides signatures.
struct Conditions {
    needs_all: bool,
    older: Option<u32>,
    after: Option<u32>,
}

impl Conditions {
    fn add(&mut self, policy: &Semantic<bitcoin::XOnlyPublicKey>) {
        match policy {
            Semantic::After(lock) => self.after = self.after.max(Some(lock.to_consensus_u32())),
            Semantic::Older(lock) => self.older = self.older.max(Some(lock.to_consensus_u32())),
            Semantic::Thresh(parts) => {
                self.needs_all &= parts.k() == parts.n();
                parts.iter().map(Arc::as_ref).for_each(|part| self.add(part));
            }
            Semantic::Unsatisfiable
            | Semantic::Trivial
            | Semantic::Key(_)
            | Semantic::Sha256(_)
            | Semantic::Hash256(_)
            | Semantic::Ripemd160(_)
            | Semantic::Hash160(_) => {}
        }
    }
}
