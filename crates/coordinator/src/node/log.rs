//! What the log is told of events: the same as the user, in the span of the session that they are about.
//!
//! What goes wrong is a warning, the steps of a session that people ask for are information, the rest is for whoever looks
//! closer. Words of strangers (nicknames, reasons) are logged escaped.

use crate::event::Event;

pub(super) fn event(event: &Event) {
    let name = event.name();
    match event {
        Event::SessionTimeout(late) => {
            // The span may have moved on by now.
            let (phase, awaited) = (late.phase, &late.awaiting);
            tracing::warn!(event = name, late = ?phase, ?awaited, next = ?late.next, "a phase has taken too long");
        }
        Event::SessionAborted(aborted) => tracing::warn!(event = name, cause = ?aborted.cause, "no signatures"),
        Event::SessionError { detail, .. } => tracing::error!(event = name, detail = ?detail, "this node failed"),
        Event::CoordinatorFailover { from, to, .. } => {
            tracing::warn!(event = name, %from, %to, "the coordinator is silent");
        }
        Event::SigningRequestCreated(requested) | Event::SigningRequestReceived(requested) => {
            let creator = &requested.request.creator.signer;
            tracing::info!(event = name, %creator, signers = requested.request.keys.len(), "a request");
        }
        Event::SessionComplete(completed) => {
            tracing::info!(event = name, items = completed.items.len(), "signatures");
        }
        Event::SigningRequestJoined(participation) => {
            tracing::info!(event = name, signer = %participation.signer, "joined");
        }
        Event::ParticipantDeclined { participation, reason } => {
            tracing::info!(event = name, signer = %participation.signer, reason = ?reason, "declined");
        }
        Event::SessionReady { coordinator, .. } => tracing::info!(event = name, %coordinator, "all have joined"),
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
        Event::PeerConnected { peer, .. } | Event::PeerDisconnected { peer } => {
            tracing::debug!(event = name, %peer, "event");
        }
        Event::CoordinatorElected { .. }
        | Event::SessionNonceCommitmentsComplete(_)
        | Event::SessionNoncesComplete(_)
        | Event::SessionPartialSigsComplete(_)
        | Event::SessionClosed { .. }
        | Event::DhtReady => tracing::debug!(event = name, "event"),
    }
}
