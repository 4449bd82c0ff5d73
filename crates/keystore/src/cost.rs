//! The cost of a guess at a passphrase.

use crate::limits::{LANES_MOST, MEMORY_LEAST, MEMORY_MOST, PASSES_LEAST, PASSES_MOST};

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
