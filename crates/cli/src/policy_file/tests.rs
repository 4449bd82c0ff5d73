//! Files that are policies, and files that are not: where the fault is, and what to do.

use std::time::Duration;

use motet_core_crypto::SecretKey;
use motet_node::policy::{Condition, DeclineAll, Rate, Rule, RulePolicy, Verdict};
use motet_wire::MonotonicMs;

use super::*;

fn key(number: u8) -> PublicKey {
    SecretKey::from_bytes(&[number; 32]).unwrap().public_key()
}

/// A file with three signers and a group, and this much more.
fn file(more: &str) -> String {
    let [me, alice, bob] = [1, 2, 3].map(key);
    format!(
        r#"{{"signers": {{"me": "{me}", "alice": "{alice}", "bob": "{bob}"}},
 "groups": {{"friends": ["alice", "{bob}"]}},
 {more}}}"#
    )
}

/// The fault of a file whose only rule has these conditions.
#[track_caller]
fn fault(when: &str) -> Fault {
    fault_of(&file(&format!(
        r#""rules": [{{"when": {{}}, "then": "ask"}}, {{"name": "odd", "when": {when}, "then": "ask"}}], "otherwise": "ask""#
    )))
}

#[track_caller]
fn fault_of(text: &str) -> Fault {
    let fault = PolicyFile::parse(text).unwrap_err();
    assert!(!fault.next.is_empty() && !fault.place.is_empty());
    fault
}

#[test]
fn every_field_becomes_what_it_says() {
    let text = file(
        r#""contacts": ["friends"],
 "rules": [
  {"name": "all of it", "then": "allow", "when": {
    "requester": ["alice"], "cosigners": {"exactly": ["friends", "me"]}, "amount": {"max": 1000},
    "type": ["payment", ""], "items": {"min": 2, "max": 3}, "rate": {"approvals": 5, "per": "1h"}}},
  {"when": {"cosigners": {"among": ["friends"]}, "amount": {"min": 7}, "items": {"max": 4}}, "then": {"deny": "no"}},
  {"when": {}, "then": "ask"}],
 "otherwise": {"deny": "nothing matches"}"#,
    );
    let file = PolicyFile::parse(&text).unwrap();
    let [me, alice, bob] = [1, 2, 3].map(key);
    assert_eq!(file.rules.contacts, Some([alice, bob].into()));
    assert_eq!(file.rules.otherwise, Verdict::Deny { reason: "nothing matches".to_owned() });
    let rate = Rate { approvals: 5.try_into().unwrap(), period: Duration::from_secs(3600) };
    let first = vec![
        Condition::Requester([alice].into()),
        Condition::CosignersExactly([me, alice, bob].into()),
        Condition::ClaimedAmount(0..=1000),
        Condition::ClaimedType([String::new(), "payment".to_owned()].into()),
        Condition::Items(2..=3),
        Condition::Below(rate),
    ];
    let second = vec![
        Condition::CosignersAmong([alice, bob].into()),
        Condition::ClaimedAmount(7..=u64::MAX),
        Condition::Items(1..=4),
    ];
    let rule = |name: &str, when, then| Rule { name: name.to_owned(), when, then };
    let expected = [
        rule("all of it", first, Verdict::Allow),
        rule("", second, Verdict::Deny { reason: "no".to_owned() }),
        rule("", vec![], Verdict::Ask),
    ];
    assert_eq!(file.rules.rules, expected);
}

