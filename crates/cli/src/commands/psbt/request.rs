//! `motet psbt request`: the other members are asked over the network, and the session ends in a signed transaction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use motet_core_crypto::Signature;
use motet_node::event;
use motet_node::{Audience, Clock, SigningRequestSpec};
use motet_psbt::{PathId, RawPsbt, SpendPlan};
use motet_wallet::{Completed, ProposeOptions, RegisteredGroup, TransactionProposal, complete, propose};
use motet_wire::RequestOptions;
use serde_json::json;

use super::finish;
use super::sign::{approve, stem};
use crate::args::{Form, Named, PsbtRequestArgs};
use crate::asker::Asker;
use crate::commands::asking;
use crate::commands::group::unconfirmed;
use crate::exit::{Exit, Failed};
use crate::group_folder::GroupFolder;
use crate::interrupt::Interrupts;
use crate::known_group::{KnownGroup, unplanned};
use crate::output::{Format, Output};
use crate::prompt;
use crate::psbt_file::{self, INPUT, PsbtFile};
use crate::search::explain;
use crate::sheet::Sheet;
use crate::signer_key::{self, SignerKey};

/// A transaction that this member has approved, and all that makes it final.
struct Payment {
    group: RegisteredGroup,
    path: PathId,
    addresses: u32,
    psbt: RawPsbt,
    form: Form,
    proposed: TransactionProposal,
    file: PathBuf,
    force: bool,
}

pub(super) async fn run(args: PsbtRequestArgs) -> Result<Exit, Failed> {
    let mut interrupts = Interrupts::listen()?;
    let clock = Clock::start();
    let format = Format::of(args.node.json);
    let mut output = Output::new(format, clock.now().mono);
    let (args, payment, key) = {
        // A question waits for a person, on a thread of its own, so that an interrupt ends it.
        let approving = move || {
            let (payment, key) = Payment::approved(&args, &Output::new(format, clock.now().mono))?;
            Ok((args, payment, key))
        };
        interrupts.unless(async { tokio::task::spawn_blocking(approving).await.map_err(Failed::here)? }).await?
    };
    let (node, announcement) = interrupts.unless(prepare(&args, &payment, key, &mut output)).await?;
    let finish = |completed: &event::Completed, output: &Output| payment.finish(completed, output);
    // Nobody else hears of it: the keys of a group reveal all its addresses. The members were found, so that their places are known.
    let audience = Audience::Members(BTreeMap::new());
    asking::ask(node, announcement, audience, finish, &mut interrupts, clock, &mut output).await
}

/// Looks for the other members. Returns the request to announce.
async fn prepare(
    args: &PsbtRequestArgs,
    payment: &Payment,
    key: SignerKey,
    output: &mut Output,
) -> Result<(Asker, SigningRequestSpec), Failed> {
    let node = Asker::start_with(&args.node, key).await?;
    output.learn(node.signer(), node.nickname());
    let TransactionProposal { keys, items, metadata, verified } = &payment.proposed;
    for key in keys {
        output.learn(*key, verified.member(key).unwrap_or_default());
    }
    let others: Vec<Named> = keys.iter().filter(|key| **key != node.signer()).map(|key| Named::Key(*key)).collect();
    output.say("looking for the other members …");
    if let Err(failed) = asking::find(&others, args.find_timeout, &node).await {
        return Err(explain(failed, &node).await);
    }
    let announcement = SigningRequestSpec {
        creator: node.signer(),
        keys: keys.clone(),
        items: items.clone(),
        options: RequestOptions::default(),
        metadata: metadata.clone(),
        lifetime: args.join_timeout,
    };
    asking::check_open_ends(args.despite_open, &node, &announcement, output).await?;
    Ok((node, announcement))
}

impl Payment {
    /// Reads the PSBT, makes a request of it, and has it approved.
    fn approved(args: &PsbtRequestArgs, output: &Output) -> Result<(Self, SignerKey), Failed> {
        let Some(key) = &args.node.key else {
            return Err(Failed::usage("a member signs with its key: --key KEY"));
        };
        let group = GroupFolder::open(&args.node.groups)?.group(&args.group)?.clone();
        if !group.is_confirmed() {
            return Err(unconfirmed(group.name()));
        }
        if args.approve.is_none() && (args.file == Path::new(INPUT) || !prompt::somebody_may_answer()) {
            let failed = Failed::usage("no person or program can answer on standard input");
            return Err(failed.hint("approve with --approve DIGEST, which `motet psbt inspect` shows"));
        }
        let key = signer_key::load(key, &args.node.keystore)?;
        let own = key.secret.public_key();
        let PsbtFile { psbt, form } = PsbtFile::read(&args.file)?;
        let file = args.output.clone().unwrap_or_else(|| {
            let mut name = stem(&args.file).into_os_string();
            name.push(".final.psbt");
            PathBuf::from(name)
        });
        if !args.force && file.symlink_metadata().is_ok() {
            let failed = Failed::here(format!("{} is there already, perhaps from an earlier run", file.display()));
            return Err(failed.hint("name another file with --output FILE, or replace this one with --force"));
        }
        let known = KnownGroup::of_registered(&group);
        let path = known.spend_path(args.leaf)?.id;
        let options = ProposeOptions {
            description: args.description.clone(),
            foreign_inputs: args.foreign_inputs,
            lookahead: args.addresses,
        };
        let proposed = propose(&psbt, &group, path, &options).map_err(|error| Failed::new(Exit::Refused, error))?;
        if !proposed.keys.contains(&own) {
            let failed = Failed::new(Exit::Refused, format!("the key {own} is of no member that signs on this path"));
            return Err(failed.hint(format!("the spend paths of the group: {}", known.path_list())));
        }
        let plan = SpendPlan::new(&psbt, group.group(), path, args.addresses).map_err(|error| unplanned(&error))?;
        approve(&Sheet::of_plan(&plan, &psbt, &known), args.approve.as_deref(), output)?;
        let (addresses, force) = (args.addresses, args.force);
        Ok((Self { group, path, addresses, psbt, form, proposed, file, force }, key))
    }

    /// Puts the signatures into the PSBT, writes it, and shows the transaction.
    fn finish(&self, signed: &event::Completed, output: &Output) -> Result<(), Failed> {
        let signatures: Vec<Signature> = signed.items.iter().map(|item| item.signature).collect();
        let completed = complete(&self.psbt, &self.group, self.path, self.addresses, &signatures);
        let completed = completed.map_err(|error| Failed::new(Exit::Invalid, error))?;
        let Completed { psbt, transaction } = completed;
        let file = self.file.display();
        let written = psbt_file::write(&self.file, &psbt, self.form, self.force).and_then(|()| {
            let object = json!({"event": "psbt", "file": file.to_string(), "psbt_version": psbt.version().number()});
            let others = if transaction.is_some() { "" } else { "; others have to sign their inputs" };
            output.result(&format!("signed, in {file}{others}"), &object)
        });
        // The signatures cannot be asked for again, so that the transaction is shown also if the file was not written.
        let told = if transaction.is_some() { finish::tell(&psbt, output) } else { Ok(()) };
        written.map_err(|failed| failed.hint(format!("the signed PSBT:\n{}", psbt.to_base64()))).and(told)
    }
}
