//! See `fuzz_coordinator::evidence::session`.

#![no_main]

use motet_tests::fuzz_coordinator;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_coordinator::evidence::session(data));
