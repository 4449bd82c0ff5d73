//! The facts of a made-up request, for `motet policy explain`.

use std::collections::BTreeSet;

use motet_node::policy::Facts;
use motet_wire::limits;
use serde::Deserialize;

use super::fault::Fault;
use super::names::Names;
use super::strict::stated;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    signer: String,
    requester: String,
    #[serde(default, deserialize_with = "stated")]
    cosigners: Option<Vec<String>>,
    #[serde(default, deserialize_with = "stated")]
    items: Option<usize>,
    #[serde(default, deserialize_with = "stated")]
    amount: Option<u64>,
    #[serde(default, rename = "type")]
    transaction_type: String,
}

impl Question {
    pub(super) fn facts(self, names: &Names) -> Result<Facts, Fault> {
        let signer = names.signer("signer", &self.signer)?;
        let requester = names.signer("requester", &self.requester)?;
        let mut cosigners = match &self.cosigners {
            Some(others) => names.keys("cosigners", others)?,
            None => BTreeSet::new(),
        };
        // The requester signs, too.
        cosigners.insert(requester);
        cosigners.remove(&signer);
        let items = self.items.unwrap_or(1);
        if !(1..=limits::ITEMS_MAX).contains(&items) {
            let what = format!("a request has 1 to {} items", limits::ITEMS_MAX);
            return Err(Fault::new("items", what, "give a number of items that a request can have"));
        }
        Ok(Facts {
            signer,
            requester,
            cosigners,
            items,
            claimed_amount: self.amount,
            claimed_type: self.transaction_type,
            verified: None,
        })
    }
}
