//! A view of a transaction for the signer that has to decide: each value is proven or claimed.
//!
//! A value is proven if a false one would make the group's signature worthless, or if the PSBT has the transaction that proves it.
//! Taproot signatures commit to the amounts and scripts of all inputs, unless their sighash type leaves the others out (BIP-341).

use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, SignedAmount, Txid, Weight};

use crate::fields::SighashType;
use crate::form::input;
use crate::group::{Group, Location};
use crate::map::RawMap;
use crate::raw::RawPsbt;
use crate::roles::SpendPlan;

/// A value, and whether it is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact<T> {
    /// The signature is worthless if the value is false.
    Proven(T),
    /// The PSBT says so, and nothing else does.
    Claimed(T),
}

impl<T> Fact<T> {
    const fn new(value: T, is_proven: bool) -> Self {
        if is_proven { Self::Proven(value) } else { Self::Claimed(value) }
    }

    /// The value, if it is proven. A rule that approves by itself uses nothing else.
    pub fn proven(self) -> Option<T> {
        match self {
            Self::Proven(value) => Some(value),
            Self::Claimed(_) => None,
        }
    }

    /// The value for display, proven or not.
    pub fn displayed(self) -> T {
        match self {
            Self::Proven(value) | Self::Claimed(value) => value,
        }
    }
}

/// An input of the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputView {
    /// The output that is spent.
    pub outpoint: OutPoint,
    /// Its amount.
    pub amount: Fact<Amount>,
    /// Its place in the group; none for an input of others.
    pub location: Option<Location>,
}

/// Kind of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// The group itself, recognised by derivation.
    Group(Location),
    /// A script that has an address.
    Address(ScriptBuf),
    /// Data, which costs its amount.
    Data(ScriptBuf),
    /// A script without an address.
    Unknown(ScriptBuf),
}

impl Recipient {
    /// The recipient of a script that is not known to be the group's.
    pub fn of_script(script: &ScriptBuf) -> Self {
        if script.is_op_return() {
            return Self::Data(script.clone());
        }
        // Whether a script has an address does not depend on the network.
        let has_address = bitcoin::Address::from_script(script, bitcoin::Network::Bitcoin).is_ok();
        if has_address { Self::Address(script.clone()) } else { Self::Unknown(script.clone()) }
    }
}

/// An output of the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputView {
    /// The recipient.
    pub recipient: Fact<Recipient>,
    /// The amount.
    pub amount: Fact<Amount>,
}

/// The facts that a signer should see before it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewWarning {
    /// The transaction signs a message and pays nobody.
    #[error("a message is signed, and no payment is made")]
    Message,
    /// The outputs have more than the inputs.
    #[error("the outputs have more than the inputs: the transaction is not valid, or an amount is a lie")]
    Overspent,
    /// The fee is a large part of what leaves the group.
    #[error("the fee is {percent} % of what leaves the group")]
    FeeShare {
        /// The share in percent, rounded down.
        percent: u64,
    },
    /// The fee rate is above 500 satoshi for a virtual byte.
    #[error("the fee rate is {rate} sat/vB")]
    FeeRate {
        /// The rate in satoshi for a virtual byte.
        rate: u64,
    },
    /// A sighash type other than the default and ALL.
    #[error("input {input}: the sighash type {sighash:#04x} does not commit to everything")]
    Sighash {
        /// The index of the input.
        input: usize,
        /// The type.
        sighash: u8,
    },
    /// An amount of an input is claimed and not proven.
    #[error("input {input}: its amount is not proven, and so the fee is not")]
    Unproven {
        /// The index of the input.
        input: usize,
    },
    /// Inputs of others.
    #[error("{count} inputs are of others")]
    ForeignInputs {
        /// Their number.
        count: usize,
    },
    /// An output to a script that is spent by an input.
    #[error("output {output}: its address is used again")]
    Reused {
        /// The index of the output.
        output: usize,
    },
    /// An output with data.
    #[error("output {output}: data, and no payment")]
    Data {
        /// The index of the output.
        output: usize,
    },
    /// An output without an address.
    #[error("output {output}: a script without an address")]
    Unknown {
        /// The index of the output.
        output: usize,
    },
    /// The PSBT describes an output as the group's own, and it is not among the addresses that were searched.
    #[error(
        "output {output}: the PSBT claims that it is the group's own, and it is not among the addresses that were searched"
    )]
    FalseChange {
        /// The index of the output.
        output: usize,
    },
}

