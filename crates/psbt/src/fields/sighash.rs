//! Sighash types of Taproot: which parts of a transaction a signature commits to (BIP-341).

use bitcoin::TapSighashType;

use crate::malformed::Malformed;

/// A number that is no sighash type of Taproot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sighash type {found:#x} is not defined for Taproot: no signature is valid for it")]
pub struct SighashError {
    /// The number found.
    pub found: u32,
}

/// Sighash type of a Taproot input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SighashType(TapSighashType);

impl SighashType {
    /// `SIGHASH_DEFAULT`: everything is committed to, and the signature has 64 bytes.
    pub const DEFAULT: Self = Self(TapSighashType::Default);
    /// `SIGHASH_ALL`: everything is committed to, and the signature has 65 bytes.
    pub const ALL: Self = Self(TapSighashType::All);

    /// The type with a number, as `PSBT_IN_SIGHASH_TYPE` states it.
    ///
    /// # Errors
    ///
    /// [`SighashError`] for a number that BIP-341 does not define.
    pub fn from_number(found: u32) -> Result<Self, SighashError> {
        let byte = u8::try_from(found).map_err(|_| SighashError { found })?;
        TapSighashType::from_consensus_u8(byte).map(Self).map_err(|_| SighashError { found })
    }

    /// The number of the type.
    pub const fn number(self) -> u8 {
        self.0 as u8
    }

    /// The same as a type of the `bitcoin` crate.
    pub const fn to_bitcoin(self) -> TapSighashType {
        self.0
    }

    /// True if a signature of this type commits to all outputs.
    pub const fn commits_to_outputs(self) -> bool {
        matches!(self.0, TapSighashType::Default | TapSighashType::All | TapSighashType::AllPlusAnyoneCanPay)
    }

    /// True if a signature of this type commits to all inputs with their amounts and scripts.
    pub const fn commits_to_inputs(self) -> bool {
        matches!(self.0, TapSighashType::Default | TapSighashType::All | TapSighashType::None | TapSighashType::Single)
    }

    /// Appends the byte that a signature of this type ends with: none for the default type.
    pub(crate) fn append_to(self, signature: &mut Vec<u8>) {
        if self != Self::DEFAULT {
            signature.push(self.number());
        }
    }

    /// The type that the last byte of a signature of 65 bytes states.
    pub(crate) fn from_last_byte(found: u8) -> Result<Self, Malformed> {
        Self::from_number(found.into())
            .ok()
            .filter(|sighash| *sighash != Self::DEFAULT)
            .ok_or(Malformed::SighashByte { found })
    }
}
