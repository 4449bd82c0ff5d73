//! Memory that the engine keeps from one multiplication to the next.
//!
//! With dozens of terms a multiplication works on several hundred KiB. Taken afresh from the allocator each time, those
//! are pages that the kernel has to map and clear, which costs a quarter of the whole.

use super::curve::Affine;
use super::ladder::Collector;
use super::recode::{Half, WindowDigits};
use super::table::{Tables, Wanted};
use crate::field::Field;
use alloc::vec::Vec;

/// Buffers of both methods; what they hold between uses is of no meaning.
#[derive(Debug)]
pub(crate) struct Workspace<F> {
    pub(super) collector: Collector<F>,
    pub(super) wanted: Vec<Wanted<F>>,
    pub(super) tables: Tables<F>,
    pub(super) with_beta: Vec<F>,
    pub(super) halves: Vec<(Half, Affine<F>)>,
    pub(super) windows: Vec<WindowDigits>,
}

/// Summands up to which a workspace is kept: about 4 MiB, which 1,000 signers stay well below.
#[cfg(feature = "std")]
const KEPT_SUMMANDS: usize = 50_000;

impl<F: Field> Workspace<F> {
    pub(crate) const fn new() -> Self {
        Self {
            collector: Collector::new(),
            wanted: Vec::new(),
            tables: Tables::new(),
            with_beta: Vec::new(),
            halves: Vec::new(),
            windows: Vec::new(),
        }
    }

    /// Whether it is small enough to lie around in every thread that once multiplied.
    #[cfg(feature = "std")]
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.collector.capacity() + self.tables.entries.capacity() + self.halves.capacity() < KEPT_SUMMANDS
    }
}
