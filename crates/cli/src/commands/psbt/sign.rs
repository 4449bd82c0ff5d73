//! `motet psbt sign`: a member signs by files, for example on a machine without a network.
//!
//! The first round adds public nonces, and their secret half stays in this process: it is never written (`docs/adr/0004`). The
//! second round signs the file in which the nonces of all members are merged. If this process ends in between, the rounds begin
//! again. A member that finds the nonces of all others needs one visit.

mod merged;

use std::path::{Path, PathBuf};

use motet_core_crypto::SecretKey;
use motet_node::OsEntropy;
use motet_psbt::{Missing, PendingNonces, RawPsbt, Share, SignerError};
use serde_json::json;

use crate::args::{Form, PlanArgs, PsbtSignArgs, SignerArgs};
use crate::commands::group::unconfirmed;
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::known_group::KnownGroup;
use crate::output::{Output, note};
use crate::prompt;
use crate::psbt_file::{self, INPUT, PsbtFile};
use crate::sheet::Sheet;
use crate::{shares, signer_key};
use merged::Merged;

/// Runs the command, until an interrupt ends it.
pub(super) async fn run(args: PsbtSignArgs) -> Result<Exit, Failed> {
    let work = move || {
        let known = KnownGroup::find(&args.group.group, &args.group.plan)?;
        let file = PsbtFile::read(&args.file)?;
        if args.file == Path::new(INPUT) && (args.signer.approve.is_none() || args.signer.then.is_none()) {
            let failed = Failed::usage("standard input gives the PSBT, so that it can give no answers");
            return Err(
                failed.hint("name a file; or approve with --approve DIGEST, and name the merged file with --then")
            );
        }
        let stem = args.signer.output.clone().unwrap_or_else(|| stem(&args.file));
        let signing = Signing { known, form: file.form, stem, plan_args: args.group.plan, args: args.signer };
        signing.sign(file.psbt, &Output::without_node(args.json))
    };
    uninterrupted(work).await
}

/// Runs work that waits for people, on a thread of its own, so that an interrupt ends it at any point.
pub(crate) async fn uninterrupted(
    work: impl FnOnce() -> Result<Exit, Failed> + Send + 'static,
) -> Result<Exit, Failed> {
    let mut interrupts = Interrupts::listen()?;
    interrupts.unless(async { tokio::task::spawn_blocking(work).await.map_err(Failed::here)? }).await
}

/// Shows the sheet, and has it approved: by the digest on the command line, or by a person.
pub(super) fn approve(sheet: &Sheet<'_>, approved: Option<&str>, output: &Output) -> Result<(), Failed> {
    let digest = sheet.approval().unwrap_or_default();
    let Some(approved) = approved else {
        output.result("", &sheet.object())?;
        return match prompt::ask(digest, &format!("\n{}\n", sheet.lines())) {
            prompt::Said::Yes => Ok(()),
            prompt::Said::No => Err(Failed::new(Exit::Cancelled, "declined: nothing was signed")),
            prompt::Said::Unclear => Err(Failed::new(Exit::Cancelled, "no clear answer was given: nothing was signed")),
            prompt::Said::Gone | prompt::Said::Nothing => {
                Err(Failed::new(Exit::Cancelled, "nobody could be asked: nothing was signed"))
            }
        };
    };
    output.result(&sheet.lines(), &sheet.object())?;
    if approved == digest {
        return Ok(());
    }
    let what = format!("--approve names another transaction, group or spend path: this one is {digest}");
    Err(Failed::new(Exit::Refused, what)
        .hint("read it with `motet psbt inspect`, and approve that digest if all is right"))
}

/// The beginning of the names of the files that are written: the file's own name without its ending.
pub(super) fn stem(file: &Path) -> PathBuf {
    if file == Path::new(INPUT) { PathBuf::from("signed") } else { file.with_extension("") }
}

/// One member's part in one transaction.
pub(crate) struct Signing {
    pub(crate) known: KnownGroup,
    pub(crate) form: Form,
    pub(crate) stem: PathBuf,
    pub(crate) plan_args: PlanArgs,
    pub(crate) args: SignerArgs,
}

