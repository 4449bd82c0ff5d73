//! The header of a file: everything that is needed to compute its key but the passphrase. It is not secret, and is authenticated.
//!
//! | bytes | hold |
//! |---|---|
//! | 0..8 | `motet-ks` |
//! | 8 | the version, 1: argon2id of version 0x13, and XChaCha20-Poly1305 |
//! | 9..13 | memory of argon2id in KiB, little endian |
//! | 13..17 | passes, little endian |
//! | 17..21 | lanes, little endian |
//! | 21..37 | the salt of argon2id |
//! | 37..61 | the nonce of XChaCha20-Poly1305 |

use crate::cost::Cost;
use crate::limits::HEADER_BYTES;
use crate::open_error::OpenError;

/// Bytes of a header.
pub const BYTES: usize = HEADER_BYTES;
/// The first bytes of every keystore, of this version and of later ones.
pub const MAGIC: [u8; 8] = *b"motet-ks";
/// The version that this crate writes and reads.
pub const VERSION: u8 = 1;
/// Bytes of a salt.
pub(crate) const SALT: usize = 16;
/// Bytes of a nonce.
pub(crate) const NONCE: usize = 24;

/// The parts of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) cost: Cost,
    pub(crate) salt: [u8; SALT],
    pub(crate) nonce: [u8; NONCE],
}

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; BYTES] {
        let numbers = [self.cost.memory(), self.cost.passes(), self.cost.lanes()].map(u32::to_le_bytes);
        let parts: [&[u8]; 5] = [&MAGIC, &[VERSION], numbers.as_flattened(), &self.salt, &self.nonce];
        let mut bytes = [0; BYTES];
        for (to, from) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }

    pub(crate) fn parse(bytes: &[u8; BYTES]) -> Result<Self, OpenError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(OpenError::NoKeystore)?;
        if *magic != MAGIC {
            return Err(OpenError::NoKeystore);
        }
        let ([version], rest) = rest.split_first_chunk().ok_or(OpenError::Truncated)?;
        if *version != VERSION {
            return Err(OpenError::Version { found: *version });
        }
        let (memory, rest) = number(rest)?;
        let (passes, rest) = number(rest)?;
        let (lanes, rest) = number(rest)?;
        let cost = Cost::new(memory, passes, lanes).map_err(OpenError::Cost)?;
        let (salt, rest) = rest.split_first_chunk().ok_or(OpenError::Truncated)?;
        let nonce = rest.first_chunk().ok_or(OpenError::Truncated)?;
        Ok(Self { cost, salt: *salt, nonce: *nonce })
    }
}

fn number(bytes: &[u8]) -> Result<(u32, &[u8]), OpenError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(OpenError::Truncated)?;
    Ok((u32::from_le_bytes(*number), rest))
}

/// True if bytes begin as a keystore of any version.
#[must_use]
pub fn is_keystore(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}