impl ViewWarning {
    /// A word for programs, which stays the same.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Overspent => "overspent",
            Self::FeeShare { .. } => "fee_share",
            Self::FeeRate { .. } => "fee_rate",
            Self::Sighash { .. } => "sighash",
            Self::Unproven { .. } => "unproven",
            Self::ForeignInputs { .. } => "foreign_inputs",
            Self::Reused { .. } => "reused",
            Self::Data { .. } => "data",
            Self::Unknown { .. } => "unknown_output",
            Self::FalseChange { .. } => "false_change",
        }
    }
}

/// A transaction as one group sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionView {
    /// The id of the transaction.
    pub txid: Txid,
    /// The inputs.
    pub inputs: Vec<InputView>,
    /// The outputs.
    pub outputs: Vec<OutputView>,
    /// The message, if the transaction signs one (BIP-322). Such a transaction can never be in a block: it pays nobody, nothing
    /// leaves the group, and its inputs but the first are coins that the signers prove to control.
    pub message: Option<String>,
    /// The fee. None if the outputs have more than the inputs, and for a message.
    pub fee: Option<Fact<Amount>>,
    /// The lowest fee rate that the signed transaction can have. None if there are inputs of others, whose weight is not known.
    pub fee_rate: Option<Fact<FeeRate>>,
    /// The amount that leaves the group: its inputs less its outputs. It includes the fee, and is negative if the group receives.
    pub outflow: Fact<SignedAmount>,
    /// The locktime.
    pub locktime: bitcoin::absolute::LockTime,
    /// True if the transaction says that it may be replaced by another one with a higher fee.
    pub is_replaceable: bool,
    /// Warnings for the signer.
    pub warnings: Vec<ViewWarning>,
}

/// Fee rate in satoshi for a virtual byte, above which there is a warning.
const HIGH_FEE_RATE: u64 = 500;

impl TransactionView {
    /// The view of a planned spend.
    pub fn new(plan: &SpendPlan, psbt: &RawPsbt, group: &Group) -> Self {
        let transaction = &plan.transaction;
        let all_inputs = plan.inputs.iter().all(|own| own.sighash.commits_to_inputs());
        let all_outputs = plan.inputs.iter().all(|own| own.sighash.commits_to_outputs());
        let location = |input: usize| plan.inputs.iter().find(|own| own.input == input).map(|own| own.location);
        let inputs: Vec<_> = (0..)
            .zip(transaction.input.iter().zip(&plan.prevouts))
            .map(|(input, (txin, prevout))| {
                let has_transaction = psbt.inputs().get(input).is_some_and(has_transaction);
                // A signature commits to the amount of its own input in any case.
                let is_proven = all_inputs || has_transaction || location(input).is_some();
                let amount = Fact::new(prevout.value, is_proven);
                InputView { outpoint: txin.previous_output, amount, location: location(input) }
            })
            .collect();
        let change = |output: usize| plan.change.iter().find(|(index, _)| *index == output).map(|(_, place)| *place);
        let recipient = |output: usize, script: &ScriptBuf| {
            change(output).map_or_else(|| Recipient::of_script(script), Recipient::Group)
        };
        let outputs: Vec<_> = (0..)
            .zip(&transaction.output)
            .map(|(output, txout)| OutputView {
                recipient: Fact::new(recipient(output, &txout.script_pubkey), all_outputs),
                amount: Fact::new(txout.value, all_outputs),
            })
            .collect();
        let spent = total(inputs.iter().map(|input| input.amount.displayed()));
        let paid = total(outputs.iter().map(|output| output.amount.displayed()));
        let are_inputs_proven = inputs.iter().all(|input| input.amount.proven().is_some());
        let fee = spent
            .checked_sub(paid)
            .filter(|_| plan.message.is_none())
            .map(|fee| Fact::new(fee, are_inputs_proven && all_outputs));
        let own = |amounts: Amount| amounts.to_signed().unwrap_or(SignedAmount::MAX);
        let own_spent =
            own(total(inputs.iter().filter(|input| input.location.is_some()).map(|input| input.amount.displayed())));
        let own_outputs = (0..).zip(&outputs).filter(|(output, _)| change(*output).is_some());
        let own_paid = own(total(own_outputs.map(|(_, view)| view.amount.displayed())));
        let outflow = match plan.message {
            Some(_) => Fact::Proven(SignedAmount::ZERO),
            None => Fact::new(own_spent - own_paid, all_outputs),
        };
        let rate = fee.and_then(|fee| {
            let rate = fee_rate(fee.displayed(), weight(plan, group)?)?;
            Some(Fact::new(rate, fee.proven().is_some()))
        });
        let mut view = Self {
            txid: transaction.compute_txid(),
            inputs,
            outputs,
            message: plan.message.clone(),
            fee,
            fee_rate: rate,
            outflow,
            locktime: transaction.lock_time,
            is_replaceable: transaction.is_explicitly_rbf(),
            warnings: Vec::new(),
        };
        view.warnings = warnings(&view, plan, psbt, group);
        view
    }
}

