//! The timeline: events of a node as sentences for people.
//!
//! An event is read from its JSON form, so that one of this process and one that a running signer tells over its API are the same.

use motet_core_crypto::{PublicKey, XOnlyPublicKey};
use motet_node::event::{AbortCause, Completed, Event, Phase};
use motet_wire::{AddressScope, Attempt, Channel, RequestId};
use serde::Deserialize;
use serde_json::Value;

use crate::counted::counted;
use crate::exit::Failed;
use crate::names::Names;
use crate::text::printable;

/// An event, as far as the timeline and the commands need it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event")]
pub(crate) enum Told {
    Listening {
        address: String,
    },
    ListeningEnded {
        address: String,
        reason: String,
    },
    AddressesChanged {
        addresses: Vec<String>,
        scope: AddressScope,
        left_out: usize,
    },
    SignerUnreachable {
        signer: PublicKey,
        reason: String,
    },
    PeerUnreachable {
        address: String,
        reason: String,
    },
    IdentityConflict {
        signer: PublicKey,
    },
    PeerIdConflict {
        address: String,
    },
    ReachabilityChanged {
        reachable: Option<bool>,
    },
    DiversityFell {
        networks: usize,
        before: usize,
    },
    ClocksDiffer {
        peer: String,
        seconds: i64,
    },
    SignerAdvertised {
        signer: PublicKey,
        nickname: String,
    },
    SignerDiscovered {
        signer: PublicKey,
        nickname: String,
        channel: Channel,
    },
    SignerUnavailable {
        signer: PublicKey,
        reason: String,
    },
    SigningRequestCreated {
        request: RequestId,
        signers: Vec<PublicKey>,
        aggregate_keys: Vec<XOnlyPublicKey>,
        channel: Channel,
    },
    SigningRequestReceived {
        request: RequestId,
        creator: PublicKey,
        channel: Channel,
    },
    ParticipantJoined {
        request: RequestId,
        signer: PublicKey,
        channel: Channel,
    },
    ParticipantDeclined {
        request: RequestId,
        signer: PublicKey,
        reason: String,
    },
    SessionReady {
        request: RequestId,
    },
    SessionNonceCommitmentsComplete {
        request: RequestId,
    },
    SessionNoncesComplete {
        request: RequestId,
    },
    SessionPartialSigsComplete {
        request: RequestId,
    },
    SessionComplete(Completed),
    SessionTimeout {
        request: RequestId,
        phase: Phase,
        awaiting: Vec<PublicKey>,
        next_attempt: Option<Attempt>,
    },
    SessionAborted {
        request: RequestId,
        end: AbortCause,
        may_complete: Vec<PublicKey>,
    },
    SessionError {
        request: RequestId,
        detail: String,
    },
    /// An event without a sentence.
    #[serde(other)]
    Other,
}

impl Told {
    /// An event of this process.
    pub(crate) fn of(event: &Event) -> Result<Self, Failed> {
        serde_json::to_value(event).map(|object| Self::read(&object)).map_err(Failed::here)
    }

    /// An event in its JSON form. One that this version cannot read has no sentence.
    pub(crate) fn read(object: &Value) -> Self {
        Self::deserialize(object).unwrap_or(Self::Other)
    }

    /// The request that it is about, if it has a sentence about one.
    pub(crate) const fn request(&self) -> Option<&RequestId> {
        match self {
            Self::SigningRequestCreated { request, .. }
            | Self::SigningRequestReceived { request, .. }
            | Self::ParticipantJoined { request, .. }
            | Self::ParticipantDeclined { request, .. }
            | Self::SessionReady { request }
            | Self::SessionNonceCommitmentsComplete { request }
            | Self::SessionNoncesComplete { request }
            | Self::SessionPartialSigsComplete { request }
            | Self::SessionTimeout { request, .. }
            | Self::SessionAborted { request, .. }
            | Self::SessionError { request, .. } => Some(request),
            Self::SessionComplete(completed) => Some(&completed.request),
            Self::Listening { .. }
            | Self::ListeningEnded { .. }
            | Self::AddressesChanged { .. }
            | Self::SignerUnreachable { .. }
            | Self::PeerUnreachable { .. }
            | Self::IdentityConflict { .. }
            | Self::PeerIdConflict { .. }
            | Self::ReachabilityChanged { .. }
            | Self::DiversityFell { .. }
            | Self::ClocksDiffer { .. }
            | Self::SignerAdvertised { .. }
            | Self::SignerDiscovered { .. }
            | Self::SignerUnavailable { .. }
            | Self::Other => None,
        }
    }

