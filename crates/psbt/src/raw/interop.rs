//! Conversion from and to the PSBT type of the `bitcoin` crate, which knows version 0 alone.

use bitcoin::Psbt;

use super::RawPsbt;
use super::error::ParseError;
use crate::form::global;
use crate::map::{Key, MapId};
use crate::version::Version;

/// The reason why a PSBT has no equal of the `bitcoin` crate's type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The type holds version 0 alone.
    #[error("the bitcoin crate knows PSBTs of version 0 alone; convert the PSBT to version 0 first")]
    Version,
    /// The `bitcoin` crate does not read the PSBT.
    #[error("the bitcoin crate does not read the PSBT: {0}")]
    Refused(#[from] bitcoin::psbt::Error),
    /// The `bitcoin` crate reads the PSBT and would write another one.
    #[error("the bitcoin crate would lose or change fields of the {0}")]
    Lossy(MapId),
}

/// The fields of BIP-373 are unknown to the `bitcoin` crate, and come out of its map of unknown fields.
impl TryFrom<&Psbt> for RawPsbt {
    type Error = ParseError;

    fn try_from(psbt: &Psbt) -> Result<Self, ParseError> {
        Self::parse(&psbt.serialize())
    }
}

/// All entries are kept, but not their order. What the `bitcoin` crate would lose is an error.
impl TryFrom<&RawPsbt> for Psbt {
    type Error = ConvertError;

    fn try_from(psbt: &RawPsbt) -> Result<Self, ConvertError> {
        if psbt.version != Version::V0 {
            return Err(ConvertError::Version);
        }
        let theirs = Self::deserialize(&psbt.to_bytes())?;
        let again = RawPsbt::try_from(&theirs).map_err(|_| ConvertError::Lossy(MapId::Global))?;
        for (map, entries) in psbt.maps() {
            // The number of version 0 is written or not, and says the same.
            let is_version = |key: &Key| map == MapId::Global && key.kind() == global::VERSION;
            let mut expected = entries.to_sorted();
            expected.retain(|key, _| !is_version(key));
            let mut found = again.map(map).map(crate::map::RawMap::to_sorted).unwrap_or_default();
            found.retain(|key, _| !is_version(key));
            if expected != found {
                return Err(ConvertError::Lossy(map));
            }
        }
        Ok(theirs)
    }
}
