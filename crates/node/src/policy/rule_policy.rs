//! A [`Policy`] that follows [`Rules`], and asks another one where they say so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use motet_coordinator::event::AbortCause;
use motet_coordinator::{Decision, Proposal};
use motet_core_crypto::PublicKey;
use motet_wire::{MonotonicMs, RequestId};

use super::Policy;
use super::explanation::Explanation;
use super::facts::Facts;
use super::rate::Approvals;
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
    approvals: Mutex<Approvals>,
}

impl RulePolicy {
    /// Follows these rules, and asks `ask` where they say so.
    ///
    /// # Errors
    ///
    /// [`RuleError`] if the rules cannot be meant so.
    pub fn new(rules: Rules, ask: impl Policy + 'static) -> Result<Self, RuleError> {
        rules.check()?;
        let approvals = Mutex::new(rules.approvals());
        Ok(Self { rules, ask: Arc::new(ask), clock: Clock::start(), approvals })
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
        self.rules.explain(&request.into(), &self.approvals(), now)
    }

    /// Decides and counts in one step, so that of two requests at once only one gets the last approval of a rate.
    fn judge(&self, facts: &Facts, now: MonotonicMs) -> Explanation {
        let mut approvals = self.approvals();
        let explanation = self.rules.explain(facts, &approvals, now);
        if explanation.verdict == Verdict::Allow {
            approvals.count(facts.requester, now);
        }
        explanation
    }

    fn approvals(&self) -> MutexGuard<'_, Approvals> {
        // The memory is consistent after every step, even if a thread died in another one.
        self.approvals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Policy for RulePolicy {
    async fn decide(&self, proposal: Proposal) -> Decision {
        let facts = Facts::from(&proposal);
        let explanation = self.judge(&facts, self.clock.now().mono);
        tracing::info!(request = %proposal.request, %explanation, "rules have decided");
        match explanation.verdict {
            Verdict::Allow => Decision::Approve,
            Verdict::Deny { reason } => Decision::Decline { reason },
            Verdict::Ask => {
                let decision = self.ask.decide(proposal).await;
                if decision == Decision::Approve {
                    // A person takes time: it counts from the answer.
                    self.approvals().count(facts.requester, self.clock.now().mono);
                }
                decision
            }
        }
    }

    fn over(&self, request: &RequestId, signer: &PublicKey, cause: Option<&AbortCause>) {
        // Rules decide at once: a question that is still open is the other policy's.
        self.ask.over(request, signer, cause);
    }
}
