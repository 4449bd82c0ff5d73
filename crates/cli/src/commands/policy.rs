//! `motet policy`: checks a file of rules, and explains its decision about a request or a transaction.

use std::path::Path;

use motet_core_crypto::PublicKey;
use motet_node::policy::{Condition, DecidedBy, DeclineAll, Explanation, Facts, RulePolicy, RuleRef, Verdict};
use motet_psbt::SpendPlan;
use motet_wallet::{ProposeOptions, propose};
use motet_wire::MonotonicMs;
use serde_json::{Value, json};

use crate::args::{PolicyArgs, PolicyCheckArgs, PolicyCommand, PolicyExplainArgs};
use crate::counted::counted;
use crate::exit::{Exit, Failed};
use crate::group_folder::GroupFolder;
use crate::known_group::{KnownGroup, unplanned};
use crate::output::{Format, Output};
use crate::policy_file::PolicyFile;
use crate::psbt_file::PsbtFile;
use crate::sheet::Sheet;

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
        |contacts| format!("requests of {} are looked at, all others declined", counted(contacts.len(), "contact")),
    );
    let file = args.file.display();
    let summary = format!("{file}: {}; otherwise {}; {contacts}", counted(rules.rules.len(), "rule"), rules.otherwise);
    let notes = remarks.iter().map(|remark| format!("\nnote: {remark}"));
    output.result(&format!("{summary}{}", notes.collect::<String>()), &object)?;
    Ok(Exit::Success)
}

fn explain(args: &PolicyExplainArgs) -> Result<Exit, Failed> {
    let output = Output::new(Format::of(args.json), MonotonicMs::default());
    let file = PolicyFile::read_or_take(&args.file)?;
    let facts = match (&args.request, &args.psbt, &args.group) {
        (Some(request), ..) => file.read_question(request)?,
        (None, Some(psbt), Some(group)) => spend(psbt, group, args, &output)?,
        (None, ..) => {
            return Err(Failed::usage("name a request with --request, or a transaction with --psbt and --group"));
        }
    };
    let policy = RulePolicy::new(file.rules.clone(), DeclineAll).map_err(Failed::usage)?;
    let explanation = policy.explain(facts, MonotonicMs::default());
    let mut lines = file.with_names(&explanation.to_string());
    if file.rules.rules.iter().flat_map(|rule| &rule.when).any(|condition| matches!(condition, Condition::Below(_))) {
        lines.push_str("\nrates are taken as if nothing had been approved yet");
    }
    output.result(&lines, &fields(&explanation))?;
    Ok(Exit::Success)
}

/// The facts of the request that would be made of a transaction. Shows the transaction.
fn spend(file: &Path, group: &str, args: &PolicyExplainArgs, output: &Output) -> Result<Facts, Failed> {
    let folder = GroupFolder::open(&args.groups)?;
    let group = folder.group(group)?;
    let known = KnownGroup::of_registered(group);
    let path = known.spend_path(args.spend.leaf)?.id;
    let PsbtFile { psbt, .. } = PsbtFile::read(file)?;
    // Whether inputs of others are allowed is for the rules to say.
    let options = ProposeOptions { description: String::new(), foreign_inputs: true, lookahead: args.spend.addresses };
    let made = propose(&psbt, group, path, &options).map_err(|error| {
        let failed = Failed::new(Exit::Refused, error);
        failed.hint(format!("the spend paths of the group: {}", known.path_list()))
    })?;
    let keys = group.member_keys();
    let key = |text: &String| {
        let key = keys.get(known.number(text)?).copied().flatten().filter(|key| made.keys.contains(key));
        key.ok_or_else(|| Failed::usage(format!("{text} does not sign on this path")).hint(known.path_list()))
    };
    let own = group.own_members().filter_map(|member| keys.get(member).copied().flatten());
    let signer = match &args.spend.signer {
        Some(text) => Some(key(text)?),
        None => own.chain(made.keys.iter().copied()).find(|key| made.keys.contains(key)),
    };
    let signer = signer.ok_or_else(|| Failed::usage("nobody signs on this path"))?;
    let requester = match &args.spend.requester {
        Some(text) => key(text)?,
        None => made.keys.iter().copied().find(|key| *key != signer).unwrap_or(signer),
    };
    let plan = SpendPlan::new(&psbt, group.group(), path, args.spend.addresses).map_err(|error| unplanned(&error))?;
    let sheet = Sheet::of_plan(&plan, &psbt, &known);
    let name = |key: &PublicKey| made.verified.member(key).unwrap_or("?").to_owned();
    let who = format!("{} decides on a request of {}", name(&signer), name(&requester));
    output.result(&format!("{}\n{who}", sheet.lines()), &sheet.object())?;
    Ok(Facts {
        signer,
        requester,
        cosigners: made.keys.iter().copied().filter(|key| *key != signer).collect(),
        items: made.items.len(),
        claimed_amount: made.metadata.amount,
        claimed_type: made.metadata.transaction_type,
        verified: Some((&made.verified).into()),
    })
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
