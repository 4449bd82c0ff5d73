//! See `fuzz_coordinator::engine::script`.

#![no_main]

use motet_tests::fuzz_coordinator;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_coordinator::engine::script(data));
