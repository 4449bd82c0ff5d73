//! Draws of the choices that others must not foresee: which peers this node connects to.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

/// A sequence of draws (splitmix64). It chooses peers and makes no secrets.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// Draws that differ in each process: the standard library seeds its hash maps from the operating system.
    pub(crate) fn unforeseen() -> Self {
        Self::from_seed(RandomState::new().hash_one("motet/draw"))
    }

    pub(crate) const fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^ (drawn >> 31)
    }

    /// A number below this one; zero if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(self.next().checked_rem(end).unwrap_or_default()).unwrap_or_default()
    }

    /// One of these; `None` if there are none.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}
