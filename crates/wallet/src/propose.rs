//! A request for the signatures of a transaction, made from a PSBT of any wallet.

use bitcoin::TxOut;
use motet_core_crypto::PublicKey;
use motet_psbt::{EditError, LocktimeConflict, PathId, PlanError, PrevoutError, RawPsbt, SpendPlan};
use motet_wire::{Item, RequestMetadata, limits};

use crate::canonical::TRANSACTION_TYPE;
use crate::canonical::canonical;
use crate::check::{Mismatch, VerifiedTransaction, verify};
use crate::group::{NotOnNetwork, RegisteredGroup, SigningSet};
use crate::items::items;
use crate::limits::LOOKAHEAD;
use crate::locate::search;

/// The parts of a request that its creator decides besides the transaction.
#[derive(Debug, Clone, Default)]
pub struct ProposeOptions {
    /// A text for the other signers, at most 1024 bytes. Nothing ties it to the transaction.
    pub description: String,
    /// True if inputs of others are allowed. Their owners must sign them elsewhere.
    pub foreign_inputs: bool,
    /// The number of addresses of each branch that are searched; at least [`LOOKAHEAD`] are.
    pub lookahead: u32,
}

/// The reason why no request is made of a PSBT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProposeError {
    /// The group's words have not been compared.
    #[error("the group {name:?} is not confirmed yet: compare its twelve words with the other members first")]
    NotConfirmed {
        /// The name of the group.
        name: String,
    },
    /// The spend path is for files alone.
    #[error(transparent)]
    NotOnNetwork(#[from] NotOnNetwork),
    /// The transaction cannot be computed.
    #[error(transparent)]
    Locktime(#[from] LocktimeConflict),
    /// An output that is spent is not known.
    #[error(transparent)]
    Prevout(#[from] PrevoutError),
    /// No input is the group's own.
    #[error(
        "no input is of the group {name:?}, as far as its first {count} addresses of each branch go; choose another group, or search more addresses"
    )]
    NotTheGroups {
        /// The name of the group.
        name: String,
        /// The number of addresses that were searched.
        count: u32,
    },
    /// The spend cannot be planned.
    #[error(transparent)]
    Plan(PlanError),
    /// Inputs of others, which the creator has not allowed.
    #[error("input {input} is not of the group; allow foreign inputs if others sign them, or leave them out")]
    ForeignInput {
        /// The index of the first of them.
        input: usize,
    },
    /// An input of others that is spent without a witness. Its spent output has no place in a request.
    #[error("input {input} is of others and is spent without a witness; sign this transaction in files")]
    LegacyInput {
        /// The index of the input.
        input: usize,
    },
    /// More signatures than a request can ask for.
    #[error(
        "the transaction needs {found} signatures of the group, and a request can ask for {max}; spend fewer coins at once",
        max = limits::ITEMS_MAX
    )]
    TooManyItems {
        /// The number of signatures.
        found: usize,
    },
    /// The transaction is too long for a request.
    #[error(
        "the transaction has {found} bytes in a request, and {max} are allowed; make it smaller, or sign it in files",
        max = limits::TRANSACTION
    )]
    TooLong {
        /// The number of bytes.
        found: usize,
    },
    /// The description is too long.
    #[error("the description has {found} bytes, and {max} are allowed", max = limits::REQUEST_DESCRIPTION)]
    Description {
        /// The number of bytes.
        found: usize,
    },
    /// The canonical form cannot be made.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The request does not pass the checks of the other signers.
    #[error("the other signers would decline this request: {0}")]
    Declined(#[from] Mismatch),
}

/// The parts of a request that follow from a transaction.
#[derive(Debug, Clone)]
pub struct TransactionProposal {
    /// The signers, sorted.
    pub keys: Vec<PublicKey>,
    /// The items to be signed.
    pub items: Vec<Item>,
    /// The transaction with its type and its amount, and the description.
    pub metadata: RequestMetadata,
    /// The facts that each signer will see.
    pub verified: VerifiedTransaction,
}

/// Makes the parts of a request that asks the members of a spend path to sign a transaction.
///
/// The PSBT must have the spent outputs of all its inputs. Inputs and change of the group are found by derivation.
///
/// # Errors
///
/// [`ProposeError`].
pub fn propose(
    psbt: &RawPsbt,
    group: &RegisteredGroup,
    path: PathId,
    options: &ProposeOptions,
) -> Result<TransactionProposal, ProposeError> {
    if !group.is_confirmed() {
        return Err(ProposeError::NotConfirmed { name: group.name().to_owned() });
    }
    if options.description.len() > limits::REQUEST_DESCRIPTION {
        return Err(ProposeError::Description { found: options.description.len() });
    }
    let paths = group.group().spend_paths();
    let spend = paths.iter().find(|spend| spend.id == path).ok_or(ProposeError::Plan(PlanError::NoSuchPath))?;
    let set = SigningSet::new(group.group(), spend)?;
    let plan = plan(psbt, group, path, options.lookahead)?;
    if !options.foreign_inputs
        && let Some(input) = foreign(&plan).next().map(|(input, _)| input)
    {
        return Err(ProposeError::ForeignInput { input });
    }
    let is_legacy = |(_, prevout): &(usize, &TxOut)| {
        !prevout.script_pubkey.is_witness_program() && !prevout.script_pubkey.is_p2sh()
    };
    if let Some((input, _)) = foreign(&plan).find(is_legacy) {
        return Err(ProposeError::LegacyInput { input });
    }
    let items = items(&plan, group.group(), &set).ok_or(ProposeError::Plan(PlanError::NoSuchPath))?;
    if items.len() > limits::ITEMS_MAX {
        return Err(ProposeError::TooManyItems { found: items.len() });
    }
    let transaction = canonical(&plan, group.group())?.to_bytes();
    if transaction.len() > limits::TRANSACTION {
        return Err(ProposeError::TooLong { found: transaction.len() });
    }
    let mut metadata = RequestMetadata {
        description: options.description.clone(),
        transaction,
        amount: None,
        transaction_type: TRANSACTION_TYPE.to_owned(),
    };
    let SigningSet { keys, .. } = set;
    let (verified, amount) = verify(&keys, &items, &metadata, group, path)?;
    metadata.amount = amount;
    Ok(TransactionProposal { keys, items, metadata, verified })
}

/// Plans a spend of the group by a PSBT of the wallet's user.
///
/// # Errors
///
/// [`ProposeError`].
pub(crate) fn plan(
    psbt: &RawPsbt,
    group: &RegisteredGroup,
    path: PathId,
    lookahead: u32,
) -> Result<SpendPlan, ProposeError> {
    let transaction = psbt.unsigned_tx()?;
    let prevouts = psbt.prevouts()?;
    let count = lookahead.max(LOOKAHEAD);
    let located = search(psbt, &prevouts, &transaction.output, group, count);
    let planned = SpendPlan::located(psbt, group.group(), path, &located);
    if matches!(planned, Err(PlanError::NoOwnInput { .. })) {
        return Err(ProposeError::NotTheGroups { name: group.name().to_owned(), count });
    }
    planned.map_err(ProposeError::Plan)
}

/// The inputs of others.
fn foreign(plan: &SpendPlan) -> impl Iterator<Item = (usize, &TxOut)> {
    let is_own = |input: usize| plan.inputs.iter().any(|own| own.input == input);
    plan.prevouts.iter().enumerate().filter(move |(input, _)| !is_own(*input))
}
