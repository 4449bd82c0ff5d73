//! Places at which a process is made to die, for tests of the state after a crash.
//!
//! Only the feature `failpoints` brings them (`docs/testing.md`, "Crashes"). Without it [`Crash`] holds nothing, its functions
//! do nothing, and a program contains no name of such a place.

#[cfg(feature = "failpoints")]
mod point;

#[cfg(not(feature = "failpoints"))]
use motet_coordinator::Record;

#[cfg(feature = "failpoints")]
pub use point::CrashPoint;

/// The place at which this process is to die, if any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Crash {
    #[cfg(feature = "failpoints")]
    pub(crate) at: Option<CrashPoint>,
}

#[cfg(not(feature = "failpoints"))]
impl Crash {
    pub(crate) const fn before_storing(self, _records: &[Record]) {}

    pub(crate) const fn after_storing(self, _records: &[Record]) {}

    pub(crate) const fn before_signing(self) {}

    pub(crate) const fn before_sending(self, _frame: &[u8]) {}

    pub(crate) const fn is_after_sending(self, _frame: &[u8]) -> bool {
        false
    }

    pub(crate) const fn die(self) {}
}
