//! The engine through its public interface: many engines, one deterministic network in memory, real arithmetic.
#![allow(clippy::all)]

mod network;
mod session;
