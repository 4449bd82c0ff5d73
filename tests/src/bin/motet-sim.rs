//! `motet-sim`: runs seeds of the simulator; `cargo xtask sim` builds and starts it.

use motet_tests::sim::{Profile, Tally, run};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let from: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let to: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(from + 1);
    let profile = arguments.next().and_then(|name| Profile::named(&name)).unwrap_or_default();
    let tell = to == from + 1;
    let mut all = Tally::default();
    for seed in from..to {
        let outcome = run(seed, profile, tell);
        for line in &outcome.story {
            println!("{line}");
        }
        if let Some(breach) = outcome.breach {
            println!("seed {seed}: {breach}");
        }
        all.add(outcome.tally);
    }
    println!("{all:#?}");
}
