//! The approval screen: the facts of a transaction in a fixed order, as lines for people and as JSON for programs. It is the same wherever
//! a transaction is shown: by a node that is asked for a signature, before a signature in files, and without any.
//!
//! The order is: the requester, the group and its spend path, the outputs, what leaves the group, the fee, the warnings; then the inputs
//! and what else the transaction says; at the end the digest that an approval covers. Members that see the same digest approve the same.

mod lines;

use bitcoin::absolute::LockTime;
use bitcoin::{Address, Amount, FeeRate, Network, OutPoint, ScriptBuf, SignedAmount, Txid};
use motet_core_crypto::PublicKey;
use motet_psbt::{
    Fact, Group, Location, LocktimeConflict, OutputView, PathId, RawPsbt, Recipient, SpendPath, SpendPlan,
    TransactionView,
};
use serde::Serialize;

use crate::check::VerifiedTransaction;
use crate::warning::Warning;

/// A value with its standing: proven by what is signed, or only claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stated<T> {
    /// The value.
    pub value: T,
    /// True if the signatures are worthless when the value is false.
    pub proven: bool,
}

impl<T> Stated<T> {
    fn of<U: Clone>(fact: &Fact<U>, convert: impl FnOnce(U) -> T) -> Self {
        Self { value: convert(fact.clone().displayed()), proven: matches!(fact, Fact::Proven(_)) }
    }
}

/// The approval screen. Its JSON form has the keys of a `transaction` in `docs/operations.md`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovalScreen {
    /// The signer that asks; none if nobody has asked over the network.
    pub requester: Option<ScreenRequester>,
    /// The requester's text, which proves nothing; none if there is none.
    pub description: Option<String>,
    /// The group; none for a reader without one, to whom everything is a claim.
    pub group: Option<ScreenGroup>,
    /// The name of the chain: `main`, `test`, `signet` or `regtest`.
    pub chain: &'static str,
    /// The spend path; none if the group cannot sign.
    pub path: Option<ScreenPath>,
    /// The reason why the group cannot sign.
    pub problem: Option<String>,
    /// The message, if one is signed and nobody is paid.
    #[serde(rename = "signed_message")]
    pub message: Option<String>,
    /// The outputs in the order of the transaction.
    pub outputs: Vec<ScreenOutput>,
    /// Amount in satoshi that leaves the group, its fee included; negative if the group receives. None without a group.
    pub outflow: Option<Stated<i64>>,
    /// The fee in satoshi; none for a message, and if an input's amount is not known.
    #[serde(rename = "fee_paid")]
    pub fee: Option<Stated<u64>>,
    /// The lowest fee rate in satoshi for a virtual byte, rounded down to two decimals; none if there are inputs of others.
    pub fee_rate: Option<Stated<f64>>,
    /// The fee in percent of what leaves the group, rounded down; none if nothing leaves it.
    pub fee_percent: Option<u64>,
    /// The warnings.
    pub warnings: Vec<Warning>,
    /// The inputs in the order of the transaction.
    pub inputs: Vec<ScreenInput>,
    /// The locktime as the transaction has it.
    pub locktime: u32,
    /// True if the transaction says that one with a higher fee may replace it.
    #[serde(rename = "replaceable")]
    pub is_replaceable: bool,
    /// The id of the transaction.
    pub txid: String,
    /// The hash of everything that is signed, in hexadecimal digits; none if the group cannot sign.
    #[serde(rename = "approval")]
    pub digest: Option<String>,
}

/// The signer that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenRequester {
    /// Its key, in hexadecimal digits.
    pub key: String,
    /// Its name in this wallet's registry; none if it is not a member with a name.
    pub member: Option<String>,
}

/// The group on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenGroup {
    /// The name in this wallet's registry; none for a group that is not registered.
    pub name: Option<String>,
    /// Eight hexadecimal digits of the identity, for display only.
    pub fingerprint: String,
}

/// The spend path on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenPath {
    /// The number of the leaf; none for the key path.
    pub leaf: Option<usize>,
    /// The names of the members that sign.
    pub members: Vec<String>,
    /// The number of members that sign any path of the group.
    #[serde(skip)]
    pub count: usize,
}

/// Kind of an output on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// An address of others.
    Address,
    /// An address of the group, recognised by derivation.
    Group,
    /// Data.
    Data,
    /// A script without an address.
    Unknown,
}

/// The place of an address in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The branch. By convention branch 1 is for change.
    pub branch: u32,
    /// The index.
    pub index: u32,
}

