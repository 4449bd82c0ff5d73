//! Disks that are full, and crashes in the middle of a commit.

use motet_coordinator::Record;
use motet_coordinator::event::Event;
use motet_testkit::{Cluster, Commit, Seen};
use motet_wire::Kind;

#[test]
fn nothing_leaves_a_node_whose_disk_refuses_the_records_for_it() {
    let mut cluster = Cluster::new(2, 1);
    cluster.advertise_all();
    cluster.node_mut(1).store_mut().refuse();
    let request = cluster.announce(0, &[0, 1], b"m").unwrap();
    cluster.settle();
    assert!(cluster.sent().iter().all(|sent| sent.by != 1 || sent.kind() != Some(Kind::ParticipantJoined)));
    let told =
        cluster.events(1, |event| matches!(event, Event::SessionError { .. } | Event::SessionAborted(_)).then_some(()));
    assert!(!told.is_empty(), "{:?}", cluster.node(1).events());
    // With room on the disk, the next session has what it needs.
    cluster.node_mut(1).store_mut().accept();
    cluster.settle();
    assert!(cluster.signature(request).is_none());
    let again = cluster.announce(0, &[0, 1], b"again").unwrap();
    cluster.run_until(|cluster| cluster.signature(again).is_some());
}

/// A crash at every commit of a session, before and after its records are stored: after a restart there is a signature.
#[test]
fn a_session_survives_a_crash_in_any_commit() {
    for fate in [Commit::CrashBefore, Commit::CrashAfter] {
        let mut crashes = 0;
        for number in 0.. {
            let mut cluster = Cluster::new(2, 2);
            cluster.advertise_all();
            let mut left = number;
            cluster.node_mut(1).store_mut().on_commit(move |_: &[Record]| {
                left -= 1;
                if left == -1 { fate } else { Commit::Store }
            });
            let request = cluster.announce(0, &[0, 1], b"m").unwrap();
            cluster.settle();
            if !cluster.node(1).is_down() {
                assert!(cluster.signature(request).is_some());
                break;
            }
            crashes += 1;
            cluster.node_mut(1).store_mut().accept();
            cluster.restart(1);
            let stored = cluster.node(1).store().snapshot();
            if stored.approved.is_empty() && stored.ended.is_empty() {
                // It has forgotten that it was asked; the others ask it again.
                continue;
            }
            cluster.run_until(|cluster| cluster.signature(request).is_some());
        }
        assert!(crashes >= 3, "{crashes}");
    }
}

#[test]
fn records_are_stored_before_anything_that_follows_from_them_leaves() {
    use std::cell::RefCell;
    use std::rc::Rc;
    let story = Rc::new(RefCell::new(Vec::new()));
    let mut cluster = Cluster::new(2, 3);
    cluster.advertise_all();
    let lines = Rc::clone(&story);
    cluster.node_mut(1).store_mut().on_commit(move |records| {
        lines
            .borrow_mut()
            .extend(records.iter().map(|record| format!("{record:?}").split(' ').next().unwrap().to_owned()));
        Commit::Store
    });
    let lines = Rc::clone(&story);
    cluster.observe(move |node, seen| {
        if let (1, Seen::Effect(motet_coordinator::Effect::Send { frame, .. })) = (node, seen) {
            lines.borrow_mut().push(format!("{:?}", motet_wire::peek(frame).unwrap().kind));
        }
    });
    let request = cluster.announce(0, &[0, 1], b"m").unwrap();
    cluster.run_until(|cluster| cluster.signature(request).is_some());
    let story = story.borrow();
    let at = |name: &str| story.iter().position(|line| line == name).unwrap();
    assert!(at("Issued") < at("NonceShare") && at("Spent") < at("PartialSigShare"), "{story:?}");
}
