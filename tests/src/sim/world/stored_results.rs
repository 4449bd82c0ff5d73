//! L6, of what a node itself holds: signatures that lie in its store have been told to its user, crashes or not.

use motet_node::Store as _;

use super::World;
use crate::sim::invariant::Invariant;
use crate::sim::watch::LastWord;

impl World {
    pub(super) fn check_stored_results(&mut self) {
        for host in 0..self.plan.nodes.len() {
            // A disk that loses what it has promised holds what it likes.
            if !self.is_honest(host) || self.plan.nodes[host].disk_lies || self.hosts[host].running.is_none() {
                continue;
            }
            let Ok(snapshot) = self.hosts[host].disk.load() else { continue };
            for result in snapshot.results {
                if !matches!(self.watch.last_words[host].get(&result.request), Some(LastWord::Signatures)) {
                    let detail = format!("host {host} has stored signatures of {} and told nobody", result.request);
                    self.watch.breach(Invariant::Told, detail);
                }
            }
        }
    }
}
