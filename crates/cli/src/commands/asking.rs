//! A request of a command: it looks for the other signers, asks them, and waits for the end.

#![expect(clippy::wildcard_enum_match_arm, reason = "a command waits for some events; the rest is for the timeline")]

use core::pin::pin;
use core::time::Duration;
use std::collections::BTreeSet;

use motet_core_crypto::PublicKey;
use motet_node::event::{Completed, Phase, SignedItem};
use motet_node::{Audience, Clock, SignerQuery, SigningRequestSpec};
use motet_wire::{Item, RequestId, limits};

use super::lost_end::{self, lost_end, with_open_end};
use super::run::over;
use crate::args::{Named, words};
use crate::asker::{Asker, Offered};
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::running_signer::Heard;
use crate::search::search;
use crate::text::{self, printable};
use crate::timeline::Told;

/// Time limit for telling the other signers that this node aborts.
const FAREWELL: Duration = Duration::from_secs(1);
/// Time that the end of a session may be late here: the network, the disk.
const SLACK: Duration = Duration::from_secs(60);

/// The request of this command. Nothing else decides how the command ends: other requests, of strangers or of an earlier
/// process, are shown and go on.
struct Asked<F> {
    request: RequestId,
    /// The signers that have not joined yet.
    awaited: BTreeSet<PublicKey>,
    /// The reason why it is given up, if it is.
    given_up: Option<Failed>,
    /// Makes the result of the command of the signatures, and shows it.
    finish: F,
}

impl<F: Fn(&Completed, &Output) -> Result<(), Failed>> Asked<F> {
    /// Aborts the session for all signers, so that the others need not wait.
    async fn give_up(&mut self, node: &Asker, reason: &'static str, failed: Failed) {
        self.given_up.get_or_insert(failed);
        // An error says that it has ended already: the event of that is on its way.
        drop(node.abort(self.request, reason).await);
    }

    /// Handles an event. Returns the result of the command, if the event ends it.
    async fn hear(&mut self, event: &Told, node: &Asker, output: &Output) -> Option<Result<Exit, Failed>> {
        if let Told::SignerUnavailable { signer, reason } = event
            && self.awaited.contains(signer)
            && self.given_up.is_none()
        {
            let left = format!("no signature: {} has left: {}", output.name(signer), printable(reason));
            let failed = Failed::new(Exit::Session, left).hint("ask again when it is back");
            self.give_up(node, "a signer has left", failed).await;
        }
        if event.request() != Some(&self.request) {
            if let Told::SessionComplete(other) = event {
                output.say(&format!("  signature of another request, {}:{}", other.request, lines(other)));
            }
            return None;
        }
        match event {
            Told::ParticipantJoined { signer, .. } => {
                self.awaited.remove(signer);
                None
            }
            Told::SessionComplete(completed) => Some((self.finish)(completed, output).map(|()| Exit::Success)),
            Told::SessionAborted { end, may_complete, .. } => Some(Err(match self.given_up.take() {
                Some(failed) => with_open_end(failed, may_complete, output),
                None => lost_end::ended(end, may_complete, &node.signer(), output),
            })),
            _ => None,
        }
    }

    /// Asks the node for the state of the session, since events were lost. Returns the result of the command, if the
    /// session has ended.
    async fn catch_up(&mut self, node: &Asker, output: &Output) -> Option<Result<Exit, Failed>> {
        let status = node.session(self.request).await.ok()?;
        if status.phase != Phase::Joining {
            self.awaited.clear();
        }
        match lost_end(&status, output)? {
            Ok(completed) => Some((self.finish)(&completed, output).map(|()| Exit::Success)),
            Err(failed) => Some(Err(match self.given_up.take() {
                Some(given_up) => with_open_end(given_up, &status.may_complete, output),
                None => failed,
            })),
        }
    }
}

/// Asks, and waits for the end of the session. `finish` makes the result of the command of the signatures, and shows it.
pub(crate) async fn ask(
    mut node: Asker,
    announcement: SigningRequestSpec,
    audience: Audience,
    finish: impl Fn(&Completed, &Output) -> Result<(), Failed>,
    interrupts: &mut Interrupts,
    clock: Clock,
    output: &mut Output,
) -> Result<Exit, Failed> {
    let awaited = announcement.keys.iter().copied().filter(|key| *key != node.signer()).collect();
    // From here on others may hear of it, and are told if it is given up.
    let request = node.announce(announcement, audience).await?;
    output.follow(request);
    let limit = patience(&node, request).await;
    let mut asked = Asked { request, awaited, given_up: None, finish };
    let mut farewell = None;
    let mut unsaid = None;
    let mut deadline = pin!(tokio::time::sleep(limit));
    let ended = loop {
        tokio::select! {
            heard = node.next() => {
                // The signature matters more than the lines before it.
                let (told, ended) = match heard? {
                    Heard::Event(told, object) => (
                        output.heard(node.nickname(), clock.now().mono, &told, &object),
                        asked.hear(&told, &node, output).await,
                    ),
                    Heard::Lost(lost) => (
                        output.lost(node.nickname(), clock.now().mono, lost),
                        asked.catch_up(&node, output).await,
                    ),
                    Heard::Missed => (Ok(()), asked.catch_up(&node, output).await),
                };
                if let Err(failed) = told {
                    unsaid.get_or_insert(failed);
                }
                if let Some(ended) = ended {
                    break ended;
                }
                if asked.given_up.is_some() && farewell.is_none() {
                    farewell = Some(Box::pin(tokio::time::sleep(FAREWELL)));
                }
            }
            () = interrupts.next() => {
                // The others need not wait for nothing; a second interrupt does not wait for them.
                if farewell.is_some() {
                    break Err(Interrupts::cancelled());
                }
                asked.give_up(&node, "given up by its asker", Interrupts::cancelled()).await;
                farewell = Some(Box::pin(tokio::time::sleep(FAREWELL)));
            }
            () = &mut deadline, if farewell.is_none() => {
                let what = format!("no signature: the session did not end within {}", words(limit));
                asked.give_up(&node, "given up by its asker", Failed::new(Exit::Session, what)).await;
                farewell = Some(Box::pin(tokio::time::sleep(FAREWELL)));
            }
            () = over(farewell.as_mut()) => {
                break Err(asked.given_up.take().unwrap_or_else(Interrupts::cancelled));
            }
        }
    };
    if ended.is_ok() {
        // A result that is not noted is told again at the next start.
        drop(node.note(asked.request).await);
    }
    node.stop().await;
    ended.and_then(|exit| unsaid.map_or(Ok(exit), Err))
}

