//! See `fuzz_wire::body`.

#![no_main]

use motet_fuzz::fuzz_wire;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_wire::body(data));
