//! A transaction that the checker has verified: the facts that a person or a rule decides on.

use bitcoin::{Address, Amount, FeeRate, Network, SignedAmount};
use motet_core_crypto::{PublicKey, XOnlyPublicKey};
use motet_psbt::fields::SighashType;
use motet_psbt::{GroupId, PathId, RawPsbt, Recipient, SpendPlan, TransactionView};

use crate::group::{RegisteredGroup, SigningSet};
use crate::warning::Warning;

/// A verified transaction. Only the checker makes one.
#[derive(Debug, Clone)]
pub struct VerifiedTransaction {
    group: GroupId,
    group_name: String,
    network: Network,
    path: PathId,
    signers: Vec<String>,
    member_count: usize,
    members: Vec<(PublicKey, String)>,
    requester: Option<PublicKey>,
    description: String,
    view: TransactionView,
    keys: Vec<XOnlyPublicKey>,
    is_sighash_default: bool,
    warnings: Vec<Warning>,
    digest: [u8; 32],
}

impl VerifiedTransaction {
    pub(super) fn new(group: &RegisteredGroup, set: &SigningSet, plan: &SpendPlan, psbt: &RawPsbt) -> Self {
        let view = TransactionView::new(plan, psbt, group.group());
        let paths = group.group().spend_paths();
        let signers = paths.iter().find(|path| path.id == plan.path).map(|path| &path.signers);
        let targets = || plan.inputs.iter().flat_map(|own| &own.targets);
        let names = set.members.iter().map(|number| group.member_name(*number));
        let members = set.keys.iter().copied().zip(names).collect();
        Self {
            group: group.id(),
            group_name: group.name().to_owned(),
            network: group.network(),
            path: plan.path,
            signers: signers.into_iter().flatten().map(|number| group.member_name(*number)).collect(),
            member_count: group.group().signing_participants().len(),
            members,
            requester: None,
            description: String::new(),
            keys: targets().map(|target| target.context.aggregate_key()).collect(),
            is_sighash_default: plan.inputs.iter().all(|own| own.sighash == SighashType::DEFAULT),
            warnings: Warning::of_plan(group.group(), plan, &view),
            digest: plan.digest(),
            view,
        }
    }

    pub(super) fn asked_by(self, requester: PublicKey, description: &str) -> Self {
        Self { requester: Some(requester), description: description.to_owned(), ..self }
    }

    /// The group whose coins are spent.
    pub const fn group(&self) -> GroupId {
        self.group
    }

    /// The name of the group in this signer's registry.
    pub fn group_name(&self) -> &str {
        &self.group_name
    }

    /// The network of the group in this signer's registry.
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The spend path.
    pub const fn spend_path(&self) -> PathId {
        self.path
    }

    /// The names of the members that sign the spend path.
    pub fn signers(&self) -> &[String] {
        &self.signers
    }

    /// The number of members of the group that sign any of its spend paths.
    pub const fn member_count(&self) -> usize {
        self.member_count
    }

    /// The signer that asks; none for a proposal that is not sent yet. Its certificate proves it.
    pub const fn requester(&self) -> Option<PublicKey> {
        self.requester
    }

    /// The name of a member by its key in the request.
    pub fn member(&self, key: &PublicKey) -> Option<&str> {
        self.members.iter().find(|(listed, _)| listed == key).map(|(_, name)| name.as_str())
    }

    /// The requester's text. Nothing ties it to the transaction.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// All inputs and outputs, each value proven or claimed.
    pub const fn view(&self) -> &TransactionView {
        &self.view
    }

    /// The keys under which the signatures verify, in the order of the items.
    pub fn keys(&self) -> &[XOnlyPublicKey] {
        &self.keys
    }

    /// The warnings, in the order of the approval screen.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The hash of everything that was verified: transaction, spent outputs, group, spend path and sighash types ([`SpendPlan::digest`]).
    /// The hashes that are signed follow from it.
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The message, if the transaction signs one (BIP-322) and pays nobody.
    pub fn message(&self) -> Option<&str> {
        self.view.message.as_deref()
    }

    /// The amount that leaves the group, its fee included, if it is proven. Negative if the group receives more than it spends.
    pub fn outflow(&self) -> Option<SignedAmount> {
        self.view.outflow.proven().filter(|_| self.message().is_none())
    }

    /// The fee, if it is proven.
    pub fn fee(&self) -> Option<Amount> {
        self.view.fee.and_then(motet_psbt::Fact::proven)
    }

    /// The lowest fee rate that the signed transaction can have, if it is proven.
    pub fn fee_rate(&self) -> Option<FeeRate> {
        self.view.fee_rate.and_then(motet_psbt::Fact::proven)
    }

    /// The fee in percent of what leaves the group, rounded up, if both are proven and something leaves it.
    pub fn fee_percent(&self) -> Option<u64> {
        let outflow = self.outflow()?.to_unsigned().ok()?.to_sat();
        let fee = self.fee()?.to_sat();
        (outflow > 0).then(|| fee.saturating_mul(100).div_ceil(outflow))
    }

    /// The addresses that are paid besides the group itself. None if an output is not proven, or has no address.
    pub fn destinations(&self) -> Option<Vec<Address>> {
        if self.message().is_some() {
            return None;
        }
        let mut found = Vec::new();
        for output in &self.view.outputs {
            match output.recipient.clone().proven()? {
                Recipient::Group(_) => {}
                Recipient::Address(script) => found.push(Address::from_script(&script, self.network).ok()?),
                Recipient::Data(_) | Recipient::Unknown(_) => return None,
            }
        }
        Some(found)
    }

    /// True if an output is proven to be the group's own.
    pub fn has_change(&self) -> bool {
        let is_own = |recipient: Option<Recipient>| matches!(recipient, Some(Recipient::Group(_)));
        self.view.outputs.iter().any(|output| is_own(output.recipient.clone().proven()))
    }

    /// True if all signatures have the default sighash type, and so commit to the whole transaction.
    pub const fn is_sighash_default(&self) -> bool {
        self.is_sighash_default
    }

    /// The number of inputs of others.
    pub fn foreign_inputs(&self) -> usize {
        self.view.inputs.iter().filter(|input| input.location.is_none()).count()
    }

    /// The locktime as the transaction has it.
    pub fn locktime(&self) -> u32 {
        self.view.locktime.to_consensus_u32()
    }

    pub(super) fn is_overspent(&self) -> bool {
        self.view.fee.is_none() && self.view.message.is_none()
    }
}
