//! Signed offers of signers that have no node.

use std::sync::Arc;
use std::time::Duration;

use motet_core_crypto::{PublicKey, SecretKey, schnorr};
use motet_wire::{
    Criteria, Delegation, NetworkId, PeerId, SignerAdvertisement, SignerMetadata, TimestampMs, Work, seal,
};

use crate::session::group::Failure;

const HOUR: Duration = Duration::from_secs(3_600);

/// The offer of a signer, for transactions of one type, without a proof of work. It lives for an hour from `now` on.
///
/// # Errors
///
/// If it cannot be sealed.
pub fn offer(
    network: &NetworkId,
    [signer, message_key]: [&SecretKey; 2],
    peer: PeerId,
    kind: &str,
    fee: u64,
    now: TimestampMs,
) -> Result<(PublicKey, Arc<[u8]>), Failure> {
    let not_after = now.saturating_add(HOUR);
    let key = signer.public_key();
    let digest = Delegation::digest(network, &key, &message_key.public_key(), &peer, not_after);
    let signature = schnorr::sign(signer, &digest, &[0; 32])?;
    let delegation = Delegation { signer: key, message_key: message_key.public_key(), peer, not_after, signature };
    let advertisement = SignerAdvertisement {
        delegation,
        addresses: Vec::new(),
        criteria: Criteria { transaction_types: vec![kind.to_owned()], ..Criteria::ANY },
        metadata: SignerMetadata { fee, ..SignerMetadata::default() },
        created: now,
        expires: not_after,
        work: Work::default(),
    };
    Ok((key, seal(network, message_key, 1, now, &advertisement.into(), &[0; 32])?.frame))
}
