//! What programs rely on: each object has the keys that `docs/operations.md` lists, and each key holds what is said there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::process::Scene;

const PAGE: &str = include_str!("../../../../docs/operations.md");
const CHARGES: [&str; 5] = ["equivocation", "bad_opening", "bad_partial_signature", "malformed", "against_terms"];
const CHANNELS: [&str; 6] = ["own", "gossip", "direct", "DHT", "handed on", "store"];

/// The words in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The keys of each event; those of the parts of `result` are not among them.
fn documented() -> BTreeMap<&'static str, Vec<BTreeSet<&'static str>>> {
    let (_, table) = PAGE.split_once("<!-- events:").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
    let mut shapes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in rows {
        let [_, events, keys, _] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        let keys: &str = keys;
        let own = keys.split_once('(').map_or(keys, |(own, _)| own);
        for event in quoted(events.split(" of ").next().unwrap()) {
            shapes.entry(event).or_default().push(quoted(own).into_iter().collect());
        }
    }
    shapes
}

/// Checks an object as a program would read it.
pub(crate) fn check(object: &Value) {
    let name = object["event"].as_str().unwrap_or_else(|| panic!("{object} says not what it is"));
    let shapes = documented();
    let shapes = shapes.get(name).unwrap_or_else(|| panic!("{name} is not documented"));
    let keys: BTreeSet<&str> =
        object.as_object().unwrap().keys().map(String::as_str).filter(|key| *key != "event").collect();
    assert!(shapes.contains(&keys), "{name} has {keys:?}, and documented are {shapes:?}");
    for (key, value) in object.as_object().unwrap() {
        holds(key, value);
    }
}

/// The keys of the API's own events.
fn of_the_api() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let (_, table) = include_str!("../../../../docs/api.md").split_once("besides these there are:").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
    let shape = |row: &'static str| {
        let [_, event, keys, _] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        // The values of a key stand in brackets after it.
        let keys = keys.split('(').flat_map(|part: &str| quoted(part.rsplit(')').next().unwrap()));
        (quoted(event)[0], keys.collect())
    };
    rows.map(shape).collect()
}

/// Checks an event as the API tells it: the keys of the pages without those of the program's output.
pub(crate) fn check_told(object: &Value) {
    let name = object["event"].as_str().unwrap_or_else(|| panic!("{object} says not what it is"));
    let keys: BTreeSet<&str> =
        object.as_object().unwrap().keys().map(String::as_str).filter(|key| *key != "event").collect();
    if let Some(shape) = of_the_api().get(name) {
        assert_eq!(*shape, keys, "{name}");
        return;
    }
    let own =
        |shape: &BTreeSet<&'static str>| shape.iter().copied().filter(|key| !["node", "ms"].contains(key)).collect();
    let shapes = documented();
    let shapes: Vec<BTreeSet<&str>> =
        shapes.get(name).unwrap_or_else(|| panic!("{name} is not documented")).iter().map(own).collect();
    assert!(shapes.contains(&keys), "{name} has {keys:?}, and documented are {shapes:?}");
    for (key, value) in object.as_object().unwrap() {
        holds(key, value);
    }
}

fn hex(value: &Value, digits: usize) -> bool {
    value.as_str().is_some_and(|text| text.len() == digits && hex::decode(text).is_ok() && text.to_lowercase() == text)
}

fn all(value: &Value, each: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(each))
}

/// True if a value is an object with exactly these keys.
fn is_object(value: &Value, keys: &[&str]) -> bool {
    let expected: BTreeSet<&str> = keys.iter().copied().collect();
    value.as_object().is_some_and(|object| object.keys().map(String::as_str).collect::<BTreeSet<_>>() == expected)
}

/// A value of a transaction, and whether it is proven.
fn fact(value: &Value) -> bool {
    is_object(value, &["value", "proven"]) && value["value"].is_number() && value["proven"].is_boolean()
}

fn place(value: &Value) -> bool {
    value.is_null() || (is_object(value, &["branch", "index"]) && value["branch"].is_u64() && value["index"].is_u64())
}

fn is_text_or_null(value: &Value) -> bool {
    value.is_string() || value.is_null()
}

