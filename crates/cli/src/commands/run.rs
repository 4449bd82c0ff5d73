//! `motet run`: be a signer.

#![expect(clippy::wildcard_enum_match_arm, reason = "a command waits for some events; the rest is for the timeline")]

use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_daemon::Questions;
use motet_node::Clock;
use motet_node::event::{Aborted, Event};
use motet_node::policy::{ApproveAll, Policy, RulePolicy, Verdict};
use motet_wire::{Channel, Criteria, RequestId, SignerMetadata};
use serde_json::json;
use tokio::time::Sleep;

use super::leaving::Leaving;
use super::lost_end::{ended, lost_end};
use crate::api::Api;
use crate::args::RunArgs;
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::{Format, Output, note};
use crate::peer_node::PeerNode;
use crate::policy_file::PolicyFile;
use crate::prompt::{Prompt, Served, somebody_may_answer};
use crate::service_manager::{ALIVE, READY, STOPPING, ServiceManager};
use crate::text::printable;

/// Life of an advertisement; it is repeated at half of that.
const ADVERTISED: Duration = Duration::from_secs(3600);
/// Time within which a healthy node answers.
const HEALTHY: Duration = Duration::from_secs(5);
/// Pause between two searches of a node with `--dev` for others.
const MEETING: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: RunArgs) -> Result<Exit, Failed> {
    // From here on interrupts are remembered until they are handled.
    let mut interrupts = Interrupts::listen()?;
    let clock = Clock::start();
    let mut output = Output::new(Format::of(args.node.json), clock.now().mono);
    let questions = Questions::new().map_err(Failed::here)?;
    let policy = policy(&args, &questions, &output)?;
    let mut node = interrupts.unless(PeerNode::start(&args.node, policy, |_| Ok(()))).await?;
    if args.policy.is_none() && !args.auto_approve && args.api.no_api && !somebody_may_answer() {
        node.handle.stop().await;
        return Err(nobody_to_ask());
    }
    let api = match Api::start(&args.api, &args.node.keystore, &node, questions.clone()).await {
        Ok(api) => api,
        Err(failed) => {
            node.handle.stop().await;
            return Err(failed);
        }
    };
    let folder = api.as_ref().map(|api| api.folder().display().to_string());
    output.learn(node.signer, &node.nickname);
    output.result(
        &format!("signer {} as {:?}, peer {}; stop with Ctrl-C", node.signer, node.nickname, node.handle.peer_id()),
        &json!({"event": "ready", "signer": node.signer.to_string(), "peer": node.handle.peer_id().to_string(), "api": folder}),
    )?;
    if let Some(folder) = &folder {
        let folder = printable(folder);
        output.say(&format!("commands such as `motet requests` speak to it: --data {folder}"));
        if let Some(page) = api.as_ref().and_then(Api::page) {
            output.say(&format!("its page is {page} and asks for the token in {folder}/api.token"));
        }
    }
    let manager = ServiceManager::of_environment();
    manager.tell(READY);
    let mut signs_of_life = manager.rhythm().map(tokio::time::interval);
    let criteria = Criteria { transaction_types: args.types.clone(), ..Criteria::ANY };
    let metadata = SignerMetadata { nickname: node.nickname.clone(), ..SignerMetadata::default() };
    node.handle.advertise_signer(node.signer, criteria, metadata, ADVERTISED).await.map_err(Failed::here)?;
    let mut first = First::default();
    let mut leaving: Option<Leaving> = None;
    // How the one session of `--once` has ended.
    let mut once: Option<Result<Exit, Failed>> = None;
    let mut unsaid = None;
    let mut meeting = tokio::time::interval(MEETING);
    let mut leaves = false;
    loop {
        if (leaves || once.is_some()) && leaving.is_none() {
            manager.tell(STOPPING);
            leaving = Some(Leaving::begin(&node, &Api::signers(api.as_ref(), &node)).await);
        }
        if leaving.as_ref().is_some_and(Leaving::is_over) {
            break;
        }
        tokio::select! {
            event = node.events.next() => {
                let Some(event) = event else { return Err(Failed::here("the node has stopped")) };
                let told = match &event {
                    Ok(event) => output.event(&node.nickname, clock.now().mono, event),
                    Err(lost) => output.lost(&node.nickname, clock.now().mono, *lost),
                };
                if let (Err(failed), None) = (told, &unsaid) {
                    // The output is closed, so no reader learns of this signer's sessions: the program ends, as at an
                    // interrupt.
                    unsaid = Some(failed);
                    leaves = true;
                }
                let Ok(event) = event else {
                    // The end of the session may be one of the lost events.
                    if args.once
                        && once.is_none()
                        && let Some(request) = first.0
                        && let Ok(status) = node.handle.session_status(request).await
                    {
                        once = lost_end(&status, &output).map(|ended| ended.map(|_| Exit::Success));
                    }
                    continue;
                };
                if let (Event::SessionComplete(completed), None, false) = (&event, &unsaid, args.api.keep_results) {
                    // A result that is not noted is told again at the next start.
                    drop(node.handle.note_result(completed.request).await);
                }
                if args.once
                    && once.is_none()
                    && first.concerns(&event)
                    && let Some(ended) = outcome(&event, &node.signer, &output)
                {
                    let by_rules = args.policy.is_some() && first.0.is_some_and(|first| !questions.has_answered(&first));
                    once = Some(ended.map_err(|failed| if by_rules { failed.by_rules() } else { failed }));
                }
                if let Some(leaving) = &mut leaving {
                    leaving.heed(&event);
                }
            }
            () = next_sign(signs_of_life.as_mut()) => {
                // A node that does not answer is restarted by the manager.
                if let Ok(Ok(_)) = tokio::time::timeout(HEALTHY, node.handle.stats()).await {
                    manager.tell(ALIVE);
                }
            }
            _ = meeting.tick() => node.meet().await,
            () = async { tokio::select! { () = interrupts.next() => {}, () = Api::halted(api.as_ref()) => {} } } => {
                // A second interrupt does not wait.
                if leaving.is_some() {
                    break;
                }
                leaves = true;
            }
            () = Leaving::too_long(leaving.as_mut()) => break,
        }
    }
    node.handle.stop().await;
    if let Some(api) = api {
        api.stop().await;
    }
    once.unwrap_or(Ok(Exit::Success)).and_then(|exit| unsaid.map_or(Ok(exit), Err))
}

