//! `bench-net` in a run of seconds: every line that it promises is there, with every number. How long anything takes is not looked at.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "output/json.rs"]
mod output;

use output::assert_positive;
use serde_json::Value;

fn lines(arguments: &[&str]) -> Vec<Value> {
    output::lines(env!("CARGO_BIN_EXE_bench-net"), arguments)
}

#[test]
fn messages_gossip_and_the_dht_are_measured_beside_bare_libp2p() {
    let lines = lines(&["--only", "direct,gossip,dht,memory", "--nodes", "2", "--runs", "2"]);
    let operations: Vec<_> = lines.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    assert_eq!(
        operations,
        ["direct_one_way", "gossip_deliver", "dht_put", "dht_get", "dht_find", "memory_node", "memory_connection"]
    );
    for line in &lines[..5] {
        assert_positive(line, &["ours_ns", "bare_ns", "ratio", "ours_p95_ns", "bare_p95_ns"]);
        assert_eq!((&line["nodes"], &line["runs"]), (&2.into(), &2.into()));
    }
    for line in &lines[5..] {
        assert!(line["ours_bytes"].is_u64() && line["bare_bytes"].is_u64(), "{line}");
    }
}

#[test]
fn offers_are_found_in_a_cluster_by_each_channel_alone() {
    let lines = lines(&["--only", "cluster", "--nodes", "2,3"]);
    assert_eq!(lines.len(), 6, "three channels, two sizes");
    for (line, (channel, nodes)) in
        lines.iter().zip(["gossip", "direct", "dht"].into_iter().flat_map(|channel| [(channel, 2), (channel, 3)]))
    {
        assert_eq!((&line["channel"], &line["nodes"]), (&channel.into(), &nodes.into()));
        assert_eq!(line["found"], nodes - 1);
        assert_positive(line, &["median_ms", "worst_ms", "peers_each", "resident_mib"]);
    }
}

#[test]
fn the_index_and_bystanders_are_counted() {
    let lines = lines(&["--only", "index,bystanders", "--nodes", "4", "--signers", "3", "--runs", "1"]);
    let [index, bystanders] = lines.as_slice() else { panic!("two lines, not {lines:?}") };
    assert_eq!((&index["signers"], &index["recall"], &index["first_look_found"]), (&3.into(), &1.0.into(), &3.into()));
    assert_positive(index, &["search_ms", "first_look_ms", "search_requests", "puts", "put_ms", "copies"]);
    assert_eq!((&bystanders["sessions"], &bystanders["nodes"]), (&1.into(), &4.into()));
    assert!(bystanders["frames"].is_u64() && bystanders["frames_per_session"].is_f64(), "{bystanders}");
}

#[test]
fn idle_nodes_are_watched() {
    let lines = lines(&["--only", "idle", "--nodes", "3", "--seconds", "1"]);
    let [idle] = lines.as_slice() else { panic!("one line, not {lines:?}") };
    assert_eq!((&idle["operation"], &idle["nodes"]), (&"idle".into(), &3.into()));
    assert!(idle["core"].is_f64() && idle["opened_a_minute"].is_f64(), "{idle}");
    assert_positive(idle, &["peers_each", "routed_each", "resident_mib"]);
}

#[test]
fn floods_are_let_loose_on_a_node_with_its_defence_off_and_on() {
    let lines = lines(&["--only", "floods", "--seconds", "2"]);
    let named: Vec<_> =
        lines.iter().map(|line| (line["attack"].as_str().unwrap(), line["defence"].as_str().unwrap())).collect();
    let attacks = ["junk_gossip", "junk_direct", "reconnecting", "silent_sockets"];
    let wanted: Vec<_> = ["off", "on"].iter().flat_map(|defence| attacks.map(|attack| (attack, *defence))).collect();
    assert_eq!(named, wanted);
    for line in &lines {
        assert_positive(line, &["sent_a_second"]);
        assert!(line["core"].is_f64() && line["grown_mib"].is_f64() && line["frames"].is_u64(), "{line}");
        if line["attack"] == "reconnecting" {
            assert_eq!(line["sessions"].as_u64().unwrap() + line["failed"].as_u64().unwrap(), 10, "{line}");
            assert_positive(line, &["calm_median_ms"]);
        }
        if line["attack"] == "silent_sockets" {
            assert!(line["dials"].is_u64() && line["in_vain"].is_array(), "{line}");
        }
    }
}

#[test]
fn a_soak_tells_its_minutes() {
    // Without a whole minute there is nothing to compare.
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_bench-net"))
        .args(["--json", "--only", "soak", "--nodes", "2", "--minutes", "0"])
        .output()
        .unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("three minutes"));
}
