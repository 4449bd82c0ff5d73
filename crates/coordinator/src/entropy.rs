//! Randomness as an argument of the engine, of jobs and of signers.

use rand_core::{TryCryptoRng, TryRng};

/// The source of randomness failed. Nothing that needs it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct EntropyError;

/// An infallible generator in the place of one that may fail, for seeded tests and simulations.
#[derive(Debug)]
pub struct Infallible<R>(pub R);

impl<R: rand_core::Rng> TryRng for Infallible<R> {
    type Error = EntropyError;

    fn try_next_u32(&mut self) -> Result<u32, EntropyError> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, EntropyError> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: rand_core::CryptoRng> TryCryptoRng for Infallible<R> {}
