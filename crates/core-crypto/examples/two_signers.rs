//! Two people make one signature: `cargo run -p motet-core-crypto --example two_signers`.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use getrandom::SysRng;
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceInputs, PublicNonce, SecretKey, SecretNonce, SigningSession, generate_nonce,
    schnorr,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Before: each has a key, and both know both public keys. The aggregate is one key, here that of a Taproot output.
    let (alice, bob) = (SecretKey::generate(&mut SysRng)?, SecretKey::generate(&mut SysRng)?);
    let context = KeyAggContext::sorted(&[alice.public_key(), bob.public_key()])?.with_taproot(None)?;
    let message = b"alice and bob agree on this";

    // Round 1: each makes a nonce, keeps the secret half and sends the public half.
    let nonce = |key: &SecretKey| -> Result<(SecretNonce, PublicNonce), _> {
        let inputs = NonceInputs {
            public_key: &key.public_key(),
            secret_key: Some(key),
            aggregate_key: Some(&context.aggregate_key()),
            message: Some(message),
            extra: None,
        };
        generate_nonce(&mut SysRng, &inputs)
    };
    let ((alice_secret, alice_public), (bob_secret, bob_public)) = (nonce(&alice)?, nonce(&bob)?);

    // Round 2: each signs, which consumes the secret nonce, and sends the partial signature. Both compute the session alike.
    let session = SigningSession::new(&context, &AggregateNonce::sum(&[alice_public, bob_public]), message);
    let (alice_partial, bob_partial) = (session.sign(alice_secret, &alice)?, session.sign(bob_secret, &bob)?);

    // Whoever has all partial signatures verifies them, in the order of the keys, and adds them up.
    let mut signers = [(alice.public_key(), alice_public, alice_partial), (bob.public_key(), bob_public, bob_partial)];
    signers.sort_by_key(|(key, ..)| *key);
    let (nonces, partials) = (signers.map(|(_, nonce, _)| nonce), signers.map(|(.., partial)| partial));
    let verified = session.verify_partials(&nonces, &partials, &mut SysRng)?;
    let signature = session.aggregate_verified(&verified)?;

    // Anybody verifies it like any other signature.
    schnorr::verify(&context.aggregate_key(), message, &signature)?;
    println!("key       {}\nsignature {signature}", context.aggregate_key());
    Ok(())
}