#[test]
fn a_file_without_names_and_contacts_is_a_policy() {
    let file = PolicyFile::parse(r#"{"rules": [], "otherwise": "ask"}"#).unwrap();
    assert_eq!(file.rules, Rules::default());
}

#[test]
fn text_that_is_no_json_is_refused_with_its_line() {
    for (text, line) in [("", "line 1"), ("{\n\"rules\": [],\n}", "line 3"), ("{} {}", "line 1"), ("[]", "line 1")] {
        assert!(fault_of(text).place.starts_with(line), "{text}: {:?}", fault_of(text));
    }
    let trailing = fault_of("{\"rules\": [], \"otherwise\": \"ask\"}\n{}");
    assert_eq!((trailing.place.as_str(), trailing.what.as_str()), ("line 2, column 1", "trailing characters"));
}

#[test]
fn fields_that_are_unknown_missing_repeated_or_null_are_refused_with_their_line() {
    for (text, said) in [
        (r#"{"rules": [], "otherwise": "ask", "defualt": "allow"}"#, "unknown field `defualt`, expected one of"),
        (r#"{"rules": []}"#, "missing field `otherwise`"),
        (r#"{"otherwise": "ask"}"#, "missing field `rules`"),
        (r#"{"rules": [], "otherwise": "ask", "otherwise": "allow"}"#, "duplicate field `otherwise`"),
        (r#"{"rules": [], "otherwise": "perhaps"}"#, "unknown variant `perhaps`"),
        (r#"{"rules": [], "otherwise": "deny"}"#, "expected newtype variant"),
        (r#"{"contacts": null, "rules": [], "otherwise": "ask"}"#, "invalid type: null"),
        (r#"{"rules": [{"then": "ask"}], "otherwise": "ask"}"#, "missing field `when`"),
        (r#"{"rules": [{"when": {}}], "otherwise": "ask"}"#, "missing field `then`"),
        (r#"{"rules": [[]], "otherwise": "ask"}"#, "expected an object"),
    ] {
        let fault = fault_of(text);
        assert!(fault.place.starts_with("line 1, column ") && fault.what.contains(said), "{text}: {fault:?}");
    }
    let twice = fault_of("{\"signers\": {\"a\": \"1\",\n \"a\": \"2\"}, \"rules\": [], \"otherwise\": \"ask\"}");
    assert!(twice.place.starts_with("line 2") && twice.what.contains("\"a\" stands here twice"), "{twice:?}");
}

#[test]
fn conditions_that_are_misspelt_or_lost_do_not_widen_a_rule() {
    for (when, said) in [
        (r#"{"amout": {"max": 1}}"#, "unknown field `amout`"),
        (r#"{"amount": null}"#, "invalid type: null"),
        (r#"{"amount": {"max": null}}"#, "invalid type: null"),
        (r#"{"amount": {"max": 1, "maximum": 2}}"#, "unknown field `maximum`"),
        (r#"{"amount": {"max": 1.5}}"#, "invalid type: floating point"),
        (r#"{"amount": {"max": -1}}"#, "invalid value: integer `-1`"),
        (r#"{"amount": {"max": "1"}}"#, "invalid type: string"),
        (r#"{"amount": [1, 2]}"#, "expected an object"),
        ("[]", "expected an object"),
        (r#"{"requester": "alice"}"#, "invalid type: string"),
        (r#"{"cosigners": {"all": ["alice"]}}"#, "unknown variant `all`"),
        (r#"{"cosigners": ["alice"]}"#, "expected"),
        (r#"{"rate": {"approvals": 0, "per": "1h"}}"#, "nonzero"),
        (r#"{"rate": {"approvals": 1}}"#, "missing field `per`"),
    ] {
        let fault = fault(when);
        assert!(fault.place.starts_with("line 3, column ") && fault.what.contains(said), "{when}: {fault:?}");
    }
}

#[test]
fn faults_of_meaning_name_rule_and_field_and_say_what_to_do() {
    for (when, place, said, next) in [
        (r#"{"requester": ["alcie"]}"#, "requester", "no signer or group is called \"alcie\"", "define it"),
        (r#"{"requester": []}"#, "requester", "names nobody", "leave the field out"),
        (r#"{"cosigners": {"among": ["02ab"]}}"#, "cosigners", "\"02ab\"", "66 hexadecimal digits"),
        (r#"{"cosigners": {"exactly": []}}"#, "cosigners", "names nobody", "leave the field out"),
        (r#"{"amount": {}}"#, "amount", "no borders", "\"max\""),
        (r#"{"amount": {"min": 2, "max": 1}}"#, "amount", "nothing is within it", "\"min\""),
        (r#"{"items": {"max": 0}}"#, "items", "nothing is within it", "\"min\""),
        (r#"{"type": []}"#, "type", "no type", "leave the field out"),
        (r#"{"type": ["0123456789012345678901234567890123"]}"#, "type", "longer than 32 bytes", "shorten"),
        (r#"{"rate": {"approvals": 1, "per": "daily"}}"#, "rate", "\"daily\" is no duration", "such as 10s"),
    ] {
        let fault = fault(when);
        assert_eq!(fault.place, format!("rule 2 \"odd\", {place}"), "{when}");
        assert!(fault.what.contains(said) && fault.next.contains(next), "{when}: {fault:?}");
    }
    assert!(fault(r#"{"rate": {"approvals": 5000, "per": "1h"}}"#).what.contains("the rate of rule 2 \"odd\""));
    assert!(fault(r#"{"rate": {"approvals": 1, "per": "0s"}}"#).what.contains("the rate of rule 2 \"odd\""));
}

#[test]
fn names_mean_one_thing() {
    let [me, alice] = [1, 2].map(key);
    let rest = r#""rules": [], "otherwise": "ask""#;
    for (text, place, said) in [
        (format!(r#"{{"signers": {{"a": "02ff"}}, {rest}}}"#), "signers, \"a\"", "is no signer key"),
        (format!(r#"{{"signers": {{"": "{me}"}}, {rest}}}"#), "signers, \"\"", "neither empty nor a key"),
        (format!(r#"{{"signers": {{"{alice}": "{me}"}}, {rest}}}"#), "signers", "neither empty nor a key"),
        (format!(r#"{{"signers": {{"a": "{me}"}}, "groups": {{"a": []}}, {rest}}}"#), "groups, \"a\"", "has this name"),
        (format!(r#"{{"groups": {{"a": ["b"]}}, {rest}}}"#), "groups, \"a\"", "no signer is called \"b\""),
        (format!(r#"{{"groups": {{"a": [], "b": ["a"]}}, {rest}}}"#), "groups, \"b\"", "no signer is called \"a\""),
        (format!(r#"{{"contacts": [], {rest}}}"#), "contacts", "names nobody"),
    ] {
        let fault = fault_of(&text);
        assert!(fault.place.starts_with(place) && fault.what.contains(said), "{text}: {fault:?}");
    }
}

#[test]
fn a_question_is_answered_in_the_names_of_the_file() {
    let text = file(
        r#""rules": [{"name": "small", "when": {"requester": ["alice"], "amount": {"max": 10}}, "then": "allow"}],
 "otherwise": "ask""#,
    );
    let file = PolicyFile::parse(&text).unwrap();
    let policy = RulePolicy::new(file.rules.clone(), DeclineAll).unwrap();
    let explained = |question: &str| {
        let facts = file.question(question).unwrap();
        file.with_names(&policy.explain(facts, MonotonicMs::default()).to_string())
    };
    assert_eq!(explained(r#"{"signer": "me", "requester": "alice", "amount": 10}"#), "allow: rule 1 \"small\" matches");
    let short = key(3).to_string()[..12].to_owned();
    let expected = format!(
        "ask: no rule matches\n  rule 1 \"small\" does not match: the requester bob ({short}…) is not listed; the request states no amount"
    );
    assert_eq!(explained(r#"{"signer": "me", "requester": "bob"}"#), expected);
}

#[test]
fn the_requester_signs_along_and_the_own_signer_is_no_cosigner() {
    let file = PolicyFile::parse(&file(r#""rules": [], "otherwise": "ask""#)).unwrap();
    let [me, alice, bob] = [1, 2, 3].map(key);
    let facts =
        file.question(r#"{"signer": "me", "requester": "alice", "cosigners": ["me", "bob"], "items": 2}"#).unwrap();
    assert_eq!((facts.signer, facts.requester, facts.items), (me, alice, 2));
    assert_eq!(facts.cosigners, [alice, bob].into());
    for (text, said) in [
        (r#"{"requester": "alice"}"#, "missing field `signer`"),
        (r#"{"signer": "me", "requester": "friends"}"#, "no signer is called"),
        (r#"{"signer": "me", "requester": "alice", "items": 0}"#, "1 to 64 items"),
        (r#"{"signer": "me", "requester": "alice", "items": 65}"#, "1 to 64 items"),
        (r#"{"signer": "me", "requester": "alice", "amount": "5"}"#, "invalid type"),
    ] {
        let fault = file.question(text).unwrap_err();
        assert!(fault.what.contains(said), "{text}: {fault:?}");
    }
}

#[test]
fn the_examples_of_the_manual_are_a_policy_and_a_request_that_it_allows() {
    let page = include_str!("../../../../docs/operations.md");
    let mut examples = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let file = PolicyFile::parse(examples.next().unwrap()).unwrap();
    assert_eq!(file.rules.remarks(), []);
    let facts = file.question(examples.next().unwrap()).unwrap();
    let policy = RulePolicy::new(file.rules, DeclineAll).unwrap();
    let explanation = policy.explain(facts, MonotonicMs::default());
    assert_eq!(explanation.to_string(), "allow: rule 1 \"routine\" matches");
}

#[test]
fn every_field_of_a_transaction_becomes_what_it_says() {
    use motet_node::policy::{Allowance, TransactionCondition as C};
    let text = file(
        r#""rules": [{"then": "allow", "when": {"transaction": {
    "group": ["Treasury"], "outflow": {"max": 1000}, "outflow_within": {"max": 5000, "per": "24h"}, "fee": {"max": 9},
    "fee_rate": {"min": 1, "max": 50}, "fee_share": {"max": 2}, "destinations": ["tb1qrent"], "has_change": true,
    "spend_path": ["key", "leaf 0"], "sighash_default": true, "foreign_inputs": {"max": 0}, "locktime": {"max": 7}}}}],
 "otherwise": "ask""#,
    );
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let expected = [
        C::Group(names(&["Treasury"])),
        C::Outflow(0..=1000),
        C::OutflowWithin(Allowance { most: 5000, period: Duration::from_secs(86_400) }),
        C::Fee(0..=9),
        C::FeeRate(1..=50),
        C::FeeShare(0..=2),
        C::Destinations(names(&["tb1qrent"])),
        C::HasChange(true),
        C::SpendPath(names(&["key", "leaf 0"])),
        C::SighashDefault,
        C::ForeignInputs(0..=0),
        C::Locktime(0..=7),
    ];
    let file = PolicyFile::parse(&text).unwrap();
    assert_eq!(file.rules.rules[0].when, expected.map(Condition::Transaction));
}

#[test]
fn a_fault_in_a_condition_on_a_transaction_has_its_place() {
    let place = |transaction: &str| fault(&format!(r#"{{"transaction": {transaction}}}"#)).place;
    assert_eq!(place(r#"{}"#), "rule 2 \"odd\", transaction");
    assert_eq!(place(r#"{"group": []}"#), "rule 2 \"odd\", transaction, group");
    assert_eq!(place(r#"{"outflow": {}}"#), "rule 2 \"odd\", transaction, outflow");
    assert_eq!(
        place(r#"{"outflow_within": {"max": 1, "per": "soon"}}"#),
        "rule 2 \"odd\", transaction, outflow_within"
    );
    assert_eq!(place(r#"{"sighash_default": false}"#), "rule 2 \"odd\", transaction, sighash_default");
    assert_eq!(place(r#"{"locktime": {"min": 2, "max": 1}}"#), "rule 2 \"odd\", transaction, locktime");
}
