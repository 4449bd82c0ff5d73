//! Signed messages (BIP-322): a message is signed as a transaction that no block can hold, by the same roles as a payment.
//!
//! The first input of the transaction `to_sign` spends the only output of the transaction `to_spend`, which stands for the message
//! and the script of an address. `to_spend` spends nothing that exists, so neither of the two can ever be in a block.
//!
//! [`message_psbt`] makes the PSBT, a [`SpendPlan`](crate::SpendPlan) signs it, and [`MessageSignature`] is the result as text.
//! A plan recomputes `to_spend` from the message in the PSBT: a payment that claims to be a message is refused, and so is a
//! message whose text is not there.

mod signature;
mod verify;

use bitcoin::absolute::LockTime;
use bitcoin::script::Builder;
use bitcoin::transaction::Version as TransactionVersion;
use bitcoin::{Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, opcodes};
use motet_core_crypto::tagged_hash;

pub use signature::{DecodeError, MessageSignature, MessageSignatureError};
pub use verify::{Verified, VerifyError};

use crate::fields::SighashType;
use crate::form::{global, input};
use crate::group::SpendPath;
use crate::map::{Key, MapId};
use crate::raw::{EditError, RawPsbt};
use crate::transaction::output_bytes;
use crate::version::Version;

/// The reason why a PSBT is neither a payment nor a message that can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The message is not text.
    #[error("the message in PSBT_GLOBAL_GENERIC_SIGNED_MESSAGE is not UTF-8 text, so nobody can read what is signed")]
    NotText,
    /// The transaction is not the one of the message.
    #[error(
        "the PSBT claims to sign a message (PSBT_GLOBAL_GENERIC_SIGNED_MESSAGE), but its transaction is another one, perhaps a payment; do not sign it"
    )]
    OtherTransaction,
    /// The transaction is the one of a message, and the PSBT does not say of which.
    #[error(
        "the transaction has the form of a signed message, and the PSBT does not say which message; its maker must add PSBT_GLOBAL_GENERIC_SIGNED_MESSAGE"
    )]
    NoText,
    /// A sighash type that BIP-322 forbids. A signature of it could be used in another transaction.
    #[error(
        "input {input}: messages are signed with the sighash types DEFAULT and ALL alone, and not with {sighash:#04x}"
    )]
    Sighash {
        /// The index of the input.
        input: usize,
        /// The type.
        sighash: u8,
    },
}

/// Timelocks that the transaction of a message has, because a script demands them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locks {
    /// The sequence number of each input, for relative timelocks.
    pub sequence: Sequence,
    /// The locktime, for absolute timelocks.
    pub lock_time: LockTime,
}

impl Locks {
    /// No timelocks: the signature has the shortest form.
    pub const NONE: Self = Self { sequence: Sequence::ZERO, lock_time: LockTime::ZERO };

    /// The timelocks that a spend path demands.
    pub fn of(path: &SpendPath) -> Self {
        Self {
            sequence: path.older.map_or(Sequence::ZERO, Sequence),
            lock_time: path.after.map_or(LockTime::ZERO, LockTime::from_consensus),
        }
    }
}

/// The hash of a message that [`to_spend`] holds.
pub fn message_hash(message: &[u8]) -> [u8; 32] {
    tagged_hash("BIP0322-signed-message", &[message])
}

/// The transaction that stands for a message and the script of an address. Its only output is spent by [`to_sign`].
pub fn to_spend(message: &[u8], script: &Script) -> Transaction {
    let script_sig = Builder::new().push_opcode(opcodes::OP_0).push_slice(message_hash(message)).into_script();
    let previous_output = OutPoint::null();
    Transaction {
        version: TransactionVersion(0),
        lock_time: LockTime::ZERO,
        input: vec![TxIn { previous_output, script_sig, sequence: Sequence::ZERO, witness: Witness::new() }],
        output: vec![TxOut { value: Amount::ZERO, script_pubkey: script.to_owned() }],
    }
}