/// The session after which `--once` stops: the first that asks for this signer while this program runs. Sessions that
/// an earlier program has left go on beside it and end nothing.
#[derive(Default)]
struct First(Option<RequestId>);

impl First {
    /// True if the event is about this session.
    fn concerns(&mut self, event: &Event) -> bool {
        if let Event::SigningRequestReceived(requested) = event
            && requested.channel != Channel::Store
        {
            self.0.get_or_insert(requested.id);
        }
        self.0.is_some() && event.request() == self.0.as_ref()
    }
}

/// Waits for the time of the next sign of life; for ever if the service manager awaits none.
async fn next_sign(rhythm: Option<&mut tokio::time::Interval>) {
    match rhythm {
        Some(rhythm) => drop(rhythm.tick().await),
        None => core::future::pending().await,
    }
}

/// The failure of a signer that asks about each request where no answer is possible: it could only decline.
fn nobody_to_ask() -> Failed {
    let what = "there is nobody to ask: standard input is no terminal, and no program can answer there";
    Failed::usage(what)
        .hint("leave --no-api out, decide by rules with --policy FILE, or sign everything with --auto-approve")
}

/// The policy that decides about requests.
fn policy(args: &RunArgs, questions: &Questions, output: &Output) -> Result<Arc<dyn Policy>, Failed> {
    let served = if args.api.no_api { Served::No } else { Served::Yes };
    let prompt = Prompt::new(questions.clone(), served);
    let Some(path) = &args.policy else {
        if args.auto_approve {
            return Ok(Arc::new(ApproveAll));
        }
        return Ok(Arc::new(prompt));
    };
    let rules = PolicyFile::read(path)?.rules;
    for remark in rules.remarks() {
        output.say(&format!("note: {remark}"));
    }
    let asks = rules.otherwise == Verdict::Ask || rules.rules.iter().any(|rule| rule.then == Verdict::Ask);
    if asks && args.api.no_api && !somebody_may_answer() {
        note("there is nobody to ask: requests for which the rules say \"ask\" will be declined");
    }
    Ok(Arc::new(RulePolicy::new(rules, prompt).map_err(Failed::usage)?))
}

/// Waits until the farewell is over; for ever if there is none.
pub(crate) async fn over(farewell: Option<&mut Pin<Box<Sleep>>>) {
    match farewell {
        Some(farewell) => farewell.await,
        None => core::future::pending().await,
    }
}

/// The end of a session, if the event is one.
fn outcome(event: &Event, own: &PublicKey, output: &Output) -> Option<Result<Exit, Failed>> {
    match event {
        Event::SessionComplete(_) => Some(Ok(Exit::Success)),
        Event::SessionAborted(Aborted { cause, may_complete, .. }) => {
            Some(Err(ended(cause, may_complete, own, output)))
        }
        _ => None,
    }
}