impl Signing {
    /// Shows the transaction, asks, and goes through both rounds.
    pub(crate) fn sign(self, mut psbt: RawPsbt, output: &Output) -> Result<Exit, Failed> {
        if let (true, Some(name)) = (self.known.is_unconfirmed, &self.known.name) {
            return Err(unconfirmed(name));
        }
        let key = signer_key::load(&self.args.key, &self.args.keystore)?.secret;
        let own = self.number(&key)?;
        let (nonces_file, partial_file) = (self.file("nonces"), self.file("partial"));
        self.check_free(&nonces_file)?;
        self.check_free(&partial_file)?;
        let path = self.known.spend_path(self.plan_args.leaf)?;
        if !path.signers.contains(&own) {
            return Err(self.unsigned(&SignerError::NotASigner));
        }
        let plan = self.known.plan(&psbt, &self.plan_args)?;
        plan.update(&mut psbt, &self.known.group).map_err(|error| contradicts(&error))?;
        let missing = plan.missing(&psbt);
        let is_last = !missing.iter().any(|missing| missing.share == Share::Nonce && missing.signer != own);
        self.check_answers(is_last)?;
        approve(&Sheet::of_plan(&plan, &psbt, &self.known), self.args.approve.as_deref(), output)?;

        if !has(&missing, own, Share::Nonce) {
            note(
                "the file has a nonce of this key from an earlier run, whose secret half ended with that run. A fresh nonce replaces \
                 it. Files of others that hold the old one are of no use any more",
            );
        }
        let nonces = plan.add_nonces(&mut psbt, &self.known.group, &key, &mut OsEntropy);
        let nonces = nonces.map_err(|error| self.unsigned(&error))?;
        if is_last {
            return self.second_round(psbt, nonces, &key, &partial_file, output).map_err(|(failed, _)| failed);
        }
        psbt_file::write(&nonces_file, &psbt, self.form, self.args.force)?;
        let name = nonces_file.display();
        let lines = format!(
            "nonces written to {name}\n\
             Their secret half is in this process alone, so keep it running. Merge the files\n\
             of all members with `motet psbt combine`"
        );
        let told = shares::missing_object(&plan.missing(&psbt), &self.known);
        output.result(&lines, &json!({"event": "nonces", "file": name.to_string(), "missing": told}))?;
        self.wait_and_sign(&psbt, nonces, &key, &partial_file, output)
    }

    /// Waits for the merged file, and signs it. A file that is refused does not use up the nonces.
    fn wait_and_sign(
        &self,
        ours: &RawPsbt,
        mut nonces: PendingNonces,
        key: &SecretKey,
        partial_file: &Path,
        output: &Output,
    ) -> Result<Exit, Failed> {
        let mut source = Merged::new(self.args.then.as_deref());
        let mut refused = None;
        loop {
            let Some((path, read)) = source.next() else {
                let failed = Failed::new(Exit::Cancelled, "standard input has ended, and no merged file was signed");
                return Err(refused.unwrap_or_else(|| failed.hint("the nonces are gone: begin again")));
            };
            let was_read = read.is_ok();
            let merged = read.and_then(|file| {
                let files = [ours.clone(), file.psbt];
                RawPsbt::combine(&files).map_err(|error| changed(&path, &error))
            });
            let failed = match merged {
                Ok(merged) => match self.second_round(merged, nonces, key, partial_file, output) {
                    Ok(exit) => return Ok(exit),
                    Err((failed, None)) => return Err(failed),
                    Err((failed, Some(pending))) => {
                        nonces = pending;
                        failed
                    }
                },
                Err(failed) => failed,
            };
            if !source.goes_on_after(&failed, was_read) {
                return Err(failed);
            }
            crate::output::complain(&failed);
            refused = Some(failed);
        }
    }

    /// Signs a file that has all nonces, and writes it. The nonces come back if they were not used.
    fn second_round(
        &self,
        mut psbt: RawPsbt,
        nonces: PendingNonces,
        key: &SecretKey,
        partial_file: &Path,
        output: &Output,
    ) -> Result<Exit, (Failed, Option<PendingNonces>)> {
        // The plan is made anew, so that a change of anything that is signed is found.
        let plan = match self.known.plan(&psbt, &self.plan_args) {
            Ok(plan) => plan,
            Err(failed) => return Err((failed, Some(nonces))),
        };
        if let Err(error) = plan.update(&mut psbt, &self.known.group) {
            return Err((contradicts(&error), Some(nonces)));
        }
        if let Err(refused) = plan.sign(&mut psbt, &self.known.group, key, nonces) {
            return Err((self.unsigned(&refused.error), Some(refused.pending)));
        }
        let fail = |failed: Failed| (failed, None);
        let (missing, wrong) = (plan.missing(&psbt), plan.verify_partials(&psbt));
        if let Err(failed) = psbt_file::write(partial_file, &psbt, self.form, self.args.force) {
            // The nonces are used up, so that this is the only copy of the signature.
            return Err(fail(failed.hint(format!("the signed PSBT, which was not written:\n{}", psbt.to_base64()))));
        }
        let name = partial_file.display();
        let next = if missing.is_empty() {
            "all members have signed: `motet psbt finalize` makes the signatures final".to_owned()
        } else {
            format!("still missing: {}", shares::missing_lines(&missing, &self.known).join("; "))
        };
        let object = json!({
            "event": "partial",
            "file": name.to_string(),
            "missing": shares::missing_object(&missing, &self.known),
            "wrong": shares::wrong_object(&wrong, &self.known),
        });
        output.result(&format!("signed, in {name}\n{next}"), &object).map_err(fail)?;
        super::merge::wrong(&shares::wrong_lines(&wrong, &self.known)).map_err(fail)?;
        Ok(Exit::Success)
    }