/// An output on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenOutput {
    /// The kind.
    pub kind: OutputKind,
    /// True if the recipient is proven.
    pub proven: bool,
    /// The address, if it is not the group's own and the script has one.
    pub address: Option<String>,
    /// The script in hexadecimal digits; none for the group's own.
    pub script: Option<String>,
    /// The place of the group's own address.
    pub place: Option<Place>,
    /// The amount in satoshi.
    pub amount: Stated<u64>,
}

/// An input on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenInput {
    /// The spent output: `TXID:NUMBER`.
    pub outpoint: String,
    /// Its amount in satoshi; none if the PSBT does not say it.
    pub amount: Option<Stated<u64>>,
    /// Its place in the group; none for one of others.
    pub place: Option<Place>,
}

/// The names that a reader has for a group and its members.
#[derive(Debug, Clone, Copy)]
pub struct GroupNames<'a> {
    /// The name of the group; none if it is not registered.
    pub group: Option<&'a str>,
    /// The names of the members, in the order of [`Group::participants`].
    pub members: &'a [String],
    /// The network on which the group is used.
    pub network: Network,
}

impl ScreenGroup {
    /// A group, with the name that its reader has for it.
    pub fn new(group: &Group, name: Option<&str>) -> Self {
        Self { name: name.map(str::to_owned), fingerprint: group.id().fingerprint() }
    }
}

impl ScreenPath {
    /// A spend path of a group, with the names that its reader has for the members.
    pub fn new(group: &Group, path: &SpendPath, members: &[String]) -> Self {
        let name = |number: &usize| members.get(*number).cloned().unwrap_or_else(|| "?".to_owned());
        let count = group.signing_participants().len();
        Self { leaf: leaf(path.id), members: path.signers.iter().map(name).collect(), count }
    }
}

impl VerifiedTransaction {
    /// The approval screen of the transaction.
    pub fn screen(&self) -> ApprovalScreen {
        let requester =
            |key: PublicKey| ScreenRequester { member: self.member(&key).map(str::to_owned), key: key.to_string() };
        let group = ScreenGroup { name: Some(self.group_name().to_owned()), fingerprint: self.group().fingerprint() };
        let path =
            ScreenPath { leaf: leaf(self.spend_path()), members: self.signers().to_vec(), count: self.member_count() };
        ApprovalScreen {
            requester: self.requester().map(requester),
            description: Some(self.description().to_owned()).filter(|text| !text.is_empty()),
            group: Some(group),
            path: Some(path),
            warnings: self.warnings().to_vec(),
            digest: Some(hex::encode(self.digest())),
            ..ApprovalScreen::of_view(self.view(), self.network())
        }
    }
}

impl ApprovalScreen {
    /// The screen of a planned spend of a PSBT.
    pub fn of_plan(plan: &SpendPlan, psbt: &RawPsbt, group: &Group, names: &GroupNames<'_>) -> Self {
        let view = TransactionView::new(plan, psbt, group);
        let path = group.spend_paths().into_iter().find(|path| path.id == plan.path);
        Self {
            group: Some(ScreenGroup::new(group, names.group)),
            path: path.map(|path| ScreenPath::new(group, &path, names.members)),
            warnings: Warning::of_plan(group, plan, &view),
            digest: Some(hex::encode(plan.digest())),
            ..Self::of_view(&view, names.network)
        }
    }

    /// The screen of a PSBT for a reader without a group, to whom everything is a claim.
    ///
    /// # Errors
    ///
    /// [`LocktimeConflict`]: the PSBT has no transaction.
    pub fn of_claims(psbt: &RawPsbt, network: Network) -> Result<Self, LocktimeConflict> {
        let transaction = psbt.unsigned_tx()?;
        let spent = (0..).zip(&transaction.input).map(|(number, txin)| {
            let amount = psbt.prevout(number).ok().map(|prevout| Fact::Claimed(prevout.value));
            ScreenInput::new(txin.previous_output, amount, None)
        });
        let inputs: Vec<_> = spent.collect();
        let output = |output: &bitcoin::TxOut| {
            let recipient = Fact::Claimed(Recipient::of_script(&output.script_pubkey));
            ScreenOutput::new(&OutputView { recipient, amount: Fact::Claimed(output.value) }, network)
        };
        let spent = total(inputs.iter().map(|input| Some(input.amount?.value)));
        let paid = total(transaction.output.iter().map(|output| Some(output.value.to_sat())));
        let fee = spent.zip(paid).and_then(|(spent, paid)| spent.checked_sub(paid));
        Ok(Self {
            outputs: transaction.output.iter().map(output).collect(),
            fee: fee.map(|value| Stated { value, proven: false }),
            inputs,
            ..Self::bare(transaction.compute_txid(), transaction.lock_time, transaction.is_explicitly_rbf(), network)
        })
    }

