//! Differences between a request and what a signer computes from its transaction. Each has a stable code, by which the signer
//! declines.

use motet_psbt::PlanError;

/// The first difference that was found. It is the fault of the request's creator, unless this signer's registry is out of date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The request is of another type: messages under keys of a group without their transaction.
    #[error("the request shows no transaction for its hashes; nothing is signed blindly with keys of a group")]
    Type,
    /// No registered group has a spend path with exactly these keys.
    #[error("no registered group has these signers; register the group first, or the request asks the wrong signers")]
    GroupUnknown,
    /// The group's words have not been compared.
    #[error("the group {name:?} is not confirmed here: its twelve words have not been compared")]
    GroupUnconfirmed {
        /// The name of the group.
        name: String,
    },
    /// The keys are not in the order of KeySort (BIP-327).
    #[error("the keys are not sorted, so their aggregate is another key than the group's")]
    KeyOrder,
    /// The transaction is not a PSBT.
    #[error("the transaction cannot be read: {0}")]
    Malformed(String),
    /// A field too many, too few, or in another form than the one that a request has.
    #[error("the transaction has a field that does not belong there, or lacks one: {place}")]
    Form {
        /// The map with the difference.
        place: String,
    },
    /// An output that is spent is not known, or is described in two ways.
    #[error("a spent output is not described as it must be: {0}")]
    Prevout(String),
    /// No input is the group's own.
    #[error("the transaction spends no coin of the group")]
    NoOwnInput,
    /// An input that is marked as the group's own and is not.
    #[error("input {input} is said to be the group's own, and its script is not")]
    FalseInput {
        /// The index of the input.
        input: usize,
    },
    /// An own input that is not marked: more would leave the group than is shown.
    #[error("input {input} is the group's own, and the request hides it")]
    HiddenInput {
        /// The index of the input.
        input: usize,
    },
    /// An output that is marked as change and is not the group's own.
    #[error("output {output} is said to be change of the group, and it pays somebody else")]
    FalseChange {
        /// The index of the output.
        output: usize,
    },
    /// An own output that is not marked.
    #[error("output {output} is the group's own, and the request does not say so")]
    HiddenChange {
        /// The index of the output.
        output: usize,
    },
    /// The sighash type is not defined, or needs an output that is not there.
    #[error("the sighash type cannot be signed: {0}")]
    SighashType(String),
    /// The transaction does not satisfy a timelock of the leaf.
    #[error("input {input}: sequence or locktime of the transaction do not satisfy the timelock of the leaf")]
    Timelock {
        /// The index of the input.
        input: usize,
    },
    /// The script of the leaf is another one than the group's.
    #[error("input {input}: the script of the leaf is not the group's")]
    LeafScript {
        /// The index of the input.
        input: usize,
    },
    /// A payment that claims to be a message, or a message without its text.
    #[error("the message that would be signed is not the one that is shown: {0}")]
    Message(String),
    /// The outputs have more than the inputs.
    #[error("the outputs have more than the inputs, so the transaction can never be valid")]
    Overspent,
    /// More or fewer items than the transaction needs.
    #[error("the request has {found} hashes to sign, and the transaction needs {expected}")]
    ItemCount {
        /// The number of items.
        found: usize,
        /// The number that is needed.
        expected: usize,
    },
    /// The items are in another order than the inputs, or one of them is there twice.
    #[error("the hashes to sign are not in the order of the inputs, or one of them is there twice")]
    ItemOrder,
    /// The chain codes of the members' keys are other ones, or are there where the group derives no member's key.
    #[error("item {item} is for another key than that of its input: a chain code of the members' keys is wrong")]
    ChainCode {
        /// The place of the item.
        item: usize,
    },
    /// The path of an item's key is another one.
    #[error("item {item} is for another key than that of its input: the derivation path is wrong")]
    Path {
        /// The place of the item.
        item: usize,
    },
    /// The merkle root of an item is another one, or an item has one where there is none.
    #[error("item {item} is for another key than that of its input: the root of the script tree is wrong")]
    MerkleRoot {
        /// The place of the item.
        item: usize,
    },
    /// The hash of an item is not that of its input.
    #[error("the hash in item {item} is not that of the transaction: something else would be signed than is shown")]
    Sighash {
        /// The place of the item.
        item: usize,
    },
    /// The amount is not what leaves the group.
    #[error("the request says that {} leave the group, and it is {}", satoshi(*.stated), satoshi(*.computed))]
    Amount {
        /// The amount in the request.
        stated: Option<u64>,
        /// The amount that was computed; none if the group receives more than it spends.
        computed: Option<u64>,
    },
    /// The keys that this node computed for the items are not the group's.
    #[error("the keys of the request's items are not the group's")]
    Key,
}

impl Mismatch {
    /// The stable code, which the signer gives as its reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Type => "E_TYPE",
            Self::GroupUnknown => "E_GROUP_UNKNOWN",
            Self::GroupUnconfirmed { .. } => "E_GROUP_UNCONFIRMED",
            Self::KeyOrder => "E_KEY_ORDER",
            Self::Malformed(_) => "E_TX_MALFORMED",
            Self::Form { .. } => "E_TX_FIELD",
            Self::Prevout(_) => "E_PREVOUT",
            Self::NoOwnInput => "E_NO_OWN_INPUT",
            Self::FalseInput { .. } => "E_FALSE_INPUT",
            Self::HiddenInput { .. } => "E_HIDDEN_INPUT",
            Self::FalseChange { .. } => "E_FALSE_CHANGE",
            Self::HiddenChange { .. } => "E_HIDDEN_CHANGE",
            Self::SighashType(_) => "E_SIGHASH_TYPE",
            Self::Timelock { .. } => "E_TIMELOCK",
            Self::LeafScript { .. } => "E_LEAF_SCRIPT",
            Self::Message(_) => "E_MESSAGE",
            Self::Overspent => "E_OVERSPENT",
            Self::ItemCount { .. } => "E_ITEMS",
            Self::ItemOrder => "E_ITEM_ORDER",
            Self::ChainCode { .. } => "E_CHAIN_CODE",
            Self::Path { .. } => "E_PATH",
            Self::MerkleRoot { .. } => "E_MERKLE_ROOT",
            Self::Sighash { .. } => "E_SIGHASH",
            Self::Amount { .. } => "E_AMOUNT",
            Self::Key => "E_KEY",
        }
    }

    /// The reason for the other signers: the code, and nothing that tells what is in this signer's registry.
    pub fn reason(&self) -> String {
        self.code().to_owned()
    }

    pub(super) fn of_plan(error: &PlanError) -> Self {
        let text = error.to_string();
        match error {
            PlanError::Prevout(_) => Self::Prevout(text),
            PlanError::NoOwnInput { .. } => Self::NoOwnInput,
            PlanError::Sighash { .. } | PlanError::NoSingleOutput { .. } => Self::SighashType(text),
            PlanError::Timelock { input } => Self::Timelock { input: *input },
            PlanError::Message(_) => Self::Message(text),
            PlanError::NoSuchPath | PlanError::Resolve(_) => Self::GroupUnknown,
            PlanError::Modifiable => Self::Form { place: "global map".to_owned() },
            PlanError::Locktime(_) => Self::Malformed(text),
            _ => Self::Malformed(text),
        }
    }
}

fn satoshi(amount: Option<u64>) -> String {
    amount.map_or_else(|| "no satoshi".to_owned(), |amount| format!("{amount} satoshi"))
}
