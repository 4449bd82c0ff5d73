//! The operating system's randomness.

use core::fmt;

use motet_coordinator::EntropyError;
use rand_core::{TryCryptoRng, TryRng};

/// The operating system's randomness, asked anew for every byte: no state that a fork or a snapshot could repeat.
#[derive(Clone, Copy, Default)]
pub struct OsEntropy;

impl fmt::Debug for OsEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OsEntropy")
    }
}

impl TryRng for OsEntropy {
    type Error = EntropyError;

    fn try_next_u32(&mut self) -> Result<u32, EntropyError> {
        getrandom::u32().map_err(|_| EntropyError)
    }

    fn try_next_u64(&mut self) -> Result<u64, EntropyError> {
        getrandom::u64().map_err(|_| EntropyError)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|_| EntropyError)
    }
}

impl TryCryptoRng for OsEntropy {}
