//! The way back: the signatures of a session go into the PSBT, which becomes a transaction.

use bitcoin::Transaction;
use motet_core_crypto::Signature;
use motet_psbt::{ExtractError, FinalizeError, PathId, RawPsbt};

use crate::group::RegisteredGroup;
use crate::propose::{ProposeError, plan};

/// The reason why signatures do not complete a PSBT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompleteError {
    /// The PSBT is not one that the group can spend.
    #[error(transparent)]
    Plan(#[from] ProposeError),
    /// The signatures are not those of the PSBT.
    #[error(transparent)]
    Finalize(#[from] FinalizeError),
    /// The transaction cannot be computed.
    #[error(transparent)]
    Extract(#[from] ExtractError),
}

/// A PSBT whose own inputs are final.
#[derive(Debug, Clone)]
pub struct Completed {
    /// The PSBT.
    pub psbt: RawPsbt,
    /// The signed transaction. None if others have not signed their inputs yet.
    pub transaction: Option<Transaction>,
}

/// Puts the signatures of a session into the PSBT that the request was made of, and makes its own inputs final.
///
/// The signatures are those of the request's items, in their order. Each is verified. The options are those of the proposal, as far
/// as they decide which inputs are found.
///
/// # Errors
///
/// [`CompleteError`].
pub fn complete(
    psbt: &RawPsbt,
    group: &RegisteredGroup,
    path: PathId,
    lookahead: u32,
    signatures: &[Signature],
) -> Result<Completed, CompleteError> {
    let plan = plan(psbt, group, path, lookahead)?;
    let mut psbt = psbt.clone();
    plan.finalize_signed(&mut psbt, signatures)?;
    let transaction = match psbt.extract() {
        Ok(transaction) => Some(transaction),
        Err(ExtractError::NotFinal { .. }) => None,
        Err(error) => return Err(CompleteError::Extract(error)),
    };
    Ok(Completed { psbt, transaction })
}
