//! Randomness that is written down, so that the secrets made of it are known to a test.

use std::sync::{Arc, Mutex};

use motet_coordinator::EntropyError;
use rand_core::{TryCryptoRng, TryRng};

/// All random bytes that were taken, 32 at a time; other lengths are not for secrets.
pub(crate) type Taken = Arc<Mutex<Vec<[u8; 32]>>>;

/// A source of randomness that writes down what it gives.
pub(crate) struct Recorder<R> {
    pub(crate) source: R,
    pub(crate) taken: Taken,
}

impl<R: TryRng> TryRng for Recorder<R> {
    type Error = EntropyError;

    fn try_next_u32(&mut self) -> Result<u32, EntropyError> {
        self.source.try_next_u32().map_err(|_| EntropyError)
    }

    fn try_next_u64(&mut self) -> Result<u64, EntropyError> {
        self.source.try_next_u64().map_err(|_| EntropyError)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.source.try_fill_bytes(bytes).map_err(|_| EntropyError)?;
        if let Ok(bytes) = <[u8; 32]>::try_from(&*bytes) {
            self.taken.lock().unwrap().push(bytes);
        }
        Ok(())
    }
}

impl<R: TryCryptoRng> TryCryptoRng for Recorder<R> {}
