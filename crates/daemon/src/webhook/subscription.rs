//! A webhook, and the events that it can get.

use super::address::WebhookAddress;

/// The events that a webhook gets unless its user names others: those that somebody acts on.
pub const USUAL: [&str; 10] = [
    "ApprovalAsked",
    "ApprovalDecided",
    "ApprovalOver",
    "SessionComplete",
    "SessionAborted",
    "SessionError",
    "MisbehaviourProven",
    "IdentityConflict",
    "PeerIdConflict",
    "DiversityFell",
];

/// The other events that a webhook can get.
const OTHERS: [&str; 33] = [
    "KeysLocked",
    "KeysUnlocked",
    "ReachabilityChanged",
    "SignerAdvertised",
    "SignerDiscovered",
    "SignerWithdrawn",
    "SignerUnavailable",
    "ResourceAnnounced",
    "SigningRequestCreated",
    "SigningRequestReceived",
    "SigningRequestJoined",
    "ParticipantJoined",
    "ParticipantDeclined",
    "SessionReady",
    "CoordinatorElected",
    "CoordinatorFailover",
    "SessionNonceCommitmentsComplete",
    "NonceReceived",
    "SessionNoncesComplete",
    "PartialSigReceived",
    "SessionPartialSigsComplete",
    "SessionTimeout",
    "SessionClosed",
    "Listening",
    "ListeningEnded",
    "AddressesChanged",
    "SignerUnreachable",
    "PeerUnreachable",
    "ClocksDiffer",
    "PeerConnected",
    "PeerDisconnected",
    "DhtReady",
    "EventsLost",
];

/// True if events of this name exist.
pub fn is_event(name: &str) -> bool {
    USUAL.contains(&name) || OTHERS.contains(&name)
}

/// A program that gets events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address that is posted to.
    pub address: WebhookAddress,
    /// The names of the events that it gets; `lost` comes in any case.
    pub events: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_events_are_those_of_the_pages() {
        let quoted = |row: &'static str| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
        let rows = |page: &'static str, from: &str| {
            let (_, table) = page.split_once(from).unwrap();
            let rows = table.lines().skip_while(|line| !line.starts_with("| `"));
            rows.take_while(|line| line.starts_with("| `")).flat_map(quoted).collect::<BTreeSet<_>>()
        };
        let mut pages = rows(include_str!("../../../../docs/operations.md"), "<!-- events:");
        // Results of commands are no events of a node.
        pages.retain(|name| name.starts_with(char::is_uppercase));
        let own = rows(include_str!("../../../../docs/api.md"), "besides these there are:");
        pages.extend(own.into_iter().filter(|name| *name != "lost"));
        assert_eq!(pages, USUAL.into_iter().chain(OTHERS).collect());
    }
}
