//! Each disagreement of table and code, planted and found.

use super::*;

const RULES: &str = r#"
rules! {
    /// V-01: the frame is too long.
    Long = 1 => Reject, None, "rejected_long";
    /// V-02: the sender did not sign it.
    Signature = 2 => Reject, InvalidSignature, "rejected_signature";
    /// V-03: an index is out of bounds.
    Indices = 3 => Reject, Malformed, "rejected_indices";
}
"#;
const SIZE: &str = "//! V-01\npub(crate) fn check() {\n    refuse(Rule::Long)\n}\nfn other() {\n}\n";
const AUTHENTIC: &str = "impl Admitted {\n    fn verify(&self) {\n        Err(Rule::Signature)\n    }\n}\n";
const JOIN: &str = "impl Raw for RawJoin {\n    fn check(&self) {\n        ensure(true, Rule::Indices)\n    }\n}\n";
const TESTS: &str = "#[test]\nfn v01_too_long() {\n    assert(Rule::Long);\n}\n\n#[test]\nfn v02_signed() {\n    \
                     assert(Rule::Signature);\n}\n\nfn v02_helper() {\n}\n\n#[test]\nfn v03_index() {\n    \
                     assert(Rule::Indices);\n}\n";
const HEAD: &str =
    "| rule | what is refused | where | tests | verdict | penalty | counter |\n|---|---|---|---|---|---|---|\n";
const LONG: &str =
    "| V-01 | the frame is too long | `size::check` | `v01_too_long` | reject | none | `rejected_long` |\n";
const SIGNATURE: &str = "| V-02 | the sender did not sign it | `authentic::verify` | `v02_signed` | reject | \
                         invalid signature | `rejected_signature` |\n";
const INDICES: &str =
    "| V-03 | an index is out of bounds | `join::check` | `v03_index` | reject | malformed | `rejected_indices` |\n";

