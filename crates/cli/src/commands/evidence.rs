//! `motet evidence`: which signers have been proven to break the protocol, and is this file such a proof?

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use motet_node::{Conviction, Evidence, Store as _};
use motet_wire::{Charge, MonotonicMs, NetworkId};
use serde_json::{Value, json};

use crate::args::{EvidenceArgs, EvidenceCommand, EvidenceListArgs, EvidenceVerifyArgs};
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};
use crate::running_signer::{answering, explain};
use crate::{data_folder, files};

/// More than the longest proof.
const LONGEST: u64 = 64 * 1024;

pub(crate) async fn run(args: &EvidenceArgs) -> Result<Exit, Failed> {
    match &args.command {
        EvidenceCommand::List(args) => list(args).await,
        EvidenceCommand::Verify(args) => verify(args),
    }
}

async fn list(args: &EvidenceListArgs) -> Result<Exit, Failed> {
    let output = Output::new(Format::of(args.json), MonotonicMs::default());
    let proofs = proofs(&folder(args)?).await?;
    let mut foreign = 0usize;
    for bytes in &proofs {
        let Some(conviction) = convicts(bytes, &args.network) else {
            foreign += 1;
            continue;
        };
        let mut line = sentence(&conviction);
        if let Some(target) = &args.save {
            let file = target.join(name(&conviction));
            save(&file, bytes)?;
            line = format!("{line}\n  saved as {}", file.display());
        }
        output.result(&line, &object(&conviction, bytes))?;
    }
    if foreign > 0 {
        let network = &args.network;
        return Err(Failed::here(format!(
            "{foreign} of {} proofs do not convict on the network {network}",
            proofs.len()
        ))
        .hint("name the network that the node was on: --network NETWORK"));
    }
    if proofs.is_empty() {
        output.say("no signer has been proven to break the protocol");
    }
    Ok(Exit::Success)
}

/// The data folder that the command line names.
fn folder(args: &EvidenceListArgs) -> Result<PathBuf, Failed> {
    let named = data_folder::named(args.data.as_deref(), args.key.as_deref(), args.keystore.as_deref())?;
    named.ok_or_else(|| Failed::usage("name the node's data folder, or its key with --key"))
}

/// The proofs of a node: a running one is asked, and the store of another is read.
async fn proofs(folder: &Path) -> Result<Vec<Arc<[u8]>>, Failed> {
    if let Some((client, _)) = answering(folder).await {
        let proofs = client.evidence().await.map_err(|error| explain(&error))?.proofs;
        return Ok(proofs.into_iter().map(|proof| proof.evidence).collect());
    }
    let stored = data_folder::records(folder)?.load();
    Ok(stored.map_err(|error| data_folder::explain(&error, Some(folder)))?.proofs)
}

fn verify(args: &EvidenceVerifyArgs) -> Result<Exit, Failed> {
    let output = Output::new(Format::of(args.json), MonotonicMs::default());
    let name = args.file.display();
    let bytes = files::read_up_to(&args.file, LONGEST).map_err(|error| Failed::here(format!("{name}: {error}")))?;
    if let Some((conviction, bytes)) = bytes.and_then(|bytes| Some((convicts(&bytes, &args.network)?, bytes))) {
        output.result(&sentence(&conviction), &object(&conviction, &bytes))?;
        return Ok(Exit::Success);
    }
    let verdict = format!("not valid: {name} proves nothing on the network {}", args.network);
    output.result(&verdict, &json!({"event": "verdict", "valid": false}))?;
    Ok(Exit::Invalid)
}

/// The conviction that these bytes prove, if they prove one.
fn convicts(bytes: &[u8], network: &NetworkId) -> Option<Conviction> {
    Evidence::from_bytes(bytes).ok()?.verify(network).ok()
}

fn save(file: &Path, bytes: &[u8]) -> Result<(), Failed> {
    match files::create(file, bytes) {
        // One signer is convicted once for one request.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|error| Failed::here(format!("cannot write {}: {error}", file.display()))),
    }
}

/// The name of the file for a proof.
fn name(conviction: &Conviction) -> String {
    let request = conviction.request.map(|request| format!("-{request}")).unwrap_or_default();
    format!("{}{request}.proof", conviction.signer)
}

fn sentence(conviction: &Conviction) -> String {
    let request = conviction.request.map(|request| format!(" in the request {request}")).unwrap_or_default();
    let deed = match conviction.charge {
        Charge::Equivocation => "said two different things in one place",
        Charge::BadOpening => "revealed other nonces than it had committed to",
        Charge::BadPartialSignature => "made a partial signature that is wrong under its own nonces",
        Charge::Malformed => "signed bytes that are no message",
        Charge::AgainstTerms => "made a statement that the terms of its request leave no room for",
    };
    format!("{} {deed}{request}", conviction.signer)
}

fn object(conviction: &Conviction, bytes: &[u8]) -> Value {
    let Conviction { signer, charge, request, .. } = conviction;
    let mut object = json!({"event": "proof", "signer": signer, "charge": charge, "evidence": hex::encode(bytes)});
    if let (Some(request), Some(object)) = (request, object.as_object_mut()) {
        object.insert("request".to_owned(), json!(request));
    }
    object
}
