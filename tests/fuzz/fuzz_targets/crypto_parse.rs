//! See `fuzz_crypto::parse`.

#![no_main]

use motet_fuzz::fuzz_crypto;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_crypto::parse(data));
