//! No input makes the pipeline allocate more than 4 times its length and 64 KiB, all allocations added up.

use std::sync::Arc;

use allocation_counter::measure;
use motet_tests::wire_fixtures::{NOW, arrival, network, one_of_each, validator, validator_with};
use motet_tests::wire_forge::Forged;
use motet_wire::{Admitted, Kind, ValidatorLimits, limits, verify_batch};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use crate::frames;

/// The bound, for an input of so many bytes.
fn bound(length: usize) -> u64 {
    u64::try_from(4 * length + 64 * 1024).unwrap()
}

/// What the whole pipeline allocates for a frame, and whether it was believed.
fn allocated(frame: Arc<[u8]>) -> (u64, bool) {
    let mut validator = validator();
    let arrival = arrival(frame);
    let mut believed = false;
    let info = measure(|| believed = validator.validate(arrival, NOW).is_ok());
    (info.bytes_total, believed)
}

#[track_caller]
fn must_be_within(frame: Arc<[u8]>, what: &str) -> bool {
    let length = frame.len();
    let (bytes, believed) = allocated(frame);
    assert!(bytes <= bound(length), "{what}: {bytes} bytes allocated for {length}");
    believed
}

#[test]
fn the_largest_messages_of_every_kind_are_within_the_bound() {
    let mut largest = [0; Kind::ALL.len()];
    for sealed in frames::largest() {
        let believed = must_be_within(sealed.frame.clone(), sealed.kind.name());
        assert!(believed, "{}: not believed, so not measured to the end", sealed.kind);
        let index = Kind::ALL.iter().position(|kind| *kind == sealed.kind).unwrap();
        largest[index] = largest[index].max(sealed.frame.len());
    }
    // They are large: what can fill its limit does.
    for (kind, length) in Kind::ALL.into_iter().zip(largest) {
        assert!(length <= kind.frame_limit());
        let full = matches!(kind, Kind::SigningRequest | Kind::SessionReady | Kind::SessionAbort | Kind::SyncResponse);
        assert!(!full || length * 10 >= kind.frame_limit() * 9, "{kind}: {length} of {}", kind.frame_limit());
    }
}

#[test]
fn frames_that_promise_more_than_they_hold_are_within_the_bound() {
    let author = frames::author();
    let (mut read, mut signed, mut believed) = (0, 0, 0);
    let mut visit = |forged: Forged| {
        must_be_within(forged.frame(), "an unsigned frame");
        read += 1;
        // Whatever gets as far as the signature is signed, so that what comes after it is measured too.
        if read % 5 == 0 && validator().admit(arrival(forged.frame()), NOW).is_ok() {
            signed += 1;
            let forged = forged.sign(&network(), &author.message_key);
            believed += u32::from(must_be_within(forged.frame(), "a signed frame"));
        }
    };
    frames::each_pattern(&mut visit);
    frames::each_lie(&mut visit);
    assert!(read > 10_000 && signed > 100 && believed > 50, "{read} read, {signed} signed, {believed} believed");
}

#[test]
fn junk_of_any_length_is_within_the_bound() {
    for length in [0, 1, 55, 118, 119, 120, 1_024, 51_200, limits::FRAME_MAX, limits::FRAME_MAX + 1, 4 << 20] {
        for byte in [0, 1, 2, 0x7f, 0xff] {
            must_be_within(vec![byte; length].into(), "junk");
        }
    }
}

/// The most that the account of a new peer takes, in bytes: it is shorter than any frame that is too long.
const ACCOUNT: u64 = 512;

#[test]
fn what_is_refused_for_its_length_allocates_the_account_of_its_peer_and_nothing_else() {
    for kind in Kind::ALL {
        let mut frame = vec![0; kind.frame_limit() + 1];
        frame[..2].copy_from_slice(&[limits::VERSION, kind.code()]);
        let (bytes, _) = allocated(frame.into());
        // The first frame of a peer opens the account from which the peer pays, however long the frame is.
        assert!(bytes <= ACCOUNT, "{kind}: {bytes}");
    }
}

#[test]
fn a_batch_is_within_the_sum_of_its_bounds() {
    let mut rng = ChaCha8Rng::from_seed([1; 32]);
    let mut validator = validator_with(ValidatorLimits { verifications_per_second: 100_000, ..Default::default() });
    let frames: Vec<Arc<[u8]>> = frames::largest().into_iter().map(|sealed| sealed.frame).collect();
    let sum: u64 = frames.iter().map(|frame| bound(frame.len())).sum();
    let mut results = Vec::new();
    let info = measure(|| {
        let admitted: Vec<Admitted> =
            frames.iter().filter_map(|frame| validator.admit(arrival(frame.clone()), NOW).ok()).collect();
        results = verify_batch(admitted, &mut rng);
    });
    assert!(results.len() > one_of_each().len() && results.iter().any(Result::is_ok));
    assert!(info.bytes_total <= sum, "{} of {sum}", info.bytes_total);
}

#[test]
fn the_bound_catches_a_reader_that_believes_lengths() {
    // What the codec does not do: make room for as many elements as the first number says.
    let naive = |body: &[u8]| {
        let length = u32::from_le_bytes(*body.first_chunk().unwrap());
        Vec::<[u8; 33]>::with_capacity(usize::try_from(length).unwrap()).capacity()
    };
    let body = 40_000u32.to_le_bytes();
    let info = measure(|| assert!(naive(&body) >= 40_000));
    assert!(info.bytes_total > bound(limits::FRAME_SIGNING_REQUEST), "{}", info.bytes_total);
    // Nor may anything copy its input five times.
    let input = vec![0u8; limits::FRAME_MAX];
    let info = measure(|| drop([input.clone(), input.clone(), input.clone(), input.clone(), input.clone()]));
    assert!(info.bytes_total > bound(limits::FRAME_MAX), "{}", info.bytes_total);
}
