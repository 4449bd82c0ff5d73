//! Secrets have no text form.

use motet_core_crypto::{SecretKey, SecretNonce};

fn prints<T: std::fmt::Display>() {}
fn parses<T: std::str::FromStr>() {}

fn main() {
    prints::<SecretNonce>();
    prints::<SecretKey>();
    parses::<SecretNonce>();
    parses::<SecretKey>();
}
