//! Reasons for which bytes are not a PSBT.

use crate::malformed::Malformed;
use crate::map::{MapId, Place};
use crate::version::Version;

/// A kind of bytes that are not a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LooksLike {
    /// A transaction as it is sent to the network.
    Transaction,
    /// A PSBT in hexadecimal.
    Hexadecimal,
    /// None of these.
    Unknown,
}

impl LooksLike {
    const fn hint(self) -> &'static str {
        match self {
            Self::Transaction => "it is a transaction of the network; ask the program that made it for a PSBT",
            Self::Hexadecimal => "it is a PSBT in hexadecimal; convert it to bytes or to base64",
            Self::Unknown => "it begins neither as a binary nor as a base64 PSBT",
        }
    }
}

/// The reason why bytes are not a PSBT. Each reason that concerns one entry names its map and its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// More bytes than a PSBT may have.
    #[error("{found} bytes are too many for a PSBT; the limit is 1 MiB")]
    TooLong {
        /// The number of bytes, or of characters.
        found: usize,
    },
    /// The bytes are something else.
    #[error("not a PSBT: {}", .0.hint())]
    NotPsbt(LooksLike),
    /// The text is not base64.
    #[error("the text is not valid base64: it was cut off or changed on its way")]
    Base64,
    /// The file ends inside of a map, or before a map that must be there.
    #[error("{map}: the file ends here, before the map does; it was cut off, or a length in it is wrong")]
    Truncated {
        /// The map that is not complete.
        map: MapId,
    },
    /// A length in a map that is not in its shortest form.
    #[error("{map}: the length of entry {entry} is not written in its shortest form")]
    NotCanonical {
        /// The map.
        map: MapId,
        /// The position of the entry in the map, from zero.
        entry: usize,
    },
    /// A key whose type is cut off or not in its shortest form.
    #[error("{map}: the key of entry {entry} has no valid type")]
    KeyType {
        /// The map.
        map: MapId,
        /// The position of the entry in the map, from zero.
        entry: usize,
    },
    /// A key that stands twice in a map. Some versions of other programs write such files when they combine PSBTs.
    #[error("{0}: the key stands twice in its map; combine the original files again with another program")]
    DuplicateKey(Place),
    /// More entries than a map may have.
    #[error("{map}: more than 10000 entries")]
    TooManyEntries {
        /// The map.
        map: MapId,
    },
    /// Bytes after the last map.
    #[error("{count} bytes follow the end of the PSBT")]
    Trailing {
        /// The number of bytes left over.
        count: usize,
    },
    /// A version that is not 0 or 2.
    #[error("PSBT version {number} is not known; versions 0 and 2 are")]
    Version {
        /// The version that the file states.
        number: u32,
    },
    /// A field that the version requires is not there.
    #[error("{map}: {field} is missing, and {version} requires it")]
    Missing {
        /// The map.
        map: MapId,
        /// The name of the field.
        field: &'static str,
        /// The version of the file.
        version: Version,
    },
    /// A field that the version forbids is there.
    #[error("{place}: {version} forbids this field")]
    Forbidden {
        /// The entry.
        place: Place,
        /// The version of the file.
        version: Version,
    },
    /// An entry that is not a value of its field.
    #[error("{place}: {problem}")]
    Field {
        /// The entry.
        place: Place,
        /// The reason.
        problem: Malformed,
    },
}
