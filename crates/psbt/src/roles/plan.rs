//! Plan of a spend: which inputs are the group's own, and what each signature signs.

use std::collections::BTreeMap;

use bitcoin::hashes::Hash as _;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{ScriptBuf, Transaction, TxOut, absolute, relative};
use motet_core_crypto::tagged_hash;

use crate::bip322::{self, MessageError};
use crate::descriptor::{Output, ResolveError};
use crate::fields::{SighashError, SighashType};
use crate::form::global;
use crate::group::{Group, Location, PathId, SigningTarget, SpendPath};
use crate::raw::{LocktimeConflict, PrevoutError, RawPsbt};
use crate::transaction::{output_bytes, without_witnesses};

/// The reason why a spend cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The transaction cannot be computed.
    #[error(transparent)]
    Locktime(#[from] LocktimeConflict),
    /// An output that is spent is not known. A Taproot signature commits to all of them, also to those of others.
    #[error(transparent)]
    Prevout(#[from] PrevoutError),
    /// The PSBT allows that inputs or outputs are added.
    #[error(
        "the PSBT still allows changes of its transaction (PSBT_GLOBAL_TX_MODIFIABLE); it must be frozen before it is signed"
    )]
    Modifiable,
    /// No input is the group's own.
    #[error("no input is of this group, as far as its first {count} addresses of each branch go")]
    NoOwnInput {
        /// The number of addresses that were searched.
        count: u32,
    },
    /// The group has no such way to spend.
    #[error("the group has no such spend path, or single keys sign it alone")]
    NoSuchPath,
    /// A sighash type that Taproot does not define.
    #[error("input {input}: {error}")]
    Sighash {
        /// The index of the input.
        input: usize,
        /// The reason.
        error: SighashError,
    },
    /// The sighash type needs an output at the place of the input, and there is none.
    #[error("input {input}: its sighash type commits to the output of the same index, which is not there")]
    NoSingleOutput {
        /// The index of the input.
        input: usize,
    },
    /// The transaction does not satisfy a timelock of the leaf.
    #[error("input {input}: the leaf has a timelock that sequence or locktime of the transaction do not satisfy")]
    Timelock {
        /// The index of the input.
        input: usize,
    },
    /// The PSBT claims to sign a message and does not, or does not say which.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Keys or scripts cannot be computed.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
}

/// One input of the group.
#[derive(Debug, Clone)]
pub struct OwnInput {
    /// The index of the input.
    pub input: usize,
    /// The place of the spent output in the group.
    pub location: Location,
    /// The keys and scripts of the spent output.
    pub output: Output,
    /// The sighash type.
    pub sighash: SighashType,
    /// The hash that is signed.
    pub message: [u8; 32],
    /// The aggregate keys that sign it.
    pub targets: Vec<SigningTarget>,
}

/// The inputs of one group in a transaction, and the way to spend them.
#[derive(Debug, Clone)]
pub struct SpendPlan {
    /// The unsigned transaction.
    pub transaction: Transaction,
    /// The outputs that its inputs spend, in order.
    pub prevouts: Vec<TxOut>,
    /// The way to spend.
    pub path: PathId,
    /// The group's inputs, ascending.
    pub inputs: Vec<OwnInput>,
    /// The group's outputs in the transaction: index and place.
    pub change: Vec<(usize, Location)>,
    /// The message that is signed (BIP-322), recomputed from the PSBT; none for a payment.
    pub message: Option<String>,
    digest: [u8; 32],
}

/// An output of a group, computed at its location.
#[derive(Debug, Clone)]
pub struct LocatedOutput {
    /// The location.
    pub location: Location,
    /// The output that the group has there.
    pub output: Output,
}

impl SpendPlan {
    /// Finds the group's inputs among its first `count` addresses of each branch, and computes what is signed.
    ///
    /// # Errors
    ///
    /// [`PlanError`].
    pub fn new(psbt: &RawPsbt, group: &Group, path: PathId, count: u32) -> Result<Self, PlanError> {
        let transaction = psbt.unsigned_tx()?;
        let prevouts = psbt.prevouts()?;
        let scripts = prevouts.iter().chain(&transaction.output).map(|output| &output.script_pubkey);
        let located = group.locate_all(scripts, count);
        match Self::located(psbt, group, path, &located) {
            Err(PlanError::NoOwnInput { .. }) => Err(PlanError::NoOwnInput { count }),
            planned => planned,
        }
    }

