//! All orders of messages and works between two signers, with one fault anywhere.

use motet_tests::sim::explore::{Explored, Fault, explore};
use motet_wire::Commitments;

/// States that a debug build can follow in a few seconds; `motet-sim --explore` follows all.
const MOST: u64 = 1_500;

fn must_hold(commitments: Commitments, fault: Fault) -> Explored {
    let explored = explore(commitments, fault, MOST);
    if let Some((breach, story)) = &explored.breach {
        panic!("{}\n{commitments:?} {fault:?}: {breach}", story.join("\n"));
    }
    assert!(explored.ends > 0 && explored.complete == explored.ends, "{explored:?}");
    explored
}

#[test]
fn any_order_leads_to_the_signatures() {
    for commitments in [Commitments::On, Commitments::Off] {
        must_hold(commitments, Fault::None);
    }
}

#[test]
fn one_lost_message_is_healed_wherever_it_is_lost() {
    must_hold(Commitments::On, Fault::Loss);
}

#[test]
fn one_doubled_message_changes_nothing() {
    must_hold(Commitments::Off, Fault::Doubling);
}

#[test]
fn one_crash_is_survived_wherever_it_comes() {
    must_hold(Commitments::On, Fault::Crash);
}

#[test]
fn one_deadline_that_passes_costs_an_attempt() {
    must_hold(Commitments::On, Fault::Delay);
}
