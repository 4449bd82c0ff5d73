//! The bodies of the fuzz targets, shared with the tests that replay the corpora.

#[path = "../../src/fuzz_crypto.rs"]
pub mod fuzz_crypto;
#[path = "../../src/fuzz_wire.rs"]
pub mod fuzz_wire;
#[path = "../../src/wire_fixtures.rs"]
pub mod wire_fixtures;
#[path = "../../src/wire_forge.rs"]
pub mod wire_forge;
