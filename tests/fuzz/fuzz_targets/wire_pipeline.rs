//! See `fuzz_wire::pipeline`.

#![no_main]

use motet_fuzz::fuzz_wire;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_wire::pipeline(data));
