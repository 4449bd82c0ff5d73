//! Rules: each condition on both sides of its border, who is asked, and how often (`docs/protocol.md` §6, §10).

mod properties;
mod transactions;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use motet_core_crypto::{PublicKey, SecretKey, Signature};
use motet_node::policy::{
    ApproveAll, Condition, DecidedBy, DeclineAll, Facts, Policy, Rate, Remark, Rule, RuleError, RulePolicy, Rules,
    Verdict,
};
use motet_node::{Decision, Proposal};
use motet_wire::{
    Delegation, Derivation, Item, MonotonicMs, NetworkId, PeerId, RequestMetadata, RequestOptions, SigningRequest,
    TimestampMs,
};

const START: MonotonicMs = MonotonicMs(1_000_000);

/// Signers by number; 0 is this node's own.
fn key(number: u8) -> PublicKey {
    SecretKey::from_bytes(&[number + 1; 32]).unwrap().public_key()
}

fn keys(numbers: &[u8]) -> BTreeSet<PublicKey> {
    numbers.iter().copied().map(key).collect()
}

/// What signer 1 asks of signer 0, with these others.
fn facts(cosigners: &[u8]) -> Facts {
    Facts {
        signer: key(0),
        requester: key(1),
        cosigners: keys(cosigners),
        items: 1,
        claimed_amount: Some(100),
        claimed_type: "payment".to_owned(),
        verified: None,
    }
}

/// The same as a request.
fn proposal(facts: &Facts) -> Proposal {
    let creator = Delegation {
        signer: facts.requester,
        message_key: key(99),
        peer: PeerId::from_bytes(&[1; 38]).unwrap(),
        not_after: TimestampMs(2),
        signature: Signature::from_bytes(&[0; 64]),
    };
    let item = Item { message: b"a message".to_vec(), derivation: Derivation::None };
    let terms = SigningRequest {
        creator,
        keys: facts.cosigners.iter().copied().chain([facts.signer]).collect(),
        items: vec![item; facts.items],
        options: RequestOptions::default(),
        metadata: RequestMetadata {
            amount: facts.claimed_amount,
            transaction_type: facts.claimed_type.clone(),
            ..RequestMetadata::default()
        },
        created: TimestampMs(0),
        expires: TimestampMs(1),
        salt: [0; 16],
        work: None,
    };
    let request = terms.id(&NetworkId::test()).unwrap();
    let keys = terms.items.iter().map(|item| item.verification_key(&terms.keys).unwrap()).collect();
    Proposal { request, signer: facts.signer, terms: Box::new(terms), keys }
}

fn deny(reason: &str) -> Verdict {
    Verdict::Deny { reason: reason.to_owned() }
}

fn rule(name: &str, when: Vec<Condition>, then: Verdict) -> Rule {
    Rule { name: name.to_owned(), when, then }
}

fn rate(approvals: u32, seconds: u64) -> Rate {
    Rate { approvals: NonZeroU32::new(approvals).unwrap(), period: Duration::from_secs(seconds) }
}

/// Rules that nobody is asked about.
fn policy(rules: Vec<Rule>) -> RulePolicy {
    RulePolicy::new(Rules { rules, ..Rules::default() }, DeclineAll).unwrap()
}

