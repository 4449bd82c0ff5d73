//! The scalar of a secret key cannot be reached; its bytes can, by a name that says what it does.

use motet_core_crypto::SecretKey;

fn open(key: &SecretKey) {
    let _bytes = key.dangerous_to_bytes();
    let _scalar = &key.scalar;
    let _scalar = key.scalar();
}

fn main() {}
