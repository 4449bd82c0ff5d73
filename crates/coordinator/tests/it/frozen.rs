//! The event sequences of all tests, held by their hashes: they are the same after every change, or the commit names what it
//! changes and why.
//!
//! `MOTET_BLESS=1 cargo test -p motet-coordinator --test it` writes the hashes anew.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use motet_coordinator::event::Event;
use motet_core_crypto::tagged_hash;

/// The tests whose networks are drawn anew each time.
const RANDOM: [&str; 3] = [
    "session::lost_messages_are_healed",
    "restart::restarts_in_a_lossy_network_never_use_a_nonce_twice",
    "session::messages_in_any_order_lead_to_the_same_signature",
];

static BLESSED: Mutex<()> = Mutex::new(());

thread_local! {
    /// How many networks this test has had.
    static NETWORKS: RefCell<usize> = const { RefCell::new(0) };
}

/// The hash of the events of one network, in the order in which its users were told them.
#[derive(Default)]
pub(crate) struct Told {
    hash: [u8; 32],
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frozen/events.txt")
}

/// The hashes by the names of the tests and the numbers of their networks.
fn known() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    let line = |line: &str| line.split_once(' ').map(|(name, hash)| (name.to_owned(), hash.to_owned()));
    text.lines().filter_map(line).collect()
}

impl Told {
    pub(crate) fn add(&mut self, node: usize, event: &Event) {
        let text = format!("{node} {event:?}");
        self.hash = tagged_hash("motet/tests/events", &[&self.hash, text.as_bytes()]);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let thread = std::thread::current();
        let Some(test) = thread.name().filter(|name| name.contains("::") && !RANDOM.contains(name)) else { return };
        let number = NETWORKS.with_borrow_mut(|number| {
            *number += 1;
            *number
        });
        if std::thread::panicking() {
            return;
        }
        let name = format!("{test}#{number}");
        let hash: String = self.hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        if std::env::var_os("MOTET_BLESS").is_some() {
            let _one = BLESSED.lock().unwrap_or_else(PoisonError::into_inner);
            let mut all = known();
            all.insert(name, hash);
            let lines: String = all.iter().map(|(name, hash)| format!("{name} {hash}\n")).collect();
            std::fs::write(file(), lines).unwrap();
            return;
        }
        assert_eq!(known().get(&name), Some(&hash), "the events of {name} have changed");
    }
}
