//! A device that keeps its key elsewhere: everything goes through the trait, and the result is what a local key makes.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use motet_core_crypto::adaptor::AdaptorSession;
use motet_core_crypto::device::{Device, MemoryDevice, NoncePurpose, SigningTask};
use motet_core_crypto::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;

/// A device that never lets a secret nonce out: its handles are numbers.
struct Vault {
    inside: MemoryDevice<ChaCha20Rng>,
    nonces: BTreeMap<u32, SecretNonce>,
    next: u32,
}

#[derive(Debug, PartialEq, Eq)]
struct NoSuchNonce;

impl Device for Vault {
    type Nonce = u32;
    type Error = NoSuchNonce;

    fn public_key(&self) -> PublicKey {
        self.inside.public_key()
    }

    fn sign_alone(&mut self, message: &[u8]) -> Result<Signature, NoSuchNonce> {
        self.inside.sign_alone(message).map_err(|_| NoSuchNonce)
    }

    fn generate_nonce(&mut self, purpose: &NoncePurpose<'_>) -> Result<(u32, PublicNonce), NoSuchNonce> {
        let (secret, public) = self.inside.generate_nonce(purpose).map_err(|_| NoSuchNonce)?;
        self.next += 1;
        self.nonces.insert(self.next, secret);
        Ok((self.next, public))
    }

    fn sign(&mut self, nonce: u32, task: &SigningTask<'_>) -> Result<PartialSignature, NoSuchNonce> {
        let nonce = self.nonces.remove(&nonce).ok_or(NoSuchNonce)?;
        self.inside.sign(nonce, task).map_err(|_| NoSuchNonce)
    }
}

fn device(seed: u8) -> Vault {
    let mut rng = ChaCha20Rng::from_seed([seed; 32]);
    let key = SecretKey::generate(&mut rng).unwrap();
    Vault { inside: MemoryDevice::new(key, rng), nonces: BTreeMap::new(), next: 0 }
}

#[test]
fn devices_sign_together_and_forget_their_nonces() {
    let mut devices = [device(1), device(2), device(3)];
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let keys = devices.each_ref().map(Device::public_key);
    let context = KeyAggContext::new(&keys).unwrap().with_taproot(None).unwrap();
    let key = context.aggregate_key();
    let purpose = NoncePurpose { aggregate_key: Some(&key), message: Some(b"pay"), ..NoncePurpose::default() };
    let nonces = devices.each_mut().map(|device| device.generate_nonce(&purpose).unwrap());
    let public = nonces.map(|(_, public)| public);
    let session = SigningSession::new(&context, &AggregateNonce::sum(&public), b"pay");
    let mut handles = nonces.iter();
    let partials = devices.each_mut().map(|device| device.sign(handles.next().unwrap().0, &session.task()).unwrap());
    session.verify_partials(&public, &partials, &mut rng).unwrap();
    schnorr::verify(&key, b"pay", &session.aggregate(&partials).unwrap()).unwrap();

    let [(handle, _), ..] = nonces;
    let [first, ..] = &mut devices;
    assert_eq!(first.sign(handle, &session.task()), Err(NoSuchNonce), "a nonce signs once");
}

#[test]
fn devices_make_adaptor_signatures_from_the_same_task() {
    let mut devices = [device(4), device(5)];
    let secret = SecretKey::from_bytes(&[6; 32]).unwrap();
    let keys = devices.each_ref().map(Device::public_key);
    let context = KeyAggContext::new(&keys).unwrap();
    let nonces = devices.each_mut().map(|device| device.generate_nonce(&NoncePurpose::default()).unwrap());
    let sum = AggregateNonce::sum(&nonces.map(|(_, public)| public));
    let session = AdaptorSession::new(&context, &sum, &secret.public_key(), b"swap");
    assert_eq!(session.task().adaptor, Some(secret.public_key()));
    let mut handles = nonces.iter();
    let partials = devices.each_mut().map(|device| device.sign(handles.next().unwrap().0, &session.task()).unwrap());
    let signature = session.aggregate(&partials).unwrap().adapt(&secret);
    schnorr::verify(&context.aggregate_key(), b"swap", &signature).unwrap();
}

#[test]
fn a_device_signs_alone_too() {
    let mut device = device(7);
    let signature = device.sign_alone(b"certify this").unwrap();
    schnorr::verify(&device.public_key().x_only(), b"certify this", &signature).unwrap();
}
