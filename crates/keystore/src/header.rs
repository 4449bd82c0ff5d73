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

use crate::limits::{LANES_MOST, MEMORY_LEAST, MEMORY_MOST, PASSES_LEAST, PASSES_MOST};
use crate::seal::OpenError;

/// Bytes of a header.
pub const BYTES: usize = 61;
/// The first bytes of every keystore, of this version and of later ones.
pub const MAGIC: [u8; 8] = *b"motet-ks";
/// The version that this crate writes and reads.
pub const VERSION: u8 = 1;
/// Bytes of a salt.
pub(crate) const SALT: usize = 16;
/// Bytes of a nonce.
pub(crate) const NONCE: usize = 24;

/// The work of argon2id for one guess at a passphrase, always within the bounds of [`limits`](crate::limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// A cost is outside the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CostError {
    /// The memory is too little or too much.
    #[error("{found} KiB of memory; {MEMORY_LEAST} to {MEMORY_MOST} are allowed")]
    Memory {
        /// The memory in KiB.
        found: u32,
    },
    /// The passes are too few or too many.
    #[error("{found} passes; {PASSES_LEAST} to {PASSES_MOST} are allowed")]
    Passes {
        /// The number of passes.
        found: u32,
    },
    /// There are no lanes, or too many.
    #[error("{found} lanes; 1 to {LANES_MOST} are allowed")]
    Lanes {
        /// The number of lanes.
        found: u32,
    },
}

impl Cost {
    /// The cost of a file that a person opens: 64 MiB, three passes, one lane. It takes a fraction of a second.
    pub const DEFAULT: Self = Self { memory: 64 * 1024, passes: 3, lanes: 1 };
    /// The least that is allowed.
    pub const LEAST: Self = Self { memory: MEMORY_LEAST, passes: PASSES_LEAST, lanes: 1 };

    /// A cost of so many KiB of memory, passes over it, and lanes.
    ///
    /// # Errors
    ///
    /// [`CostError`].
    pub const fn new(memory: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        if memory < MEMORY_LEAST || memory > MEMORY_MOST {
            return Err(CostError::Memory { found: memory });
        }
        if passes < PASSES_LEAST || passes > PASSES_MOST {
            return Err(CostError::Passes { found: passes });
        }
        if lanes < 1 || lanes > LANES_MOST {
            return Err(CostError::Lanes { found: lanes });
        }
        Ok(Self { memory, passes, lanes })
    }

    /// The memory in KiB.
    pub const fn memory(&self) -> u32 {
        self.memory
    }

    /// The number of passes over the memory.
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// The number of lanes.
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// The cost that is worth at least as much as both: a file never becomes weaker when it is written again.
    #[must_use]
    pub fn at_least(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            passes: self.passes.max(other.passes),
            lanes: self.lanes.max(other.lanes),
        }
    }
}

/// The parts of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) cost: Cost,
    pub(crate) salt: [u8; SALT],
    pub(crate) nonce: [u8; NONCE],
}

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; BYTES] {
        let Cost { memory, passes, lanes } = self.cost;
        let numbers = [memory, passes, lanes].map(u32::to_le_bytes);
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
