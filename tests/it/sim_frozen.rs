//! The stories of 500 simulated worlds, held by their hashes: what the engine does in them is the same after every change,
//! or the commit names what it changes and why.
//!
//! `MOTET_BLESS=1 cargo test -p motet-tests sim_frozen` writes the hashes anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use motet_core_crypto::tagged_hash;
use motet_tests::sim::{Profile, run};

/// The worlds: 500 in all.
const WORLDS: [(Profile, u64); 4] =
    [(Profile::Calm, 50), (Profile::Normal, 300), (Profile::Brutal, 130), (Profile::Deep, 20)];

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("frozen/stories.txt")
}

/// The first 8 bytes of the hash of a story, in hex.
fn hash_of(profile: Profile, seed: u64) -> String {
    let story = run(seed, profile, true).story.join("\n");
    let hash = tagged_hash("motet/tests/story", &[story.as_bytes()]);
    hash[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn the_stories_of_five_hundred_worlds_stay_as_they_are() {
    let worlds: Vec<(Profile, u64)> =
        WORLDS.into_iter().flat_map(|(profile, seeds)| (0..seeds).map(move |seed| (profile, seed))).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut lines: Vec<(usize, String)> = std::thread::scope(|scope| {
        let of_thread = |thread: usize| {
            let worlds = &worlds;
            scope.spawn(move || {
                let of_thread = worlds.iter().enumerate().filter(|(at, _)| at % threads == thread);
                let line = |(at, (profile, seed)): (usize, &(Profile, u64))| {
                    (at, format!("{} {seed} {}\n", format!("{profile:?}").to_lowercase(), hash_of(*profile, *seed)))
                };
                of_thread.map(line).collect::<Vec<_>>()
            })
        };
        let running: Vec<_> = (0..threads).map(of_thread).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    lines.sort();
    let now: String = lines.into_iter().map(|(_, line)| line).collect();
    if std::env::var_os("MOTET_BLESS").is_some() {
        std::fs::write(file(), &now).unwrap();
        return;
    }
    let known = std::fs::read_to_string(file()).unwrap();
    let changed: Vec<&str> = now.lines().filter(|line| !known.lines().any(|known| known == *line)).collect();
    assert!(changed.is_empty() && known.lines().count() == 500, "{} stories have changed: {changed:#?}", changed.len());
}