/// Time limit of this command: longer than its node lets the session take.
async fn patience(node: &Asker, request: RequestId) -> Duration {
    let status = node.session(request).await;
    let left = status.ok().and_then(|status| status.ends_in).unwrap_or(limits::REQUEST_LIFETIME);
    left.saturating_add(SLACK)
}

/// Refuses to ask for something else under a key for which an earlier request may still be completed: then both would be
/// signed.
pub(crate) async fn check_open_ends(
    despite_open: bool,
    node: &Asker,
    asked: &SigningRequestSpec,
    output: &Output,
) -> Result<(), Failed> {
    let own = |item: &Item| Some((item.verification_key(&asked.keys).ok()?, item.message.clone()));
    let ours: Vec<_> = asked.items.iter().filter_map(own).collect();
    let sessions = node.sessions().await?;
    for earlier in sessions.iter().filter(|session| !session.may_complete.is_empty()) {
        let conflict = earlier
            .items
            .iter()
            .find(|item| ours.iter().any(|(key, message)| item.aggregate_key == *key && *item.message != **message));
        if let Some(item) = conflict.filter(|_| !despite_open) {
            let who = output.names(&earlier.may_complete);
            let what = format!(
                "an earlier request under the same key may still be completed by {who}: {}",
                text::message(&item.message)
            );
            let hint = "if only one of the two may be signed, do not ask again; `motet run` with this key learns how it \
                        ends. To ask all the same: --despite-open";
            return Err(Failed::new(Exit::Session, what).hint(hint));
        }
    }
    Ok(())
}

/// Signatures for people, each with its message.
pub(crate) fn lines(completed: &Completed) -> String {
    let line = |item: &SignedItem| {
        let message = text::message(&item.message);
        let (key, signature) = (&item.aggregate_key, &item.signature);
        format!("\n  message        {message}\n  aggregate key  {key}\n  signature      {signature}")
    };
    completed.items.iter().map(line).collect()
}

/// The advertisements of all signers that were named.
pub(crate) async fn find(with: &[Named], time: Duration, node: &Asker) -> Result<Vec<Offered>, Failed> {
    let mut missing = with.to_vec();
    let look = |known: &[Offered]| {
        let mut found: Vec<(&Named, &Offered)> = Vec::new();
        missing.clear();
        for wanted in with {
            let Some(offer) = pick(known, wanted, &node.signer())? else {
                missing.push(wanted.clone());
                continue;
            };
            let signer = offer.signer;
            if let Some((earlier, _)) = found.iter().find(|(_, other)| other.signer == signer) {
                let failed = format!("--with: {} and {} are one signer", shown(earlier), shown(wanted));
                return Err(Failed::usage(failed).hint("name each signer once"));
            }
            found.push((wanted, offer));
        }
        Ok(missing.is_empty().then(|| found.into_iter().map(|(_, offer)| offer.clone()).collect()))
    };
    let found = search(node, &SignerQuery::default(), time, look).await?;
    found.ok_or_else(|| {
        let what = format!("not found within {}: {}", words(time), list(&missing));
        Failed::new(Exit::NotFound, what)
    })
}

/// The signer with this nickname or key. Two with one nickname are an error: nicknames prove nothing.
fn pick<'a>(known: &'a [Offered], wanted: &Named, own: &PublicKey) -> Result<Option<&'a Offered>, Failed> {
    let mut matching = known.iter().filter(|offer| offer.signer != *own && wanted.is(&offer.signer, &offer.nickname));
    let first = matching.next();
    if matching.next().is_some() {
        let failed = Failed::new(Exit::NotFound, format!("several signers call themselves {}", shown(wanted)));
        return Err(failed.hint("name it by its key; `motet find` lists the keys"));
    }
    Ok(first)
}

fn shown(named: &Named) -> String {
    printable(&named.to_string())
}

pub(crate) fn list(named: &[Named]) -> String {
    named.iter().map(shown).collect::<Vec<_>>().join(", ")
}
