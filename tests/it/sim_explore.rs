//! All orders of messages and works between two signers, with one fault anywhere.

use motet_tests::sim::explore::{Explored, Fault, explore};
use motet_wire::Commitments;

/// States that a debug build can follow in a few seconds: all where nothing breaks or a message is lost, the first of
/// those that the other faults lead to. `cargo xtask sim --explore` follows all.
const MOST: u64 = 1_200;

fn must_hold(commitments: Commitments, fault: Fault) -> Explored {
    let explored = explore(commitments, fault, MOST);
    if let Some((breach, story)) = &explored.breach {
        panic!("{}\n{commitments:?} {fault:?}: {breach}", story.join("\n"));
    }
    assert!(explored.ends > 0 && explored.complete == explored.ends, "{explored:?}");
    assert!(explored.exhausted || explored.states == MOST, "{explored:?}");
    explored
}

#[test]
fn any_order_leads_to_the_signatures() {
    assert!(must_hold(Commitments::On, Fault::None).exhausted);
    assert!(must_hold(Commitments::Off, Fault::None).exhausted);
}

#[test]
fn one_lost_message_is_healed_wherever_it_is_lost() {
    assert!(must_hold(Commitments::On, Fault::Loss).exhausted);
}

#[test]
fn one_lost_message_is_healed_without_commitments() {
    assert!(must_hold(Commitments::Off, Fault::Loss).exhausted);
}

#[test]
fn one_doubled_message_changes_nothing() {
    must_hold(Commitments::On, Fault::Doubling);
}

#[test]
fn one_doubled_message_changes_nothing_without_commitments() {
    must_hold(Commitments::Off, Fault::Doubling);
}

#[test]
fn one_crash_is_survived_wherever_it_comes() {
    must_hold(Commitments::On, Fault::Crash);
}

#[test]
fn one_crash_is_survived_without_commitments() {
    must_hold(Commitments::Off, Fault::Crash);
}

#[test]
fn one_deadline_that_passes_costs_an_attempt() {
    must_hold(Commitments::On, Fault::Delay);
}

#[test]
fn one_deadline_that_passes_costs_an_attempt_without_commitments() {
    must_hold(Commitments::Off, Fault::Delay);
}