    /// Computes what is signed, with the group's scripts already found. Each output must be the one that the group has at its
    /// location: nothing here computes it anew.
    ///
    /// # Errors
    ///
    /// [`PlanError`].
    pub fn located(
        psbt: &RawPsbt,
        group: &Group,
        path: PathId,
        located: &BTreeMap<ScriptBuf, LocatedOutput>,
    ) -> Result<Self, PlanError> {
        if matches!(psbt.global().single(global::TX_MODIFIABLE), Some([flags]) if flags & 0b11 != 0) {
            return Err(PlanError::Modifiable);
        }
        let transaction = psbt.unsigned_tx()?;
        let prevouts = psbt.prevouts()?;
        let message = bip322::message_of(psbt, &transaction, &prevouts)?;
        let spend = group.spend_paths().into_iter().find(|spend| spend.id == path).ok_or(PlanError::NoSuchPath)?;
        let mut hashes = SighashCache::new(&transaction);
        let mut inputs = Vec::new();
        for (input, prevout) in prevouts.iter().enumerate() {
            if let Some(own) = located.get(&prevout.script_pubkey) {
                check_timelocks(&spend, &transaction, input)?;
                inputs.push(own_input(psbt, group, path, input, own, &mut hashes, &prevouts)?);
            }
        }
        if inputs.is_empty() {
            return Err(PlanError::NoOwnInput { count: 0 });
        }
        if message.is_some() {
            inputs.iter().try_for_each(|own| bip322::check_sighash(own.input, own.sighash))?;
        }
        let change = (0..).zip(&transaction.output);
        let change = change.filter_map(|(index, output)| Some((index, located.get(&output.script_pubkey)?.location)));
        let change = change.collect();
        let digest = digest(group, path, &transaction, &prevouts, &inputs);
        Ok(Self { transaction, prevouts, path, inputs, change, message, digest })
    }

    /// True if a PSBT has the transaction of this plan, and spends the same outputs.
    pub fn fits(&self, psbt: &RawPsbt) -> bool {
        psbt.unsigned_tx().is_ok_and(|transaction| transaction == self.transaction)
            && psbt.prevouts().is_ok_and(|prevouts| prevouts == self.prevouts)
    }

    /// A hash of everything that is signed: transaction, spent outputs, group, spend path and sighash types.
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

impl Group {
    /// The locations and outputs of those scripts that are among the first `count` addresses of each branch.
    pub fn locate_all<'a>(
        &self,
        scripts: impl IntoIterator<Item = &'a ScriptBuf>,
        count: u32,
    ) -> BTreeMap<ScriptBuf, LocatedOutput> {
        let mut wanted: Vec<_> = scripts.into_iter().filter(|script| script.is_p2tr()).collect();
        wanted.sort();
        wanted.dedup();
        let mut found = BTreeMap::new();
        for location in self.locations(count) {
            if found.len() == wanted.len() {
                break;
            }
            if let Ok(output) = self.output(location)
                && wanted.binary_search(&&output.script).is_ok()
            {
                found.insert(output.script.clone(), LocatedOutput { location, output });
            }
        }
        found
    }
}

fn own_input(
    psbt: &RawPsbt,
    group: &Group,
    path: PathId,
    input: usize,
    own: &LocatedOutput,
    hashes: &mut SighashCache<&Transaction>,
    prevouts: &[TxOut],
) -> Result<OwnInput, PlanError> {
    let LocatedOutput { location, output } = own.clone();
    let targets = group.signing_targets(path, &output)?;
    if targets.is_empty() {
        return Err(PlanError::NoSuchPath);
    }
    let asked = psbt.input(input).map(|fields| fields.sighash_type()).transpose();
    let sighash = asked.map_err(|error| PlanError::Sighash { input, error })?.flatten().unwrap_or(SighashType::DEFAULT);
    let leaf = match path {
        PathId::Key => None,
        PathId::Leaf(number) => output.leaves.get(number).map(|leaf| (leaf.hash, u32::MAX)),
    };
    let hash = hashes
        .taproot_signature_hash(input, &Prevouts::All(prevouts), None, leaf, sighash.to_bitcoin())
        .map_err(|_| PlanError::NoSingleOutput { input })?;
    Ok(OwnInput { input, location, output, sighash, message: hash.to_byte_array(), targets })
}

fn check_timelocks(spend: &SpendPath, transaction: &Transaction, input: usize) -> Result<(), PlanError> {
    let sequence = transaction.input.get(input).map(|input| input.sequence).unwrap_or_default();
    let is_old_enough = |older: u32| {
        transaction.version.0 >= 2
            && relative::LockTime::from_consensus(older).is_ok_and(|lock| lock.is_implied_by_sequence(sequence))
    };
    let is_late_enough = |after: u32| {
        sequence.enables_absolute_lock_time()
            && absolute::LockTime::from_consensus(after).is_implied_by(transaction.lock_time)
    };
    // A script with a choice may have a way without the lock; the finalizer finds out.
    let is_open = !spend.needs_all || (spend.older.is_none_or(is_old_enough) && spend.after.is_none_or(is_late_enough));
    if is_open { Ok(()) } else { Err(PlanError::Timelock { input }) }
}

fn digest(group: &Group, path: PathId, transaction: &Transaction, prevouts: &[TxOut], inputs: &[OwnInput]) -> [u8; 32] {
    let path = match path {
        PathId::Key => 0,
        PathId::Leaf(number) => 1 + number as u64,
    };
    let prevouts: Vec<u8> = prevouts.iter().flat_map(output_bytes).collect();
    let inputs: Vec<u8> = inputs
        .iter()
        .flat_map(|own| [&(own.input as u64).to_le_bytes()[..], &[own.sighash.number()], &own.message].concat())
        .collect();
    let transaction = without_witnesses(transaction);
    let length = (transaction.len() as u64).to_le_bytes();
    let parts = [&group.id().to_bytes()[..], &path.to_le_bytes(), &length, &transaction, &prevouts, &inputs];
    tagged_hash("motet/psbt/plan/v1", &parts)
}
