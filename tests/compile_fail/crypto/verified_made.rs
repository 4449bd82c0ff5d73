//! Verified partial signatures come out of verification, and from nowhere else.

use motet_core_crypto::{Signature, VerifiedPartials};

fn pretend(partials: VerifiedPartials, signature: Signature) -> VerifiedPartials {
    VerifiedPartials { signature: Some(signature), ..partials }
}

fn main() {}
