//! The public interface of the crate, as its users see it.
mod adaptor;
mod batch;
mod bip328;
mod bip340;
mod bip341;
mod device;
mod extremes;
mod properties;
#[cfg(feature = "serde")]
mod serde_forms;
mod session;
