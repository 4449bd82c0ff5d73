//! Signatures of messages as text: the prefixes and the three forms of BIP-322.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bitcoin::absolute::LockTime;
use bitcoin::{Sequence, Transaction, Witness, consensus};

use super::{MessageError, message_of};
use crate::raw::{LocktimeConflict, ParseError, PrevoutError, RawPsbt};
use crate::roles::ExtractError;
use crate::version::Version;

/// The reason why a text is no signature of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Nothing, or a prefix alone.
    #[error("the signature is empty")]
    Empty,
    /// The text is not base64 after its prefix.
    #[error("the signature is not base64; it begins with smp, ful or pof, or without a prefix")]
    Base64,
    /// The bytes are not the elements of a witness.
    #[error("the signature is not a witness, which the form smp needs")]
    Witness,
    /// A witness without elements.
    #[error("the signature is a witness without elements, which signs nothing")]
    EmptyWitness,
    /// The bytes are not a transaction.
    #[error("the signature is not a transaction, which the form ful needs")]
    Transaction,
    /// The bytes are not a PSBT.
    #[error("the signature is not a PSBT, which the form pof needs: {0}")]
    Psbt(#[from] ParseError),
}

/// The reason why a PSBT has no signature of a message yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageSignatureError {
    /// The PSBT is a payment.
    #[error("the PSBT signs no message; it is a payment")]
    Payment,
    /// The PSBT claims to sign a message and does not, or does not say which.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The outputs that are spent are not known.
    #[error(transparent)]
    Prevout(#[from] PrevoutError),
    /// A signature is missing.
    #[error(transparent)]
    Extract(#[from] ExtractError),
}

impl From<LocktimeConflict> for MessageSignatureError {
    fn from(conflict: LocktimeConflict) -> Self {
        Self::Extract(conflict.into())
    }
}

/// Signature of a message in one of the forms of BIP-322. `to_string` and `parse` are its text form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageSignature {
    /// `smp`: the witness alone. All else follows from message and address.
    Simple(Witness),
    /// `ful`: the transaction, for scripts with timelocks.
    Full(Transaction),
    /// `pof`: a PSBT with final inputs, whose coins its signers control.
    ProofOfFunds(Box<RawPsbt>),
}

impl MessageSignature {
    /// The signature in a PSBT whose inputs are final, in the shortest form that holds it.
    ///
    /// # Errors
    ///
    /// [`MessageSignatureError`].
    pub fn of(psbt: &RawPsbt) -> Result<Self, MessageSignatureError> {
        let full = Self::full(psbt)?;
        Ok(match full {
            Self::Full(transaction) if is_plain(&transaction) => {
                Self::Simple(transaction.input.into_iter().next().map(|input| input.witness).unwrap_or_default())
            }
            Self::Simple(_) | Self::Full(_) | Self::ProofOfFunds(_) => full,
        })
    }

    /// The signature in a PSBT whose inputs are final, as a transaction, or as a PSBT if it proves coins.
    ///
    /// # Errors
    ///
    /// [`MessageSignatureError`].
    pub fn full(psbt: &RawPsbt) -> Result<Self, MessageSignatureError> {
        let unsigned = psbt.unsigned_tx()?;
        message_of(psbt, &unsigned, &psbt.prevouts()?)?.ok_or(MessageSignatureError::Payment)?;
        let transaction = psbt.extract()?;
        if transaction.input.len() == 1 {
            return Ok(Self::Full(transaction));
        }
        Ok(Self::ProofOfFunds(Box::new(psbt.to_version(Version::V0)?)))
    }
}

/// True if the transaction has the values that a witness alone stands for.
fn is_plain(transaction: &Transaction) -> bool {
    transaction.version.0 == 0
        && transaction.lock_time == LockTime::ZERO
        && transaction.input.iter().all(|input| input.sequence == Sequence::ZERO)
}

impl fmt::Display for MessageSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, bytes) = match self {
            Self::Simple(witness) => ("smp", consensus::serialize(witness)),
            Self::Full(transaction) => ("ful", consensus::serialize(transaction)),
            Self::ProofOfFunds(psbt) => ("pof", psbt.to_bytes()),
        };
        write!(f, "{prefix}{}", STANDARD.encode(bytes))
    }
}

impl FromStr for MessageSignature {
    type Err = DecodeError;

    /// Reads a signature. One without a prefix is a witness, as older programs write it.
    fn from_str(text: &str) -> Result<Self, DecodeError> {
        let text = text.trim();
        let prefixes = ["smp", "ful", "pof"];
        let (prefix, body) =
            prefixes.into_iter().find_map(|prefix| Some((prefix, text.strip_prefix(prefix)?))).unwrap_or(("smp", text));
        if body.is_empty() {
            return Err(DecodeError::Empty);
        }
        let bytes = STANDARD.decode(body).map_err(|_| DecodeError::Base64)?;
        match prefix {
            "ful" => consensus::deserialize(&bytes).map(Self::Full).map_err(|_| DecodeError::Transaction),
            "pof" => Ok(Self::ProofOfFunds(Box::new(RawPsbt::parse(&bytes)?))),
            _ => {
                let witness: Witness = consensus::deserialize(&bytes).map_err(|_| DecodeError::Witness)?;
                if witness.is_empty() { Err(DecodeError::EmptyWitness) } else { Ok(Self::Simple(witness)) }
            }
        }
    }
}
