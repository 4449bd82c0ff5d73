//! Rules: the first that matches allows, denies, or passes the question to a person (`docs/protocol.md` §6, §10).
//!
//! With contacts set, requests of all other signers are declined before any rule is tried, without a question. They are
//! declined rather than ignored: the request's place is free again at once, the other signers need not wait for one
//! that will never answer, and they do not mistake a refusal for a signer that is down.
//!
//! An approval allows signing the request's bytes. The requester and the co-signers are certain; amount and type are
//! claims. A rule that allows by claims trusts the requester not to lie.
//!
//! A transaction of a group is allowed only by a rule with a condition on its verified facts.

use std::collections::BTreeSet;

use motet_core_crypto::PublicKey;
use motet_wire::MonotonicMs;

use super::condition::{Condition, Mismatch};
use super::explanation::{DecidedBy, Explanation, PassedOver, RuleRef};
use super::facts::Facts;
use super::limits;
use super::memory::Memory;
use super::outflows::Outflows;
use super::rate::Approvals;
use super::verdict::Verdict;

/// The answer to a requester that is no contact.
const STRANGER: &str = "this signer answers its contacts only";

/// One rule: its conditions and its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// For explanations; at most 64 bytes, may be empty.
    pub name: String,
    /// The conditions, all of which must hold. Without conditions, the rule matches every request.
    pub when: Vec<Condition>,
    /// The decision about a request that matches.
    pub then: Verdict,
}

/// Rules in their order, and the decision about requests that match none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The signers whose requests are decided by the rules; all if `None`. Signers of this node that ask one another
    /// are to be listed, too.
    pub contacts: Option<BTreeSet<PublicKey>>,
    /// The rules; the first that matches decides.
    pub rules: Vec<Rule>,
    /// The decision about a request that no rule matches.
    pub otherwise: Verdict,
}

impl Default for Rules {
    /// No rules: everything is asked.
    fn default() -> Self {
        Self { contacts: None, rules: Vec::new(), otherwise: Verdict::Ask }
    }
}

/// Rules that cannot be meant so: their author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// There are too many.
    #[error("{0} rules are more than {max}", max = limits::RULES)]
    TooMany(usize),
    /// A name is too long, or would not stand in one line.
    #[error("the name of rule {0} is longer than {max} bytes, or has control characters", max = limits::RULE_NAME)]
    Name(usize),
    /// A reason does not fit into a message.
    #[error("the reason of {0} is longer than {max} bytes", max = motet_wire::limits::REASON)]
    Reason(Place),
    /// A range holds nothing, or a list is empty: the rule could never match.
    #[error("{0} could never match: a range or a list in it is empty")]
    Never(RuleRef),
    /// A rate is over its bound, or has no period.
    #[error("the rate of {0} needs a period and at most {max} approvals", max = limits::RATE)]
    Rate(RuleRef),
}

/// A place in [`Rules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a rule.
    Rule(RuleRef),
    /// In [`Rules::otherwise`].
    Otherwise,
}

/// Rules that are allowed, and perhaps not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// No request comes as far as this rule.
    Unreachable {
        /// The rule.
        rule: RuleRef,
        /// The rule before it that matches everything.
        after: RuleRef,
    },
    /// The rule signs for every requester: it names neither requesters nor co-signers, and there are no contacts.
    AllowsStrangers(RuleRef),
    /// Requests that no rule matches are signed, for every requester.
    AllowsByDefault,
    /// The rule denies by a statement of the requester, which need only state something else.
    DeniesByClaim(RuleRef),
}

impl Rule {
    fn matches_everything(&self) -> bool {
        self.when.is_empty()
    }
}

impl Rules {
    /// The memory that these rules need.
    pub(super) fn memory(&self) -> Memory {
        let conditions = || self.rules.iter().flat_map(|rule| &rule.when);
        Memory {
            approvals: Approvals::for_rates(conditions().filter_map(Condition::rate), limits::APPROVALS),
            outflows: Outflows::for_allowances(conditions().filter_map(Condition::allowance), limits::APPROVALS),
        }
    }

    /// Checks the rules, as far as that is possible without a request.
    ///
    /// # Errors
    ///
    /// [`RuleError`] for the first rule that must be a mistake.
    pub fn check(&self) -> Result<(), RuleError> {
        if self.rules.len() > limits::RULES {
            return Err(RuleError::TooMany(self.rules.len()));
        }
        for (reference, rule) in self.numbered() {
            if rule.name.len() > limits::RULE_NAME || rule.name.chars().any(char::is_control) {
                return Err(RuleError::Name(reference.number));
            }
            if !rule.then.fits() {
                return Err(RuleError::Reason(Place::Rule(reference)));
            }
            for condition in &rule.when {
                check_condition(condition, &reference)?;
            }
        }
        if self.otherwise.fits() { Ok(()) } else { Err(RuleError::Reason(Place::Otherwise)) }
    }

