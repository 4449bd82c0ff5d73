//! The sheet for programs: one object, whose keys `docs/operations.md` lists.

use bitcoin::FeeRate;
use motet_psbt::{Fact, Location, OutputView, PathId, Recipient};
use serde_json::{Value, json};

use super::Sheet;
use crate::known_group::KnownGroup;
use crate::shares;

/// Satoshi for a virtual byte.
pub(super) fn rate(rate: FeeRate) -> f64 {
    // A virtual byte has four weight units. Rates are far below the numbers that a float cannot hold.
    f64::from(u32::try_from(rate.to_sat_per_kwu()).unwrap_or(u32::MAX)) / 250.0
}

impl Sheet<'_> {
    /// The sheet as an object.
    pub(crate) fn object(&self) -> Value {
        let inputs: Vec<_> = self
            .inputs
            .iter()
            .map(|input| {
                json!({
                    "outpoint": input.outpoint.to_string(),
                    "amount": input.amount.map(|amount| fact(&amount, json!(amount.displayed().to_sat()))),
                    "place": input.location.map(place),
                })
            })
            .collect();
        let outputs: Vec<_> = self.outputs.iter().map(|output| self.output_object(output)).collect();
        let path = self.path.as_ref().zip(self.known).map(|(path, known)| {
            let leaf = match path.id {
                PathId::Key => None,
                PathId::Leaf(leaf) => Some(leaf),
            };
            let members: Vec<_> = path.signers.iter().map(|signer| known.member(*signer)).collect();
            json!({"leaf": leaf, "members": members})
        });
        json!({
            "event": "transaction",
            "psbt_version": self.psbt_version,
            "txid": self.txid.to_string(),
            "group": self.known.map(group),
            "path": path,
            "outputs": outputs,
            "outflow": self.outflow.map(|outflow| fact(&outflow, json!(outflow.displayed().to_sat()))),
            "fee_paid": self.fee.map(|fee| fact(&fee, json!(fee.displayed().to_sat()))),
            "fee_rate": self.fee_rate.map(|found| fact(&found, json!(rate(found.displayed())))),
            "inputs": inputs,
            "signed_message": self.message,
            "locktime": self.locktime.to_consensus_u32(),
            "replaceable": self.is_replaceable,
            "warnings": self.warnings,
            "missing": self.known.map(|known| shares::missing_object(&self.missing, known)).unwrap_or_else(|| json!([])),
            "wrong": self.known.map(|known| shares::wrong_object(&self.wrong, known)).unwrap_or_else(|| json!([])),
            "approval": self.approval,
            "problem": self.problem,
        })
    }

    fn output_object(&self, output: &OutputView) -> Value {
        let recipient = output.recipient.clone();
        let is_proven = recipient.clone().proven().is_some();
        let (kind, script, place) = match recipient.displayed() {
            Recipient::Group(location) => ("group", None, Some(place(location))),
            Recipient::Address(script) => ("address", Some(script), None),
            Recipient::Data(script) => ("data", Some(script), None),
            Recipient::Unknown(script) => ("unknown", Some(script), None),
        };
        json!({
            "kind": kind,
            "proven": is_proven,
            "address": script.as_ref().and_then(|script| self.address(script)),
            "script": script.map(|script| script.to_hex_string()),
            "place": place,
            "amount": fact(&output.amount, json!(output.amount.displayed().to_sat())),
        })
    }
}

/// A value, and whether it is proven.
fn fact<T>(fact: &Fact<T>, value: Value) -> Value {
    json!({"value": value, "proven": matches!(fact, Fact::Proven(_))})
}

fn place(location: Location) -> Value {
    json!({"branch": location.keychain.0, "index": location.index})
}

/// A group by its name here and its fingerprint.
fn group(known: &KnownGroup) -> Value {
    json!({"name": known.name, "fingerprint": known.group.id().fingerprint()})
}
