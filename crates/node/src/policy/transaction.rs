//! Conditions on verified transactions of groups. All of them are false where nothing was verified, where a fact is only claimed,
//! and where a message is signed instead of a payment.

use core::ops::RangeInclusive;
use std::collections::BTreeSet;
use std::fmt;

use motet_wallet::VerifiedTransaction;
use motet_wire::MonotonicMs;

use super::outflows::{Allowance, Outflows, Standing};

/// Facts of a transaction that the checker has verified. A fact that is not proven is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionFacts {
    /// The name of the group in this node's registry.
    pub group: String,
    /// Amount in satoshi that leaves the group, its fee included; negative if the group receives more than it spends.
    pub outflow: Option<i64>,
    /// The fee in satoshi.
    pub fee: Option<u64>,
    /// The fee rate in satoshi for a virtual byte, rounded up.
    pub fee_rate: Option<u64>,
    /// The fee in percent of what leaves the group, rounded up.
    pub fee_share: Option<u64>,
    /// All addresses that are paid besides the group's own; none if an output has no address.
    pub destinations: Option<BTreeSet<String>>,
    /// True if an output is the group's own.
    pub has_change: bool,
    /// The spend path: `key`, or `leaf 0`, `leaf 1`, ..
    pub spend_path: String,
    /// True if all signatures have the default sighash type.
    pub sighash_default: bool,
    /// The number of inputs of others.
    pub foreign_inputs: usize,
    /// The locktime as the transaction has it.
    pub locktime: u32,
    /// True if a message is signed (BIP-322), and nobody is paid.
    pub is_message: bool,
}

impl From<&VerifiedTransaction> for TransactionFacts {
    fn from(transaction: &VerifiedTransaction) -> Self {
        let destinations = transaction.destinations();
        Self {
            group: transaction.group_name().to_owned(),
            outflow: transaction.outflow().map(|amount| amount.to_sat()),
            fee: transaction.fee().map(|fee| fee.to_sat()),
            fee_rate: transaction.fee_rate().map(|rate| rate.to_sat_per_vb_ceil()),
            fee_share: transaction.fee_percent(),
            destinations: destinations.map(|found| found.iter().map(ToString::to_string).collect()),
            has_change: transaction.has_change(),
            spend_path: transaction.spend_path().to_string(),
            sighash_default: transaction.is_sighash_default(),
            foreign_inputs: transaction.foreign_inputs(),
            locktime: transaction.locktime(),
            is_message: transaction.message().is_some(),
        }
    }
}

/// One condition on a verified transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionCondition {
    /// The group is one of these, by its name in this node's registry.
    Group(BTreeSet<String>),
    /// The amount in satoshi that leaves the group is in this range; it is 0 if the group receives more than it spends.
    Outflow(RangeInclusive<u64>),
    /// The amounts that leave the group within a period stay within an allowance, this transaction included.
    OutflowWithin(Allowance),
    /// The fee in satoshi is in this range.
    Fee(RangeInclusive<u64>),
    /// The fee rate in satoshi for a virtual byte is in this range.
    FeeRate(RangeInclusive<u64>),
    /// The fee in percent of what leaves the group is in this range.
    FeeShare(RangeInclusive<u64>),
    /// Every address that is paid, besides the group's own, is one of these.
    Destinations(BTreeSet<String>),
    /// The transaction has an output of the group's own, or has none.
    HasChange(bool),
    /// The spend path is one of these: `key`, `leaf 0`, `leaf 1`, ..
    SpendPath(BTreeSet<String>),
    /// All signatures have the default sighash type.
    SighashDefault,
    /// The number of inputs of others is in this range.
    ForeignInputs(RangeInclusive<usize>),
    /// The locktime is in this range.
    Locktime(RangeInclusive<u32>),
}

/// The reason why a condition on a verified transaction does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionMismatch {
    /// No transaction was verified.
    NotVerified,
    /// A message is signed, and no payment is made.
    Message,
    /// The fact is only claimed.
    NotProven {
        /// The name of the fact.
        fact: &'static str,
    },
    /// The fact is another one.
    Fact {
        /// The name of the fact.
        fact: &'static str,
        /// The value.
        found: String,
    },
    /// More would leave the group within the period than the allowance.
    Allowance {
        /// The amount in satoshi that was approved within the period.
        approved: u64,
        /// The allowance.
        allowance: Allowance,
    },
    /// There have been more approvals lately than are remembered, or one of an amount that is not known.
    Forgotten,
}