    /// The screen of a view, without its group, warnings and digest.
    fn of_view(view: &TransactionView, network: Network) -> Self {
        let outflow = Stated::of(&view.outflow, SignedAmount::to_sat);
        let fee = view.fee.map(|fee| Stated::of(&fee, Amount::to_sat));
        let leaving = u64::try_from(outflow.value).unwrap_or_default();
        Self {
            message: view.message.clone(),
            outputs: view.outputs.iter().map(|output| ScreenOutput::new(output, network)).collect(),
            outflow: Some(outflow),
            fee,
            fee_rate: view.fee_rate.map(|rate| Stated::of(&rate, rate_of)),
            fee_percent: fee.and_then(|fee| fee.value.saturating_mul(100).checked_div(leaving)),
            inputs: view
                .inputs
                .iter()
                .map(|input| ScreenInput::new(input.outpoint, Some(input.amount), input.location))
                .collect(),
            ..Self::bare(view.txid, view.locktime, view.is_replaceable, network)
        }
    }

    /// The screen of a transaction of which nothing is known but this.
    fn bare(txid: Txid, locktime: LockTime, is_replaceable: bool, network: Network) -> Self {
        Self {
            requester: None,
            description: None,
            group: None,
            chain: network.to_core_arg(),
            path: None,
            problem: None,
            message: None,
            outputs: Vec::new(),
            outflow: None,
            fee: None,
            fee_rate: None,
            fee_percent: None,
            warnings: Vec::new(),
            inputs: Vec::new(),
            locktime: locktime.to_consensus_u32(),
            is_replaceable,
            txid: txid.to_string(),
            digest: None,
        }
    }
}

impl ScreenInput {
    fn new(outpoint: OutPoint, amount: Option<Fact<Amount>>, location: Option<Location>) -> Self {
        let amount = amount.map(|amount| Stated::of(&amount, Amount::to_sat));
        Self { outpoint: outpoint.to_string(), amount, place: location.map(Place::from) }
    }
}

impl ScreenOutput {
    fn new(output: &OutputView, network: Network) -> Self {
        let amount = Stated::of(&output.amount, Amount::to_sat);
        let proven = matches!(output.recipient, Fact::Proven(_));
        let of = |kind, script: &ScriptBuf| Self {
            kind,
            proven,
            address: Address::from_script(script, network).ok().map(|address| address.to_string()),
            script: Some(script.to_hex_string()),
            place: None,
            amount,
        };
        match output.recipient.clone().displayed() {
            Recipient::Group(location) => {
                let place = Some(location.into());
                Self { kind: OutputKind::Group, proven, address: None, script: None, place, amount }
            }
            Recipient::Address(script) => of(OutputKind::Address, &script),
            Recipient::Data(script) => of(OutputKind::Data, &script),
            Recipient::Unknown(script) => of(OutputKind::Unknown, &script),
        }
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self { branch: location.keychain.0, index: location.index }
    }
}

const fn leaf(path: PathId) -> Option<usize> {
    match path {
        PathId::Key => None,
        PathId::Leaf(number) => Some(number),
    }
}

/// The sum of amounts. None if one is not known, or if a file states more than there can be.
fn total(mut amounts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    amounts.try_fold(0u64, |total, amount| total.checked_add(amount?))
}

/// Satoshi for a virtual byte, rounded down to two decimals.
fn rate_of(rate: FeeRate) -> f64 {
    // A virtual byte has four weight units. Rates are far below the numbers that a float cannot hold.
    let hundredths = rate.to_sat_per_kwu().saturating_mul(4) / 10;
    f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_down() {
        let rates = [(250, "1"), (1033, "4.13"), (1034, "4.13"), (137_500, "550")];
        for (rate, shown) in rates {
            assert_eq!(rate_of(FeeRate::from_sat_per_kwu(rate)).to_string(), shown);
        }
    }

    #[test]
    fn sums_that_are_not_known_or_impossible_are_none() {
        assert_eq!(total([Some(1), Some(2)].into_iter()), Some(3));
        assert_eq!(total([Some(1), None].into_iter()), None);
        assert_eq!(total([Some(1), Some(u64::MAX)].into_iter()), None);
    }
}