    /// Remarks on rules that are allowed, and perhaps mistakes.
    pub fn remarks(&self) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let mut catch_all: Option<RuleRef> = None;
        for (reference, rule) in self.numbered() {
            if let Some(after) = &catch_all {
                remarks.push(Remark::Unreachable { rule: reference, after: after.clone() });
                continue;
            }
            let open = self.contacts.is_none() && !rule.when.iter().any(Condition::names_people);
            if rule.then == Verdict::Allow && open {
                remarks.push(Remark::AllowsStrangers(reference.clone()));
            }
            if matches!(rule.then, Verdict::Deny { .. }) && rule.when.iter().any(Condition::is_claim) {
                remarks.push(Remark::DeniesByClaim(reference.clone()));
            }
            if rule.matches_everything() {
                catch_all = Some(reference);
            }
        }
        if self.otherwise == Verdict::Allow && self.contacts.is_none() && catch_all.is_none() {
            remarks.push(Remark::AllowsByDefault);
        }
        remarks
    }

    /// The first rule that matches, and why those before it do not.
    pub(super) fn explain(&self, facts: &Facts, memory: &Memory, now: MonotonicMs) -> Explanation {
        if self.contacts.as_ref().is_some_and(|contacts| !contacts.contains(&facts.requester)) {
            let verdict = Verdict::Deny { reason: STRANGER.to_owned() };
            return Explanation { verdict, decided_by: DecidedBy::Contacts, passed_over: Vec::new() };
        }
        let mut passed_over = Vec::new();
        for (reference, rule) in self.numbered() {
            let mut because: Vec<_> =
                rule.when.iter().filter_map(|condition| condition.mismatch(facts, memory, now)).collect();
            let is_claimed = facts.is_transaction() && !rule.when.iter().any(Condition::is_verified);
            if rule.then == Verdict::Allow && is_claimed {
                because.push(Mismatch::ClaimsAlone);
            }
            if because.is_empty() {
                let (verdict, decided_by) = (rule.then.clone(), DecidedBy::Rule(reference));
                return Explanation { verdict, decided_by, passed_over };
            }
            passed_over.push(PassedOver { rule: reference, because });
        }
        // Nothing was verified that this decision depends on, so a person decides about a transaction.
        let is_blind = self.otherwise == Verdict::Allow && facts.is_transaction();
        let verdict = if is_blind { Verdict::Ask } else { self.otherwise.clone() };
        Explanation { verdict, decided_by: DecidedBy::Otherwise, passed_over }
    }

    fn numbered(&self) -> impl Iterator<Item = (RuleRef, &Rule)> {
        (1..).zip(&self.rules).map(|(number, rule)| (RuleRef { number, name: rule.name.clone() }, rule))
    }
}

fn check_condition(condition: &Condition, rule: &RuleRef) -> Result<(), RuleError> {
    let never = match condition {
        Condition::ClaimedAmount(range) => range.is_empty(),
        Condition::Items(range) => range.is_empty(),
        Condition::ClaimedType(types) => types.is_empty(),
        Condition::Requester(keys) | Condition::CosignersExactly(keys) | Condition::CosignersAmong(keys) => {
            keys.is_empty()
        }
        Condition::Below(rate) if rate.period.is_zero() || rate.approvals.get() > limits::RATE => {
            return Err(RuleError::Rate(rule.clone()));
        }
        Condition::Below(_) => false,
        Condition::Transaction(condition) => condition.is_never(),
    };
    if never { Err(RuleError::Never(rule.clone())) } else { Ok(()) }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(rule) => rule.fmt(f),
            Self::Otherwise => write!(f, "what holds otherwise"),
        }
    }
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable { rule, after } => {
                write!(f, "{rule} is never reached: {after} has no conditions and matches everything")
            }
            Self::AllowsStrangers(rule) => write!(
                f,
                "{rule} signs for anybody, since it names neither requesters nor co-signers; what a stranger states proves nothing"
            ),
            Self::AllowsByDefault => {
                write!(f, "requests that no rule matches are signed, whoever asks")
            }
            Self::DeniesByClaim(rule) => write!(
                f,
                "{rule} denies by a stated amount or type, and a requester is free to state another: allow what may pass instead, and deny the rest"
            ),
        }
    }
}
