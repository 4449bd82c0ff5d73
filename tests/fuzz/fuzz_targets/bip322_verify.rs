//! See `fuzz_transactions::message`.

#![no_main]

use motet_tests::fuzz_transactions;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_transactions::message(data));