/// Keys of the Bitcoin commands. None if it is another key.
fn holds_of_bitcoin(key: &str, value: &Value) -> Option<bool> {
    Some(match key {
        "psbt_version" | "locktime" => value.is_u64(),
        "txid" => hex(value, 64),
        "fingerprint" => hex(value, 8),
        "approval" => value.is_null() || hex(value, 64),
        "transaction" => value.as_str().is_some_and(|text| hex::decode(text).is_ok()),
        "group" => {
            value.is_null()
                || (is_object(value, &["name", "fingerprint"])
                    && is_text_or_null(&value["name"])
                    && hex(&value["fingerprint"], 8))
        }
        "path" => {
            value.is_null()
                || (is_object(value, &["leaf", "members"])
                    && (value["leaf"].is_null() || value["leaf"].is_u64())
                    && all(&value["members"], Value::is_string))
        }
        "outputs" => all(value, |output| {
            is_object(output, &["kind", "proven", "address", "script", "place", "amount"])
                && ["address", "group", "data", "unknown"].iter().any(|kind| output["kind"] == *kind)
                && output["proven"].is_boolean()
                && is_text_or_null(&output["address"])
                && is_text_or_null(&output["script"])
                && place(&output["place"])
                && fact(&output["amount"])
        }),
        "inputs" => all(value, |input| {
            is_object(input, &["outpoint", "amount", "place"])
                && input["outpoint"].is_string()
                && (input["amount"].is_null() || fact(&input["amount"]))
                && place(&input["place"])
        }),
        "outflow" | "fee_paid" | "fee_rate" => value.is_null() || fact(value),
        "fee_percent" => value.is_null() || value.is_u64(),
        "requester" => {
            value.is_null()
                || (is_object(value, &["key", "member"]) && hex(&value["key"], 66) && is_text_or_null(&value["member"]))
        }
        "signed_message" | "problem" | "description" | "api" => is_text_or_null(value),
        "replaceable" | "inconclusive" | "mutual" => value.is_boolean(),
        "warnings" => all(value, |warning| {
            is_object(warning, &["code", "severity", "text"])
                && ["notice", "warning", "danger"].iter().any(|severity| warning["severity"] == *severity)
                && warning["text"].is_string()
        }),
        "missing" => all(value, |missing| {
            is_object(missing, &["input", "member", "share"])
                && ["nonce", "partial_signature"].iter().any(|share| missing["share"] == *share)
        }),
        "wrong" => all(value, |wrong| is_object(wrong, &["input", "member"]) && wrong["member"].is_string()),
        "coins" => all(value, Value::is_string),
        "coin" => {
            is_object(value, &["outpoint", "value", "script"])
                && value["outpoint"].is_string()
                && value["value"].is_u64()
                && value["script"].as_str().is_some_and(|text| hex::decode(text).is_ok())
        }
        "psbt" | "message_signature" | "key_expression" | "chain" | "descriptor" | "content" => value.is_string(),
        "confirmed" => value.is_boolean(),
        "words" => all(value, Value::is_string) && value.as_array().is_some_and(|words| words.len() == 12),
        "place" => place(value),
        "members" => all(value, |member| {
            is_object(member, &["name", "key_expression", "own"])
                && member["name"].is_string()
                && member["key_expression"].is_string()
                && member["own"].is_boolean()
        }),
        "paths" => all(value, |path| holds_of_bitcoin("path", path) == Some(true)),
        _ => return None,
    })
}

