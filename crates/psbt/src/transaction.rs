//! Transactions in the serialization without witnesses, which an unsigned transaction has in a PSBT (BIP-174).
//!
//! The `bitcoin` crate reads a transaction without inputs as one with witnesses; BIP-174 allows it, and means none.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

use crate::bytes::{Reader, put_compact_size, put_sized};
use crate::limits::MONEY_MAX;
use crate::malformed::Malformed;

/// Reads an unsigned transaction: no witnesses, no scriptSigs, no bytes after it.
pub(crate) fn parse_unsigned(bytes: &[u8]) -> Result<Transaction, Malformed> {
    let transaction = parse_without_witnesses(bytes)
        .map_err(|error| if has_witnesses(bytes) { Malformed::WitnessSerialization } else { error })?;
    match transaction.input.iter().position(|input| !input.script_sig.is_empty()) {
        Some(input) => Err(Malformed::ScriptSig { input }),
        None => Ok(transaction),
    }
}

/// True if bytes that are no transaction without witnesses are one with them: the marker, and the witnesses after the outputs.
fn has_witnesses(bytes: &[u8]) -> bool {
    let Some((version, [0, 1, rest @ ..])) = bytes.split_at_checked(4) else { return false };
    rest.first() != Some(&0)
        && matches!(parse_without_witnesses(&[version, rest].concat()), Err(Malformed::Trailing { .. }))
}

fn parse_without_witnesses(bytes: &[u8]) -> Result<Transaction, Malformed> {
    let mut reader = Reader::new(bytes);
    let version = Version(i32::from_le_bytes(reader.array()?));
    // An input takes at least 41 of the bytes that are there, and an output 9: a large count ends the loop.
    let mut input = Vec::new();
    for _ in 0..reader.compact_size()? {
        let txid = Txid::from_byte_array(reader.array()?);
        let previous_output = OutPoint { txid, vout: reader.u32()? };
        let script_sig = ScriptBuf::from_bytes(reader.sized()?.to_vec());
        let sequence = Sequence(reader.u32()?);
        input.push(TxIn { previous_output, script_sig, sequence, witness: Witness::new() });
    }
    let mut output = Vec::new();
    for _ in 0..reader.compact_size()? {
        output.push(read_output(&mut reader)?);
    }
    let lock_time = LockTime::from_consensus(reader.u32()?);
    match reader.rest().len() {
        0 => Ok(Transaction { version, lock_time, input, output }),
        count => Err(Malformed::Trailing { count }),
    }
}

/// Reads an output, with no bytes after it.
pub(crate) fn parse_output(bytes: &[u8]) -> Result<TxOut, Malformed> {
    let mut reader = Reader::new(bytes);
    let output = read_output(&mut reader)?;
    match reader.rest().len() {
        0 => Ok(output),
        count => Err(Malformed::Trailing { count }),
    }
}

fn read_output(reader: &mut Reader<'_>) -> Result<TxOut, Malformed> {
    let satoshi = u64::from_le_bytes(reader.array()?);
    if satoshi > MONEY_MAX {
        return Err(Malformed::Amount { satoshi });
    }
    let script_pubkey = ScriptBuf::from_bytes(reader.sized()?.to_vec());
    Ok(TxOut { value: Amount::from_sat(satoshi), script_pubkey })
}

/// The serialization without witnesses. Witnesses and nothing else are left out.
pub(crate) fn without_witnesses(transaction: &Transaction) -> Vec<u8> {
    let mut bytes = transaction.version.0.to_le_bytes().to_vec();
    put_compact_size(&mut bytes, transaction.input.len() as u64);
    for input in &transaction.input {
        bytes.extend(input.previous_output.txid.to_byte_array());
        bytes.extend(input.previous_output.vout.to_le_bytes());
        put_sized(&mut bytes, input.script_sig.as_bytes());
        bytes.extend(input.sequence.0.to_le_bytes());
    }
    put_compact_size(&mut bytes, transaction.output.len() as u64);
    for output in &transaction.output {
        bytes.extend(output_bytes(output));
    }
    bytes.extend(transaction.lock_time.to_consensus_u32().to_le_bytes());
    bytes
}

/// The serialization of an output.
pub(crate) fn output_bytes(output: &TxOut) -> Vec<u8> {
    let mut bytes = output.value.to_sat().to_le_bytes().to_vec();
    put_sized(&mut bytes, output.script_pubkey.as_bytes());
    bytes
}
