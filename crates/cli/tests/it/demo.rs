//! `motet demo`: complete nodes in one process.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::judge::{Signed, Tweak, signers};
use crate::process::Scene;

/// The keys of an object.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn fifteen_signers_end_with_the_same_three_signatures() {
    let scene = Scene::new();
    let message = "the same for all";
    let ended = scene.run(&["demo", "--signers", "15", "--items", "3", "--message", message, "--json"]).expect(0);
    assert_eq!(ended.errors, "");
    let objects = ended.objects();
    let result = objects.last().unwrap();
    assert_eq!(keys(result), ["announce_to_signature_ms", "event", "nodes"]);
    assert_eq!(result["event"], "result");
    assert!(result["announce_to_signature_ms"].is_u64());
    let nodes = result["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 15);

    let mut voices: Vec<&str> = nodes.iter().map(|node| node["signer"].as_str().unwrap()).collect();
    let request = objects.iter().find(|object| object["event"] == "SigningRequestCreated").unwrap();
    let of_creator: Vec<Value> = objects.iter().filter(|object| object["node"] == request["node"]).cloned().collect();
    let order = signers(&of_creator);
    let mut joined: Vec<String> = order.iter().map(ToString::to_string).collect();
    joined.sort();
    voices.sort_unstable();
    assert_eq!(joined, voices, "the nodes of the result are those that joined, each once");

    let first = Signed::items(&nodes[0]);
    let messages: Vec<Vec<u8>> = (1..=3).map(|number| format!("{message} #{number}").into_bytes()).collect();
    assert_eq!(first.iter().map(|item| item.message.clone()).collect::<Vec<_>>(), messages);
    for item in &first {
        item.verify();
        item.is_of(&order, Tweak::Taproot);
    }
    for node in nodes {
        assert_eq!(keys(node), ["items", "signer"]);
        for item in node["items"].as_array().unwrap() {
            assert_eq!(keys(item), ["aggregate_key", "message", "signature"]);
        }
        assert_eq!(Signed::items(node), first);
    }
}

#[test]
fn every_node_hears_each_step_once() {
    const COUNT: usize = 4;
    let scene = Scene::new();
    let ended = scene.run(&["demo", "--signers", "4", "--json"]).expect(0);
    let mut heard: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut nodes: Vec<String> = Vec::new();
    for object in ended.objects() {
        let Some(node) = object["node"].as_str() else { continue };
        nodes.push(node.to_owned());
        *heard.entry((node.to_owned(), object["event"].as_str().unwrap().to_owned())).or_default() += 1;
    }
    nodes.sort();
    nodes.dedup();
    assert_eq!(nodes.len(), COUNT);
    let count = |node: &String, event: &str| heard.get(&(node.clone(), event.to_owned())).copied().unwrap_or(0);
    for node in &nodes {
        for once in [
            "SignerAdvertised",
            "SigningRequestJoined",
            "SessionReady",
            "CoordinatorElected",
            "SessionNonceCommitmentsComplete",
            "SessionNoncesComplete",
            "SessionPartialSigsComplete",
            "SessionComplete",
        ] {
            assert_eq!(count(node, once), 1, "{node} {once}: {heard:?}");
        }
        for each in ["ParticipantJoined", "NonceReceived", "PartialSigReceived"] {
            assert_eq!(count(node, each), COUNT, "{node} {each}: {heard:?}");
        }
        // Its creator created the request, and the others received it.
        assert_eq!(count(node, "SigningRequestCreated") + count(node, "SigningRequestReceived"), 1, "{node}");
        for never in ["SessionAborted", "SessionTimeout", "SessionError", "ParticipantDeclined"] {
            assert_eq!(count(node, never), 0, "{node} {never}: {heard:?}");
        }
    }
    assert_eq!(nodes.iter().map(|node| count(node, "SigningRequestCreated")).sum::<usize>(), 1);
}

#[test]
fn people_read_a_timeline_and_a_verdict() {
    let scene = Scene::new();
    let ended = scene.run(&["demo", "--signers", "2", "--message", "for people"]).expect(0);
    let text = ended.output.join("\n");
    let after = |label: &str| {
        let line = ended.output.iter().find_map(|line| line.trim_start().strip_prefix(label));
        line.unwrap_or_else(|| panic!("no {label}\n{text}")).trim()
    };
    assert_eq!(after("message"), "for people");
    assert!(after("verdict").starts_with("valid: 2 nodes"));
    let signed = Signed {
        key: after("aggregate key").parse().unwrap(),
        message: b"for people".to_vec(),
        signature: after("signature").parse().unwrap(),
    };
    signed.verify();
    for (node, step) in
        [("alice", "asks 2 signers"), ("bob", "receives the request of alice"), ("bob", "has the signature")]
    {
        let told = ended.output.iter().any(|line| line.contains(" ms ") && line.contains(node) && line.contains(step));
        assert!(told, "{node} {step}\n{text}");
    }
    // What a terminal would obey is not printed where there is none.
    assert!(!text.contains('\u{1b}'));
    // And nothing stays behind.
    let left: Vec<_> = std::fs::read_dir(scene.folder()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
