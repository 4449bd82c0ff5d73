//! See `fuzz_crypto::adaptors`.

#![no_main]

use motet_fuzz::fuzz_crypto;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_crypto::adaptors(data));
