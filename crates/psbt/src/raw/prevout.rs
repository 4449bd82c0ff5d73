//! The output that an input spends, as the fields of a PSBT claim it, and the checks of a signer on these claims (BIP-174).

use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::{OutPoint, Script, ScriptBuf, Transaction, TxOut, consensus};

use super::RawPsbt;
use super::transaction::LocktimeConflict;
use crate::form::input;
use crate::map::RawMap;
use crate::transaction;

/// The reason why the output that an input spends is not known, or its description contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrevoutError {
    /// There is no such input.
    #[error("there is no input {input}")]
    NoInput {
        /// The index of the input.
        input: usize,
    },
    /// The transaction cannot be computed.
    #[error(transparent)]
    Locktime(#[from] LocktimeConflict),
    /// Neither of the two fields that describe the output is there.
    #[error("input {input}: nothing says what it spends; the program that made the PSBT must add PSBT_IN_WITNESS_UTXO")]
    Missing {
        /// The index of the input.
        input: usize,
    },
    /// The transaction in `PSBT_IN_NON_WITNESS_UTXO` is another than the one that the input spends.
    #[error("input {input}: PSBT_IN_NON_WITNESS_UTXO is another transaction than the one that is spent")]
    OtherTransaction {
        /// The index of the input.
        input: usize,
    },
    /// The transaction in `PSBT_IN_NON_WITNESS_UTXO` has no output of the index that the input spends.
    #[error("input {input}: the transaction that is spent has no output {index}")]
    NoOutput {
        /// The index of the input.
        input: usize,
        /// The index of the output.
        index: u32,
    },
    /// Both fields are there and differ.
    #[error("input {input}: PSBT_IN_WITNESS_UTXO and PSBT_IN_NON_WITNESS_UTXO describe different outputs")]
    Contradiction {
        /// The index of the input.
        input: usize,
    },
    /// `PSBT_IN_WITNESS_UTXO` for an output that is not spent with a witness: its amount would not be signed.
    #[error("input {input}: PSBT_IN_WITNESS_UTXO for an output that is spent without a witness")]
    NotWitness {
        /// The index of the input.
        input: usize,
    },
    /// `PSBT_IN_REDEEM_SCRIPT` is not the script that the output commits to.
    #[error("input {input}: the output does not commit to PSBT_IN_REDEEM_SCRIPT")]
    RedeemScript {
        /// The index of the input.
        input: usize,
    },
    /// `PSBT_IN_WITNESS_SCRIPT` is not the script that the output or the redeem script commits to.
    #[error("input {input}: neither output nor redeem script commits to PSBT_IN_WITNESS_SCRIPT")]
    WitnessScript {
        /// The index of the input.
        input: usize,
    },
}

impl RawPsbt {
    /// The output that an input spends, after the checks that BIP-174 demands of a signer.
    ///
    /// The output is a claim of the PSBT, unless the transaction that made it is in the PSBT.
    ///
    /// # Errors
    ///
    /// [`PrevoutError`].
    pub fn prevout(&self, input: usize) -> Result<TxOut, PrevoutError> {
        let map = self.inputs.get(input).ok_or(PrevoutError::NoInput { input })?;
        let outpoint = self.outpoint(input)?;
        let whole = map.single(input::NON_WITNESS_UTXO).map(|bytes| output_of(bytes, outpoint, input)).transpose()?;
        let witness = map.single(input::WITNESS_UTXO).and_then(|bytes| transaction::parse_output(bytes).ok());
        let output = match (whole, witness.clone()) {
            (Some(whole), Some(witness)) if whole != witness => return Err(PrevoutError::Contradiction { input }),
            (Some(output), _) | (None, Some(output)) => output,
            (None, None) => return Err(PrevoutError::Missing { input }),
        };
        check_scripts(map, &output.script_pubkey, input, witness.is_some())?;
        Ok(output)
    }

    /// The outputs that all inputs spend, in order.
    ///
    /// # Errors
    ///
    /// [`PrevoutError`] of the first input for which there is one.
    pub fn prevouts(&self) -> Result<Vec<TxOut>, PrevoutError> {
        (0..self.inputs.len()).map(|input| self.prevout(input)).collect()
    }

    fn outpoint(&self, input: usize) -> Result<OutPoint, PrevoutError> {
        let transaction = self.unsigned_tx()?;
        transaction.input.get(input).map(|input| input.previous_output).ok_or(PrevoutError::NoInput { input })
    }
}

fn output_of(bytes: &[u8], outpoint: OutPoint, input: usize) -> Result<TxOut, PrevoutError> {
    let other = PrevoutError::OtherTransaction { input };
    let transaction: Transaction = consensus::deserialize(bytes).map_err(|_| other)?;
    if transaction.compute_txid() != outpoint.txid {
        return Err(other);
    }
    let index = outpoint.vout;
    let output = usize::try_from(index).ok().and_then(|index| transaction.output.get(index));
    output.cloned().ok_or(PrevoutError::NoOutput { input, index })
}

/// Checks that the output commits to the scripts that are said to be its own.
fn check_scripts(map: &RawMap, output: &Script, input: usize, needs_witness: bool) -> Result<(), PrevoutError> {
    let script = |kind| map.single(kind).map(|bytes| ScriptBuf::from_bytes(bytes.to_vec()));
    let redeem = script(input::REDEEM_SCRIPT);
    if redeem.as_ref().is_some_and(|redeem| *ScriptBuf::new_p2sh(&redeem.script_hash()) != *output) {
        return Err(PrevoutError::RedeemScript { input });
    }
    let program: &Script = redeem.as_deref().unwrap_or(output);
    // Which script is behind an output of kind P2SH is not known without its redeem script: it may be a witness program.
    let may_be_witness = program.is_witness_program() || (redeem.is_none() && output.is_p2sh());
    if needs_witness && !may_be_witness {
        return Err(PrevoutError::NotWitness { input });
    }
    let Some(witness) = script(input::WITNESS_SCRIPT) else { return Ok(()) };
    let committed =
        program.is_p2wsh() && program.as_bytes().ends_with(&sha256::Hash::hash(witness.as_bytes()).to_byte_array());
    if committed { Ok(()) } else { Err(PrevoutError::WitnessScript { input }) }
}
