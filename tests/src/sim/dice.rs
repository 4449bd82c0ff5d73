//! Chance: one stream of random numbers from one seed.

use motet_node::EntropyError;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};

/// A source of decisions.
#[derive(Debug, Clone)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The decisions of a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Other decisions, that depend on this point of these.
    pub fn fork(&mut self) -> Self {
        Self::new(self.0.next_u64())
    }

    /// A number below `bound`, 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.next_u64() % bound }
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// An index of a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())].clone()
    }

    /// A number up to `most` of which the small ones are far more likely than the large ones.
    pub fn heavy(&mut self, most: u64) -> u64 {
        let bits = u64::from(64 - most.leading_zeros());
        let bound = 1u64.checked_shl(u32::try_from(self.below(bits + 1)).unwrap_or(0)).unwrap_or(u64::MAX);
        self.below(bound).min(most)
    }

    /// Puts a list into another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.index(last + 1));
        }
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// What is wrong with a node's randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntropyFault {
    /// Nothing.
    None,
    /// It starts again from the same state whenever the node restarts, as that of a virtual machine does.
    Repeats,
    /// It fails so many times in a thousand.
    Fails(u64),
}

/// A node's randomness: what it asks the operating system for.
#[derive(Debug, Clone)]
pub struct Entropy {
    rng: ChaCha8Rng,
    fails: Option<(Dice, u64)>,
}

impl Entropy {
    /// Randomness that never fails.
    pub fn sound(dice: &mut Dice) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(dice.seed()), fails: None }
    }

    /// The same, which fails so many times in a thousand.
    #[must_use]
    pub fn failing(self, dice: &mut Dice, per_mille: u64) -> Self {
        Self { fails: (per_mille > 0).then(|| (dice.fork(), per_mille)), ..self }
    }

    fn check(&mut self) -> Result<(), EntropyError> {
        let Some((dice, per_mille)) = &mut self.fails else { return Ok(()) };
        if dice.chance(*per_mille) { Err(EntropyError) } else { Ok(()) }
    }
}

impl TryRng for Entropy {
    type Error = EntropyError;

    fn try_next_u32(&mut self) -> Result<u32, EntropyError> {
        self.check().map(|()| self.rng.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, EntropyError> {
        self.check().map(|()| self.rng.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.check().map(|()| self.rng.fill_bytes(bytes))
    }
}

impl TryCryptoRng for Entropy {}
