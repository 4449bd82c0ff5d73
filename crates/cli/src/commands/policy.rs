//! `motet policy`: checks a file of rules, and explains its decision about a request.

use motet_node::policy::{Condition, DecidedBy, DeclineAll, Explanation, RulePolicy, RuleRef, Verdict};
use motet_wire::MonotonicMs;
use serde_json::{Value, json};

use crate::args::{PolicyArgs, PolicyCheckArgs, PolicyCommand, PolicyExplainArgs};
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};
use crate::policy_file::PolicyFile;

pub(crate) fn run(args: &PolicyArgs) -> Result<Exit, Failed> {
    match &args.command {
        PolicyCommand::Check(args) => check(args),
        PolicyCommand::Explain(args) => explain(args),
    }
}

fn check(args: &PolicyCheckArgs) -> Result<Exit, Failed> {
    let output = Output::new(Format::of(args.json), MonotonicMs::default());
    let file = match PolicyFile::read_or_take(&args.file) {
        Ok(file) => file,
        Err(failed) => {
            let object = json!({"event": "policy", "valid": false, "error": failed.what, "next": failed.next});
            output.result("", &object)?;
            return Err(failed);
        }
    };
    let rules = &file.rules;
    let remarks: Vec<String> = rules.remarks().iter().map(ToString::to_string).collect();
    let object = json!({
        "event": "policy", "valid": true, "rules": rules.rules.len(), "otherwise": name(&rules.otherwise),
        "contacts": rules.contacts.as_ref().map(|contacts| contacts.len()), "remarks": remarks,
    });
    let contacts = rules.contacts.as_ref().map_or_else(
        || "requests of everybody are looked at".to_owned(),
        |contacts| format!("requests of {} contact(s) are looked at, all others declined", contacts.len()),
    );
    let file = args.file.display();
    let summary = format!("{file}: {} rule(s); otherwise {}; {contacts}", rules.rules.len(), rules.otherwise);
    let notes = remarks.iter().map(|remark| format!("\nnote: {remark}"));
    output.result(&format!("{summary}{}", notes.collect::<String>()), &object)?;
    Ok(Exit::Success)
}

fn explain(args: &PolicyExplainArgs) -> Result<Exit, Failed> {
    let output = Output::new(Format::of(args.json), MonotonicMs::default());
    let file = PolicyFile::read_or_take(&args.file)?;
    let facts = file.read_question(&args.request)?;
    let policy = RulePolicy::new(file.rules.clone(), DeclineAll).map_err(Failed::usage)?;
    let explanation = policy.explain(facts, MonotonicMs::default());
    let mut lines = file.with_names(&explanation.to_string());
    if file.rules.rules.iter().flat_map(|rule| &rule.when).any(|condition| matches!(condition, Condition::Below(_))) {
        lines.push_str("\nrates are taken as if nothing had been approved yet");
    }
    output.result(&lines, &fields(&explanation))?;
    Ok(Exit::Success)
}

fn fields(explanation: &Explanation) -> Value {
    let (decided_by, rule) = match &explanation.decided_by {
        DecidedBy::Contacts => ("contacts", None),
        DecidedBy::Rule(rule) => ("rule", Some(rule)),
        DecidedBy::Otherwise => ("otherwise", None),
    };
    let reason = match &explanation.verdict {
        Verdict::Deny { reason } => reason,
        Verdict::Allow | Verdict::Ask => "",
    };
    let reference = |rule: &RuleRef| json!({"number": rule.number, "name": rule.name});
    let passed_over = explanation.passed_over.iter().map(|passed| {
        let because: Vec<String> = passed.because.iter().map(ToString::to_string).collect();
        json!({"rule": reference(&passed.rule), "because": because})
    });
    json!({
        "event": "explanation", "verdict": name(&explanation.verdict), "reason": reason, "decided_by": decided_by,
        "rule": rule.map(reference), "passed_over": passed_over.collect::<Vec<_>>(),
    })
}

const fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny { .. } => "deny",
        Verdict::Ask => "ask",
    }
}
