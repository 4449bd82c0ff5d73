//! The public interface of the crate, as its users see it.
mod batch;
mod bip340;
mod session;
