//! Motet's cross-crate tests, one binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "what is unexpected fails the test, and randomness is seeded"
)]

mod crash;
mod demo;
mod differential;
mod faults;
mod floods;
mod fuzz;
mod index;
mod musig_interop;
mod session_latency;
mod sim_explore;
mod sim_frozen;
mod sim_seeds;
mod sim_transactions;
mod wire_docs;
mod wire_evidence;
mod wire_evidence_terms;
mod wire_golden;
mod wire_names;
mod wire_own;
mod wire_properties;
mod wire_rules_bytes;
mod wire_rules_cost;
mod wire_rules_memory;
mod wire_rules_meter;
mod wire_rules_signature;
mod wire_rules_structure;
mod wire_rules_time;
mod wire_rules_work;
mod wire_text;
mod wire_work;
