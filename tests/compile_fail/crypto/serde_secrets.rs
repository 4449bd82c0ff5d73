//! Secrets do not travel through serde.

use motet_core_crypto::{SecretKey, SecretNonce};

fn writes<T: serde::Serialize>() {}
fn reads<T: serde::de::DeserializeOwned>() {}

fn main() {
    writes::<SecretNonce>();
    writes::<SecretKey>();
    reads::<SecretNonce>();
    reads::<SecretKey>();
}
