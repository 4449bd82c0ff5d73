//! `motet verify`: is this a BIP-340 signature of that message under that key?

use motet_core_crypto::schnorr;
use serde_json::json;

use crate::args::{VerifyArgs, message};
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failed> {
    let message = message(args.message.as_ref(), args.message_hex.as_ref())?;
    let valid = schnorr::verify(&args.key, &message, &args.signature).is_ok();
    let output = Output::new(Format::of(args.json), motet_wire::MonotonicMs::default());
    let verdict = if valid { "valid" } else { "not valid: no BIP-340 signature of this message under this key" };
    output.result(verdict, &json!({"event": "verdict", "valid": valid}))?;
    Ok(if valid { Exit::Success } else { Exit::Invalid })
}
