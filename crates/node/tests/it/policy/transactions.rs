//! Conditions on verified facts of a transaction: false without such facts, and needed for every approval of a transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use motet_node::policy::{
    Allowance, ApproveAll, Condition, DeclineAll, Facts, RuleError, RulePolicy, Rules, TransactionCondition,
    TransactionFacts, Verdict,
};
use motet_wire::MonotonicMs;

use super::{START, facts, holds, keys, policy, rule};

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn transaction() -> TransactionFacts {
    TransactionFacts {
        group: "Treasury".to_owned(),
        outflow: Some(50_000),
        fee: Some(400),
        fee_rate: Some(3),
        fee_share: Some(1),
        destinations: Some(names(&["tb1qrent", "tb1qtax"])),
        has_change: true,
        spend_path: "key".to_owned(),
        sighash_default: true,
        foreign_inputs: 0,
        locktime: 800_000,
        is_message: false,
    }
}

fn with(transaction: TransactionFacts) -> Facts {
    Facts { claimed_type: "btc/psbt2".to_owned(), verified: Some(transaction), ..facts(&[1]) }
}

/// Conditions that hold of [`transaction`], each with a transaction of which it does not hold.
fn conditions() -> Vec<(TransactionCondition, TransactionFacts)> {
    use TransactionCondition as C;
    let plain = transaction;
    vec![
        (C::Group(names(&["Treasury", "Other"])), TransactionFacts { group: "Treasury ".to_owned(), ..plain() }),
        (C::Outflow(50_000..=50_000), TransactionFacts { outflow: Some(50_001), ..plain() }),
        (C::Outflow(0..=50_000), TransactionFacts { outflow: None, ..plain() }),
        (C::Fee(0..=400), TransactionFacts { fee: Some(401), ..plain() }),
        (C::Fee(0..=u64::MAX), TransactionFacts { fee: None, ..plain() }),
        (C::FeeRate(1..=3), TransactionFacts { fee_rate: Some(4), ..plain() }),
        (C::FeeRate(0..=u64::MAX), TransactionFacts { fee_rate: None, ..plain() }),
        (C::FeeShare(0..=1), TransactionFacts { fee_share: Some(2), ..plain() }),
        (C::FeeShare(0..=100), TransactionFacts { fee_share: None, ..plain() }),
        (
            C::Destinations(names(&["tb1qrent", "tb1qtax"])),
            TransactionFacts { destinations: Some(names(&["tb1qrent", "tb1qevil"])), ..plain() },
        ),
        (C::Destinations(names(&["tb1qrent", "tb1qtax"])), TransactionFacts { destinations: None, ..plain() }),
        (C::HasChange(true), TransactionFacts { has_change: false, ..plain() }),
        (C::SpendPath(names(&["key"])), TransactionFacts { spend_path: "leaf 0".to_owned(), ..plain() }),
        (C::SighashDefault, TransactionFacts { sighash_default: false, ..plain() }),
        (C::ForeignInputs(0..=0), TransactionFacts { foreign_inputs: 1, ..plain() }),
        (C::Locktime(0..=800_000), TransactionFacts { locktime: 800_001, ..plain() }),
        (
            C::OutflowWithin(Allowance { most: 50_000, period: Duration::from_secs(60) }),
            TransactionFacts { outflow: Some(50_001), ..plain() },
        ),
    ]
}

#[test]
fn a_condition_holds_of_verified_facts_alone() {
    for (condition, other) in conditions() {
        let condition = Condition::Transaction(condition);
        assert!(holds(&condition, &with(transaction())), "{condition:?}");
        assert!(!holds(&condition, &with(other)), "{condition:?}");
        // Whatever the requester states, there are no facts without a check.
        let claimed = Facts { verified: None, claimed_amount: Some(1), ..with(transaction()) };
        assert!(!holds(&condition, &claimed), "{condition:?}");
        assert!(!holds(&condition, &facts(&[1])), "{condition:?}");
        let message = TransactionFacts { is_message: true, ..transaction() };
        assert!(!holds(&condition, &with(message)), "{condition:?}");
    }
}

#[test]
fn a_group_that_receives_more_than_it_spends_has_no_outflow() {
    let incoming = with(TransactionFacts { outflow: Some(-5), ..transaction() });
    assert!(holds(&Condition::Transaction(TransactionCondition::Outflow(0..=0)), &incoming));
    assert!(!holds(&Condition::Transaction(TransactionCondition::Outflow(1..=9)), &incoming));
}

