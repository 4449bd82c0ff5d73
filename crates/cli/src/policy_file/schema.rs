//! The file as it is written, and how it becomes rules.

use core::num::NonZeroU32;
use std::collections::BTreeSet;

use motet_node::policy::{Condition, Rate, Rule, Rules, Verdict};
use motet_wire::limits;
use serde::Deserialize;

use super::borders::Borders;
use super::fault::Fault;
use super::names::Names;
use super::strict::{Object, Unique, stated};
use super::transaction::WrittenTransaction;
use crate::args::duration;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    signers: Unique<String>,
    #[serde(default)]
    groups: Unique<Vec<String>>,
    #[serde(default, deserialize_with = "stated")]
    contacts: Option<Vec<String>>,
    rules: Vec<Object<WrittenRule>>,
    otherwise: Then,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    #[serde(default)]
    name: String,
    when: Object<When>,
    then: Then,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Then {
    Allow,
    Deny(String),
    Ask,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    #[serde(default, deserialize_with = "stated")]
    amount: Option<Object<Borders<u64>>>,
    #[serde(default, rename = "type", deserialize_with = "stated")]
    types: Option<BTreeSet<String>>,
    #[serde(default, deserialize_with = "stated")]
    requester: Option<Vec<String>>,
    #[serde(default, deserialize_with = "stated")]
    cosigners: Option<Cosigners>,
    #[serde(default, deserialize_with = "stated")]
    items: Option<Object<Borders<usize>>>,
    #[serde(default, deserialize_with = "stated")]
    rate: Option<Object<WrittenRate>>,
    #[serde(default, deserialize_with = "stated")]
    transaction: Option<Object<WrittenTransaction>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cosigners {
    Exactly(Vec<String>),
    Among(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRate {
    approvals: NonZeroU32,
    per: String,
}

impl Written {
    pub(super) fn rules(self) -> Result<(Names, Rules), Fault> {
        let names = Names::new(self.signers.0, self.groups.0)?;
        let contacts = self.contacts.map(|contacts| names.keys("contacts", &contacts)).transpose()?;
        let rules =
            (1..).zip(self.rules).map(|(number, Object(rule))| rule.rule(number, &names)).collect::<Result<_, _>>()?;
        Ok((names, Rules { contacts, rules, otherwise: self.otherwise.into() }))
    }
}

impl WrittenRule {
    fn rule(self, number: usize, names: &Names) -> Result<Rule, Fault> {
        let called = if self.name.is_empty() { String::new() } else { format!(" {:?}", self.name) };
        let place = |field: &str| format!("rule {number}{called}, {field}");
        let When { amount, types, requester, cosigners, items, rate, transaction } = self.when.0;
        let mut when = Vec::new();
        if let Some(keys) = requester {
            when.push(Condition::Requester(names.keys(&place("requester"), &keys)?));
        }
        match cosigners {
            Some(Cosigners::Exactly(keys)) => {
                when.push(Condition::CosignersExactly(names.keys(&place("cosigners"), &keys)?));
            }
            Some(Cosigners::Among(keys)) => {
                when.push(Condition::CosignersAmong(names.keys(&place("cosigners"), &keys)?));
            }
            None => {}
        }
        if let Some(Object(borders)) = amount {
            when.push(Condition::ClaimedAmount(borders.range(&place("amount"), 0, u64::MAX)?));
        }
        if let Some(types) = types {
            when.push(Condition::ClaimedType(possible(&place("type"), types)?));
        }
        if let Some(Object(borders)) = items {
            when.push(Condition::Items(borders.range(&place("items"), 1, usize::MAX)?));
        }
        if let Some(Object(rate)) = rate {
            let period = duration(&rate.per)
                .map_err(|error| Fault::new(place("rate"), format!("\"per\": {:?} is no duration", rate.per), error))?;
            when.push(Condition::Below(Rate { approvals: rate.approvals, period }));
        }
        if let Some(Object(transaction)) = transaction {
            when.extend(transaction.conditions(&place)?);
        }
        Ok(Rule { name: self.name, when, then: self.then.into() })
    }
}

/// The types, if requests can state them.
fn possible(place: &str, types: BTreeSet<String>) -> Result<BTreeSet<String>, Fault> {
    if types.is_empty() {
        return Err(Fault::new(place, "it lists no type", "list one, or leave the field out"));
    }
    match types.iter().find(|text| text.len() > limits::TRANSACTION_TYPE) {
        None => Ok(types),
        Some(long) => {
            let what = format!("{long:?} is longer than {} bytes", limits::TRANSACTION_TYPE);
            Err(Fault::new(place, what, "no request can state such a type: shorten or remove it"))
        }
    }
}

impl From<Then> for Verdict {
    fn from(then: Then) -> Self {
        match then {
            Then::Allow => Self::Allow,
            Then::Deny(reason) => Self::Deny { reason },
            Then::Ask => Self::Ask,
        }
    }
}
