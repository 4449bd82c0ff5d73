//! Verification of signed messages for Taproot addresses: by the key path, and by leaves whose script is Miniscript.

use std::cell::RefCell;
use std::collections::BTreeSet;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::Secp256k1;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::{ControlBlock, LeafVersion, TAPROOT_ANNEX_PREFIX, TapLeafHash};
use bitcoin::{OutPoint, Script, Sequence, Transaction, TxOut};
use miniscript::interpreter::{Error as ScriptError, Interpreter, KeySigPair, SatisfiedConstraint};
use motet_core_crypto::{Signature, XOnlyPublicKey, schnorr};

use super::{Locks, MessageSignature, has_form, is_allowed, to_sign, to_spend};
use crate::fields::{SighashType, TapSignature};
use crate::raw::PrevoutError;
use crate::roles::ExtractError;

/// The reason why a signature of a message was not accepted.
///
/// [`Self::is_inconclusive`] tells a wrong signature from one that this program cannot judge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The signature is for another message or another address.
    #[error("the signature is for another message or another address")]
    OtherMessage,
    /// The transaction has other fields than BIP-322 prescribes.
    #[error(
        "the transaction of the signature is not one of a signed message: it must have one output of amount 0, OP_RETURN"
    )]
    Form,
    /// A transaction version that has no meaning yet.
    #[error("the transaction of the signature has version {found}, which this program cannot judge")]
    TransactionVersion {
        /// The version.
        found: i32,
    },
    /// More than one input in a form that does not describe what they spend.
    #[error("the signature has further inputs, whose coins are known in the form pof alone")]
    UnknownCoins,
    /// Two inputs that spend the same coin.
    #[error("input {input} spends the same coin as an earlier one")]
    Repeated {
        /// The index of the input.
        input: usize,
    },
    /// A coin is not described.
    #[error(transparent)]
    Coin(#[from] PrevoutError),
    /// An input without a signature.
    #[error(transparent)]
    Incomplete(#[from] ExtractError),
    /// A script of another type than Taproot.
    #[error(
        "input {input}: the address is not a Taproot address, and this program verifies messages of Taproot addresses alone; another BIP-322 verifier can check it"
    )]
    NotTaproot {
        /// The index of the input.
        input: usize,
    },
    /// A script in a leaf that this program cannot run, or an annex.
    #[error("input {input}: the signature uses a script that this program cannot check; another BIP-322 verifier can")]
    UnknownScript {
        /// The index of the input.
        input: usize,
    },
    /// A scriptSig, which Taproot inputs do not have.
    #[error("input {input}: a Taproot input has no scriptSig")]
    ScriptSig {
        /// The index of the input.
        input: usize,
    },
    /// A sighash type that BIP-322 forbids.
    #[error(
        "input {input}: the signature does not commit to all of the message; the sighash type must be DEFAULT or ALL"
    )]
    Sighash {
        /// The index of the input.
        input: usize,
    },
    /// The signature does not verify under the key of the address.
    #[error("input {input}: the signature is wrong: it is for another message or another address, or was changed")]
    Signature {
        /// The index of the input.
        input: usize,
    },
    /// The script of the leaf is not one of the address, or it is not satisfied.
    #[error("input {input}: the script of the signature is not one of the address, or is not satisfied")]
    Script {
        /// The index of the input.
        input: usize,
    },
}

impl VerifyError {
    /// True if the signature may be valid all the same: this program does not understand what it uses.
    pub const fn is_inconclusive(&self) -> bool {
        matches!(self, Self::NotTaproot { .. } | Self::UnknownScript { .. } | Self::TransactionVersion { .. })
    }
}

/// A valid signature of a message, with the conditions under which it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The locktime: the signers could have spent a coin of the address from then on. Zero if they can at any time.
    pub lock_time: LockTime,
    /// The sequence number: the age that a coin of the address must have before the signers can spend it.
    pub sequence: Sequence,
    /// The coins that the signers control as well. That they exist and are unspent is for the caller to find out.
    pub coins: Vec<(OutPoint, TxOut)>,
}

