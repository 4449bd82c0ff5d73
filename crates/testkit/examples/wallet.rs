//! A wallet's test with its own rule for payments: it signs small ones, asks its user about others, and declines what the user
//! declines. In a wallet this is a `#[test]`.

use core::time::Duration;

use motet_coordinator::event::{AbortCause, Event};
use motet_coordinator::{Command, CommandError, Decision, Proposal};
use motet_testkit::Cluster;

/// The rule under test. Here the message is the amount.
fn small_payments_only(proposal: &Proposal) -> Option<Decision> {
    let is_small = proposal.terms.items.iter().all(|item| item.message.len() == 1);
    is_small.then_some(Decision::Approve)
}

fn main() -> Result<(), CommandError> {
    let mut cluster = Cluster::new(2, 7);
    // Node 0 is the merchant, node 1 the wallet.
    cluster
        .set_policy(|node, proposal| if node == 1 { small_payments_only(proposal) } else { Some(Decision::Approve) });
    cluster.advertise_all();

    let small = cluster.announce(0, &[0, 1], b"5")?;
    cluster.run_until(|cluster| cluster.signature(small).is_some());

    let large = cluster.announce(0, &[0, 1], b"5000")?;
    cluster.advance(Duration::from_secs(10));
    assert!(cluster.signature(large).is_none(), "the user has not answered yet");
    let decline = Command::Decline { request: large, signer: cluster.key(1), reason: "too much".to_owned() };
    cluster.command(1, decline)?;
    cluster.settle();
    let reasons =
        cluster.events(0, |event| if let Event::SessionAborted(end) = event { Some(end.cause.clone()) } else { None });
    assert!(matches!(&reasons[..], [AbortCause::Refused { detail, .. }] if detail == "too much"), "{reasons:?}");
    Ok(())
}
