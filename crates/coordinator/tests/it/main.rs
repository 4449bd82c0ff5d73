//! The engine through its public interface: many engines, one deterministic network in memory, real arithmetic.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "what is unexpected fails the test; a real node is compared with the real time"
)]

mod applications;
mod asking;
mod canary;
#[path = "../canary/capture.rs"]
mod capture;
mod catch_up;
mod conduct;
mod directory;
mod early;
mod evidence;
mod frozen;
mod inside;
mod kit;
mod late_signatures;
mod leaving;
mod members;
#[path = "../canary/needles.rs"]
mod needles;
#[path = "../canary/nonces.rs"]
mod nonces;
mod open_end;
mod privacy;
mod private;
mod prompts;
mod reach;
mod real;
mod resources;
mod restart;
mod session;
mod spoilers;
mod status;
mod terms;
mod trace;
