//! Whether what a user puts in may wait for something, and so where it is called.

/// How the calls of a [`crate::Signer`] or a store pass their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// They only compute, and soon return: they may be called where other things are waiting.
    Computes,
    /// They may wait for a device, a disk or a person: they are called on threads beside.
    Waits,
}
