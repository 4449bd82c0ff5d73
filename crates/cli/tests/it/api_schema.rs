//! Every answer of the API fits its schema in the OpenAPI document, and every event the page that lists it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};

use serde_json::Value;

use crate::api::{Signer, answer, ask, get, post, text};
use crate::process::Scene;
use crate::shape;

/// Faults of a value by a schema. Stricter than JSON Schema: keys that the schema does not name are faults, too.
fn faults(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"));
        return faults(document, found, value, place);
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(schemas) = schema[several].as_array() {
            let all: Vec<_> = schemas.iter().map(|schema| faults(document, schema, value, place)).collect();
            return if all.iter().any(Vec::is_empty) { Vec::new() } else { all.concat() };
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        // The keys of all parts together are those of the object.
        let known: BTreeSet<String> = parts.iter().flat_map(|part| keys(document, part)).collect();
        let mut found = unknown_keys(&known, value, place);
        for part in parts {
            let part_keys = keys(document, part);
            let mut object = value.as_object().cloned().unwrap_or_default();
            object.retain(|key, _| part_keys.contains(key));
            found.extend(faults(document, part, &object.into(), place));
        }
        return found;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        // A schema without a type takes any value.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{other}"),
    };
    if !kinds.iter().any(is) {
        return vec![format!("{place} is no {kinds:?}: {value}")];
    }
    let mut found = Vec::new();
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{place} is none of {words:?}: {value}"));
    }
    if let Some(values) = value.as_array() {
        for (number, one) in values.iter().enumerate() {
            found.extend(faults(document, &schema["items"], one, &format!("{place}[{number}]")));
        }
    }
    if let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for name in schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()) {
            if !object.contains_key(name) {
                found.push(format!("{place}.{name} is missing"));
            }
        }
        found.extend(unknown_keys(&properties.keys().cloned().collect(), value, place));
        for (name, property) in properties {
            if let Some(one) = object.get(name) {
                found.extend(faults(document, property, one, &format!("{place}.{name}")));
            }
        }
    }
    found
}

fn keys(document: &Value, schema: &Value) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    schema["properties"].as_object().map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

fn unknown_keys(known: &BTreeSet<String>, value: &Value, place: &str) -> Vec<String> {
    let names = value.as_object().into_iter().flatten().map(|(name, _)| name);
    names.filter(|name| !known.contains(*name)).map(|name| format!("{place}.{name} is not in the schema")).collect()
}

/// Calls of a signer, each answer checked against the document.
struct Checked<'a> {
    signer: &'a Signer,
    document: Value,
    /// The routes that have answered with success, and those that have refused.
    done: BTreeSet<String>,
    refused: BTreeSet<String>,
}

impl<'a> Checked<'a> {
    fn new(signer: &'a Signer) -> Self {
        let (_, document) = answer(&mut signer.unix(), &get("/openapi.json", ""));
        Self { signer, document, done: BTreeSet::new(), refused: BTreeSet::new() }
    }

    /// Calls a route, with the values of its path and the rest of the address.
    fn call(&mut self, method: &str, template: &str, values: &[&str], rest: &str, body: Option<&Value>) -> Value {
        let mut path = template.to_owned();
        for value in values {
            let (before, after) = path.split_once('{').unwrap();
            path = format!("{before}{value}{}", after.split_once('}').unwrap().1);
        }
        let path = format!("{path}{rest}");
        let request = match body {
            Some(body) => post(&path, &body.to_string()).replacen("POST", method, 1),
            None => get(&path, "").replacen("GET", method, 1),
        };
        let (status, told) = answer(&mut self.signer.unix(), &request);
        let responses = self.document["paths"][template][method.to_lowercase()]["responses"].clone();
        let response = responses.get(status.to_string()).unwrap_or(&responses["default"]);
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_null() {
            assert!(told.is_string() && status == 200, "{method} {path}: {told}");
        } else {
            let found = faults(&self.document, schema, &told, "");
            assert!(found.is_empty(), "{method} {path} {status}: {found:#?}");
        }
        let list = if status < 300 { &mut self.done } else { &mut self.refused };
        list.insert(format!("{method} {template}"));
        told
    }

    fn get(&mut self, template: &str, values: &[&str], rest: &str) -> Value {
        self.call("GET", template, values, rest, None)
    }

    fn post(&mut self, template: &str, values: &[&str], body: &Value) -> Value {
        self.call("POST", template, values, "", Some(body))
    }
}

/// Routes that answer with streams, or that only special signers carry out; other tests do.
const ELSEWHERE: [&str; 9] = [
    "GET /v1/events",
    "GET /v1/applications/{application}/messages",
    "POST /v1/sessions/{request}/nonce-commitments",
    "POST /v1/sessions/{request}/round1",
    "POST /v1/sessions/{request}/round2",
    "POST /v1/sessions/{request}/retry",
    "POST /v1/signers",
    "POST /v1/lock",
    "POST /v1/unlock",
];

