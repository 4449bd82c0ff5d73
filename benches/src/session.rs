//! Whole sessions, timed: over real sockets, with engines alone, and what both would take if only arithmetic and bare
//! messages counted.
//!
//! - [`group`]: nodes on loopback, and sessions between them.
//! - [`calls`]: sessions that are asked for over the API of a running signer.
//! - [`place`]: the runtimes that they run on.
//! - [`floor`]: the arithmetic of one signer and bare libp2p streams, to compare with.
//! - [`crowd`]: many sessions at once.
//! - [`waiting`]: requests that wait for users meanwhile.
//! - [`engines`]: engines joined in memory, on one core, without network and store.
//! - [`transactions`]: the check of a Bitcoin transaction beside the sessions that sign it.
//! - [`directory`]: looking signers up among many.

pub mod calls;
pub mod crowd;
pub mod directory;
pub mod engines;
pub mod floor;
pub mod group;
pub mod place;
pub mod transactions;
pub mod waiting;

use std::time::Duration;

use motet_core_crypto::{PublicKey, SecretKey, tagged_hash};
use motet_node::SigningRequestSpec;
use motet_wire::{Commitments, Derivation, Item, RequestMetadata, RequestOptions};

/// The value below which a share of the samples lies; zero without samples.
pub fn percentile(samples: &[Duration], percent: usize) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

/// The request that all benches make: one message of 32 bytes, to be signed under the signers' Taproot key.
pub(crate) fn request(
    keys: Vec<PublicKey>,
    creator: PublicKey,
    commitments: Commitments,
    number: u64,
) -> SigningRequestSpec {
    let message = tagged_hash("motet-benches/session", &[&number.to_be_bytes()]).to_vec();
    SigningRequestSpec {
        creator,
        keys,
        items: vec![Item { message, derivation: Derivation::Taproot { merkle_root: None } }],
        options: RequestOptions { commitments, ..RequestOptions::default() },
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(600),
    }
}

#[expect(clippy::expect_used, reason = "a hash is a scalar, but for one in 2^128")]
fn secret(name: &str, number: usize) -> SecretKey {
    let seed = tagged_hash("motet-benches/session-key", &[name.as_bytes(), &(number as u64).to_be_bytes()]);
    SecretKey::from_bytes(&seed).expect("a hash is a scalar")
}