/// The sum of amounts. Each is below 21 million bitcoins, but there may be more of them than a sum has room for.
fn total(amounts: impl Iterator<Item = Amount>) -> Amount {
    amounts.fold(Amount::ZERO, |total, amount| total.checked_add(amount).unwrap_or(Amount::MAX))
}

/// The rate of a fee, rounded down. None for a fee that no coins could pay.
fn fee_rate(fee: Amount, weight: Weight) -> Option<FeeRate> {
    fee.to_sat().checked_mul(1000)?.checked_div(weight.to_wu()).map(FeeRate::from_sat_per_kwu)
}

fn has_transaction(map: &RawMap) -> bool {
    // That it is the right transaction was checked when the spent outputs were read.
    map.single(input::NON_WITNESS_UTXO).is_some()
}

/// An upper bound of the weight of the signed transaction, if all inputs are the group's.
fn weight(plan: &SpendPlan, group: &Group) -> Option<Weight> {
    if plan.inputs.len() != plan.transaction.input.len() {
        return None;
    }
    let spend = group.spend_paths().into_iter().find(|spend| spend.id == plan.path)?;
    // Marker and flag of a transaction with witnesses.
    let witnesses = spend.witness?.checked_mul(plan.inputs.len() as u64)?.checked_add(Weight::from_wu(2))?;
    let base = crate::transaction::without_witnesses(&plan.transaction).len() as u64;
    Weight::from_non_witness_data_size(base).checked_add(witnesses)
}

fn warnings(view: &TransactionView, plan: &SpendPlan, psbt: &RawPsbt, group: &Group) -> Vec<ViewWarning> {
    let mut warnings = Vec::new();
    match view.fee {
        None if view.message.is_some() => warnings.push(ViewWarning::Message),
        None => warnings.push(ViewWarning::Overspent),
        Some(fee) => {
            let outflow = view.outflow.displayed().to_unsigned().unwrap_or_default().to_sat();
            let percent = fee.displayed().to_sat().saturating_mul(100).checked_div(outflow).unwrap_or_default();
            if percent >= 1 {
                warnings.push(ViewWarning::FeeShare { percent });
            }
        }
    }
    let rate = view.fee_rate.map(|rate| rate.displayed().to_sat_per_vb_ceil()).unwrap_or_default();
    if rate > HIGH_FEE_RATE {
        warnings.push(ViewWarning::FeeRate { rate });
    }
    for own in &plan.inputs {
        if ![SighashType::DEFAULT, SighashType::ALL].contains(&own.sighash) {
            warnings.push(ViewWarning::Sighash { input: own.input, sighash: own.sighash.number() });
        }
    }
    let unproven = view.inputs.iter().enumerate().filter(|(_, input)| input.amount.proven().is_none());
    warnings.extend(unproven.map(|(input, _)| ViewWarning::Unproven { input }));
    let count = view.inputs.iter().filter(|input| input.location.is_none()).count();
    if count > 0 {
        warnings.push(ViewWarning::ForeignInputs { count });
    }
    for (output, txout) in plan.transaction.output.iter().enumerate() {
        if plan.prevouts.iter().any(|prevout| prevout.script_pubkey == txout.script_pubkey) {
            warnings.push(ViewWarning::Reused { output });
        }
        match view.outputs.get(output).map(|view| view.recipient.clone().displayed()) {
            Some(Recipient::Data(_)) if view.message.is_none() => warnings.push(ViewWarning::Data { output }),
            Some(Recipient::Unknown(_)) => warnings.push(ViewWarning::Unknown { output }),
            Some(Recipient::Group(_)) => continue,
            Some(Recipient::Address(_) | Recipient::Data(_)) | None => {}
        }
        if claims_to_be_ours(psbt, group, plan, output) {
            warnings.push(ViewWarning::FalseChange { output });
        }
    }
    warnings
}

/// True if the PSBT describes an output with the group's aggregate keys, or with keys of its participants.
fn claims_to_be_ours(psbt: &RawPsbt, group: &Group, plan: &SpendPlan, output: usize) -> bool {
    let Some(fields) = psbt.output(output) else { return false };
    let targets = || plan.inputs.iter().flat_map(|own| &own.targets);
    let fingerprints = || group.participants().iter().filter_map(|key| Some(key.origin.as_ref()?.fingerprint));
    fields.participants().any(|list| targets().any(|target| target.aggregate == list.aggregate))
        || fields.origins().any(|origin| fingerprints().any(|fingerprint| fingerprint == origin.origin.fingerprint))
}
