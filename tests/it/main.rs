//! Motet's cross-crate tests, one binary.

mod demo;
mod musig_interop;
mod wire_docs;
mod wire_evidence;
mod wire_golden;
mod wire_rules_bytes;
mod wire_rules_cost;
mod wire_rules_memory;
mod wire_rules_signature;
mod wire_rules_structure;
mod wire_rules_time;
mod wire_text;
