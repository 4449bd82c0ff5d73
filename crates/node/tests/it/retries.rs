//! Retries of transactions in private groups over real sockets on loopback: each is checked as the first request was, by the groups as
//! they are then.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bitcoin::Sequence;
use motet_node::event::{AbortCause, Event};
use motet_node::policy::{DeclineAll, Policy};
use motet_node::{
    CallError, Decision, MemoryStore, NodeBuilder, Proposal, Registry, Replacement, Rounds, VerifiedTransaction,
};
use motet_psbt::PathId;
use motet_wire::RequestId;
use tokio::sync::{mpsc, oneshot};

use crate::spends::{Members, key_path};

const LIMIT: Duration = Duration::from_secs(60);

impl Members {
    /// Lets the first node ask for a spend by the key path.
    async fn ask_by_key(&self) -> RequestId {
        self.ask(&self.spend(2, 0, Sequence::MAX), PathId::Key).await
    }

    /// Takes the group out of the registry of one node.
    fn forget(&self, node: usize) {
        self.registries[node].write().unwrap().remove(self.group.id()).unwrap();
    }

    /// The reason with which a request of the first node ends for it.
    async fn refusal(&mut self, request: RequestId) -> String {
        let events = &mut self.nodes[0].1;
        loop {
            match events.next().await.unwrap().unwrap() {
                Event::SessionAborted(aborted) if aborted.request == request => match aborted.cause {
                    AbortCause::Refused { detail, .. } => break detail,
                    other => panic!("{other:?}"),
                },
                Event::SessionComplete(completed) if completed.request == request => panic!("it was signed"),
                _ => {}
            }
        }
    }
}

/// A policy that says no for reasons of its own, so that its node has checked the transaction before.
fn declines(node: NodeBuilder) -> NodeBuilder {
    node.policy(DeclineAll)
}

/// The words of such a policy.
const NO: &str = "this node signs only what it asks for itself";

async fn a_group_that_was_removed() {
    let mut members =
        Members::built(2, key_path, |_, node, config, groups| declines(node.config(config).groups(groups))).await;
    let request = members.ask_by_key().await;
    assert_eq!(members.refusal(request).await, NO);
    members.forget(1);
    let again = members.nodes[0].0.retry_session(request).await.unwrap();
    assert_ne!(again, request);
    assert_eq!(members.refusal(again).await, "E_GROUP_UNKNOWN");
    // The own node checks it, too, by its own groups.
    members.forget(0);
    let refused = members.nodes[0].0.retry_session(again).await.unwrap_err();
    assert!(matches!(&refused, CallError::Mismatch(_)), "{refused:?}");
    assert_eq!(refused.code(), "E_GROUP_UNKNOWN");
    members.end().await;
}

/// Of four nodes, the first three are the group. The first one asks again with the fourth in the place of the third.
async fn a_replaced_key(creator_has_groups: bool) {
    let build = |number: usize, node: NodeBuilder, config, groups| {
        let node = declines(node.config(config));
        if number > 0 || creator_has_groups { node.groups(groups) } else { node }
    };
    let mut members = Members::built(4, |keys| key_path(&keys[..3]), build).await;
    let request = members.ask_by_key().await;
    assert_eq!(members.refusal(request).await, NO);
    let replace = vec![Replacement { leaves: members.nodes[2].2, joins: members.nodes[3].2 }];
    let again = members.nodes[0].0.retry_session_with(request, replace).await;
    if creator_has_groups {
        assert_eq!(again.unwrap_err().code(), "E_GROUP_UNKNOWN");
    } else {
        assert_eq!(members.refusal(again.unwrap().0).await, "E_GROUP_UNKNOWN");
    }
    members.end().await;
}

async fn a_group_that_was_removed_between_attempts() {
    let mut members = Members::built(2, key_path, |number, node, config, groups| {
        // The first node holds the session where it is.
        let config = if number == 0 { config.rounds(Rounds::Manual) } else { config };
        node.config(config).groups(groups)
    })
    .await;
    let request = members.ask_by_key().await;
    while !matches!(members.nodes[0].1.next().await.unwrap().unwrap(), Event::SessionReady { .. }) {}
    members.forget(1);
    let (node, ..) = &members.nodes[0];
    assert_eq!(node.retry_session(request).await.unwrap(), request, "another attempt of the same request");
    node.start_nonce_commitment(request).await.unwrap();
    assert_eq!(members.refusal(request).await, "declined: E_GROUP_UNKNOWN");
    members.end().await;
}

async fn a_group_that_was_removed_before_a_restart() {
    let store = Arc::new(MemoryStore::default());
    let mut members = Members::built(2, key_path, |number, node, config, groups| {
        if number == 0 {
            // The first node holds the session where it is.
            return node.config(config.rounds(Rounds::Manual)).groups(groups);
        }
        node.config(config).groups(groups).store(Arc::clone(&store))
    })
    .await;
    let request = members.ask_by_key().await;
    while !matches!(members.nodes[0].1.next().await.unwrap().unwrap(), Event::SessionReady { .. }) {}
    let none = Arc::new(RwLock::new(Registry::new()));
    members.restart_last(|node, config| node.config(config).groups(none).store(store)).await;
    assert_eq!(members.refusal(request).await, "declined: E_GROUP_UNKNOWN");
    members.end().await;
}

/// A person that takes time: each question is handed to the test, which gives the answer.
#[derive(Debug)]
struct Slow(mpsc::UnboundedSender<oneshot::Sender<Decision>>);

#[async_trait]
impl Policy for Slow {
    async fn decide(&self, _: Proposal) -> Decision {
        Decision::Decline { reason: "no transaction".to_owned() }
    }

    async fn decide_verified(&self, _: Proposal, _: VerifiedTransaction) -> Decision {
        let (answers, answer) = oneshot::channel();
        self.0.send(answers).unwrap();
        answer.await.unwrap()
    }
}

async fn a_group_that_was_removed_while_a_person_thought() {
    let (asks, mut asked) = mpsc::unbounded_channel();
    let build = |number: usize, node: NodeBuilder, config, groups| {
        let node = node.config(config).groups(groups);
        if number == 1 { node.policy(Slow(asks.clone())) } else { node }
    };
    let mut members = Members::built(2, key_path, build).await;
    let request = members.ask_by_key().await;
    let answers = asked.recv().await.unwrap();
    members.forget(1);
    answers.send(Decision::Approve).unwrap();
    assert_eq!(members.refusal(request).await, "declined: E_GROUP_UNKNOWN");
    members.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_declined_where_the_group_was_removed_meanwhile() {
    tokio::time::timeout(LIMIT, a_group_that_was_removed()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_with_a_key_that_is_of_no_member_is_declined_and_not_sent_by_a_node_that_knows_it() {
    tokio::time::timeout(LIMIT, a_replaced_key(false)).await.unwrap();
    tokio::time::timeout(LIMIT, a_replaced_key(true)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_attempt_is_declined_where_the_group_was_removed_meanwhile() {
    tokio::time::timeout(LIMIT, a_group_that_was_removed_between_attempts()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_an_earlier_process_is_declined_where_the_group_was_removed_meanwhile() {
    tokio::time::timeout(LIMIT, a_group_that_was_removed_before_a_restart()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_counts_for_nothing_where_the_group_was_removed_meanwhile() {
    tokio::time::timeout(LIMIT, a_group_that_was_removed_while_a_person_thought()).await.unwrap();
}
