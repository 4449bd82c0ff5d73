//! Where a peer's connection comes from: what identities cost is addresses.

use std::io::Write as _;
use std::process::Command;

use motet_wire::{Channel, NetworkGroup};

use crate::peer::{Peer, TCP, config};

#[tokio::test(flavor = "multi_thread")]
async fn frames_from_this_machine_are_of_no_group() {
    assert_eq!(groups_over(TCP).await, [NetworkGroup::Local; 2]);
}

/// The name of the next test, and how its child knows that it is one.
const NAME: &str = "groups::frames_carry_the_network_that_their_connection_comes_from";
const INSIDE: &str = "MOTET_TEST_IN_NAMESPACE";

#[test]
fn frames_carry_the_network_that_their_connection_comes_from() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let groups = runtime.block_on(groups_over("/ip4/203.0.113.7/tcp/0"));
        return assert_eq!(groups, [NetworkGroup::V4([203, 0, 113]); 2]);
    }
    // Addresses of the internet are there in a network namespace of its own only.
    let unshare = |script: &str| {
        let script = format!("ip link set lo up && ip addr add 203.0.113.7/24 dev lo && {script}");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "sh", "-c", &script]);
        command
    };
    if !unshare("true").output().is_ok_and(|output| output.status.success()) {
        drop(writeln!(std::io::stderr(), "skipped: no network namespace can be made here (rights, and iproute2)"));
        return;
    }
    let mut child = unshare("exec \"$0\" --exact \"$1\" --nocapture");
    let status = child.arg(std::env::current_exe().unwrap()).arg(NAME).env(INSIDE, "1").status().unwrap();
    assert!(status.success(), "{status}");
}

/// The groups of a frame that came directly, and of one that came by gossip, from a node that listens and dials there.
async fn groups_over(listen: &str) -> [NetworkGroup; 2] {
    let mut one = Peer::start(config(listen)).await;
    let mut settings = config(listen);
    settings.bootstrap.push(motet_net::parse_address(&one.address).unwrap());
    let mut other = Peer::start(settings).await;
    other.connected(&one.id()).await;
    other.send(&one.id(), *b"directly").await;
    let direct = one.message_with(b"directly").await;
    assert_eq!(direct.channel, Channel::Direct);
    let mut number = 0_u32;
    loop {
        // Gossip begins when the peers have heard of each other's topics, which nobody is told.
        other.publish(number.to_be_bytes()).await;
        number += 1;
        let message = one.message().await;
        if message.channel == Channel::Gossip {
            return [direct.group, message.group];
        }
    }
}
