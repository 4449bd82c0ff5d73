//! Effects that do not leave the node: questions to its signers and its policy, and computations.
//!
//! A computation runs on the driver's own thread while it is short and few inputs wait, else on another.
//! To wake a thread, and to be woken by it, takes as long as checking a signature, and many times as long where other
//! programs use the machine, too. A session alone would spend most of its time on that. A busy node has more work than
//! one thread can do, and the inputs of its pool come in batches.

use std::future::Future as _;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use motet_coordinator::{Decision, Input, Job, Pace, Proposal, SignerError, SignerTask};
use motet_wallet::TRANSACTION_TYPE;
use tracing::{Instrument as _, Span};

use super::Driver;
use super::input::{CheckedTransaction, DriverInput, Next};
use super::rechecks::Recheck;
use crate::OsEntropy;
use crate::limits;

impl Driver {
    /// Hands a task to the signer that it is for.
    pub(crate) fn ask_signer(&mut self, task: SignerTask) {
        if matches!(task, SignerTask::Sign { .. }) {
            self.crash.before_signing();
        }
        let Some(signer) = self.signers.get(task.signer()).map(Arc::clone) else {
            self.backlog.extend(task.refused(SignerError::Unknown).map(|answer| Input::SignerAnswered(answer).into()));
            return;
        };
        let span = task.request().map_or_else(Span::none, |request| self.engine.span_of(request));
        let recheck = self.verified.recheck(&task, &self.engine, &self.groups);
        let weight = task.weight().saturating_add(recheck.as_ref().map_or(0, Recheck::weight));
        let computes = (signer.pace() == Pace::Computes).then_some(weight);
        let work = move || {
            let _entered = span.enter();
            if let Some(Err(mismatch)) = recheck.map(|recheck| recheck.run()) {
                let code = mismatch.code();
                tracing::warn!(signer = %task.signer(), code, %mismatch, "what was approved is not signed any more");
                let answer = task.refused(SignerError::Declined(mismatch.reason()));
                return answer.map(|answer| Input::SignerAnswered(answer).into());
            }
            tracing::debug!(signer = %task.signer(), task = task.name(), "a signer is asked");
            task.perform(&*signer).map(|answer| Input::SignerAnswered(answer).into())
        };
        match computes {
            Some(weight) => self.run_soon(Some(weight), work),
            // It may wait for a person, and nothing else waits for that.
            None => self.devices.run(work),
        }
    }

    /// Runs a computation of the engine's.
    pub(crate) fn compute(&mut self, job: Job) {
        self.run_soon(job.weight(), move || Some(Input::Computed(job.run(&mut OsEntropy)).into()));
    }

    /// Runs a computation that takes about as long as `weight` checks of signatures, or looks for a proof of work if it has
    /// no weight. It begins after the current step, and when the frames of that step have left.
    pub(crate) fn run_soon(
        &mut self,
        weight: Option<usize>,
        work: impl FnOnce() -> Option<DriverInput> + Send + 'static,
    ) {
        match weight {
            Some(weight) if weight.saturating_add(self.waiting) <= limits::AT_ONCE => {
                self.backlog.push_back(Next::Work(Box::new(work)));
            }
            Some(_) => self.pool.run(work),
            None => self.proofs.run(work),
        }
    }

    /// Puts a proposal before the policy, after it has been checked. The check of a transaction takes its time with each input, and
    /// no command of the program joins the session before it is done.
    pub(crate) fn ask_policy(&mut self, proposal: Proposal) {
        if proposal.terms.metadata.transaction_type != TRANSACTION_TYPE {
            let checked = self.groups.verify(&proposal).map(|verified| verified.map(Box::new));
            self.ask_checked(proposal, checked);
            return;
        }
        self.decisions.wait_for_check(proposal.request, proposal.signer);
        let span = self.engine.span_of(&proposal.request);
        let groups = self.groups.clone();
        let weight = proposal.terms.items.len().saturating_mul(limits::ITEM_WEIGHT);
        self.run_soon(Some(weight), move || {
            let _entered = span.enter();
            let checked = groups.verify(&proposal).map(|verified| verified.map(Box::new));
            Some(DriverInput::Proposed { proposal: Box::new(proposal), checked })
        });
    }

    /// Goes on with a proposal whose transaction has been checked.
    pub(crate) fn on_proposed(&mut self, proposal: Proposal, checked: CheckedTransaction) {
        let Some(check) = self.decisions.checked(proposal.request, proposal.signer) else { return };
        if !check.is_over {
            self.ask_checked(proposal, checked);
        }
        // Behind the refusal of a proposal that is not what it says.
        self.backlog.extend(check.held.into_iter().map(Next::Held));
    }

    /// Asks the policy about a proposal that has been checked. Rules decide at once; people take their time.
    fn ask_checked(&mut self, proposal: Proposal, checked: CheckedTransaction) {
        let (policy, back) = (Arc::clone(&self.policy), self.inputs_in.clone());
        let (request, signer, digest) = (proposal.request, proposal.signer, proposal.digest());
        let span = self.engine.span_of(&request);
        if let Ok(Some(transaction)) = &checked {
            self.verified.note(request, signer, transaction.group());
        }
        let asking = async move {
            let decision = match checked {
                Ok(None) => policy.decide(proposal).await,
                Ok(Some(transaction)) => policy.decide_verified(proposal, *transaction).await,
                Err(mismatch) => {
                    let code = mismatch.code();
                    tracing::warn!(%signer, code, %mismatch, "the request is not what it says, and is declined");
                    Decision::Decline { reason: mismatch.reason() }
                }
            };
            tracing::info!(%signer, ?decision, "the policy has decided");
            DriverInput::from(Input::PolicyDecided { request, signer, digest, decision })
        };
        let mut asking = Box::pin(asking.instrument(span));
        match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(decided) => self.backlog.push_back(Next::Back(decided)),
            Poll::Pending => {
                let task = tokio::spawn(async move { drop(back.send(asking.await).await) });
                self.decisions.wait_for(request, signer, task.abort_handle());
                self.backlog.push_back(Input::PersonAsked { request, signer }.into());
            }
        }
    }
}
