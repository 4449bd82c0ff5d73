//! `motet message`: messages that a group signs under one of its addresses, as BIP-322 describes.

use std::path::PathBuf;

use motet_psbt::Version;
use motet_psbt::bip322::{Locks, message_psbt};
use serde_json::json;

use super::psbt::sign::{Signing, uninterrupted};
use crate::args::{Form, MessageArgs, MessageCommand, MessageSignArgs, MessageVerifyArgs};
use crate::exit::{Exit, Failed};
use crate::known_group::KnownGroup;
use crate::output::Output;

pub(crate) async fn run(args: MessageArgs) -> Result<Exit, Failed> {
    match args.command {
        MessageCommand::Sign(args) => uninterrupted(move || sign(*args)).await,
        MessageCommand::Verify(args) => verify(args),
    }
}

/// The PSBT follows from address, message and spend path, so each member makes the same one and none has to be sent before.
fn sign(args: MessageSignArgs) -> Result<Exit, Failed> {
    let known = KnownGroup::find(&args.group.group, &args.group.plan)?;
    let address = args.address.require_network(known.network).map_err(|_| {
        let what = format!("--address: it is not an address of the group's chain, {}", known.network.to_core_arg());
        Failed::usage(what).hint("name the chain with --chain, or an address of this group")
    })?;
    let script = address.script_pubkey();
    if known.group.locate(&script, args.group.plan.addresses).is_none() {
        let what = format!("{address} is not among the group's first {} addresses", args.group.plan.addresses);
        return Err(
            Failed::new(Exit::Refused, what).hint("name an address of this group; search further with --addresses")
        );
    }
    let locks = Locks::of(&known.spend_path(args.group.plan.leaf)?);
    // Every wallet reads version 0.
    let psbt = message_psbt(Version::V0, &args.message, &script, locks, &[]).map_err(Failed::here)?;
    let stem = args.signer.output.clone().unwrap_or_else(|| PathBuf::from("message"));
    let output = Output::without_node(args.json);
    Signing { known, form: Form::Base64, stem, plan_args: args.group.plan, args: args.signer }.sign(psbt, &output)
}

fn verify(args: MessageVerifyArgs) -> Result<Exit, Failed> {
    let script = args.address.assume_checked().script_pubkey();
    let output = Output::without_node(args.json);
    let verdict = |valid: bool, inconclusive: bool, error: &str, locktime: u32, coins: &[String]| {
        json!({
            "event": "message_verdict", "valid": valid, "inconclusive": inconclusive, "error": error,
            "locktime": locktime, "coins": coins,
        })
    };
    match args.signature.verify(args.message.as_bytes(), &script) {
        Ok(verified) => {
            let coins: Vec<_> = verified.coins.iter().map(|(outpoint, _)| outpoint.to_string()).collect();
            let mut lines = "valid".to_owned();
            if verified.lock_time.to_consensus_u32() != 0 || verified.sequence.0 != 0 {
                lines = format!(
                    "valid, by a script with a timelock: locktime {}, sequence {}",
                    verified.lock_time.to_consensus_u32(),
                    verified.sequence.0
                );
            }
            for coin in &coins {
                lines = format!("{lines}\nits signers control {coin}; that this coin is unspent is not proven");
            }
            output.result(&lines, &verdict(true, false, "", verified.lock_time.to_consensus_u32(), &coins))?;
            Ok(Exit::Success)
        }
        Err(error) if error.is_inconclusive() => {
            output.result(&format!("cannot be judged: {error}"), &verdict(false, true, &error.to_string(), 0, &[]))?;
            Ok(Exit::Failure)
        }
        Err(error) => {
            output.result(&format!("not valid: {error}"), &verdict(false, false, &error.to_string(), 0, &[]))?;
            Ok(Exit::Invalid)
        }
    }
}
