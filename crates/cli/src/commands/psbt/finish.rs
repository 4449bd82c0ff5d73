//! `motet psbt finalize` and `extract`: from partial signatures to the transaction, or to the signature of a message.

use bitcoin::consensus::encode::serialize_hex;
use motet_psbt::bip322::{MessageSignature, MessageSignatureError};
use motet_psbt::{ExtractError, FinalizeError, RawPsbt};
use serde_json::json;

use super::merge;
use crate::args::{ExtractArgs, FinalizeArgs};
use crate::exit::{Exit, Failed};
use crate::known_group::KnownGroup;
use crate::output::Output;
use crate::psbt_file::{PsbtFile, hand_out};
use crate::shares;

pub(super) fn finalize(args: &FinalizeArgs) -> Result<Exit, Failed> {
    let known = KnownGroup::find(&args.group.group, &args.group.plan)?;
    let mut file = PsbtFile::read(&args.file)?;
    let plan = known.plan(&file.psbt, &args.group.plan)?;
    merge::wrong(&shares::wrong_lines(&plan.verify_partials(&file.psbt), &known))?;
    let missing = shares::missing_lines(&plan.missing(&file.psbt), &known);
    if !missing.is_empty() {
        let failed = Failed::new(Exit::Incomplete, format!("still missing: {}", missing.join("; ")));
        return Err(failed.hint("get the files of these members, and merge them with `motet psbt combine`"));
    }
    plan.finalize(&mut file.psbt).map_err(|error| {
        let failed = Failed::new(Exit::Refused, &error);
        failed.hint(if matches!(error, FinalizeError::Script { .. }) {
            "other signers of the script have to sign, too"
        } else {
            "let the maker of the PSBT write it again"
        })
    })?;
    let others = file.psbt.inputs().len() - plan.inputs.len();
    let done = if others == 0 {
        "final: `motet psbt extract` prints the transaction".to_owned()
    } else {
        format!("the group's inputs are final; {others} inputs of others may not be")
    };
    hand_out(&Output::without_node(args.json), &args.output, &file.psbt, file.form, &done)?;
    Ok(Exit::Success)
}

pub(super) fn extract(args: &ExtractArgs) -> Result<Exit, Failed> {
    tell(&PsbtFile::read(&args.file)?.psbt, &Output::without_node(args.json))?;
    Ok(Exit::Success)
}

/// Shows the transaction of a PSBT that is final, or the signature of its message.
pub(super) fn tell(psbt: &RawPsbt, output: &Output) -> Result<(), Failed> {
    match MessageSignature::of(psbt) {
        Ok(signature) => {
            let signature = signature.to_string();
            return output.result(&signature, &json!({"event": "message_signature", "message_signature": signature}));
        }
        Err(MessageSignatureError::Message(error)) => {
            return Err(Failed::new(Exit::Refused, error).hint("let the maker of the PSBT write it again"));
        }
        // A payment, or no signature yet; the transaction is computed without the coins that are spent.
        Err(_) => {}
    }
    let transaction = psbt.extract().map_err(|error| {
        if matches!(error, ExtractError::NotFinal { .. }) {
            let failed = Failed::new(Exit::Incomplete, error);
            return failed.hint("make it final with `motet psbt finalize`, when all have signed");
        }
        Failed::new(Exit::Refused, error).hint("let the maker of the PSBT write it again")
    })?;
    let hex = serialize_hex(&transaction);
    let txid = transaction.compute_txid().to_string();
    output.result(&hex, &json!({"event": "raw_transaction", "txid": txid, "transaction": hex}))
}
