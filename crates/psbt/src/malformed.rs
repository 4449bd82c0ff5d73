//! Reasons for which one entry of a map is not a value of its field.

use crate::bytes::ReadError;

/// A fault of the key or the value of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The key data, that is the bytes of the key after its type, has another length than the field allows.
    #[error("the length of the key after its type is {found}, but must be {expected}")]
    KeyLength {
        /// The number of bytes found.
        found: usize,
        /// The lengths that the field allows.
        expected: &'static str,
    },
    /// The value has another length than the field allows.
    #[error("the length of the value is {found}, but must be {expected}")]
    ValueLength {
        /// The number of bytes found.
        found: usize,
        /// The lengths that the field allows.
        expected: &'static str,
    },
    /// A public key in the key data is not a point of the curve.
    #[error("a public key in the key is not a point of the curve")]
    KeyPoint,
    /// A public key in the value is not a point of the curve.
    #[error("public key {index} in the value is not a point of the curve")]
    ValuePoint {
        /// The position of the public key in the value, from zero.
        index: usize,
    },
    /// A public nonce that is not two points of the curve.
    #[error("the public nonce is not two points of the curve")]
    Nonce,
    /// A partial signature that is not below the group order.
    #[error("the partial signature is not below the group order")]
    PartialSignature,
    /// More or fewer participants than an aggregate key may have.
    #[error("an aggregate key with {count} participants; 1 to 100 are allowed")]
    ParticipantCount {
        /// The number of participants found.
        count: usize,
    },
    /// The participants do not aggregate to the key that the entry states.
    #[error("the participants do not aggregate to the key that is stated")]
    AggregateKey,
    /// The value ends in the middle of one of its parts.
    #[error("the value ends too early")]
    Truncated,
    /// The value continues after its last part.
    #[error("{count} bytes follow the end of the value's last part")]
    Trailing {
        /// The number of bytes left over.
        count: usize,
    },
    /// A length or count inside of the value or the key is not in its shortest form.
    #[error("a length or count is not written in its shortest form")]
    NotCanonical,
    /// The unsigned transaction has a witness part, which must not be there.
    #[error("the unsigned transaction is serialized with witnesses; it must be serialized without")]
    WitnessSerialization,
    /// An input of the unsigned transaction has a scriptSig.
    #[error("input {input} of the unsigned transaction has a scriptSig; it must be empty")]
    ScriptSig {
        /// The index of the input.
        input: usize,
    },
    /// The value is not a transaction.
    #[error("the value is not a transaction")]
    Transaction,
    /// An amount above 21 million bitcoins.
    #[error("an amount of {satoshi} satoshi; there are not more than 2100000000000000")]
    Amount {
        /// The amount found.
        satoshi: u64,
    },
    /// A locktime that is a time where a height is meant, the other way round, or zero.
    #[error("locktime {found} is out of range: {expected}")]
    Locktime {
        /// The locktime found.
        found: u32,
        /// The range that the field allows.
        expected: &'static str,
    },
    /// A Schnorr signature of 65 bytes with a last byte that is no sighash type, or that is zero.
    #[error("the last byte of the signature, {found:#04x}, is not a sighash type that may be written there")]
    SighashByte {
        /// The byte found.
        found: u8,
    },
    /// The preimage does not have the hash that its key states.
    #[error("the hash of the preimage is not the one in the key")]
    Preimage,
    /// The leaf version after a script differs from the one in the first byte of the control block.
    #[error("leaf version {value:#04x} after the script, but {control:#04x} in the control block")]
    LeafVersion {
        /// The leaf version after the script.
        value: u8,
        /// The leaf version in the control block.
        control: u8,
    },
    /// Leaves whose depths do not make a binary tree.
    #[error("the depths of the leaves do not make a binary tree")]
    Tree,
    /// Text that is not UTF-8.
    #[error("the value is not UTF-8 text")]
    Text,
}

impl From<ReadError> for Malformed {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Truncated => Self::Truncated,
            ReadError::NotCanonical => Self::NotCanonical,
        }
    }
}