impl MessageSignature {
    /// Verifies the signature for a message and the script of an address.
    ///
    /// # Errors
    ///
    /// [`VerifyError`].
    pub fn verify(&self, message: &[u8], script: &Script) -> Result<Verified, VerifyError> {
        let to_spend = to_spend(message, script);
        let transaction = self.transaction(&to_spend)?;
        let first = transaction.input.first().ok_or(VerifyError::Form)?;
        if first.previous_output != (OutPoint { txid: to_spend.compute_txid(), vout: 0 }) {
            return Err(VerifyError::OtherMessage);
        }
        if !matches!(transaction.version.0, 0 | 2) {
            return Err(VerifyError::TransactionVersion { found: transaction.version.0 });
        }
        if !has_form(&transaction) {
            return Err(VerifyError::Form);
        }
        // Before the coins: what describes them is of no use if the address cannot be checked.
        if !script.is_p2tr() {
            return Err(VerifyError::NotTaproot { input: 0 });
        }
        let mut outpoints = BTreeSet::new();
        for (input, txin) in transaction.input.iter().enumerate() {
            if !outpoints.insert(txin.previous_output) {
                return Err(VerifyError::Repeated { input });
            }
        }
        let prevouts = self.prevouts(to_spend, &transaction)?;
        for input in 0..transaction.input.len() {
            verify_input(&transaction, &prevouts, input)?;
        }
        let coins = transaction.input.iter().zip(prevouts).skip(1);
        Ok(Verified {
            lock_time: transaction.lock_time,
            sequence: first.sequence,
            coins: coins.map(|(txin, prevout)| (txin.previous_output, prevout)).collect(),
        })
    }

    /// The signed transaction.
    fn transaction(&self, to_spend: &Transaction) -> Result<Transaction, VerifyError> {
        match self {
            Self::Simple(witness) => {
                let mut transaction = to_sign(to_spend, Locks::NONE, &[]);
                transaction.input.iter_mut().for_each(|input| input.witness.clone_from(witness));
                Ok(transaction)
            }
            Self::Full(transaction) => Ok(transaction.clone()),
            Self::ProofOfFunds(psbt) => Ok(psbt.extract()?),
        }
    }

    /// The outputs that the inputs spend: the first one is computed and never read.
    fn prevouts(&self, to_spend: Transaction, transaction: &Transaction) -> Result<Vec<TxOut>, VerifyError> {
        let mut prevouts = to_spend.output;
        for input in 1..transaction.input.len() {
            let Self::ProofOfFunds(psbt) = self else { return Err(VerifyError::UnknownCoins) };
            prevouts.push(psbt.prevout(input)?);
        }
        Ok(prevouts)
    }
}

/// Verifies the signatures of one input.
fn verify_input(transaction: &Transaction, prevouts: &[TxOut], input: usize) -> Result<(), VerifyError> {
    let (Some(txin), Some(prevout)) = (transaction.input.get(input), prevouts.get(input)) else {
        return Err(VerifyError::Form);
    };
    // A Taproot script is OP_1 and a push of 32 bytes.
    let key = match prevout.script_pubkey.as_bytes() {
        [_, _, key @ ..] if prevout.script_pubkey.is_p2tr() => key.try_into().ok(),
        _ => None,
    };
    let key: [u8; 32] = key.ok_or(VerifyError::NotTaproot { input })?;
    if !txin.script_sig.is_empty() {
        return Err(VerifyError::ScriptSig { input });
    }
    let elements: Vec<&[u8]> = txin.witness.iter().collect();
    match *elements {
        [] => Err(VerifyError::Signature { input }),
        [signature] => {
            let signature = TapSignature::parse(signature).map_err(|_| VerifyError::Signature { input })?;
            check(transaction, prevouts, input, None, &key, &signature)
        }
        [.., last] if last.first() == Some(&TAPROOT_ANNEX_PREFIX) => Err(VerifyError::UnknownScript { input }),
        [ref stack @ .., script, control] => {
            let script = Script::from_bytes(script);
            let control = ControlBlock::decode(control).map_err(|_| VerifyError::Script { input })?;
            let output_key = bitcoin::XOnlyPublicKey::from_slice(&key).map_err(|_| VerifyError::Signature { input })?;
            if !control.verify_taproot_commitment(&Secp256k1::verification_only(), output_key, script) {
                return Err(VerifyError::Script { input });
            }
            // The miniscript library reads such a signature, and consensus code does not.
            if stack.iter().any(|element| element.len() == 65 && element.last() == Some(&0)) {
                return Err(VerifyError::Signature { input });
            }
            if control.leaf_version != LeafVersion::TapScript {
                return Err(VerifyError::UnknownScript { input });
            }
            verify_leaf(transaction, prevouts, input, script)
        }
    }
}

