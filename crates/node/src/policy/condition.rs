//! Conditions of a rule, and the differences between a condition and a request.

use core::ops::RangeInclusive;
use std::collections::BTreeSet;
use std::fmt;

use motet_core_crypto::PublicKey;
use motet_wire::MonotonicMs;

use super::facts::Facts;
use super::memory::Memory;
use super::outflows::Allowance;
use super::rate::{Rate, Standing};
use super::transaction::{TransactionCondition, TransactionMismatch};

/// One condition of a rule. Conditions on claims hold for the requester's *statement*, which nothing ties to the bytes
/// that are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// The amount that the requester states is in this range. A request that states none does not match. A claim.
    ClaimedAmount(RangeInclusive<u64>),
    /// The transaction type that the requester states is one of these; `""` is for requests that state none. A claim.
    ClaimedType(BTreeSet<String>),
    /// The requester is one of these: a contact, or a group.
    Requester(BTreeSet<PublicKey>),
    /// The signers are exactly these; whether this node's own signer is listed makes no difference.
    CosignersExactly(BTreeSet<PublicKey>),
    /// Every signer but this node's own is one of these.
    CosignersAmong(BTreeSet<PublicKey>),
    /// The number of items is in this range.
    Items(RangeInclusive<usize>),
    /// The requester has been approved fewer times than this within the period, whichever rule or person approved.
    Below(Rate),
    /// A fact of the verified transaction. It never holds for a request without one.
    Transaction(TransactionCondition),
}

/// Why a condition does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The request states no amount.
    NoAmount,
    /// The stated amount is outside.
    Amount {
        /// The requester's statement.
        stated: u64,
        /// The rule's condition.
        wanted: RangeInclusive<u64>,
    },
    /// The stated transaction type is another.
    Type {
        /// The requester's statement.
        stated: String,
    },
    /// The requester is another signer.
    Requester(PublicKey),
    /// A signer that the rule does not name would sign, too.
    UnnamedCosigner(PublicKey),
    /// A signer that the rule names would not sign.
    MissingCosigner(PublicKey),
    /// There are too few or too many items.
    Items {
        /// The number of items.
        count: usize,
        /// The rule's condition.
        wanted: RangeInclusive<usize>,
    },
    /// The requester has been approved that often already.
    Rate {
        /// The number of approvals within the period.
        approvals: u32,
        /// The rate.
        rate: Rate,
    },
    /// There have been more approvals lately than are remembered.
    Forgotten,
    /// A fact of the verified transaction is another one, or there is none.
    Transaction(TransactionMismatch),
    /// The rule would approve a transaction without a condition on its verified facts.
    ClaimsAlone,
}

impl Condition {
    /// The reason why the condition does not hold; `None` if it does.
    pub(super) fn mismatch(&self, facts: &Facts, memory: &Memory, now: MonotonicMs) -> Option<Mismatch> {
        match self {
            Self::ClaimedAmount(wanted) => match facts.claimed_amount {
                None => Some(Mismatch::NoAmount),
                Some(stated) if wanted.contains(&stated) => None,
                Some(stated) => Some(Mismatch::Amount { stated, wanted: wanted.clone() }),
            },
            Self::ClaimedType(types) => {
                let stated = &facts.claimed_type;
                (!types.contains(stated)).then(|| Mismatch::Type { stated: stated.clone() })
            }
            Self::Requester(keys) => (!keys.contains(&facts.requester)).then_some(Mismatch::Requester(facts.requester)),
            Self::CosignersExactly(keys) => unnamed(facts, keys).or_else(|| {
                let mut wanted = keys.iter().filter(|key| **key != facts.signer);
                wanted.find(|key| !facts.cosigners.contains(*key)).copied().map(Mismatch::MissingCosigner)
            }),
            Self::CosignersAmong(keys) => unnamed(facts, keys),
            Self::Items(wanted) => {
                let count = facts.items;
                (!wanted.contains(&count)).then(|| Mismatch::Items { count, wanted: wanted.clone() })
            }
            Self::Below(rate) => match memory.approvals.standing(&facts.requester, *rate, now) {
                Standing::Below => None,
                Standing::Reached(approvals) => Some(Mismatch::Rate { approvals, rate: *rate }),
                Standing::Forgotten => Some(Mismatch::Forgotten),
            },
            Self::Transaction(condition) => {
                condition.mismatch(facts.verified.as_ref(), &memory.outflows, now).map(Mismatch::Transaction)
            }
        }
    }

    /// True if this holds only of verified facts of a transaction.
    pub(super) const fn is_verified(&self) -> bool {
        matches!(self, Self::Transaction(_))
    }

    pub(super) const fn rate(&self) -> Option<Rate> {
        if let Self::Below(rate) = self { Some(*rate) } else { None }
    }

    pub(super) const fn allowance(&self) -> Option<Allowance> {
        if let Self::Transaction(condition) = self { condition.allowance() } else { None }
    }

    /// True if the requester decides by its own statement whether this holds.
    pub(super) const fn is_claim(&self) -> bool {
        matches!(self, Self::ClaimedAmount(_) | Self::ClaimedType(_))
    }

    /// True if this holds only of requests by or with keys that the rule names.
    pub(super) const fn names_people(&self) -> bool {
        matches!(self, Self::Requester(_) | Self::CosignersExactly(_) | Self::CosignersAmong(_))
    }
}

fn unnamed(facts: &Facts, keys: &BTreeSet<PublicKey>) -> Option<Mismatch> {
    facts.cosigners.iter().find(|key| !keys.contains(*key)).copied().map(Mismatch::UnnamedCosigner)
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAmount => write!(f, "the request states no amount"),
            Self::Amount { stated, wanted } => {
                write!(f, "the stated amount {stated} is not within {}", Range(wanted, &u64::MAX))
            }
            // The text is a stranger's: as a literal it can play no tricks.
            Self::Type { stated } if stated.is_empty() => write!(f, "the request states no type"),
            Self::Type { stated } => write!(f, "the stated type {stated:?} is not listed"),
            Self::Requester(key) => write!(f, "the requester {key} is not listed"),
            Self::UnnamedCosigner(key) => write!(f, "{key} would sign, too, and is not listed"),
            Self::MissingCosigner(key) => write!(f, "{key} is listed and would not sign"),
            Self::Items { count, wanted } => {
                write!(f, "the number of items, {count}, is not within {}", Range(wanted, &usize::MAX))
            }
            Self::Rate { approvals, rate } => {
                write!(f, "the requester has been approved {approvals} times; the rate is {rate}")
            }
            Self::Forgotten => write!(f, "there have been more approvals lately than are remembered"),
            Self::Transaction(mismatch) => mismatch.fmt(f),
            Self::ClaimsAlone => {
                write!(f, "it has no condition on verified facts, and a transaction is not approved without one")
            }
        }
    }
}

/// A range as people write it; one that reaches the end has none.
struct Range<'a, T>(&'a RangeInclusive<T>, &'a T);

impl<T: PartialEq + fmt::Display> fmt::Display for Range<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(range, end) = self;
        if range.end() == *end {
            write!(f, "{} or more", range.start())
        } else {
            write!(f, "{} to {}", range.start(), range.end())
        }
    }
}
