//! The public interface of the crate, as its users see it.
mod batch;
mod session;
