//! The finalizer and the extractor: from partial signatures to witnesses, and from those to the transaction.

use std::collections::BTreeMap;

use bitcoin::hashes::Hash as _;
use bitcoin::taproot::TapLeafHash;
use bitcoin::{ScriptBuf, Sequence, Transaction, Witness, absolute, relative};
use miniscript::{Miniscript, Satisfier, Tap};
use motet_core_crypto::{Signature, schnorr};

use super::missing::Shares;
use super::plan::{OwnInput, SpendPlan};
use crate::bytes::{Reader, put_compact_size, put_sized};
use crate::fields::TapSignature;
use crate::form::{field, input};
use crate::group::{PathId, SigningTarget};
use crate::map::{Key, MapId};
use crate::raw::{EditError, LocktimeConflict, RawPsbt};

/// The reason why an input was not finalized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FinalizeError {
    /// Nonces or partial signatures are missing.
    #[error("input {input}: nonces or partial signatures are missing")]
    Incomplete {
        /// The index of the input.
        input: usize,
    },
    /// More or fewer signatures than the plan needs.
    #[error("{found} signatures are given, and {expected} are needed")]
    Count {
        /// The number of signatures.
        found: usize,
        /// The number that is needed.
        expected: usize,
    },
    /// The partial signatures do not add up to a signature, or a signature is not valid.
    #[error("input {input}: the signature is not valid; if it is made of partial signatures, verify these one by one")]
    Signature {
        /// The index of the input.
        input: usize,
    },
    /// The script needs more than the group's signatures.
    #[error("input {input}: the script needs more than the signatures that are there")]
    Script {
        /// The index of the input.
        input: usize,
    },
    /// The PSBT is not the one that the spend was planned for.
    #[error("the PSBT has another transaction than the one that was planned")]
    OtherTransaction,
    /// The PSBT could not be changed.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// The reason why there is no transaction yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The transaction cannot be computed.
    #[error(transparent)]
    Locktime(#[from] LocktimeConflict),
    /// An input is not final.
    #[error("input {input} is not final: a signature is missing")]
    NotFinal {
        /// The index of the input.
        input: usize,
    },
}

impl SpendPlan {
    /// Adds up the partial signatures of the group's inputs, verifies the signatures, and makes the final witnesses.
    ///
    /// Inputs that are final already stay as they are. As BIP-174 says, a final input keeps what it spends and unknown fields, and
    /// loses everything else.
    ///
    /// # Errors
    ///
    /// [`FinalizeError`] of the first input for which there is one. The PSBT is unchanged then.
    pub fn finalize(&self, psbt: &mut RawPsbt) -> Result<(), FinalizeError> {
        self.finalize_with(psbt, |psbt, own| {
            let each = own.targets.iter().map(|target| added_up(psbt, own, target));
            each.collect()
        })
    }

    /// Makes the final witnesses of the group's inputs from signatures that were made elsewhere, such as in a session over a
    /// network: one for each target of each input, in the order of [`Self::inputs`] and their targets. Each is verified.
    ///
    /// # Errors
    ///
    /// As [`Self::finalize`]; [`FinalizeError::Count`] if there are more or fewer signatures.
    pub fn finalize_signed(&self, psbt: &mut RawPsbt, signatures: &[Signature]) -> Result<(), FinalizeError> {
        let expected = self.inputs.iter().map(|own| own.targets.len()).sum();
        if signatures.len() != expected {
            return Err(FinalizeError::Count { found: signatures.len(), expected });
        }
        let mut by_input = BTreeMap::new();
        let mut rest = signatures;
        for own in &self.inputs {
            let (first, others) = rest.split_at_checked(own.targets.len()).unwrap_or((rest, &[]));
            for (signature, target) in first.iter().zip(&own.targets) {
                schnorr::verify(&target.context.aggregate_key(), &own.message, signature)
                    .map_err(|_| FinalizeError::Signature { input: own.input })?;
            }
            by_input.insert(own.input, first.to_vec());
            rest = others;
        }
        self.finalize_with(psbt, |_, own| Ok(by_input.get(&own.input).cloned().unwrap_or_default()))
    }

    /// Makes the final witnesses, with a function that has the signatures of an input, in the order of its targets.
    fn finalize_with(
        &self,
        psbt: &mut RawPsbt,
        signatures: impl Fn(&RawPsbt, &OwnInput) -> Result<Vec<Signature>, FinalizeError>,
    ) -> Result<(), FinalizeError> {
        // The outputs that final inputs spend need not be there any more, so only the transaction is compared.
        if psbt.unsigned_tx().ok().as_ref() != Some(&self.transaction) {
            return Err(FinalizeError::OtherTransaction);
        }
        let mut changed = psbt.clone();
        for own in &self.inputs {
            if psbt.input(own.input).is_some_and(|input| input.is_final()) {
                continue;
            }
            let witness = self.witness(psbt, own, &signatures(psbt, own)?)?;
            let map = MapId::Input(own.input);
            changed.remove(map, is_dropped)?;
            changed.set(map, Key::new(input::FINAL_SCRIPTWITNESS, &[]), witness_bytes(&witness))?;
        }
        *psbt = changed;
        Ok(())
    }