#[test]
fn no_rule_approves_a_transaction_without_a_condition_on_verified_facts() {
    let rules = [
        vec![],
        vec![Condition::ClaimedAmount(0..=u64::MAX)],
        vec![Condition::ClaimedType(names(&["btc/psbt2"]))],
        vec![Condition::Requester(keys(&[1])), Condition::Items(1..=9)],
    ];
    for when in rules {
        let policy = policy(vec![rule("all", when.clone(), Verdict::Allow)]);
        let verdict = |facts: Facts| policy.evaluate(&facts, START);
        assert_eq!(verdict(with(transaction())), Verdict::Ask, "{when:?}");
        assert_eq!(verdict(Facts { verified: None, ..with(transaction()) }), Verdict::Ask, "{when:?}");
        let explained = policy.explain(with(transaction()), START).to_string();
        assert!(explained.contains("a transaction is not approved without one"), "{explained}");
    }
    // The decision for what no rule matches approves no transaction, either.
    let rules = Rules { otherwise: Verdict::Allow, ..Rules::default() };
    let policy = RulePolicy::new(rules, DeclineAll).unwrap();
    assert_eq!(policy.evaluate(with(transaction()), START), Verdict::Ask);
    assert_eq!(policy.evaluate(facts(&[1]), START), Verdict::Allow);
}

#[test]
fn a_rule_may_deny_a_transaction_by_anything() {
    let deny = Verdict::Deny { reason: "no".to_owned() };
    let policy = policy(vec![rule("none", vec![], deny.clone())]);
    assert_eq!(policy.evaluate(with(transaction()), START), deny);
}

#[test]
fn an_allowance_is_used_up_by_all_approvals_of_the_group() {
    let allowance = Allowance { most: 120_000, period: Duration::from_secs(60) };
    let within = Condition::Transaction(TransactionCondition::OutflowWithin(allowance));
    let policy = policy(vec![rule("daily", vec![within], Verdict::Allow)]);
    let at = |seconds: u64| MonotonicMs(START.0 + seconds * 1000);
    let other_group = TransactionFacts { group: "Other".to_owned(), ..transaction() };
    assert_eq!(policy.evaluate(with(transaction()), at(0)), Verdict::Allow);
    assert_eq!(policy.evaluate(with(transaction()), at(30)), Verdict::Allow);
    assert_eq!(policy.evaluate(with(transaction()), at(59)), Verdict::Ask);
    assert_eq!(policy.evaluate(with(other_group), at(59)), Verdict::Allow);
    let explained = policy.explain(with(transaction()), at(59)).to_string();
    assert!(explained.contains("100000 satoshi of the group were approved within 60s"), "{explained}");
    assert_eq!(policy.evaluate(with(transaction()), at(60)), Verdict::Allow);
}

#[test]
fn approvals_of_a_person_use_up_the_allowance_too() {
    let allowance = Allowance { most: 60_000, period: Duration::from_secs(60) };
    let group = Condition::Transaction(TransactionCondition::Group(names(&["Treasury"])));
    let within = Condition::Transaction(TransactionCondition::OutflowWithin(allowance));
    // The first rule allows without an allowance, and is counted for the second.
    let large = Condition::Transaction(TransactionCondition::Outflow(50_000..=50_000));
    let rules = vec![rule("fixed", vec![group, large], Verdict::Allow), rule("daily", vec![within], Verdict::Allow)];
    let policy = RulePolicy::new(Rules { rules, ..Rules::default() }, ApproveAll).unwrap();
    assert_eq!(policy.evaluate(with(transaction()), START), Verdict::Allow);
    let small = |outflow| with(TransactionFacts { outflow: Some(outflow), ..transaction() });
    assert_eq!(policy.evaluate(small(10_000), START), Verdict::Allow);
    assert_eq!(policy.evaluate(small(1), START), Verdict::Ask);
}

#[test]
fn a_condition_that_could_never_hold_is_a_mistake() {
    use TransactionCondition as C;
    let never = Allowance { most: 1, period: Duration::ZERO };
    let (two, one) = (2, 1);
    for condition in [C::Group(names(&[])), C::Outflow(two..=one), C::OutflowWithin(never)] {
        let rules = vec![rule("", vec![Condition::Transaction(condition.clone())], Verdict::Allow)];
        let refused = RulePolicy::new(Rules { rules, ..Rules::default() }, DeclineAll).unwrap_err();
        assert!(matches!(refused, RuleError::Never(_)), "{condition:?}");
    }
}
