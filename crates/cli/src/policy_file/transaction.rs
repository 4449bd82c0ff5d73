//! Conditions on verified transactions, as they are written in a policy file.

use std::collections::BTreeSet;

use motet_node::policy::{Allowance, Condition, TransactionCondition};
use serde::Deserialize;

use super::borders::Borders;
use super::fault::Fault;
use super::strict::{Object, stated};
use crate::args::duration;

/// The conditions of one rule on the transaction that the node has verified.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTransaction {
    #[serde(default, deserialize_with = "stated")]
    group: Option<BTreeSet<String>>,
    #[serde(default, deserialize_with = "stated")]
    outflow: Option<Object<Borders<u64>>>,
    #[serde(default, deserialize_with = "stated")]
    outflow_within: Option<Object<WrittenAllowance>>,
    #[serde(default, deserialize_with = "stated")]
    fee: Option<Object<Borders<u64>>>,
    #[serde(default, deserialize_with = "stated")]
    fee_rate: Option<Object<Borders<u64>>>,
    #[serde(default, deserialize_with = "stated")]
    fee_share: Option<Object<Borders<u64>>>,
    #[serde(default, deserialize_with = "stated")]
    destinations: Option<BTreeSet<String>>,
    #[serde(default, deserialize_with = "stated")]
    has_change: Option<bool>,
    #[serde(default, deserialize_with = "stated")]
    spend_path: Option<BTreeSet<String>>,
    #[serde(default, deserialize_with = "stated")]
    sighash_default: Option<bool>,
    #[serde(default, deserialize_with = "stated")]
    foreign_inputs: Option<Object<Borders<usize>>>,
    #[serde(default, deserialize_with = "stated")]
    locktime: Option<Object<Borders<u32>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAllowance {
    max: u64,
    per: String,
}

impl WrittenTransaction {
    /// The conditions. `place` names a field of the rule in errors.
    pub(super) fn conditions(self, place: &dyn Fn(&str) -> String) -> Result<Vec<Condition>, Fault> {
        use TransactionCondition as C;
        let mut when = Vec::new();
        let at = |field: &str| place(&format!("transaction, {field}"));
        let satoshi = |field: &str, Object(borders): Object<Borders<u64>>| borders.range(&at(field), 0, u64::MAX);
        if let Some(names) = self.group {
            when.push(C::Group(listed(&at("group"), names)?));
        }
        if let Some(borders) = self.outflow {
            when.push(C::Outflow(satoshi("outflow", borders)?));
        }
        if let Some(Object(WrittenAllowance { max, per })) = self.outflow_within {
            let what = format!("\"per\": {per:?} is no duration");
            let period = duration(&per).map_err(|error| Fault::new(at("outflow_within"), what, error))?;
            when.push(C::OutflowWithin(Allowance { most: max, period }));
        }
        if let Some(borders) = self.fee {
            when.push(C::Fee(satoshi("fee", borders)?));
        }
        if let Some(borders) = self.fee_rate {
            when.push(C::FeeRate(satoshi("fee_rate", borders)?));
        }
        if let Some(borders) = self.fee_share {
            when.push(C::FeeShare(satoshi("fee_share", borders)?));
        }
        if let Some(addresses) = self.destinations {
            when.push(C::Destinations(addresses));
        }
        if let Some(wanted) = self.has_change {
            when.push(C::HasChange(wanted));
        }
        if let Some(paths) = self.spend_path {
            when.push(C::SpendPath(listed(&at("spend_path"), paths)?));
        }
        match self.sighash_default {
            Some(true) => when.push(C::SighashDefault),
            Some(false) => {
                let next = "write true, or leave the field out for any sighash type";
                return Err(Fault::new(at("sighash_default"), "it can only be true", next));
            }
            None => {}
        }
        if let Some(Object(borders)) = self.foreign_inputs {
            when.push(C::ForeignInputs(borders.range(&at("foreign_inputs"), 0, usize::MAX)?));
        }
        if let Some(Object(borders)) = self.locktime {
            when.push(C::Locktime(borders.range(&at("locktime"), 0, u32::MAX)?));
        }
        if when.is_empty() {
            return Err(Fault::new(place("transaction"), "it has no condition", "give it one, or leave it out"));
        }
        Ok(when.into_iter().map(Condition::Transaction).collect())
    }
}

fn listed(place: &str, names: BTreeSet<String>) -> Result<BTreeSet<String>, Fault> {
    if names.is_empty() {
        return Err(Fault::new(place, "it lists nothing", "list something, or leave the field out"));
    }
    Ok(names)
}