    /// A warning that must be seen at once: two processes contradict each other.
    pub(crate) fn alarm(&self, names: &Names) -> Option<String> {
        if let Self::IdentityConflict { signer } = self {
            return Some(format!("another process speaks for {}; stop one of the two", names.name(signer)));
        }
        let Self::PeerIdConflict { address } = self else { return None };
        Some(format!(
            "another node has this node's identity, at {}; stop one of the two, and give one of them a data directory of its own",
            printable(address)
        ))
    }

    /// The line for people, and the channel on which it came; `None` for events that do not concern them.
    pub(crate) fn sentence(&self, names: &Names) -> Option<(String, Option<Channel>)> {
        Some(match self {
            Self::Listening { address } => (format!("listens on {}", printable(address)), None),
            Self::ListeningEnded { address, reason } => {
                (format!("does not listen on {} any more: {}", printable(address), printable(reason)), None)
            }
            Self::AddressesChanged { scope, left_out, addresses } => {
                (reachable(*scope, addresses.len(), *left_out)?, None)
            }
            Self::SignerUnreachable { signer, reason } => {
                (format!("cannot reach {}: {}", names.name(signer), printable(reason)), None)
            }
            Self::PeerUnreachable { address, reason } => {
                (format!("cannot use {}: {}; it is tried again", printable(address), printable(reason)), None)
            }
            Self::IdentityConflict { .. } | Self::PeerIdConflict { .. } => (self.alarm(names)?, None),
            Self::ReachabilityChanged { reachable } => (reachability(*reachable).to_owned(), None),
            Self::DiversityFell { networks, before } => (diversity(*networks, *before), None),
            Self::ClocksDiffer { peer, seconds } => (clocks(peer, *seconds), None),
            Self::SignerAdvertised { .. } => ("advertises its signer".to_owned(), None),
            Self::SignerDiscovered { signer, channel, .. } => {
                (format!("discovers {}", names.name(signer)), Some(*channel))
            }
            Self::SignerUnavailable { signer, .. } => (format!("hears that {} is gone", names.name(signer)), None),
            Self::SigningRequestCreated { signers, aggregate_keys, channel, .. } => {
                let (items, keys) = (aggregate_keys.len(), signers.len());
                (format!("asks {keys} signers to sign {}", counted(items, "item")), Some(*channel))
            }
            Self::SigningRequestReceived { creator, channel, .. } => {
                (format!("receives the request of {}", names.name(creator)), Some(*channel))
            }
            Self::ParticipantJoined { signer, channel, .. } => {
                (format!("sees {} join", names.name(signer)), Some(*channel))
            }
            Self::ParticipantDeclined { signer, reason, .. } => {
                (format!("hears {} decline: {}", names.name(signer), printable(reason)), None)
            }
            Self::SessionReady { .. } => ("session ready: all have joined".to_owned(), None),
            Self::SessionNonceCommitmentsComplete { .. } => ("all nonce commitments are in".to_owned(), None),
            Self::SessionNoncesComplete { .. } => ("all nonces are in".to_owned(), None),
            Self::SessionPartialSigsComplete { .. } => ("all partial signatures are in".to_owned(), None),
            Self::SessionComplete(_) => ("has the signature, verified".to_owned(), None),
            Self::SessionTimeout { phase, awaiting, next_attempt, .. } => {
                let next = next_attempt.map(|next| format!("; attempt {} follows", next.0 + 1)).unwrap_or_default();
                (format!("waited too long for {phase} of {}{next}", names.list(awaiting)), None)
            }
            Self::SessionAborted { end, may_complete, .. } => {
                let open = if may_complete.is_empty() {
                    String::new()
                } else {
                    format!("; it may still be completed by {}", names.list(may_complete))
                };
                (format!("session ended: {}{open}", names.cause(end)), None)
            }
            Self::SessionError { detail, .. } => (format!("error: {}", printable(detail)), None),
            Self::Other => return None,
        })
    }
}