    /// Refuses to begin if an answer will be needed, and none can come.
    fn check_answers(&self, is_last: bool) -> Result<(), Failed> {
        if let Some(then) = &self.args.then
            && then.symlink_metadata().is_ok()
        {
            let what =
                format!("--then {}: the file is there already, so that it cannot hold fresh nonces", then.display());
            return Err(Failed::usage(what).hint("name a file that will be there when all nonces are merged"));
        }
        let asks = self.args.approve.is_none();
        let waits = self.args.then.is_none() && !is_last;
        if (asks || waits) && !prompt::somebody_may_answer() {
            let failed = Failed::usage("no person or program can answer on standard input");
            return Err(failed.hint(
                "approve with --approve DIGEST, which `motet psbt inspect` shows, and name the merged file with --then FILE",
            ));
        }
        Ok(())
    }

    fn file(&self, round: &str) -> PathBuf {
        let mut name = self.stem.clone().into_os_string();
        name.push(format!(".{round}.psbt"));
        PathBuf::from(name)
    }

    /// Refuses to begin if a file would be overwritten in the end.
    fn check_free(&self, file: &Path) -> Result<(), Failed> {
        if self.args.force || file.symlink_metadata().is_err() {
            return Ok(());
        }
        let what = format!("{} is there already, perhaps from an earlier run", file.display());
        Err(Failed::here(what).hint("move it away, or name other files with --output NAME, or replace it with --force"))
    }

    /// The number of the member whose key this is.
    fn number(&self, key: &SecretKey) -> Result<usize, Failed> {
        let own = key.public_key();
        self.known.number_of(&own).ok_or_else(|| {
            let failed = Failed::new(Exit::Refused, format!("the key {own} is of no member of this group"));
            failed.hint("name this member's own key with --key, or its group with --group")
        })
    }

    /// The failure of a round in which nothing was signed.
    fn unsigned(&self, error: &SignerError) -> Failed {
        match error {
            SignerError::MissingNonce { input, signer } => {
                let what = format!("input {input}: the nonce of {} is missing", self.known.member(*signer));
                Failed::new(Exit::Incomplete, what)
                    .hint("merge that member's file, too, and give the merged file again")
            }
            SignerError::NotASigner => Failed::new(Exit::Refused, error)
                .hint(format!("choose a spend path of this key with --leaf: {}", self.known.path_list())),
            SignerError::Changed | SignerError::OwnNonce { .. } | SignerError::Signed { .. } => {
                Failed::new(Exit::Refused, error)
                    .hint("a member or its program has changed the file; ask for the right one")
            }
            SignerError::TooLate { .. } => Failed::new(Exit::Refused, error)
                .hint("with the first file all members make nonces again; an old nonce is never used twice"),
            SignerError::Nonce(_) | SignerError::Sign(_) | SignerError::Edit(_) | _ => Failed::here(error),
        }
    }
}

fn has(missing: &[Missing], signer: usize, share: Share) -> bool {
    missing.iter().any(|missing| missing.signer == signer && missing.share == share)
}

/// The failure of a PSBT that states something else about the group's coins than the group knows.
fn contradicts(error: &motet_psbt::EditError) -> Failed {
    let failed = Failed::new(Exit::Refused, format!("the PSBT contradicts the group: {error}"));
    failed.hint("nothing was signed; its maker or a member has written a wrong value")
}

/// The failure of a merged file that does not fit to the one with our nonces.
fn changed(path: &Path, error: &motet_psbt::CombineError) -> Failed {
    let what = format!("{} was changed between the rounds: {error}", path.display());
    Failed::new(Exit::Refused, what).hint(
        "file 0 is the one with this key's nonces, file 1 the merged one\n\
         nothing was signed: a member or its program has changed the file; ask for the right one",
    )
}
