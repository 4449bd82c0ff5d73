//! What holds of any rules and any request.

use motet_node::policy::{Condition, DecidedBy, DeclineAll, Explanation, Facts, Rule, RulePolicy, Rules, Verdict};
use motet_wire::MonotonicMs;
use proptest::prelude::*;

use super::{START, deny, key, keys, rate, rule};

fn people() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0u8..5, 1..5)
}

fn conditions() -> impl Strategy<Value = Condition> {
    let kind = prop_oneof![Just("payment".to_owned()), Just("channel".to_owned()), Just(String::new())];
    prop_oneof![
        (0u64..6, 0u64..6).prop_map(|(from, more)| Condition::ClaimedAmount(from..=from + more)),
        proptest::collection::btree_set(kind, 1..3).prop_map(Condition::ClaimedType),
        people().prop_map(|people| Condition::Requester(keys(&people))),
        people().prop_map(|people| Condition::CosignersExactly(keys(&people))),
        people().prop_map(|people| Condition::CosignersAmong(keys(&people))),
        (1usize..4, 0usize..3).prop_map(|(from, more)| Condition::Items(from..=from + more)),
    ]
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Allow), Just(Verdict::Ask), Just(deny("no"))]
}

fn some_rules(most: usize) -> impl Strategy<Value = Vec<Rule>> {
    let one = (proptest::collection::vec(conditions(), 0..3), verdicts());
    proptest::collection::vec(one.prop_map(|(when, then)| rule("", when, then)), 0..most)
}

prop_compose! {
    fn requests()(
        requester in 1u8..5,
        others in proptest::collection::btree_set(1u8..5, 0..4),
        items in 1usize..5,
        claimed_amount in proptest::option::of(0u64..12),
        claimed_type in prop_oneof![Just("payment"), Just("channel"), Just("other"), Just("")],
    ) -> Facts {
        let cosigners = others.into_iter().chain([requester]).map(key).collect();
        let claimed_type = claimed_type.to_owned();
        Facts { signer: key(0), requester: key(requester), cosigners, items, claimed_amount, claimed_type, verified: None }
    }
}

fn explained(rules: &[Rule], facts: &Facts) -> Explanation {
    let rules = Rules { rules: rules.to_vec(), ..Rules::default() };
    RulePolicy::new(rules, DeclineAll).unwrap().explain(facts, START)
}

/// Where the rule stands that decided; behind all if none did.
fn decided_at(explanation: &Explanation, rules: &[Rule]) -> usize {
    match &explanation.decided_by {
        DecidedBy::Rule(rule) => rule.number - 1,
        DecidedBy::Otherwise => rules.len(),
        DecidedBy::Contacts => panic!("there are no contacts"),
    }
}

proptest! {
    #[test]
    fn the_first_rule_that_matches_alone_decides(rules in some_rules(8), facts in requests()) {
        let explanation = explained(&rules, &facts);
        let alone = |rule: &Rule| explained(core::slice::from_ref(rule), &facts).decided_by != DecidedBy::Otherwise;
        let first = rules.iter().position(alone);
        prop_assert_eq!(decided_at(&explanation, &rules), first.unwrap_or(rules.len()));
        let verdict = first.map_or(Verdict::Ask, |first| rules[first].then.clone());
        prop_assert_eq!(&explanation.verdict, &verdict);
        prop_assert_eq!(explanation.passed_over.len(), first.unwrap_or(rules.len()));
        prop_assert!(explanation.passed_over.iter().all(|passed| !passed.because.is_empty()));
        let policy = RulePolicy::new(Rules { rules, ..Rules::default() }, DeclineAll).unwrap();
        prop_assert_eq!(policy.evaluate(&facts, START), verdict);
    }

    #[test]
    fn what_is_written_after_the_match_changes_nothing(
        rules in some_rules(6), more in some_rules(4), facts in requests(), at in any::<prop::sample::Index>(),
    ) {
        let explanation = explained(&rules, &facts);
        let decided = decided_at(&explanation, &rules);
        prop_assume!(decided < rules.len());
        let at = decided + 1 + at.index(rules.len() - decided);
        let changed: Vec<Rule> = rules[..at].iter().chain(&more).chain(&rules[at..]).cloned().collect();
        prop_assert_eq!(explained(&changed, &facts), explanation);
    }

    #[test]
    fn rules_that_were_passed_over_can_be_left_out(rules in some_rules(8), facts in requests()) {
        let explanation = explained(&rules, &facts);
        let left = explained(&rules[decided_at(&explanation, &rules)..], &facts);
        prop_assert_eq!(left.verdict, explanation.verdict);
        prop_assert!(left.passed_over.is_empty());
    }

    #[test]
    fn conditions_only_narrow_a_rule(when in proptest::collection::vec(conditions(), 0..4), facts in requests()) {
        let matches = |when: Vec<Condition>| {
            explained(&[rule("", when, Verdict::Allow)], &facts).decided_by != DecidedBy::Otherwise
        };
        let each = when.iter().all(|condition| matches(vec![condition.clone()]));
        prop_assert_eq!(matches(when), each);
    }

    /// Against the definition: so many approvals of this requester, less than a period ago.
    #[test]
    fn a_rate_is_never_exceeded_and_never_narrower_than_it_says(
        approvals in 1u32..4, seconds in 1u64..6,
        asks in proptest::collection::vec((0u8..3, 0u64..3000), 0..60),
    ) {
        let limit = rate(approvals, seconds);
        let rules = vec![rule("", vec![Condition::Below(limit)], Verdict::Allow)];
        let policy = RulePolicy::new(Rules { rules, ..Rules::default() }, DeclineAll).unwrap();
        let mut now = START;
        let mut approved: Vec<(u8, MonotonicMs)> = Vec::new();
        for (requester, later) in asks {
            now = MonotonicMs(now.0 + later);
            let recent = |(who, at): &&(u8, MonotonicMs)| *who == requester && now.0 < at.0 + seconds * 1000;
            let expected = approved.iter().filter(recent).count() < approvals as usize;
            let facts = Facts { requester: key(requester), ..super::facts(&[1, 2]) };
            prop_assert_eq!(policy.evaluate(&facts, now) == Verdict::Allow, expected);
            if expected {
                approved.push((requester, now));
            }
        }
    }
}
