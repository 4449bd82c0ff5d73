//! Simulated worlds, a few thousand of them at every run; `cargo xtask sim` runs as many as one likes.

use motet_tests::sim::{Profile, Tally, run};

/// Runs seeds on all cores and hands back what was seen; the first breach fails the test with its story.
fn hold(profile: Profile, seeds: core::ops::Range<u64>) -> Tally {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let tallies = std::thread::scope(|scope| {
        let of_thread = |thread: u64| {
            let seeds = seeds.clone();
            scope.spawn(move || {
                let mut all = Tally::default();
                for seed in seeds.filter(|seed| seed % threads == thread) {
                    let outcome = run(seed, profile, false);
                    if let Some(breach) = outcome.breach {
                        let story = run(seed, profile, true).story;
                        let end = story.iter().rev().take(40).rev().cloned().collect::<Vec<_>>().join("\n");
                        panic!("{end}\n{profile:?} seed {seed}: {breach}");
                    }
                    all.add(outcome.tally);
                }
                all
            })
        };
        let running: Vec<_> = (0..threads).map(of_thread).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    tallies.into_iter().fold(Tally::default(), |mut all, tally| {
        all.add(tally);
        all
    })
}

#[test]
fn every_invariant_holds_in_calm_worlds_and_all_of_them_sign() {
    let tally = hold(Profile::Calm, 0..200);
    assert_eq!(tally.complete, tally.sessions);
    assert!(tally.sessions >= 200);
}

#[test]
fn every_invariant_holds_where_some_things_break_and_some_lie() {
    let tally = hold(Profile::Normal, 0..1_200);
    // The faults have happened, the actors have acted, and sessions have come to their end all the same.
    let rare = ["node stands still", "node stands still, clock too", "message lost with a node's connections"];
    let known = ["crash", "message lost", "message cut off", "clone", "disk full", "wall clock jumps", "decline"];
    for fault in rare.into_iter().chain(known) {
        assert!(tally.faults.get(fault).is_some_and(|count| *count > 5), "{fault}: {:?}", tally.faults);
    }
    assert!(tally.actors.len() == 20 && tally.actors.values().all(|count| *count > 10), "{:?}", tally.actors);
    assert!(tally.complete > 700, "{} of {}", tally.complete, tally.sessions);
    let derived = tally.ends.get("transaction under members' derived keys asked for");
    assert!(derived.is_some_and(|count| *count > 5), "{:?}", tally.ends);
    let late = tally.ends.get("complete after an end without signatures");
    assert!(late.is_some_and(|count| *count > 10), "{:?}", tally.ends);
}

#[test]
fn every_invariant_holds_where_everything_breaks() {
    let tally = hold(Profile::Brutal, 0..600);
    assert!(tally.complete > 50, "{} of {}", tally.complete, tally.sessions);
}

#[test]
fn nothing_happens_on_a_node_that_stands_still_until_it_goes_on() {
    let (mut stood, mut held) = (0, 0);
    for seed in 0..40 {
        let outcome = run(seed, Profile::Brutal, true);
        let copies = outcome.story.iter().any(|line| line.contains("is a copy of"));
        let begins = |line: &&String| line.contains("stands still: StandStill");
        for start in outcome.story.iter().filter(begins).filter(|_| !copies) {
            let node = start.split_once("node ").unwrap().1.split(' ').next().unwrap();
            let since = outcome.story.iter().position(|line| line == start).unwrap();
            let end = outcome.story.iter().skip(since).position(|line| line.ends_with(&format!("node {node} goes on")));
            let until = end.map_or(outcome.story.len(), |end| since + end);
            let of_it = |line: &&String| {
                let own = line.split_once(" ms  ").is_some_and(|(_, text)| text.starts_with(&format!("node {node}")));
                own && !line.contains("wall clock jumps") && !line.contains("the disk is")
            };
            let meanwhile: Vec<_> = outcome.story[since + 1..until].iter().filter(of_it).collect();
            assert!(meanwhile.is_empty(), "seed {seed}: {meanwhile:#?}");
            stood += 1;
            held += until - since;
        }
    }
    assert!(stood > 5 && held > 100, "{stood} times, {held} lines");
}

#[test]
fn a_seed_is_the_same_world_every_time() {
    for seed in [3, 14, 159] {
        let (first, second) = (run(seed, Profile::Brutal, true), run(seed, Profile::Brutal, true));
        assert_eq!(first.story, second.story);
        assert!(!first.story.is_empty());
    }
}
