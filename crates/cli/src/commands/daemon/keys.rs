//! `motet lock`, `motet unlock`: the key of a running signer.

use motet_daemon::ClientError;
use motet_daemon::api::Unlock;
use serde_json::json;

use super::call::{client, explain};
use crate::args::{CalledArgs, UnlockArgs};
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::passphrase;

/// The code of a call without the passphrase that the keystore needs.
const PASSPHRASE_NEEDED: &str = "passphrase_needed";
/// The code of a call with a passphrase that does not open the keystore.
const WRONG_PASSPHRASE: &str = "wrong_passphrase";

pub(super) async fn lock(called: &CalledArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(called.json);
    client(called)?.lock().await.map_err(|error| explain(&error))?;
    output.result(
        "locked: the key is not in memory, and nothing is signed until `motet unlock`",
        &json!({"done": true}),
    )?;
    Ok(Exit::Success)
}

pub(super) async fn unlock(args: UnlockArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.called.json);
    if args.called.api.is_some() {
        let failed = Failed::usage("--api: a passphrase is taken over the Unix socket alone");
        return Err(failed.hint("leave --api out"));
    }
    let client = client(&args.called)?;
    let mut passphrase = None;
    if let Some(file) = &args.passphrase_file {
        passphrase = Some(passphrase::to_unlock(Some(file))?);
    }
    let mut unlocked = client.unlock(&Unlock::new(passphrase.as_ref())).await;
    if matches!(&unlocked, Err(ClientError::Refused { problem, .. }) if problem.code == PASSPHRASE_NEEDED) {
        // A question waits for a person, on a thread of its own, so that an interrupt ends it.
        let asked = tokio::task::spawn_blocking(|| passphrase::to_unlock(None));
        let typed = Interrupts::listen()?.unless(async { asked.await.map_err(Failed::here)? }).await?;
        unlocked = client.unlock(&Unlock::new(Some(&typed))).await;
    }
    unlocked.map_err(|error| {
        let is_wrong = matches!(&error, ClientError::Refused { problem, .. } if problem.code == WRONG_PASSPHRASE);
        if is_wrong { Failed::new(Exit::Locked, &error) } else { explain(&error) }
    })?;
    output.result("unlocked", &json!({"done": true}))?;
    Ok(Exit::Success)
}
