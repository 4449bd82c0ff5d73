//! Signatures of messages (BIP-322).

use std::sync::LazyLock;

use bitcoin::ScriptBuf;
use motet_core_crypto::SecretKey;
use motet_psbt::bip322::{Locks, MessageSignature, message_psbt};
use motet_psbt::{PathId, PendingNonces, RawPsbt, SpendPlan, Version};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::{GROUP, secrets};

/// The message that the group has signed.
const MESSAGE: &str = "we hold this";

/// The PSBTs of the only message that the group has signed, from the first one to the final one.
static ROUNDS: LazyLock<Vec<RawPsbt>> = LazyLock::new(|| {
    let group = GROUP.registered.group();
    let start = message_psbt(Version::V2, MESSAGE, &address(0), Locks::NONE, &[]).expect("a message");
    let plan = SpendPlan::new(&start, group, PathId::Key, 2).expect("a plan");
    let mut updated = start.clone();
    plan.update(&mut updated, group).expect("fields of the group");
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let first = |key: &SecretKey| {
        let mut file = updated.clone();
        let nonces = plan.add_nonces(&mut file, group, key, &mut rng).expect("nonces");
        (file, nonces)
    };
    let (files, nonces): (Vec<_>, Vec<_>) = secrets().iter().map(first).unzip();
    let all = RawPsbt::combine(&files).expect("files of one message");
    let second = |(key, nonces): (&SecretKey, PendingNonces)| {
        let mut file = all.clone();
        plan.sign(&mut file, group, key, nonces).expect("a partial signature");
        file
    };
    let partials: Vec<_> = secrets().iter().zip(nonces).map(second).collect();
    let mut signed = RawPsbt::combine(&partials).expect("files of one message");
    plan.finalize(&mut signed).expect("a signature");
    [start, updated].into_iter().chain(files).chain([all]).chain(partials).chain([signed]).collect()
});

/// The PSBTs of a message that was signed, from the first one to the final one.
pub(super) fn rounds() -> Vec<RawPsbt> {
    ROUNDS.clone()
}

/// Two addresses of the group, and one of another kind.
fn address(which: u8) -> ScriptBuf {
    match which % 3 {
        2 => ScriptBuf::from_bytes([&[0, 20][..], &[7; 20]].concat()),
        index => GROUP.script(0, u32::from(index)),
    }
}

/// Any text as a signature of a message: it is accepted for the address and the message that were signed, and for no other. The first byte
/// chooses the address, the second one says how long the message is.
pub fn message(data: &[u8]) {
    let Some(([which, length], rest)) = data.split_first_chunk::<2>() else { return };
    let Some((text, signature)) = rest.split_at_checked(usize::from(*length)) else { return };
    let Some(signature) = core::str::from_utf8(signature).ok().and_then(|text| text.parse::<MessageSignature>().ok())
    else {
        return;
    };
    let again = signature.to_string().parse::<MessageSignature>();
    assert_eq!(again.as_ref(), Ok(&signature), "a signature is written as another one");
    if signature.verify(text, &address(*which)).is_ok() {
        assert!(which.is_multiple_of(3) && text == MESSAGE.as_bytes(), "a forged signature is accepted");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let signed = ROUNDS.last().expect("the signed one");
    let length = u8::try_from(MESSAGE.len()).expect("a short message");
    let seed = |which: u8, text: &str| [&[which, length], MESSAGE.as_bytes(), text.as_bytes()].concat();
    let simple = MessageSignature::of(signed).expect("a signature").to_string();
    let full = MessageSignature::full(signed).expect("a signature").to_string();
    assert!(simple.parse::<MessageSignature>().is_ok_and(|read| read.verify(MESSAGE.as_bytes(), &address(0)).is_ok()));
    let proof = format!("pof{}", signed.to_base64());
    [seed(0, &simple), seed(1, &simple), seed(2, &simple), seed(0, &full), seed(0, &proof), seed(0, "smp")].into()
}
