//! See `fuzz_coordinator::store::records`.

#![no_main]

use motet_tests::fuzz_coordinator;

libfuzzer_sys::fuzz_target!(
    // A panic that the store catches is none of the fuzzer's business: its hook would abort on it.
    init: drop(std::panic::take_hook()),
    |data: &[u8]| fuzz_coordinator::store::records(data)
);