/// Whether a rule with this one condition matches.
fn holds(condition: &Condition, facts: &Facts) -> bool {
    let policy = policy(vec![rule("", vec![condition.clone()], Verdict::Allow)]);
    match policy.evaluate(facts, START) {
        Verdict::Allow => true,
        Verdict::Ask => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_rules_look_at_is_what_the_request_says() {
    let facts = Facts { items: 3, ..facts(&[1, 2]) };
    assert_eq!(Facts::from(&proposal(&facts)), facts);
    let bare = Facts { claimed_amount: None, claimed_type: String::new(), ..facts };
    assert_eq!(Facts::from(&proposal(&bare)), bare);
}

#[test]
fn an_amount_matches_up_to_its_borders_and_never_when_none_is_stated() {
    let between = Condition::ClaimedAmount(10..=100);
    let of = |amount| Facts { claimed_amount: amount, ..facts(&[1]) };
    for (amount, matches) in [(9, false), (10, true), (100, true), (101, false), (0, false), (u64::MAX, false)] {
        assert_eq!(holds(&between, &of(Some(amount))), matches, "{amount}");
    }
    assert!(!holds(&between, &of(None)));
    let any = Condition::ClaimedAmount(0..=u64::MAX);
    assert!(holds(&any, &of(Some(0))) && holds(&any, &of(Some(u64::MAX))));
    assert!(!holds(&any, &of(None)));
}

#[test]
fn a_type_matches_exactly() {
    let condition = Condition::ClaimedType(["payment".to_owned(), "channel".to_owned()].into());
    let of = |text: &str| Facts { claimed_type: text.to_owned(), ..facts(&[1]) };
    for (text, matches) in
        [("payment", true), ("channel", true), ("Payment", false), ("payments", false), ("pay", false), ("", false)]
    {
        assert_eq!(holds(&condition, &of(text)), matches, "{text}");
    }
    assert!(holds(&Condition::ClaimedType([String::new()].into()), &of("")));
}

#[test]
fn a_requester_matches_whoever_else_signs() {
    let condition = Condition::Requester(keys(&[1, 2]));
    for (requester, matches) in [(1, true), (2, true), (3, false), (0, false)] {
        let facts = Facts { requester: key(requester), ..facts(&[1, 2, 3]) };
        assert_eq!(holds(&condition, &facts), matches, "{requester}");
    }
}

#[test]
fn exactly_these_cosigners_are_neither_more_nor_fewer() {
    for group in [keys(&[1, 2]), keys(&[0, 1, 2])] {
        let condition = Condition::CosignersExactly(group);
        for (cosigners, matches) in
            [(&[1, 2][..], true), (&[1], false), (&[1, 2, 3], false), (&[1, 3], false), (&[3], false)]
        {
            assert_eq!(holds(&condition, &facts(cosigners)), matches, "{cosigners:?}");
        }
    }
}

#[test]
fn cosigners_among_a_group_may_be_fewer_and_nobody_else() {
    let condition = Condition::CosignersAmong(keys(&[1, 2, 3]));
    for (cosigners, matches) in
        [(&[1, 2, 3][..], true), (&[1], true), (&[2, 3], true), (&[1, 2, 3, 4], false), (&[4], false)]
    {
        assert_eq!(holds(&condition, &facts(cosigners)), matches, "{cosigners:?}");
    }
}

#[test]
fn items_match_up_to_their_borders() {
    let condition = Condition::Items(2..=4);
    for (items, matches) in [(1, false), (2, true), (4, true), (5, false)] {
        assert_eq!(holds(&condition, &Facts { items, ..facts(&[1]) }), matches, "{items}");
    }
}

#[test]
fn all_conditions_of_a_rule_must_hold_and_none_always_does() {
    let both = |amount, requester| {
        let when = vec![Condition::ClaimedAmount(0..=amount), Condition::Requester(keys(&[requester]))];
        policy(vec![rule("", when, Verdict::Allow)]).evaluate(facts(&[1]), START)
    };
    assert_eq!(both(100, 1), Verdict::Allow);
    assert_eq!(both(99, 1), Verdict::Ask);
    assert_eq!(both(100, 2), Verdict::Ask);
    assert_eq!(policy(vec![rule("", vec![], deny("never"))]).evaluate(facts(&[1]), START), deny("never"));
}

#[test]
fn a_rate_counts_each_requester_apart_and_forgets_after_exactly_its_period() {
    let policy = policy(vec![rule("", vec![Condition::Below(rate(2, 60))], Verdict::Allow)]);
    let ask = |requester, ms| {
        let facts = Facts { requester: key(requester), ..facts(&[1, 2]) };
        policy.evaluate(&facts, MonotonicMs(START.0 + ms))
    };
    assert_eq!([ask(1, 0), ask(1, 10_000), ask(1, 20_000)], [Verdict::Allow, Verdict::Allow, Verdict::Ask]);
    assert_eq!([ask(2, 20_000), ask(2, 20_000), ask(2, 20_000)], [Verdict::Allow, Verdict::Allow, Verdict::Ask]);
    assert_eq!([ask(1, 59_999), ask(1, 60_000), ask(1, 60_000)], [Verdict::Ask, Verdict::Allow, Verdict::Ask]);
    assert_eq!([ask(1, 69_999), ask(1, 70_000), ask(1, 70_000)], [Verdict::Ask, Verdict::Allow, Verdict::Ask]);
}

#[test]
fn explaining_counts_nothing_and_evaluating_does() {
    let policy = policy(vec![rule("", vec![Condition::Below(rate(1, 60))], Verdict::Allow)]);
    for _ in 0..3 {
        assert_eq!(policy.explain(facts(&[1]), START).verdict, Verdict::Allow);
    }
    assert_eq!(policy.evaluate(facts(&[1]), START), Verdict::Allow);
    assert_eq!(policy.explain(facts(&[1]), START).verdict, Verdict::Ask);
}

#[test]
fn an_approval_by_any_rule_counts_towards_a_rate() {
    let small = rule("small", vec![Condition::ClaimedAmount(0..=10)], Verdict::Allow);
    let policy = policy(vec![small, rule("rare", vec![Condition::Below(rate(1, 60))], Verdict::Allow)]);
    assert_eq!(policy.evaluate(&Facts { claimed_amount: Some(1), ..facts(&[1]) }, START), Verdict::Allow);
    assert_eq!(policy.evaluate(facts(&[1]), START), Verdict::Ask);
}

#[test]
fn an_explanation_names_the_rule_and_every_reason_of_those_before() {
    let rules = vec![
        rule("small", vec![Condition::ClaimedAmount(0..=10), Condition::Items(2..=usize::MAX)], Verdict::Allow),
        rule("", vec![Condition::ClaimedType(["channel".to_owned()].into())], Verdict::Allow),
        rule("friends", vec![Condition::Requester(keys(&[1]))], deny("not today")),
    ];
    let policy = policy(rules);
    let explanation = policy.explain(&proposal(&facts(&[1])), START);
    assert_eq!(explanation.verdict, deny("not today"));
    assert!(matches!(&explanation.decided_by, DecidedBy::Rule(rule) if (rule.number, &*rule.name) == (3, "friends")));
    let expected = "deny (\"not today\"): rule 3 \"friends\" matches
  rule 1 \"small\" does not match: the stated amount 100 is not within 0 to 10; the number of items, 1, is not within 2 or more
  rule 2 does not match: the stated type \"payment\" is not listed";
    assert_eq!(explanation.to_string(), expected);
    let other = policy.explain(&Facts { requester: key(2), claimed_amount: None, ..facts(&[1, 2]) }, START);
    assert_eq!(other.decided_by, DecidedBy::Otherwise);
    let text = other.to_string();
    let first = format!("the requester {} is not listed", key(2));
    assert!(text.starts_with("ask: no rule matches\n") && text.contains("states no amount") && text.ends_with(&first));
}

#[test]
fn what_a_stranger_states_cannot_write_lines_of_an_explanation() {
    let policy = policy(vec![rule("", vec![Condition::ClaimedType(["a".to_owned()].into())], Verdict::Allow)]);
    let facts = Facts { claimed_type: "b\nallow: \u{1b}[2J\u{202e}".to_owned(), ..facts(&[1]) };
    let text = policy.explain(&facts, START).to_string();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
}

/// Says the same each time, and remembers whom it was asked about.
#[derive(Debug)]
struct Person {
    says: Decision,
    asked: Mutex<Vec<PublicKey>>,
}

impl Person {
    fn who_says(says: Decision) -> Arc<Self> {
        Arc::new(Self { says, asked: Mutex::new(Vec::new()) })
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl Policy for Person {
    async fn decide(&self, proposal: Proposal) -> Decision {
        tokio::task::yield_now().await;
        self.asked.lock().unwrap().push(proposal.terms.creator.signer);
        self.says.clone()
    }
}

fn declined(reason: &str) -> Decision {
    Decision::Decline { reason: reason.to_owned() }
}

#[tokio::test]
async fn a_person_is_asked_only_where_the_rules_say_so() {
    let rules = vec![
        rule("", vec![Condition::ClaimedAmount(0..=9)], Verdict::Allow),
        rule("", vec![Condition::ClaimedAmount(10..=99)], deny("no")),
        rule("", vec![Condition::ClaimedAmount(100..=999)], Verdict::Ask),
    ];
    for says in [Decision::Approve, declined("the person said so")] {
        let person = Person::who_says(says.clone());
        let policy = RulePolicy::new(Rules { rules: rules.clone(), ..Rules::default() }, person.clone()).unwrap();
        let of = |amount| proposal(&Facts { claimed_amount: Some(amount), ..facts(&[1]) });
        assert_eq!(policy.decide(of(5)).await, Decision::Approve);
        assert_eq!(policy.decide(of(50)).await, declined("no"));
        assert_eq!(person.asked(), 0);
        assert_eq!(policy.decide(of(500)).await, says);
        assert_eq!(person.asked(), 1);
        assert_eq!(policy.decide(of(5000)).await, says, "no rule matches");
        assert_eq!(person.asked(), 2);
    }
}

#[tokio::test]
async fn what_a_person_approves_counts_towards_a_rate_and_what_is_declined_does_not() {
    // An hour does not pass within a test.
    let rules = vec![
        rule("", vec![Condition::Below(rate(1, 3600)), Condition::Items(1..=1)], Verdict::Allow),
        rule("", vec![Condition::Items(1..=1)], deny("too often")),
    ];
    for (says, then) in [(Decision::Approve, declined("too often")), (declined("no"), Decision::Approve)] {
        let person = Person::who_says(says);
        let policy = RulePolicy::new(Rules { rules: rules.clone(), ..Rules::default() }, person.clone()).unwrap();
        policy.decide(proposal(&Facts { items: 2, ..facts(&[1]) })).await;
        assert_eq!(person.asked(), 1);
        assert_eq!(policy.decide(proposal(&facts(&[1]))).await, then);
    }
}

#[tokio::test]
async fn with_contacts_nobody_else_is_shown_and_no_rule_is_looked_at() {
    let person = Person::who_says(Decision::Approve);
    let rules = Rules {
        contacts: Some(keys(&[1, 2])),
        rules: vec![rule("", vec![Condition::Requester(keys(&[3]))], Verdict::Allow)],
        otherwise: Verdict::Ask,
    };
    let policy = RulePolicy::new(rules, person.clone()).unwrap();
    let of = |requester| Facts { requester: key(requester), ..facts(&[1, 2, 3]) };
    assert_eq!(policy.decide(proposal(&of(3))).await, declined("this signer answers its contacts only"));
    assert_eq!(person.asked(), 0);
    let explanation = policy.explain(of(3), START);
    assert_eq!(explanation.decided_by, DecidedBy::Contacts);
    assert!(explanation.to_string().contains("the requester is not among the contacts"), "{explanation}");
    for contact in [1, 2] {
        assert_eq!(policy.decide(proposal(&of(contact))).await, Decision::Approve);
    }
    assert_eq!(*person.asked.lock().unwrap(), [key(1), key(2)]);
}

#[test]
fn rules_that_could_never_match_or_do_not_fit_are_refused() {
    let refused = |rules| RulePolicy::new(rules, ApproveAll).unwrap_err();
    let with = |when: Condition| Rules { rules: vec![rule("odd", vec![when], Verdict::Allow)], ..Rules::default() };
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    let never = [
        Condition::ClaimedAmount(2..=1),
        Condition::Items(2..=1),
        Condition::ClaimedType(BTreeSet::new()),
        Condition::Requester(BTreeSet::new()),
        Condition::CosignersExactly(BTreeSet::new()),
        Condition::CosignersAmong(BTreeSet::new()),
    ];
    for condition in never {
        assert!(matches!(refused(with(condition)), RuleError::Never(rule) if rule.number == 1));
    }
    assert!(matches!(refused(with(Condition::Below(rate(1, 0)))), RuleError::Rate(_)));
    assert!(matches!(refused(with(Condition::Below(rate(1025, 1)))), RuleError::Rate(_)));
    assert!(RulePolicy::new(with(Condition::Below(rate(1024, 1))), ApproveAll).is_ok());

    let named = |name: &str| Rules { rules: vec![rule(name, vec![], Verdict::Ask)], ..Rules::default() };
    assert!(RulePolicy::new(named(&"n".repeat(64)), ApproveAll).is_ok());
    assert!(matches!(refused(named(&"n".repeat(65))), RuleError::Name(1)));
    assert!(matches!(refused(named("two\nlines")), RuleError::Name(1)));
    let reason = |length| Rules { rules: vec![rule("", vec![], deny(&"r".repeat(length)))], ..Rules::default() };
    assert!(RulePolicy::new(reason(256), ApproveAll).is_ok());
    assert!(matches!(refused(reason(257)), RuleError::Reason(_)));
    assert!(matches!(refused(Rules { otherwise: deny(&"r".repeat(257)), ..Rules::default() }), RuleError::Reason(_)));
    let many = |count| Rules { rules: vec![rule("", vec![], Verdict::Ask); count], ..Rules::default() };
    assert!(RulePolicy::new(many(256), ApproveAll).is_ok());
    assert!(matches!(refused(many(257)), RuleError::TooMany(257)));
}

#[test]
fn what_is_perhaps_not_meant_is_remarked_on() {
    let rules = Rules {
        contacts: None,
        rules: vec![
            rule("cheap", vec![Condition::ClaimedAmount(0..=10)], Verdict::Allow),
            rule("friends", vec![Condition::Requester(keys(&[1]))], Verdict::Allow),
            rule("dear", vec![Condition::ClaimedAmount(1000..=u64::MAX)], deny("too much")),
            rule("all", vec![], Verdict::Ask),
            rule("late", vec![Condition::Items(1..=1)], Verdict::Allow),
        ],
        otherwise: Verdict::Allow,
    };
    let remarks = rules.remarks();
    assert!(matches!(
        remarks.as_slice(),
        [Remark::AllowsStrangers(cheap), Remark::DeniesByClaim(dear), Remark::Unreachable { rule, after }]
            if (cheap.number, dear.number, rule.number, after.number) == (1, 3, 5, 4)
    ));
    let open = Rules { otherwise: Verdict::Allow, ..Rules::default() };
    assert_eq!(open.remarks(), [Remark::AllowsByDefault]);
    let among_contacts = Rules { contacts: Some(keys(&[1])), ..open };
    assert_eq!(among_contacts.remarks(), []);
    assert_eq!(Rules::default().remarks(), []);
}
