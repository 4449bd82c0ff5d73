//! Versions of the PSBT format.

use std::fmt;

/// Version of the PSBT format. There is no version 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// BIP-174: the unsigned transaction is one field.
    V0,
    /// BIP-370: each input and output is in its own map.
    V2,
}

impl Version {
    /// The number of the version.
    pub const fn number(self) -> u32 {
        match self {
            Self::V0 => 0,
            Self::V2 => 2,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PSBT version {}", self.number())
    }
}