/// The reach of a node's addresses, if it is not the internet or if some are left out.
fn reachable(scope: AddressScope, told: usize, left_out: usize) -> Option<String> {
    match scope {
        AddressScope::Internet if left_out == 0 => None,
        AddressScope::Internet => {
            Some(format!("tells others {told} of its {} addresses: there is no room for more", told + left_out))
        }
        AddressScope::Network => Some(
            "can be reached from its own network only; to be reached from the internet, name a relay with --relay"
                .to_owned(),
        ),
        AddressScope::Machine => Some("can be reached from this machine only; it has no other address".to_owned()),
        AddressScope::Nowhere => {
            Some("cannot be reached: it has no address; others reach it only while it is connected".to_owned())
        }
    }
}

/// The answer to the question whether other nodes can open connections to this one.
const fn reachability(reachable: Option<bool>) -> &'static str {
    match reachable {
        Some(true) => "other nodes can open connections to this one",
        Some(false) => "other nodes reach this one through relays alone",
        None => "it is not known any more whether other nodes can open connections to this one",
    }
}

/// The warning that a node may be cut off, with the remedy.
fn diversity(networks: usize, before: usize) -> String {
    format!(
        "its peers are in {networks} networks, and were in {before}: it may be cut off from honest nodes; name a node that you trust with \
         --peer"
    )
}

/// The warning that clocks differ, with the remedy.
fn clocks(peer: &str, seconds: i64) -> String {
    let way = if seconds > 0 { "ahead of" } else { "behind" };
    let by = duration(seconds.unsigned_abs());
    format!(
        "the clock of peer {} is {by} {way} this machine's, so that they drop what the other announces; check this machine's \
         clock",
        printable(peer)
    )
}

/// So many seconds in the two largest units that are needed.
fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let parts: Vec<String> = UNITS
        .iter()
        .filter_map(|(length, unit)| {
            let count = left / length;
            left %= length;
            (count > 0).then(|| format!("{count} {unit}"))
        })
        .take(2)
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;
    use motet_node::event::Aborted;
    use motet_wire::SignerIndex;

    use super::*;

    #[test]
    fn an_event_of_this_process_and_its_json_form_have_the_same_sentence() {
        let signer = SecretKey::from_bytes(&[7; 32]).unwrap().public_key();
        let cause = AbortCause::Refused { by: SignerIndex(1), signer, detail: "no \u{202e}".to_owned() };
        let request = RequestId::from_bytes([1; 32]);
        let told = Told::of(&Event::SessionAborted(Aborted { request, cause, may_complete: vec![signer] })).unwrap();
        let mut names = Names::default();
        names.learn(signer, "bob");
        let (sentence, _) = told.sentence(&names).unwrap();
        assert!(
            sentence.starts_with("session ended: bob (") && sentence.contains("refused: no \\u{202e}"),
            "{sentence}"
        );
        assert!(sentence.contains("it may still be completed by bob ("), "{sentence}");
        assert_eq!(told.request(), Some(&request));
        assert_eq!(Told::of(&Event::DhtReady).unwrap(), Told::Other);
    }

    #[test]
    fn an_event_of_another_version_has_no_sentence() {
        for object in
            [serde_json::json!({"event": "Singing", "request": 7}), serde_json::json!({"event": "SessionReady"})]
        {
            assert_eq!(Told::read(&object), Told::Other);
        }
    }
}
