//! The unsigned transaction of a PSBT, and its locktime as BIP-370 computes it.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version as TransactionVersion;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

use super::RawPsbt;
use crate::form::{global, input, output};
use crate::map::RawMap;
use crate::transaction;
use crate::version::Version;

/// One input needs a locktime that is a height and another one that is a time: no locktime satisfies both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("input {height} requires a block height as locktime, input {time} a time; no transaction can have both")]
pub struct LocktimeConflict {
    /// The index of an input that allows a height alone.
    pub height: usize,
    /// The index of an input that allows a time alone.
    pub time: usize,
}

impl RawPsbt {
    /// The unsigned transaction: read in version 0, and put together in version 2 (BIP-370).
    ///
    /// # Errors
    ///
    /// [`LocktimeConflict`], in version 2.
    pub fn unsigned_tx(&self) -> Result<Transaction, LocktimeConflict> {
        match self.version {
            // The bytes were parsed when they came in, and no change of a PSBT changes them: the default is never taken.
            Version::V0 => {
                let bytes = self.global.single(global::UNSIGNED_TX).unwrap_or_default();
                Ok(transaction::parse_unsigned(bytes).unwrap_or_else(|_| Transaction {
                    version: TransactionVersion::TWO,
                    lock_time: LockTime::ZERO,
                    input: Vec::new(),
                    output: Vec::new(),
                }))
            }
            Version::V2 => {
                let version = self.global.u32(global::TX_VERSION).unwrap_or_default().cast_signed();
                Ok(Transaction {
                    version: TransactionVersion(version),
                    lock_time: LockTime::from_consensus(self.locktime()?),
                    input: self.inputs.iter().map(unsigned_input).collect(),
                    output: self.outputs.iter().map(unsigned_output).collect(),
                })
            }
        }
    }

    /// The locktime of a transaction in version 2: the latest one that an input requires, else the fallback.
    ///
    /// If all inputs with requirements allow a height, it is a height, else a time.
    fn locktime(&self) -> Result<u32, LocktimeConflict> {
        let required: Vec<_> = self.inputs.iter().map(RequiredLocktime::of).collect();
        let only_height = required.iter().position(|required| required.height.is_some() && required.time.is_none());
        let only_time = required.iter().position(|required| required.time.is_some() && required.height.is_none());
        let height = required.iter().filter_map(|required| required.height).max();
        let time = required.iter().filter_map(|required| required.time).max();
        match (only_height, only_time) {
            (Some(height), Some(time)) => Err(LocktimeConflict { height, time }),
            (None, Some(_)) => Ok(time.unwrap_or_default()),
            (_, None) => Ok(height.or_else(|| self.global.u32(global::FALLBACK_LOCKTIME)).unwrap_or_default()),
        }
    }
}

/// Locktimes that an input requires.
struct RequiredLocktime {
    time: Option<u32>,
    height: Option<u32>,
}

impl RequiredLocktime {
    fn of(map: &RawMap) -> Self {
        let time = map.u32(input::REQUIRED_TIME_LOCKTIME);
        Self { time, height: map.u32(input::REQUIRED_HEIGHT_LOCKTIME) }
    }
}

fn unsigned_input(map: &RawMap) -> TxIn {
    let txid = map.single(input::PREVIOUS_TXID).and_then(|txid| txid.try_into().ok()).unwrap_or_default();
    let vout = map.u32(input::OUTPUT_INDEX).unwrap_or_default();
    TxIn {
        previous_output: OutPoint { txid: Txid::from_byte_array(txid), vout },
        script_sig: ScriptBuf::new(),
        sequence: map.u32(input::SEQUENCE).map_or(Sequence::MAX, Sequence),
        witness: Witness::new(),
    }
}

fn unsigned_output(map: &RawMap) -> TxOut {
    let amount = map.single(output::AMOUNT).and_then(|amount| amount.try_into().ok()).unwrap_or_default();
    TxOut {
        value: Amount::from_sat(u64::from_le_bytes(amount)),
        script_pubkey: ScriptBuf::from_bytes(map.single(output::SCRIPT).unwrap_or_default().to_vec()),
    }
}
