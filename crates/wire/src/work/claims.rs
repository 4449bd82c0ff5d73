//! Claims of messages whose stamp is not minted yet.

use super::WorkClaim;
use crate::codec::{self, ParseError};
use crate::id::NetworkId;
use crate::message::advertisement::{RawSignerAdvertisement, SignerAdvertisement};
use crate::message::request::{RawSigningRequest, SigningRequest};
use crate::message::resource::{RawResourceAnnouncement, ResourceAnnouncement};
use crate::mirror::Mirror;

/// The claim that an advertisement's stamp must cover. Its `work` is not read.
///
/// # Errors
///
/// [`ParseError`] when a part of the advertisement is over its bound.
pub fn claim_of_advertisement(
    network: &NetworkId,
    advertisement: &SignerAdvertisement,
) -> Result<WorkClaim, ParseError> {
    let raw = RawSignerAdvertisement::of(advertisement)?;
    Ok(raw.paid().claim(network, &codec::encode(&raw)?))
}

/// The claim that a resource's stamp must cover. Its `work` is not read.
///
/// # Errors
///
/// [`ParseError`] when a part of the resource is over its bound.
pub fn claim_of_resource(network: &NetworkId, resource: &ResourceAnnouncement) -> Result<WorkClaim, ParseError> {
    let raw = RawResourceAnnouncement::of(resource)?;
    Ok(raw.paid().claim(network, &codec::encode(&raw)?))
}

/// The claim that a request's stamp must cover. Its `work` is not read.
///
/// # Errors
///
/// [`ParseError`] when a part of the request is over its bound.
pub fn claim_of_request(network: &NetworkId, request: &SigningRequest) -> Result<WorkClaim, ParseError> {
    let raw = RawSigningRequest::of(request)?;
    Ok(raw.paid().claim(network, &raw.encode()?))
}
