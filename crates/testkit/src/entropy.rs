//! Randomness of a cluster: all of it follows from the seed, and all of it is written down.

use std::sync::{Arc, Mutex, PoisonError};

use motet_coordinator::EntropyError;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};

/// The 32-byte values that were drawn, shared by all sources of a cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drawn(Arc<Mutex<Vec<[u8; 32]>>>);

impl Drawn {
    pub(crate) fn all(&self) -> Vec<[u8; 32]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, bytes: [u8; 32]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

/// A seeded source of randomness, for one node or one signer. Not for secrets that guard money.
#[derive(Debug)]
pub struct Entropy {
    source: ChaCha20Rng,
    drawn: Drawn,
}

impl Entropy {
    /// A source whose values follow from the seed.
    pub fn from_seed(seed: u64) -> Self {
        Self::recorded(seed, Drawn::default())
    }

    pub(crate) fn recorded(seed: u64, drawn: Drawn) -> Self {
        Self { source: dice(seed), drawn }
    }
}

/// The dice of a network: like a source, but nothing that is made of them is a secret.
#[expect(clippy::disallowed_methods, reason = "a test kit is what seeded randomness is for")]
pub(crate) fn dice(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

impl TryRng for Entropy {
    type Error = EntropyError;

    fn try_next_u32(&mut self) -> Result<u32, EntropyError> {
        Ok(self.source.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, EntropyError> {
        Ok(self.source.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.source.fill_bytes(bytes);
        // Values of other lengths are not for secrets.
        if let Ok(bytes) = <[u8; 32]>::try_from(&*bytes) {
            self.drawn.add(bytes);
        }
        Ok(())
    }
}

impl TryCryptoRng for Entropy {}