impl TransactionCondition {
    /// The reason why the condition does not hold; `None` if it does.
    pub(super) fn mismatch(
        &self,
        facts: Option<&TransactionFacts>,
        outflows: &Outflows,
        now: MonotonicMs,
    ) -> Option<TransactionMismatch> {
        let Some(facts) = facts else { return Some(TransactionMismatch::NotVerified) };
        if facts.is_message {
            return Some(TransactionMismatch::Message);
        }
        let outflow = facts.outflow.map(|outflow| u64::try_from(outflow).unwrap_or(0));
        match self {
            Self::Group(names) => unlisted("group", &facts.group, names),
            Self::Outflow(range) => outside("outflow", outflow, range),
            Self::OutflowWithin(allowance) => {
                let Some(outflow) = outflow else { return Some(TransactionMismatch::NotProven { fact: "outflow" }) };
                match outflows.standing(&facts.group, *allowance, outflow, now) {
                    Standing::Within => None,
                    Standing::Beyond { approved } => {
                        Some(TransactionMismatch::Allowance { approved, allowance: *allowance })
                    }
                    Standing::Forgotten => Some(TransactionMismatch::Forgotten),
                }
            }
            Self::Fee(range) => outside("fee", facts.fee, range),
            Self::FeeRate(range) => outside("fee rate", facts.fee_rate, range),
            Self::FeeShare(range) => outside("fee share", facts.fee_share, range),
            Self::Destinations(addresses) => match &facts.destinations {
                None => Some(TransactionMismatch::NotProven { fact: "destinations" }),
                Some(found) => {
                    let other = found.iter().find(|address| !addresses.contains(*address));
                    other.map(|address| TransactionMismatch::Fact { fact: "destination", found: address.clone() })
                }
            },
            Self::HasChange(wanted) => differs("has change", facts.has_change, *wanted),
            Self::SpendPath(paths) => unlisted("spend path", &facts.spend_path, paths),
            Self::SighashDefault => differs("sighash default", facts.sighash_default, true),
            Self::ForeignInputs(range) => outside("number of foreign inputs", Some(facts.foreign_inputs), range),
            Self::Locktime(range) => outside("locktime", Some(facts.locktime), range),
        }
    }

    /// The allowance, if the condition has one.
    pub(super) const fn allowance(&self) -> Option<Allowance> {
        if let Self::OutflowWithin(allowance) = self { Some(*allowance) } else { None }
    }

    /// True if the condition can never hold: its range or list is empty.
    pub(super) fn is_never(&self) -> bool {
        match self {
            Self::Group(names) | Self::SpendPath(names) => names.is_empty(),
            Self::Outflow(range) | Self::Fee(range) | Self::FeeRate(range) | Self::FeeShare(range) => range.is_empty(),
            Self::OutflowWithin(allowance) => allowance.period.is_zero(),
            Self::ForeignInputs(range) => range.is_empty(),
            Self::Locktime(range) => range.is_empty(),
            // No addresses at all: the transaction pays the group alone.
            Self::Destinations(_) | Self::HasChange(_) | Self::SighashDefault => false,
        }
    }
}

fn outside<T: PartialOrd + ToString>(
    fact: &'static str,
    found: Option<T>,
    wanted: &RangeInclusive<T>,
) -> Option<TransactionMismatch> {
    match found {
        None => Some(TransactionMismatch::NotProven { fact }),
        Some(found) if wanted.contains(&found) => None,
        Some(found) => Some(TransactionMismatch::Fact { fact, found: found.to_string() }),
    }
}

fn unlisted(fact: &'static str, found: &str, wanted: &BTreeSet<String>) -> Option<TransactionMismatch> {
    (!wanted.contains(found)).then(|| TransactionMismatch::Fact { fact, found: found.to_owned() })
}

fn differs(fact: &'static str, found: bool, wanted: bool) -> Option<TransactionMismatch> {
    (found != wanted).then(|| TransactionMismatch::Fact { fact, found: found.to_string() })
}

impl fmt::Display for TransactionMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotVerified => write!(f, "no transaction of the request was verified"),
            Self::Message => write!(f, "a message is signed, and no payment is made"),
            Self::NotProven { fact } => write!(f, "the {fact} is only claimed, and not proven"),
            Self::Fact { fact, found } => write!(f, "the {fact} {found:?} is not one that the rule allows"),
            Self::Allowance { approved, allowance: Allowance { most, period } } => write!(
                f,
                "{approved} satoshi of the group were approved within {period:?}, and with this transaction more than {most} would leave it"
            ),
            Self::Forgotten => write!(f, "more has been approved lately than is remembered"),
        }
    }
}
