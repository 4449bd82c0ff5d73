//! Simulated worlds whose asks are Bitcoin transactions: honest ones are signed, and lies are declined with their code.

use motet_tests::sim::plan::{Plan, Vice};
use motet_tests::sim::transactions::{Deriving, Lie};
use motet_tests::sim::{Profile, Tally, World};

/// Random worlds of each profile.
const WORLDS: usize = 10;

/// Runs a world in which every invariant has to hold.
#[track_caller]
fn hold(plan: Plan) -> Tally {
    let mut world = World::new(plan, true);
    let breach = world.run();
    assert!(breach.is_none(), "{}\n{breach:?}", world.story().join("\n"));
    core::mem::take(&mut world.tally)
}

#[test]
fn every_lie_of_a_creator_is_declined_with_its_code_and_nothing_is_signed() {
    for (seed, lie) in (0..).zip(Lie::ALL) {
        let tally = hold(Plan::lying(seed, lie));
        let declined = tally.deeds.get(&(Vice::LiesAboutTransactions, lie.name()));
        assert!(declined.is_some_and(|count| *count > 0), "{lie:?}: {:?}", tally.deeds);
        assert_eq!((tally.sessions, tally.judged), (1, 0), "{lie:?}");
    }
}

#[test]
fn the_same_lies_are_declined_by_members_whose_keys_are_derived() {
    for (seed, lie) in (100..).zip(Lie::ALL) {
        let tally = hold(Plan::lying_of_members(seed, lie));
        let declined = tally.deeds.get(&(Vice::LiesAboutTransactions, lie.name()));
        assert!(declined.is_some_and(|count| *count > 0), "{lie:?}: {:?}", tally.deeds);
        assert_eq!((tally.sessions, tally.judged), (1, 0), "{lie:?}");
    }
}

#[test]
fn honest_transactions_under_derived_keys_of_members_are_signed_in_calm_worlds() {
    for seed in 0..10 {
        let tally = hold(Plan::spending_of_members(seed));
        assert!(tally.sessions > 0 && tally.complete == tally.sessions, "seed {seed}: {:?}", tally.ends);
        let name = "transaction under members' derived keys asked for";
        assert_eq!(tally.ends.get(name), Some(&tally.sessions), "seed {seed}");
    }
}

#[test]
fn every_invariant_holds_in_random_worlds_whose_groups_derive_the_keys_of_members() {
    for profile in [Profile::Normal, Profile::Brutal, Profile::Deep] {
        let plans = (10_000..).map(|seed| Plan::draw(seed, profile));
        for plan in plans.filter(|plan| plan.deriving == Deriving::Members).take(WORLDS) {
            hold(plan);
        }
    }
}

#[test]
fn honest_transactions_are_signed_in_calm_worlds() {
    for seed in 0..10 {
        let tally = hold(Plan::spending(seed, seed % 2 == 0));
        assert!(tally.sessions > 0 && tally.complete == tally.sessions, "seed {seed}: {:?}", tally.ends);
        let name = if seed % 2 == 0 { "private transaction asked for" } else { "transaction asked for" };
        assert_eq!(tally.ends.get(name), Some(&tally.sessions), "seed {seed}");
    }
}