    fn witness(&self, psbt: &RawPsbt, own: &OwnInput, signatures: &[Signature]) -> Result<Vec<Vec<u8>>, FinalizeError> {
        let input = own.input;
        let keys = own.targets.iter().map(|target| target.context.aggregate_key().to_bytes());
        let signatures: BTreeMap<_, _> = keys.zip(signatures.iter().copied()).collect();
        let leaf = match self.path {
            PathId::Key => None,
            PathId::Leaf(number) => Some(own.output.leaves.get(number).ok_or(FinalizeError::Script { input })?),
        };
        let Some(leaf) = leaf else {
            let signature = signatures.into_values().next().ok_or(FinalizeError::Incomplete { input })?;
            return Ok(vec![TapSignature { signature, sighash: own.sighash }.to_bytes()]);
        };
        let script: Miniscript<bitcoin::XOnlyPublicKey, Tap> =
            Miniscript::decode(&leaf.script).map_err(|_| FinalizeError::Script { input })?;
        let given = psbt.input(input).map(|fields| fields.script_signatures().collect::<Vec<_>>()).unwrap_or_default();
        let mut found: BTreeMap<[u8; 32], TapSignature> = given
            .into_iter()
            .filter(|given| given.leaf == leaf.hash)
            .map(|given| (given.key.to_bytes(), given.signature))
            .collect();
        let own_ones =
            signatures.into_iter().map(|(key, signature)| (key, TapSignature { signature, sighash: own.sighash }));
        found.extend(own_ones);
        let satisfier = LeafSatisfier {
            leaf: leaf.hash,
            signatures: found,
            sequence: self.transaction.input.get(input).map(|input| input.sequence).unwrap_or_default(),
            lock_time: self.transaction.lock_time,
        };
        let mut witness = script.satisfy(satisfier).map_err(|_| FinalizeError::Script { input })?;
        witness.push(leaf.script.to_bytes());
        witness.push(leaf.control_block.serialize());
        Ok(witness)
    }
}

/// The signature of one target: its partial signatures added up.
fn added_up(psbt: &RawPsbt, own: &OwnInput, target: &SigningTarget) -> Result<Signature, FinalizeError> {
    let input = own.input;
    let shares = Shares::of(psbt, own, target);
    let session = shares.session(own, target).ok_or(FinalizeError::Incomplete { input })?;
    let partials = shares.partials.iter().copied().collect::<Option<Vec<_>>>();
    let partials = partials.ok_or(FinalizeError::Incomplete { input })?;
    session.aggregate(&partials).map_err(|_| FinalizeError::Signature { input })
}

/// Signatures and locks of one leaf, for the miniscript library.
struct LeafSatisfier {
    leaf: TapLeafHash,
    signatures: BTreeMap<[u8; 32], TapSignature>,
    sequence: Sequence,
    lock_time: absolute::LockTime,
}

impl Satisfier<bitcoin::XOnlyPublicKey> for LeafSatisfier {
    fn lookup_tap_leaf_script_sig(
        &self,
        key: &bitcoin::XOnlyPublicKey,
        leaf: &TapLeafHash,
    ) -> Option<bitcoin::taproot::Signature> {
        let found =
            self.signatures.get(&key.serialize()).filter(|_| leaf.to_byte_array() == self.leaf.to_byte_array())?;
        let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(&found.signature.to_bytes()).ok()?;
        Some(bitcoin::taproot::Signature { signature, sighash_type: found.sighash.to_bitcoin() })
    }

    fn check_older(&self, lock: relative::LockTime) -> bool {
        lock.is_implied_by_sequence(self.sequence)
    }

    fn check_after(&self, lock: absolute::LockTime) -> bool {
        self.sequence.enables_absolute_lock_time() && lock.is_implied_by(self.lock_time)
    }
}

/// True if a final input loses an entry: all known fields but the output that is spent.
fn is_dropped(key: &Key) -> bool {
    let is_kept = matches!(key.kind(), input::NON_WITNESS_UTXO | input::WITNESS_UTXO | PROPRIETARY);
    !is_kept && field(crate::form::MapKind::Input, key.kind()).is_some()
}

const PROPRIETARY: u64 = 0xfc;

fn witness_bytes(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_compact_size(&mut bytes, elements.len() as u64);
    elements.iter().for_each(|element| put_sized(&mut bytes, element));
    bytes
}

impl RawPsbt {
    /// The signed transaction (the Extractor of BIP-174), if all inputs are final.
    ///
    /// # Errors
    ///
    /// [`ExtractError`].
    pub fn extract(&self) -> Result<Transaction, ExtractError> {
        let mut transaction = self.unsigned_tx()?;
        for (input, (txin, map)) in transaction.input.iter_mut().zip(self.inputs()).enumerate() {
            let script = map.single(input::FINAL_SCRIPTSIG);
            let witness = map.single(input::FINAL_SCRIPTWITNESS);
            if script.is_none() && witness.is_none() {
                return Err(ExtractError::NotFinal { input });
            }
            txin.script_sig = ScriptBuf::from_bytes(script.unwrap_or_default().to_vec());
            txin.witness = Witness::from_slice(&elements(witness.unwrap_or(&[0])));
        }
        Ok(transaction)
    }
}

/// The elements of a witness. It was checked when it was read, so none is left out.
fn elements(bytes: &[u8]) -> Vec<&[u8]> {
    let mut reader = Reader::new(bytes);
    let count = reader.compact_size().unwrap_or_default();
    (0..count).map_while(|_| reader.sized().ok()).collect()
}
