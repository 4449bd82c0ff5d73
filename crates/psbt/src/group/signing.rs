//! Keys under which a group signs at one address, with the aggregation of each.

use bitcoin::taproot::TapLeafHash;
use motet_core_crypto::{KeyAggContext, PublicKey};

use super::Group;
use super::spend::PathId;
use crate::descriptor::{KeyExpr, Output, ResolveError};
use crate::fields::SigningKey;

/// One signature that a spend path needs, by an aggregate key.
#[derive(Debug, Clone)]
pub struct SigningTarget {
    /// The number of the key expression in the descriptor.
    pub key: usize,
    /// The aggregation with all derivations and tweaks: the signature verifies under its aggregate key.
    pub context: KeyAggContext,
    /// The aggregate key before any derivation or tweak.
    pub aggregate: PublicKey,
    /// The leaf whose script checks the signature; none for the key path.
    pub leaf: Option<TapLeafHash>,
    /// The signers by their number in [`Group::participants`], in the order of `context.keys()`.
    pub signers: Vec<usize>,
}

impl SigningTarget {
    /// The key of the MuSig2 fields of a participant in a PSBT (BIP-373). None if there is no such participant.
    pub fn signing_key(&self, place: usize) -> Option<SigningKey> {
        let participant = *self.context.keys().get(place)?;
        Some(SigningKey { participant, aggregate: self.context.aggregate_plain(), leaf: self.leaf })
    }
}

impl Group {
    /// The aggregate keys that sign for a spend path, with their aggregation. Single keys are left out.
    ///
    /// # Errors
    ///
    /// [`ResolveError`].
    pub fn signing_targets(&self, path: PathId, output: &Output) -> Result<Vec<SigningTarget>, ResolveError> {
        let (numbers, leaf): (Vec<usize>, _) = match path {
            PathId::Key => (vec![0], None),
            PathId::Leaf(number) => match output.leaves.get(number) {
                Some(leaf) => (leaf.keys.iter().copied().collect(), Some(leaf.hash)),
                None => (Vec::new(), None),
            },
        };
        let mut targets = Vec::new();
        for number in numbers {
            let resolved = output.keys.get(number).and_then(|key| key.musig.as_ref());
            let (Some(musig), Some(KeyExpr::Musig(expr))) = (resolved, self.descriptor.keys().get(number)) else {
                continue;
            };
            let context = match (path, &output.key_path) {
                (PathId::Key, Some(context)) => context.clone(),
                (PathId::Key, None) => return Err(ResolveError::NoKey { number }),
                (PathId::Leaf(_), _) => musig.context.clone(),
            };
            let participant =
                |place: &usize| expr.participants.get(*place).and_then(|key| self.participant_number(key));
            targets.push(SigningTarget {
                key: number,
                context,
                aggregate: musig.aggregate,
                leaf,
                signers: musig.order.iter().filter_map(participant).collect(),
            });
        }
        Ok(targets)
    }
}
