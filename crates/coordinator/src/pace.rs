//! The running time of a user's implementations, which decides on which thread they are called.

/// The running time of the calls of a [`crate::Signer`] or a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// They only compute, and soon return: they may be called on a thread that has other work.
    Computes,
    /// They may wait for a device, a disk or a person: they are called on other threads.
    Waits,
}
