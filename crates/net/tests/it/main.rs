//! Nodes as their users see them: real sockets on loopback, ports from the system.
//!
//! Everything waits for events; the guard only ends what would hang for ever.

#![expect(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "helpers of tests")]

mod addresses;
mod bounds;
mod connect;
mod crowd;
mod dht;
mod direct;
mod gossip;
mod groups;
mod hostile;
mod index;
mod peer;
mod reachable;
mod relay;
mod seen;
mod silent;
mod stop;
mod stranger;
mod transports;