/// The transaction whose signatures sign the message, without them. Coins that are to be proven are further inputs.
pub fn to_sign(to_spend: &Transaction, locks: Locks, coins: &[OutPoint]) -> Transaction {
    let first = OutPoint { txid: to_spend.compute_txid(), vout: 0 };
    let input = |previous_output| TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: locks.sequence,
        witness: Witness::new(),
    };
    let is_plain = locks == Locks::NONE && coins.is_empty();
    Transaction {
        // Relative timelocks have a meaning from version 2 on.
        version: TransactionVersion(if is_plain { 0 } else { 2 }),
        lock_time: locks.lock_time,
        input: std::iter::once(first).chain(coins.iter().copied()).map(input).collect(),
        output: vec![only_output()],
    }
}

/// The only output of [`to_sign`].
fn only_output() -> TxOut {
    TxOut { value: Amount::ZERO, script_pubkey: Builder::new().push_opcode(opcodes::all::OP_RETURN).into_script() }
}

/// True if the fields of a transaction that BIP-322 fixes are those of `to_sign`, for any message.
fn has_form(transaction: &Transaction) -> bool {
    matches!(transaction.version.0, 0 | 2) && transaction.output == [only_output()] && !transaction.input.is_empty()
}

/// A PSBT that signs a message for the address of a script, and perhaps proves that its signers control coins.
///
/// # Errors
///
/// [`EditError`] if there are too many fields.
pub fn message_psbt(
    version: Version,
    message: &str,
    script: &Script,
    locks: Locks,
    coins: &[(OutPoint, TxOut)],
) -> Result<RawPsbt, EditError> {
    let to_spend = to_spend(message.as_bytes(), script);
    let outpoints: Vec<_> = coins.iter().map(|(outpoint, _)| *outpoint).collect();
    let mut psbt = RawPsbt::new(version, &to_sign(&to_spend, locks, &outpoints));
    psbt.add(MapId::Global, Key::new(global::SIGNED_MESSAGE, &[]), message.as_bytes().to_vec())?;
    let spent = to_spend.output.iter().chain(coins.iter().map(|(_, output)| output));
    for (input, output) in spent.enumerate() {
        psbt.add(MapId::Input(input), Key::new(input::WITNESS_UTXO, &[]), output_bytes(output))?;
    }
    Ok(psbt)
}

/// The message that a PSBT signs; none if it is a payment.
///
/// `to_spend` is recomputed from the message, so that a message stands for nothing else.
pub(crate) fn message_of(
    psbt: &RawPsbt,
    transaction: &Transaction,
    prevouts: &[TxOut],
) -> Result<Option<String>, MessageError> {
    let Some(first) = prevouts.first() else { return Ok(None) };
    let Some(message) = psbt.global().single(global::SIGNED_MESSAGE) else {
        // The output of `to_spend` has the amount 0. With any other amount, which signatures commit to, it is no message.
        let is_message = has_form(transaction) && first.value == Amount::ZERO;
        return if is_message { Err(MessageError::NoText) } else { Ok(None) };
    };
    let text = std::str::from_utf8(message).map_err(|_| MessageError::NotText)?;
    let to_spend = to_spend(message, &first.script_pubkey);
    let expected = OutPoint { txid: to_spend.compute_txid(), vout: 0 };
    let spends = transaction.input.first().map(|input| input.previous_output);
    if !has_form(transaction) || spends != Some(expected) || to_spend.output.first() != Some(first) {
        return Err(MessageError::OtherTransaction);
    }
    Ok(Some(text.to_owned()))
}

/// Checks that a signature of a message commits to all of its transaction.
pub(crate) fn check_sighash(input: usize, sighash: SighashType) -> Result<(), MessageError> {
    if is_allowed(sighash) { Ok(()) } else { Err(MessageError::Sighash { input, sighash: sighash.number() }) }
}

fn is_allowed(sighash: SighashType) -> bool {
    [SighashType::DEFAULT, SighashType::ALL].contains(&sighash)
}