/// Verifies one signature, by the key path or inside of a leaf.
fn check(
    transaction: &Transaction,
    prevouts: &[TxOut],
    input: usize,
    leaf: Option<TapLeafHash>,
    key: &[u8; 32],
    signature: &TapSignature,
) -> Result<(), VerifyError> {
    if !is_allowed(signature.sighash) {
        return Err(VerifyError::Sighash { input });
    }
    let hash = SighashCache::new(transaction)
        .taproot_signature_hash(
            input,
            &Prevouts::All(prevouts),
            None,
            leaf.map(|leaf| (leaf, u32::MAX)),
            signature.sighash.to_bitcoin(),
        )
        .map_err(|_| VerifyError::Signature { input })?;
    let key = XOnlyPublicKey::from_bytes(key).map_err(|_| VerifyError::Signature { input })?;
    schnorr::verify(&key, &hash.to_byte_array(), &signature.signature).map_err(|_| VerifyError::Signature { input })
}

/// Runs the script of a leaf, which is in the witness and committed to by the address.
fn verify_leaf(
    transaction: &Transaction,
    prevouts: &[TxOut],
    input: usize,
    script: &Script,
) -> Result<(), VerifyError> {
    let (Some(txin), Some(prevout)) = (transaction.input.get(input), prevouts.get(input)) else {
        return Err(VerifyError::Form);
    };
    let interpreter = Interpreter::from_txdata(
        &prevout.script_pubkey,
        &txin.script_sig,
        &txin.witness,
        txin.sequence,
        transaction.lock_time,
    );
    let interpreter = interpreter.map_err(|error| {
        let is_unknown = matches!(error, ScriptError::Miniscript(_));
        if is_unknown { VerifyError::UnknownScript { input } } else { VerifyError::Script { input } }
    })?;
    let leaf = TapLeafHash::from_script(script, LeafVersion::TapScript);
    // The library asks whether each signature is right; the reason for a wrong one is kept beside it.
    let reason = RefCell::new(None);
    let is_right = |pair: &KeySigPair| {
        let KeySigPair::Schnorr(key, found) = pair else { return false };
        let sighash = SighashType::from_number(u32::from(found.sighash_type as u8));
        let Ok(sighash) = sighash else { return false };
        let signature = TapSignature { signature: Signature::from_bytes(found.signature.as_ref()), sighash };
        let result = check(transaction, prevouts, input, Some(leaf), &key.serialize(), &signature);
        result.map_err(|error| reason.replace(Some(error))).is_ok()
    };
    for satisfied in interpreter.iter_custom(Box::new(is_right)) {
        let is_open = match satisfied {
            // Relative timelocks have a meaning from version 2 on (BIP-68), and absolute ones for sequences that are not final.
            Ok(SatisfiedConstraint::RelativeTimelock { .. }) => transaction.version.0 >= 2,
            Ok(SatisfiedConstraint::AbsoluteTimelock { .. }) => txin.sequence.enables_absolute_lock_time(),
            Ok(_) => true,
            Err(_) => false,
        };
        if !is_open {
            return Err(reason.take().unwrap_or(VerifyError::Script { input }));
        }
    }
    Ok(())
}
