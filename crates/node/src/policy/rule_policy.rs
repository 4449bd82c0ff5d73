//! A [`Policy`] that follows [`Rules`], and asks another one where they say so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use motet_coordinator::event::AbortCause;
use motet_coordinator::{Decision, Proposal};
use motet_core_crypto::PublicKey;
use motet_wallet::VerifiedTransaction;
use motet_wire::{MonotonicMs, RequestId};

use super::Policy;
use super::explanation::Explanation;
use super::facts::Facts;
use super::memory::Memory;
use super::rules::{RuleError, Rules};
use super::verdict::Verdict;
use crate::Clock;

/// Decides by rules; the first that matches wins.
///
/// [`RulePolicy::evaluate`] is a function of rules, proposal, time and the approvals so far; nothing else. Approvals are
/// counted for each requester, by whichever rule or person, and forgotten when the process ends.
#[derive(Debug)]
pub struct RulePolicy {
    rules: Rules,
    ask: Arc<dyn Policy>,
    clock: Clock,
    memory: Mutex<Memory>,
}

impl RulePolicy {
    /// Follows these rules, and asks `ask` where they say so.
    ///
    /// # Errors
    ///
    /// [`RuleError`] if the rules cannot be meant so.
    pub fn new(rules: Rules, ask: impl Policy + 'static) -> Result<Self, RuleError> {
        rules.check()?;
        let memory = Mutex::new(rules.memory());
        Ok(Self { rules, ask: Arc::new(ask), clock: Clock::start(), memory })
    }

    /// The rules.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The decision of the rules about a request at this time. If they allow it, that counts as an approval of its
    /// requester.
    pub fn evaluate(&self, request: impl Into<Facts>, now: MonotonicMs) -> Verdict {
        self.judge(&request.into(), now).verdict
    }

    /// Which rule would decide at this time, and why those before it would not. Nothing is counted.
    pub fn explain(&self, request: impl Into<Facts>, now: MonotonicMs) -> Explanation {
        self.rules.explain(&request.into(), &self.memory(), now)
    }

    /// Decides and counts in one step, so that of two requests at once only one gets the last approval of a rate.
    fn judge(&self, facts: &Facts, now: MonotonicMs) -> Explanation {
        let mut memory = self.memory();
        let explanation = self.rules.explain(facts, &memory, now);
        if explanation.verdict == Verdict::Allow {
            memory.count(facts, now);
        }
        explanation
    }

    /// The decision of the rules; none if another policy is to be asked.
    fn by_rules(&self, proposal: &Proposal, facts: &Facts) -> Option<Decision> {
        let explanation = self.judge(facts, self.clock.now().mono);
        tracing::info!(request = %proposal.request, %explanation, "rules have decided");
        match explanation.verdict {
            Verdict::Allow => Some(Decision::Approve),
            Verdict::Deny { reason } => Some(Decision::Decline { reason }),
            Verdict::Ask => None,
        }
    }

    /// Counts the other policy's decision, if it is an approval. A person takes time: it counts from the answer.
    fn asked(&self, facts: &Facts, decision: Decision) -> Decision {
        if decision == Decision::Approve {
            self.memory().count(facts, self.clock.now().mono);
        }
        decision
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // The memory is consistent after every step, even if a thread died in another one.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Policy for RulePolicy {
    async fn decide(&self, proposal: Proposal) -> Decision {
        let facts = Facts::from(&proposal);
        match self.by_rules(&proposal, &facts) {
            Some(decision) => decision,
            None => self.asked(&facts, self.ask.decide(proposal).await),
        }
    }

    async fn decide_verified(&self, proposal: Proposal, transaction: VerifiedTransaction) -> Decision {
        let facts = Facts::of_verified(&proposal, &transaction);
        match self.by_rules(&proposal, &facts) {
            Some(decision) => decision,
            None => self.asked(&facts, self.ask.decide_verified(proposal, transaction).await),
        }
    }

    fn over(&self, request: &RequestId, signer: &PublicKey, cause: Option<&AbortCause>) {
        // Rules decide at once: a question that is still open is the other policy's.
        self.ask.over(request, signer, cause);
    }
}
