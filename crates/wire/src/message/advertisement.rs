//! Phase 0: a signer says that it is there, and that it is gone (`docs/protocol.md` §3, §6).
//!
//! An advertisement's version is the sequence number of its envelope: the highest wins, wherever it comes from.

use core::fmt;

use super::raw::{Parts, Raw};
use super::spec::{Channels, KindSpec, Scope};
use crate::codec::{Bytes, List, ParseError, Text};
use crate::delegation::{Delegation, RawDelegation};
use crate::id::{AdvertisementId, IdError};
use crate::limits;
use crate::mirror::KnownKeys;
use crate::mirror::{Mirror, mirror};
use crate::subject::Subject;
use crate::time::TimestampMs;
use crate::validate::rule::{Rule, ensure};
use crate::work::{Paid, Purpose, Work};

/// A signer offers to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerAdvertisement {
    /// The message key that speaks for the signer, and the signer's peer.
    pub delegation: Delegation,
    /// Addresses of the peer; at most 8.
    pub addresses: Vec<Address>,
    /// The requests that the signer is willing to sign.
    pub criteria: Criteria,
    /// Texts for people.
    pub metadata: SignerMetadata,
    /// Time at which it was made.
    pub created: TimestampMs,
    /// Time at which it ends: at most 24 hours after `created`.
    pub expires: TimestampMs,
    /// The proof of work over everything else.
    pub work: Work,
}

/// A signer withdraws its advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerUnavailable {
    /// The message key that speaks for the signer, and the signer's peer.
    pub delegation: Delegation,
    /// The advertisement that is withdrawn.
    pub advertisement: AdvertisementId,
    /// Why, for people; at most 256 bytes.
    pub reason: String,
}

/// The requests that a signer is willing to sign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// Transaction types, at most 16 of at most 32 bytes each; none means any.
    pub transaction_types: Vec<String>,
    /// Smallest amount, in the smallest unit of the coin.
    pub min_amount: u64,
    /// Largest amount, in the smallest unit of the coin.
    pub max_amount: u64,
}

impl Criteria {
    /// Willing to sign anything.
    pub const ANY: Self = Self { transaction_types: Vec::new(), min_amount: 0, max_amount: u64::MAX };

    /// True if a request of this type (`None`: unstated) and amount (`None`: unstated) meets the criteria.
    pub fn matches(&self, transaction_type: Option<&str>, amount: Option<u64>) -> bool {
        let kind = transaction_type.is_none_or(|wanted| {
            self.transaction_types.is_empty() || self.transaction_types.iter().any(|known| known == wanted)
        });
        kind && amount.is_none_or(|amount| (self.min_amount..=self.max_amount).contains(&amount))
    }
}

/// Texts about a signer, for people. No node checks them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignerMetadata {
    /// At most 64 bytes.
    pub nickname: String,
    /// At most 256 bytes.
    pub description: String,
    /// The signer's fee for signing, in the smallest unit of the coin.
    pub fee: u64,
}

/// A multiaddr in its binary form, 1 to 128 bytes, opaque to this crate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Vec<u8>);

impl Address {
    /// Takes the binary form.
    ///
    /// # Errors
    ///
    /// [`IdError::Length`] outside 1 to 128 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        if bytes.is_empty() || bytes.len() > limits::ADDRESS {
            return Err(IdError::Length { length: bytes.len(), minimum: 1, maximum: limits::ADDRESS });
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The binary form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

mirror! {
    RawSignerAdvertisement of SignerAdvertisement {
        delegation: RawDelegation,
        addresses: List<Bytes<{ limits::ADDRESS }>, { limits::ADDRESSES_MAX }>,
        criteria: RawCriteria,
        metadata: RawSignerMetadata,
        created: u64,
        expires: u64,
        // Last, so that the work covers everything in front of it.
        work: Work,
    }
}

impl Raw for RawSignerAdvertisement {
    const SPEC: KindSpec = KindSpec {
        frame_limit: limits::FRAME_SIGNER_ADVERTISEMENT,
        lifetime: Some(limits::ADVERTISEMENT_LIFETIME),
        scope: Scope::Announcement,
        channels: Channels::ANNOUNCED,
        author_rate: KindSpec::ANNOUNCEMENTS,
        computation: 2,
    };

    fn parts(&self) -> Parts<'_> {
        Parts {
            subject: Subject::Directory,
            delegation: Some(&self.delegation),
            lifetime: Some((self.created, self.expires)),
            paid: Some(self.paid()),
        }
    }

    fn check(&self) -> Result<(), Rule> {
        let addresses = self.addresses.as_slice().iter().all(|address| !address.as_slice().is_empty());
        let transaction_types = self.criteria.transaction_types.as_slice().iter().all(|name| !name.as_str().is_empty());
        let amounts = self.criteria.min_amount <= self.criteria.max_amount;
        ensure(addresses && transaction_types && amounts, Rule::Fields)
    }
}

impl RawSignerAdvertisement {
    /// The transaction types that the offer names.
    pub(crate) fn transaction_types(&self) -> impl Iterator<Item = &str> {
        self.criteria.transaction_types.as_slice().iter().map(Text::as_str)
    }

    pub(crate) const fn paid(&self) -> Paid<'_> {
        Paid {
            purpose: Purpose::Advertisement,
            author: &self.delegation.signer,
            created: self.created,
            stamp: Some(self.work),
            before: 0,
            behind: Work::LENGTH,
        }
    }
}

mirror! {
    RawCriteria of Criteria {
        transaction_types: List<Text<{ limits::TRANSACTION_TYPE }>, { limits::TRANSACTION_TYPES_MAX }>,
        min_amount: u64,
        max_amount: u64,
    }
}

mirror! {
    RawSignerMetadata of SignerMetadata {
        nickname: Text<{ limits::NICKNAME }>,
        description: Text<{ limits::SIGNER_DESCRIPTION }>,
        fee: u64,
    }
}

impl Mirror<Address> for Bytes<{ limits::ADDRESS }> {
    fn of(address: &Address) -> Result<Self, ParseError> {
        Self::new(address.as_bytes())
    }

    fn parse(self, _: &KnownKeys) -> Result<Address, ParseError> {
        Ok(Address(self.into_vec()))
    }
}

mirror! {
    RawSignerUnavailable of SignerUnavailable {
        delegation: RawDelegation,
        advertisement: [u8; 32],
        reason: Text<{ limits::REASON }>,
    }
}

impl Raw for RawSignerUnavailable {
    const SPEC: KindSpec = KindSpec {
        frame_limit: limits::FRAME_SMALL,
        lifetime: None,
        scope: Scope::Announcement,
        channels: Channels::ANNOUNCED,
        author_rate: KindSpec::ANNOUNCEMENTS,
        computation: 2,
    };

    fn parts(&self) -> Parts<'_> {
        Parts { delegation: Some(&self.delegation), ..Parts::about(Subject::Directory) }
    }

    fn check(&self) -> Result<(), Rule> {
        Ok(())
    }
}