#[test]
fn every_answer_fits_its_schema() {
    let scene = Scene::new();
    let (address, got) = crate::webhooks::receiver(&[500, 400]);
    let mut alice = Signer::start(&scene, "alice", &["--keep-results", "--webhook", &address]);
    let mut bob = Signer::start(&scene, "bob", &["--auto-approve"]);
    alice.motet.output_line(&bob.name);
    let (at_alice, at_bob) = (alice.told(&scene, &["status"])[0].clone(), bob.told(&scene, &["status"])[0].clone());
    let key = |status: &Value| status["signers"][0].as_str().unwrap().to_owned();
    let (own, other) = (key(&at_alice), key(&at_bob));

    // Others ask: one request is approved, and one declined.
    let ask_alice = |message: &str| {
        let sign = serde_json::json!({"with": [own], "messages": [{"text": message}], "despite_open": true});
        let (status, asked) = answer(&mut bob.unix(), &post("/v1/sign", &sign.to_string()));
        assert_eq!(status, 201, "{asked}");
    };
    ask_alice("one");
    let first = alice.waiting_after(&scene, 0);
    let first_id = text(&first, "request");
    let mut calls = Checked::new(&alice);
    calls.get("/v1/requests", &[], "");
    calls.get("/v1/requests/{request}", &[first_id], "");
    calls.get("/v1/network/requests/{request}", &[first_id], "");
    calls.get("/v1/signers/{signer}/requests", &[&own], "");
    let digest = serde_json::json!({"digest": first["digest"]});
    calls.post("/v1/requests/{request}/approve", &[first_id], &digest);
    calls.post("/v1/requests/{request}/approve", &[first_id], &digest);
    ended(&mut calls, first_id, "complete");
    // Both attempts of the question's webhook are over: the second is refused for good.
    for _ in 0..2 {
        crate::webhooks::next(&got, "ApprovalAsked");
    }
    let (mut done, mut refused) = (calls.done, calls.refused);
    ask_alice("two");
    let second = alice.waiting_after(&scene, 1);
    let mut calls = Checked::new(&alice);
    calls.post("/v1/requests/{request}/decline", &[text(&second, "request")], &serde_json::json!({"reason": "no"}));

    // What the node knows and does.
    for template in ["/healthz", "/readyz", "/metrics", "/v1/status", "/v1/peers", "/v1/log", "/v1/webhooks"] {
        calls.get(template, &[], "");
    }
    for template in ["/v1/sessions", "/v1/results", "/v1/evidence", "/v1/requests"] {
        calls.get(template, &[], "");
    }
    calls.call("PUT", "/v1/log", &[], "", Some(&serde_json::json!({"filter": "off"})));
    let place = format!("{}/p2p/{}", at_bob["connections"]["listening"][0].as_str().unwrap(), text(&at_bob, "peer"));
    calls.post("/v1/peers", &[], &serde_json::json!({"address": place}));
    calls.get("/v1/peers/{peer}", &[text(&at_bob, "peer")], "");
    calls.get("/v1/signers", &[], "?known=true");
    calls.get("/v1/signers/{signer}", &[&other], "");
    calls.get("/v1/signers/{signer}/reputation", &[&other], "");
    let resource = serde_json::json!({"type": "t", "id": "i", "data": "00", "lifetime_ms": 60_000});
    calls.post("/v1/resources", &[], &resource);
    calls.get("/v1/resources", &[], "");
    calls.post("/v1/applications/{application}/messages", &["chat"], &serde_json::json!({"to": other, "data": "00"}));

    // This signer asks: one session ends with signatures, and one is given up.
    let sign = |message: &str| serde_json::json!({"with": [other], "messages": [{"text": message}]});
    let asked = calls.post("/v1/sign", &[], &sign("three"));
    let id = text(&asked, "request");
    ended(&mut calls, id, "complete");
    calls.get("/v1/sessions/{request}/events", &[id], "");
    calls.get("/v1/results", &[], "");
    calls.post("/v1/results/{request}/note", &[id], &serde_json::json!({}));
    for template in ["nonce-commitments", "round1", "round2", "retry", "close"] {
        calls.post(&format!("/v1/sessions/{{request}}/{template}"), &[id], &serde_json::json!({}));
    }
    bob.motet.signal("STOP");
    let asked = calls.post("/v1/sign", &[], &sign("four"));
    let id = text(&asked, "request");
    calls.post("/v1/sessions/{request}/abort", &[id], &serde_json::json!({"reason": "enough"}));
    ended(&mut calls, id, "aborted");
    calls.get("/v1/sessions/{request}", &[&"0".repeat(64)], "");
    calls.get("/v1/stats", &[], "");
    let history = calls.get("/v1/history", &[], "?minutes=5");
    let sum = |key: &str| {
        history["minutes"].as_array().unwrap().iter().map(|minute| minute[key].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((sum("complete"), sum("ended")), (2, 2), "{history}");
    calls.post("/v1/contacts", &[], &serde_json::json!({"signer": other}));
    calls.call("DELETE", "/v1/contacts/{signer}", &[&other], "", None);
    for template in ["/v1/lock", "/v1/unlock"] {
        calls.post(template, &[], &serde_json::json!({}));
    }
    calls.post("/v1/advertisements", &[], &serde_json::json!({}));
    calls.call("DELETE", "/v1/advertisements/{signer}", &[&own], "?reason=enough", None);
    calls.post("/v1/signers", &[], &serde_json::json!({"key": "other"}));
    calls.call("DELETE", "/v1/signers/{signer}", &[&own], "", None);
    calls.post("/v1/halt", &[], &serde_json::json!({}));

    done.extend(calls.done);
    refused.extend(calls.refused);
    for (path, methods) in calls.document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let route = format!("{} {path}", method.to_uppercase());
            let elsewhere = ELSEWHERE.contains(&route.as_str());
            assert!(done.contains(&route) || elsewhere, "no success of {route}: {refused:?}");
        }
    }
}

