//! Fuzz targets of the coordinator, as functions: libFuzzer calls them with what it invents (`tests/fuzz`), an ordinary
//! test with what it once found interesting (`tests/fuzz/corpus`).

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken promise has to stop the fuzzer"
)]

pub mod engine;
pub mod evidence;
pub mod store;

use crate::fuzz_wire::Target;

/// All targets, by the names of their folders.
pub const TARGETS: [Target; 4] = [
    ("engine_script", engine::script),
    ("evidence_session", evidence::session),
    ("store_file", store::file),
    ("store_records", store::records),
];

/// What the corpora start from: sound inputs for a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "engine_script" => engine::seeds(),
        "evidence_session" => evidence::seeds(),
        "store_file" => store::file_seeds(),
        "store_records" => store::record_seeds(),
        other => panic!("there is no target {other}"),
    }
}
