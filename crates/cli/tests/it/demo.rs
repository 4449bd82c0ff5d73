//! `motet demo`: complete nodes in one process.

use std::collections::BTreeMap;

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Address, Network, Transaction};
use serde_json::Value;

use crate::judge::{Signed, Tweak, signers};
use crate::process::Scene;
use crate::shape;

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

/// Bitcoin's consensus code accepts the transaction as a spend of this coin, and no other transaction and no other coin.
fn spends(transaction: &str, value: u64, script: &str) {
    let script = hex::decode(script).unwrap();
    let verify = |transaction: &[u8], value: u64| {
        let spent = [bitcoinconsensus::Utxo {
            script_pubkey: script.as_ptr(),
            script_pubkey_len: u32::try_from(script.len()).unwrap(),
            value: value.try_into().unwrap(),
        }];
        bitcoinconsensus::verify(&script, value, transaction, Some(&spent), 0)
    };
    let mut bytes = hex::decode(transaction).unwrap();
    verify(&bytes, value).unwrap();
    verify(&bytes, value + 1).unwrap_err();
    // The last byte of the locktime.
    *bytes.last_mut().unwrap() ^= 1;
    verify(&bytes, value).unwrap_err();
}

#[test]
fn strangers_spend_a_coin_of_their_group_as_consensus_code_wants_it() {
    let scene = Scene::new();
    let ended = scene.run(&["demo", "--bitcoin", "--json"]).expect(0);
    assert_eq!(ended.errors, "");
    let objects = ended.objects();
    objects.iter().for_each(shape::check);
    let all = |event: &str| objects.iter().filter(|object| object["event"] == event).collect::<Vec<_>>();
    let result = objects.last().unwrap();
    assert_eq!(keys(result), ["announce_to_signature_ms", "coin", "event", "transaction", "txid"]);
    let coin = &result["coin"];
    let (value, script) = (coin["value"].as_u64().unwrap(), coin["script"].as_str().unwrap());
    spends(result["transaction"].as_str().unwrap(), value, script);

    // The coin lies at the address that was shown, and the transaction is the one that was approved.
    let (groups, approved) = (all("group"), all("transaction"));
    let ([group], [approved]) = (groups.as_slice(), approved.as_slice()) else { panic!("{groups:?} {approved:?}") };
    assert_eq!(group["members"].as_array().unwrap().len(), 3);
    assert_eq!(group["confirmed"], true);
    let script = bitcoin::ScriptBuf::from_hex(script).unwrap();
    let address = Address::from_script(&script, Network::Regtest).unwrap();
    assert_eq!(group["address"], address.to_string());
    let transaction: Transaction = deserialize_hex(result["transaction"].as_str().unwrap()).unwrap();
    assert_eq!(result["txid"], transaction.compute_txid().to_string());
    assert_eq!(approved["txid"], result["txid"]);
    let [input] = transaction.input.as_slice() else { panic!("{transaction:?}") };
    assert_eq!(coin["outpoint"], input.previous_output.to_string());
    let shown: Vec<_> = approved["outputs"].as_array().unwrap().iter().collect();
    assert_eq!(shown.iter().map(|output| &output["kind"]).collect::<Vec<_>>(), ["address", "group"]);
    assert_eq!(shown.len(), transaction.output.len());
    for (shown, output) in shown.iter().zip(&transaction.output) {
        assert_eq!(shown["amount"]["value"], output.value.to_sat());
        assert_eq!(shown["amount"]["proven"], true);
    }

    // Each node has the same signature, and it is the one in the transaction.
    let completed = all("SessionComplete");
    assert_eq!(completed.len(), 3);
    for node in completed {
        let signed = Signed::items(node);
        assert_eq!(signed.len(), 1);
        signed[0].verify();
        assert_eq!(input.witness.to_vec(), [signed[0].signature.to_bytes().to_vec()]);
    }
}

#[test]
fn people_see_group_request_and_transaction_each_once() {
    let scene = Scene::new();
    let ended = scene.run(&["demo", "--bitcoin", "--signers", "2"]).expect(0);
    let text = ended.output.join("\n");
    let after = |label: &str| {
        let lines: Vec<&str> =
            ended.output.iter().filter_map(|line| line.trim_start().strip_prefix(label)).map(str::trim).collect();
        let [line] = lines.as_slice() else { panic!("{label}: {lines:?}\n{text}") };
        (*line).to_owned()
    };
    let (_, words) = text.split_once("\nwords ").unwrap();
    assert_eq!(words.split_once("\naddress ").unwrap().0.split_whitespace().count(), 12, "{text}");
    assert!(after("address").starts_with("bcrt1p"), "{text}");
    assert_eq!(after("asked by"), "alice,", "{text}");
    assert_eq!(
        text.matches("spends by  key path: alice + bob (of 2 members)").count(),
        2,
        "of the group, and here\n{text}"
    );
    assert!(text.contains("output 0   0.00060000 BTC\n             bcrt "), "{text}");
    assert!(after("output 1").starts_with("0.00039500 BTC  change, 1/0 of the group"), "{text}");
    assert!(after("fee").starts_with("0.00000500 BTC"), "{text}");
    let value = after("its amount").strip_suffix(" sat").unwrap().parse().unwrap();
    spends(&after("transaction  "), value, &after("its script"));
    assert!(after("verdict").ends_with("; not broadcast"), "{text}");
    assert!(text.contains("This coin is made up"), "{text}");
    // Nothing stays behind.
    assert_eq!(std::fs::read_dir(scene.folder()).unwrap().count(), 0);
}

#[test]
fn a_demonstration_with_a_transaction_takes_no_message() {
    let scene = Scene::new();
    for option in ["--items=2", "--message=hello"] {
        let ended = scene.run(&["demo", "--bitcoin", option]).expect(2);
        assert!(ended.errors.contains("--bitcoin"), "{}", ended.errors);
    }
}