fn holds(key: &str, value: &Value) {
    if let Some(fits) = holds_of_bitcoin(key, value) {
        assert!(fits, "{key}: {value}");
        return;
    }
    let fits = match key {
        "signer" | "creator" => hex(value, 66),
        "signers" | "awaiting" | "may_complete" => all(value, |signer| hex(signer, 66)),
        "request" | "session" | "aggregate_key" => hex(value, 64),
        "aggregate_keys" => all(value, |key| hex(key, 64)),
        "signature" => hex(value, 128),
        "charge" => CHARGES.iter().any(|charge| value == charge),
        "message" | "evidence" => value.as_str().is_some_and(|text| hex::decode(text).is_ok()),
        "items" | "nodes" => all(value, |part| {
            for (key, value) in part.as_object().unwrap() {
                holds(key, value);
            }
            let keys: Vec<&str> = part.as_object().unwrap().keys().map(String::as_str).collect();
            keys == if key == "items" { vec!["aggregate_key", "message", "signature"] } else { vec!["items", "signer"] }
        }),
        "index"
        | "coordinator"
        | "from"
        | "to"
        | "attempt"
        | "fee"
        | "min_amount"
        | "max_amount"
        | "ms"
        | "left_out"
        | "networks"
        | "before"
        | "lost"
        | "announce_to_signature_ms" => value.is_u64(),
        "reachable" => value.is_null() || value.is_boolean(),
        "next_attempt" => value.is_null() || value.is_u64(),
        "end" => value["why"].is_string(),
        "files" => value.is_u64(),
        "state" => ["ok", "warn", "fail"].iter().any(|state| value == state),
        "hint" => is_text_or_null(value),
        "valid" => value.is_boolean(),
        "verdict" | "otherwise" => ["allow", "deny", "ask"].iter().any(|verdict| value == verdict),
        "decided_by" => ["contacts", "rule", "otherwise"].iter().any(|decider| value == decider),
        "rule" => value.is_null() || (value["number"].is_u64() && value["name"].is_string()),
        "passed_over" => all(value, |part| part["rule"].is_object() && all(&part["because"], Value::is_string)),
        "rules" => value.is_u64(),
        "contacts" => value.is_u64() || value.is_null(),
        "remarks" => all(value, Value::is_string),
        "channel" => value.as_str().is_some_and(|channel| CHANNELS.contains(&channel)),
        "types" | "addresses" => all(value, Value::is_string),
        "scope" => ["internet", "network", "machine", "nowhere"].iter().any(|scope| value == scope),
        "seconds" => value.is_i64(),
        "created" => value.is_u64(),
        "kind" => ["signer_key", "seed", "unknown"].iter().any(|kind| value == kind),
        "origin" => ["environment", "file", "default"].iter().any(|origin| value == origin),
        "source" => is_text_or_null(value),
        "value" => is_text_or_null(value) || value.is_boolean() || all(value, Value::is_string),
        "event"
        | "node"
        | "nickname"
        | "reason"
        | "cause"
        | "phase"
        | "detail"
        | "address"
        | "peer"
        | "file"
        | "error"
        | "next"
        | "resource_type"
        | "id"
        | "name"
        | "keystore"
        | "seed_passphrase_file"
        | "network"
        | "link"
        | "data"
        | "config"
        | "check"
        | "text" => value.is_string(),
        _ => panic!("{key} is not documented"),
    };
    assert!(fits, "{key}: {value}");
}

#[test]
fn the_page_lists_what_this_test_knows() {
    let shapes = documented();
    // Every key of every event is explained by the second table, which `holds` follows.
    let (_, explained) = PAGE.split_once("| key | what it holds |").unwrap();
    let explained: BTreeSet<&str> = explained
        .lines()
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with("| `"))
        .flat_map(|row| quoted(row.split('|').nth(1).unwrap()))
        .collect();
    let mut used: BTreeSet<&str> = shapes.values().flatten().flatten().copied().collect();
    assert!(used.remove("nodes"), "explained where it is listed");
    assert_eq!(used, explained);
    assert_eq!(shapes.get("result").map(Vec::len), Some(3));
}

/// What the happy path tells, by who tells it. A name that is missing here or there has been changed.
#[test]
fn the_events_of_the_happy_path_have_their_names() {
    let scene = Scene::new();
    let names = |objects: Vec<Value>| -> BTreeSet<String> {
        objects.iter().map(|object| object["event"].as_str().unwrap().to_owned()).collect()
    };
    let steps = [
        "CoordinatorElected",
        "NonceReceived",
        "PartialSigReceived",
        "ParticipantJoined",
        "PeerConnected",
        "SessionComplete",
        "SessionNonceCommitmentsComplete",
        "SessionNoncesComplete",
        "SessionPartialSigsComplete",
        "SessionReady",
        "SigningRequestJoined",
        "Listening",
    ];
    // What depends on who comes and goes first.
    let perhaps = ["DhtReady", "PeerDisconnected", "SignerUnavailable"];
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let other = scene.start(&["run", "--dev", &alice, "--once", "--auto-approve", "--json"]);
    let asked = scene.run(&["sign", "--dev", &bob, "--with", &alice, "--message", "m", "--json"]).expect(0);
    let demo = scene.run(&["demo", "--signers", "2", "--json"]).expect(0);
    let told: [(&str, BTreeSet<String>, &[&str]); 3] = [
        (
            "run",
            names(other.wait().expect(0).objects()),
            &["ready", "SignerAdvertised", "SigningRequestReceived", "SignerWithdrawn"],
        ),
        ("sign", names(asked.objects()), &["result", "SignerDiscovered", "SigningRequestCreated"]),
        (
            "demo",
            names(demo.objects()),
            &["result", "SignerAdvertised", "SignerDiscovered", "SigningRequestCreated", "SigningRequestReceived"],
        ),
    ];
    for (command, mut told, own) in told {
        told.retain(|name| !perhaps.contains(&name.as_str()));
        let expected: BTreeSet<String> = steps.iter().chain(own).map(ToString::to_string).collect();
        assert_eq!(told, expected, "{command}");
    }
}
