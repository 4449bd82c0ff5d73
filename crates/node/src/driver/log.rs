//! Events in the log: the same as for the user, each in the span of its session.
//!
//! Failures are warnings, the main steps of a session are information, and all other events are for debugging. Texts of
//! strangers (nicknames, reasons) are logged escaped.

use motet_coordinator::event::Event;
use motet_wire::AddressScope;

pub(crate) fn event(event: &Event) {
    let name = event.name();
    match event {
        Event::SessionTimeout(late) => {
            // The span may have moved on by now.
            let (phase, awaited) = (late.phase, &late.awaiting);
            tracing::warn!(event = name, late = ?phase, ?awaited, next = ?late.next, "a phase has taken too long");
        }
        Event::SessionAborted(aborted) => tracing::warn!(event = name, cause = ?aborted.cause, "session aborted"),
        Event::MisbehaviourProven(proof) => {
            tracing::warn!(event = name, signer = %proof.signer, charge = ?proof.charge, "a signer broke the protocol");
        }
        Event::SessionError { detail, .. } => tracing::error!(event = name, detail = ?detail, "session failed here"),
        Event::CoordinatorFailover { from, to, .. } => {
            tracing::warn!(event = name, %from, %to, "the coordinator is silent, the next one takes over");
        }
        Event::SigningRequestCreated(requested) | Event::SigningRequestReceived(requested) => {
            let creator = &requested.request.creator.signer;
            tracing::info!(event = name, %creator, signers = requested.request.keys.len(), "signing request");
        }
        Event::SessionComplete(completed) => {
            tracing::info!(event = name, items = completed.items.len(), "session complete");
        }
        Event::SigningRequestJoined(participation) => {
            tracing::info!(event = name, signer = %participation.signer, "joined");
        }
        Event::ParticipantDeclined { participation, reason } => {
            tracing::info!(event = name, signer = %participation.signer, reason = ?reason, "declined");
        }
        Event::SessionReady { coordinator, .. } => tracing::info!(event = name, %coordinator, "session ready"),
        Event::ParticipantJoined(participation) => {
            tracing::debug!(event = name, index = %participation.index, channel = ?participation.channel, "event");
        }
        Event::NonceReceived(contribution) | Event::PartialSigReceived(contribution) => {
            tracing::debug!(event = name, index = %contribution.index, channel = ?contribution.channel, "event");
        }
        Event::SignerAdvertised(discovery) | Event::SignerDiscovered(discovery) => {
            tracing::debug!(event = name, signer = %discovery.advertisement.delegation.signer, "event");
        }
        Event::SignerWithdrawn(withdrawal) | Event::SignerUnavailable(withdrawal) => {
            tracing::debug!(event = name, signer = %withdrawal.signer, "event");
        }
        Event::ResourceAnnounced(resource) => {
            tracing::debug!(event = name, signer = %resource.announcement.delegation.signer, "event");
        }
        Event::Listening { address } => tracing::info!(event = name, %address, "listening"),
        Event::ListeningEnded { address, reason } => {
            tracing::warn!(event = name, %address, %reason, "the node has stopped listening at this address");
        }
        Event::AddressesChanged { addresses, scope, left_out } => {
            if *left_out > 0 || *scope <= AddressScope::Machine {
                tracing::warn!(event = name, ?addresses, ?scope, left_out, "the addresses that other nodes are told");
            } else {
                tracing::info!(event = name, ?addresses, ?scope, "the addresses that other nodes are told");
            }
        }
        Event::SignerUnreachable { signer, reason } => {
            tracing::warn!(event = name, %signer, reason = ?reason, "a signer is not reached");
        }
        Event::PeerUnreachable { address, reason } => {
            tracing::warn!(event = name, %address, reason = ?reason, "a named peer is not reached");
        }
        Event::IdentityConflict { signer, peer } => {
            tracing::error!(event = name, %signer, %peer, "another process speaks for a signer of this node");
        }
        Event::PeerIdConflict { peer, address } => {
            tracing::error!(event = name, %peer, %address, "another node has this node's identity");
        }
        Event::ReachabilityChanged { reachable } => {
            tracing::info!(
                event = name,
                ?reachable,
                "whether other nodes can open connections to this one has changed"
            );
        }
        Event::DiversityFell { networks, before } => {
            tracing::warn!(event = name, networks, before, "the node's peers are in few networks: it may be cut off");
        }
        Event::ClocksDiffer { peer, seconds } => tracing::warn!(event = name, %peer, seconds, "clocks differ"),
        Event::PeerConnected { peer, .. } | Event::PeerDisconnected { peer } => {
            tracing::debug!(event = name, %peer, "event");
        }
        _ => tracing::debug!(event = name, "event"),
    }
}