/// What is found in the true table and the true sources after a change to each that is listed.
fn found(changes: &[(&str, &str)]) -> Vec<String> {
    let mut files = [
        (TABLE, format!("{HEAD}{LONG}{SIGNATURE}{INDICES}")),
        ("crates/wire/src/validate/rule.rs", RULES.to_owned()),
        ("crates/wire/src/validate/size.rs", SIZE.to_owned()),
        ("crates/wire/src/validate/authentic.rs", AUTHENTIC.to_owned()),
        ("crates/wire/src/message/join.rs", JOIN.to_owned()),
        ("tests/it/rules.rs", TESTS.to_owned()),
    ];
    for (from, to) in changes {
        assert!(files.iter().any(|(_, text)| text.contains(from)), "{from} is nowhere");
        files.iter_mut().for_each(|(_, text)| *text = text.replacen(from, to, 1));
    }
    let [table, sources @ ..] = files.map(|(path, text)| TextFile { path: path.to_owned(), text });
    check(&[table], &sources).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn must_find(changes: &[(&str, &str)], expected: &str) {
    let found = found(changes);
    assert!(found.len() == 1 && found[0].contains(expected), "{expected} is not all of {found:?}");
}

#[test]
fn a_true_table_passes() {
    assert_eq!(found(&[]), Vec::<String>::new());
}

#[test]
fn a_rule_that_only_the_table_knows_is_found() {
    let more = format!("{SIGNATURE}{}", SIGNATURE.replace("V-02", "V-04"));
    must_find(&[(SIGNATURE, &more)], "V-04 is no rule");
}

#[test]
fn a_rule_that_only_the_code_knows_is_found() {
    must_find(&[(LONG, "")], "V-01 is not in docs/validation.md");
    must_find(&[("//! V-01", "//! V-01, V-05")], "size.rs: V-05 is not in docs/validation.md");
}

#[test]
fn a_rule_that_stands_there_twice_is_found() {
    must_find(&[(LONG, &LONG.repeat(2))], "V-01 stands here twice");
}

#[test]
fn a_row_of_the_code_whose_number_is_not_that_of_its_documentation_is_found() {
    must_find(&[("Signature = 2", "Signature = 4")], "V-02 is no rule");
}

#[test]
fn a_row_of_the_code_without_one_of_its_columns_is_found() {
    must_find(&[("Reject, None, ", "Reject, ")], "V-01 is no rule");
}

#[test]
fn another_description_is_found() {
    must_find(
        &[("| the frame is too long", "| the frame is long")],
        "V-01 refuses \"the frame is too long\" in the code",
    );
}

#[test]
fn another_verdict_is_found_on_either_side() {
    must_find(&[("`v01_too_long` | reject", "`v01_too_long` | ignore")], "V-01 has the verdict \"reject\" in the code");
    let code = ("Signature = 2 => Reject", "Signature = 2 => Ignore");
    must_find(&[code], "V-02 has the verdict \"ignore\" in the code, \"reject\" here");
}

#[test]
fn another_penalty_is_found_on_either_side() {
    must_find(&[("| none |", "| malformed |")], "V-01 has the penalty \"none\" in the code, \"malformed\" here");
    let code = ("Reject, InvalidSignature", "Reject, Ban");
    must_find(&[code], "V-02 has the penalty \"ban\" in the code, \"invalid signature\" here");
}

#[test]
fn another_counter_is_found_on_either_side() {
    must_find(&[("`rejected_long`", "`rejected_size`")], "V-01 has the counter \"rejected_long\" in the code");
    must_find(&[("\"rejected_long\"", "\"rejected_size\"")], "V-01 has the counter \"rejected_size\" in the code");
}

#[test]
fn a_place_that_is_not_there_or_is_of_another_rule_is_found() {
    let wrong = "no function `size::measure` in crates/wire/src/validate or crates/wire/src/message names Rule::Long";
    must_find(&[("`size::check`", "`size::measure`")], wrong);
    must_find(&[("`size::check`", "`size::other`")], "no function `size::other`");
    must_find(&[("`size::check`", "`authentic::verify`")], "no function `authentic::verify`");
    must_find(&[("ensure(true, Rule::Indices)", "Ok(())")], "no function `join::check`");
    must_find(&[("`join::check`", "`size::check`")], "no function `size::check`");
    must_find(&[("Rule::Long)\n}\nfn other", "Rule::LongAgo)\n}\nfn other")], "no function `size::check`");
}

#[test]
fn a_rule_without_a_test_is_found() {
    let both = found(&[("`v01_too_long`", "")]);
    assert_eq!(both.len(), 3, "{both:?}");
    assert!(both[0].contains("V-01 names no test") && both[1].contains("v01_too_long of V-01 is not here"));
}

#[test]
fn a_test_that_is_not_there_is_found() {
    must_find(&[("`v01_too_long`", "`v01_too_long` `v01_too_short`")], "there is no test function v01_too_short");
    must_find(&[("`v02_signed`", "`v02_signed` `v02_helper`")], "there is no test function v02_helper");
}

#[test]
fn a_test_of_another_rule_is_found() {
    must_find(&[("`v01_too_long`", "`v01_too_long` `v02_signed`")], "v02_signed is of another rule than V-01");
}

#[test]
fn a_test_that_the_table_forgot_is_found() {
    let more = ("fn v02_helper", "#[test]\nfn v02_helper");
    must_find(&[more], "the test v02_helper of V-02 is not here");
}

#[test]
fn a_test_that_does_not_name_its_rule_is_found() {
    must_find(&[("assert(Rule::Long)", "assert(Rule::Short)")], "no test of V-01 names Rule::Long");
}

#[test]
fn another_column_is_found() {
    let found = found(&[(" where |", " place |")]);
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(found[0].contains("a rule's columns are"), "{found:?}");
}

#[test]
fn no_table_is_no_finding_and_an_empty_one_is() {
    assert!(check(&[], &[]).is_empty());
    let empty = TextFile { path: TABLE.to_owned(), text: "# Validation\n".to_owned() };
    assert!(check(&[empty], &[])[0].to_string().contains("holds no row"));
}
