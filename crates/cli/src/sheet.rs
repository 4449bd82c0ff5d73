//! The sheet that a signer reads before it decides: a transaction, what is proven of it, and what is only claimed.
//!
//! People get lines of at most 80 columns, in the order in which a decision needs them: the group and its spend path, each output,
//! what leaves the group, the fee, the warnings. Programs get the same as one object.

mod lines;
mod object;

pub(crate) use lines::field;

use bitcoin::absolute::LockTime;
use bitcoin::{Address, Amount, FeeRate, Network, OutPoint, SignedAmount, Txid};
use motet_psbt::{
    Blame, Fact, Location, Missing, OutputView, RawPsbt, Recipient, SpendPath, SpendPlan, TransactionView,
};
use motet_wallet::Warning;

use crate::args::PlanArgs;
use crate::exit::{Exit, Failed};
use crate::known_group::KnownGroup;

/// An output that the transaction spends.
#[derive(Debug)]
struct Spent {
    outpoint: OutPoint,
    /// None if the PSBT does not say it.
    amount: Option<Fact<Amount>>,
    /// Its place in the group.
    location: Option<Location>,
}

/// The facts about one transaction, as one group sees them, or as a reader without a group does.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    known: Option<&'a KnownGroup>,
    path: Option<SpendPath>,
    network: Network,
    psbt_version: u32,
    txid: Txid,
    inputs: Vec<Spent>,
    outputs: Vec<OutputView>,
    fee: Option<Fact<Amount>>,
    fee_rate: Option<Fact<FeeRate>>,
    outflow: Option<Fact<SignedAmount>>,
    message: Option<String>,
    locktime: LockTime,
    is_replaceable: bool,
    warnings: Vec<Warning>,
    missing: Vec<Missing>,
    wrong: Vec<Blame>,
    approval: Option<String>,
    problem: Option<String>,
}

impl<'a> Sheet<'a> {
    /// The sheet of a PSBT for a reader that may know a group. What the group cannot sign is shown all the same, with the reason.
    pub(crate) fn inspect(psbt: &RawPsbt, known: Option<&'a KnownGroup>, args: &PlanArgs) -> Result<Self, Failed> {
        let Some(known) = known else { return Self::without_group(psbt, args.chain.unwrap_or(Network::Bitcoin)) };
        match known.plan(psbt, args) {
            Ok(plan) => Ok(Self::of_plan(&plan, psbt, known)),
            Err(failed) if failed.exit == Exit::Refused => {
                let problem = Some(failed.what);
                Ok(Self { problem, known: Some(known), ..Self::without_group(psbt, known.network)? })
            }
            Err(failed) => Err(failed),
        }
    }

    /// The sheet of a planned spend.
    pub(crate) fn of_plan(plan: &SpendPlan, psbt: &RawPsbt, known: &'a KnownGroup) -> Self {
        let view = TransactionView::new(plan, psbt, &known.group);
        let warnings = Warning::of_plan(&known.group, plan, &view);
        let spent = |input: motet_psbt::InputView| Spent {
            outpoint: input.outpoint,
            amount: Some(input.amount),
            location: input.location,
        };
        Self {
            known: Some(known),
            path: known.group.spend_paths().into_iter().find(|path| path.id == plan.path),
            network: known.network,
            psbt_version: psbt.version().number(),
            txid: view.txid,
            inputs: view.inputs.into_iter().map(spent).collect(),
            outputs: view.outputs,
            fee: view.fee,
            fee_rate: view.fee_rate,
            outflow: Some(view.outflow),
            message: view.message,
            locktime: view.locktime,
            is_replaceable: view.is_replaceable,
            warnings,
            missing: plan.missing(psbt),
            wrong: plan.verify_partials(psbt),
            approval: Some(hex::encode(plan.digest())),
            problem: None,
        }
    }

    /// The claims of a PSBT, for a reader without a group.
    fn without_group(psbt: &RawPsbt, network: Network) -> Result<Self, Failed> {
        let transaction = psbt.unsigned_tx().map_err(|error| Failed::new(Exit::Refused, error))?;
        let spent = (0..).zip(&transaction.input).map(|(input, txin)| Spent {
            outpoint: txin.previous_output,
            amount: psbt.prevout(input).ok().map(|prevout| Fact::Claimed(prevout.value)),
            location: None,
        });
        let inputs: Vec<_> = spent.collect();
        let output = |output: &bitcoin::TxOut| {
            let script = output.script_pubkey.clone();
            let recipient = if script.is_op_return() {
                Recipient::Data(script)
            } else if Address::from_script(&script, network).is_ok() {
                Recipient::Address(script)
            } else {
                Recipient::Unknown(script)
            };
            OutputView { recipient: Fact::Claimed(recipient), amount: Fact::Claimed(output.value) }
        };
        let spent = total(inputs.iter().map(|input| Some(input.amount?.displayed())));
        let paid = total(transaction.output.iter().map(|output| Some(output.value)));
        Ok(Self {
            known: None,
            path: None,
            network,
            psbt_version: psbt.version().number(),
            txid: transaction.compute_txid(),
            inputs,
            outputs: transaction.output.iter().map(output).collect(),
            fee: spent.zip(paid).and_then(|(spent, paid)| spent.checked_sub(paid)).map(Fact::Claimed),
            fee_rate: None,
            outflow: None,
            message: None,
            locktime: transaction.lock_time,
            is_replaceable: transaction.is_explicitly_rbf(),
            warnings: Vec::new(),
            missing: Vec::new(),
            wrong: Vec::new(),
            approval: None,
            problem: None,
        })
    }

    /// The digest that an approval names: it covers transaction, spent outputs, group, spend path and sighash types.
    pub(crate) fn approval(&self) -> Option<&str> {
        self.approval.as_deref()
    }

    /// The address of an output, if its script has one.
    fn address(&self, script: &bitcoin::Script) -> Option<String> {
        Address::from_script(script, self.network).ok().map(|address| address.to_string())
    }
}

/// The sum of amounts. None if one is not known, or if a file states more than there can be.
fn total(mut amounts: impl Iterator<Item = Option<Amount>>) -> Option<Amount> {
    amounts.try_fold(Amount::ZERO, |total, amount| total.checked_add(amount?))
}