/// Waits for the end of a session, and checks each answer on the way.
fn ended(calls: &mut Checked<'_>, request: &str, expected: &str) {
    let mut session = calls.get("/v1/sessions/{request}", &[request], "");
    while !["complete", "aborted"].contains(&text(&session, "phase")) {
        let after = format!("?wait=60s&after={}", text(&session, "revision"));
        session = calls.get("/v1/sessions/{request}", &[request], &after);
    }
    assert_eq!(session["phase"], expected, "{session}");
    let at_once = calls.get("/v1/sessions/{request}", &[request], "?wait=60s&until=end");
    assert_eq!(at_once["phase"], expected, "the end has come already");
}

#[test]
fn the_checker_finds_faults() {
    let document = serde_json::json!({"components": {"schemas": {"A": {
        "type": "object", "required": ["n"],
        "properties": {"n": {"type": "integer"}, "t": {"type": ["string", "null"]}, "l": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}}
    }}}});
    let schema = serde_json::json!({"$ref": "#/components/schemas/A"});
    let of = |value: Value| faults(&document, &schema, &value, "").len();
    assert_eq!(of(serde_json::json!({"n": 1, "t": null, "l": [{"n": 2}]})), 0);
    for wrong in [
        serde_json::json!({}),
        serde_json::json!({"n": "1"}),
        serde_json::json!({"n": 1.5}),
        serde_json::json!({"n": 1, "t": 1}),
        serde_json::json!({"n": 1, "more": 1}),
        serde_json::json!({"n": 1, "l": [{"n": null}]}),
        serde_json::json!([]),
    ] {
        assert_eq!(of(wrong.clone()), 1, "{wrong}");
    }
}

#[test]
fn every_event_has_the_keys_of_the_page() {
    let scene = Scene::new();
    let mut alice = Signer::start(&scene, "alice", &[]);
    let status = alice.told(&scene, &["status"])[0].clone();
    let first = format!("{}-0", text(&status, "cursor").split_once('-').unwrap().0);
    let asked = ask(&scene, "bob", &alice, "m");
    alice.approve(&scene);
    asked.wait().expect(0);
    let asked = ask(&scene, "carol", &alice, "n");
    let waiting = alice.waiting_after(&scene, 1);
    alice.call(&scene, &["decline", text(&waiting, "request")]).expect(0);
    asked.wait().expect(5);
    let mut stream = alice.unix();
    let lost = format!("last-event-id: {}\r\n", "no-place");
    stream.write_all(get(&format!("/v1/events?after={first}"), "").as_bytes()).unwrap();
    let mut other = alice.unix();
    other.write_all(get("/v1/events", &lost).as_bytes()).unwrap();
    alice.call(&scene, &["halt"]).expect(0);
    let mut names = BTreeSet::new();
    for stream in [stream, other] {
        for line in BufReader::new(stream).lines().map(Result::unwrap) {
            if let Some(data) = line.strip_prefix("data: ") {
                let event: Value = serde_json::from_str(data).unwrap();
                names.insert(text(&event, "event").to_owned());
                shape::check_told(&event);
            }
        }
    }
    for name in ["ApprovalAsked", "ApprovalDecided", "SessionComplete", "SessionAborted", "lost"] {
        assert!(names.contains(name), "{names:?}");
    }
}
