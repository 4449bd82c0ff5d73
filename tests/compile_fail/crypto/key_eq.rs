//! Secret keys cannot be compared: a comparison takes as long as they are equal.

use motet_core_crypto::SecretKey;

fn same(left: &SecretKey, right: &SecretKey) -> bool {
    left == right
}

fn main() {}
