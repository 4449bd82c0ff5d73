//! The state of a running signer at one time.

use std::collections::BTreeMap;

use motet_daemon::api::{Offers, PendingRequest, Session, SessionEvent, Status};
use motet_daemon::{Client, ClientError};
use motet_node::{Clock, PublicKey, RequestId};
use motet_wire::MonotonicMs;

use crate::text;

/// Sessions that have ended and are shown yet.
const ENDED: usize = 8;

/// The state of a running signer, and the names of the signers in it.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// The time at which it was read.
    pub(super) at: MonotonicMs,
    pub(super) status: Status,
    pub(super) waiting: Vec<PendingRequest>,
    /// Those that go on, then those that have ended; the newest first.
    pub(super) sessions: Vec<Session>,
    pub(super) timelines: BTreeMap<RequestId, Vec<SessionEvent>>,
    /// A nickname proves nothing: it stands in quotes unless it is one plain word.
    pub(super) names: BTreeMap<PublicKey, String>,
    pub(super) scores: BTreeMap<PublicKey, i8>,
}

impl Snapshot {
    pub(super) async fn read(client: &Client, clock: Clock) -> Result<Self, ClientError> {
        let at = clock.now().mono;
        let status = client.status().await?;
        let waiting = client.requests().await?;
        let sessions = chosen(client.sessions().await?);
        let mut timelines = BTreeMap::new();
        for session in &sessions {
            let request = session.status.request;
            timelines.insert(request, client.session_events(&request).await?);
        }
        let offers = client.get::<Offers>("/v1/signers?known=true").await?.signers;
        let scores = offers.iter().map(|offer| (offer.signer, offer.score)).collect();
        let named = offers.into_iter().filter(|offer| !offer.nickname.is_empty());
        let mut names: BTreeMap<_, _> = named.map(|offer| (offer.signer, text::nickname(&offer.nickname))).collect();
        names.extend(status.signers.iter().map(|own| (*own, "you".to_owned())));
        Ok(Self { at, status, waiting, sessions, timelines, names, scores })
    }
}

/// The sessions to show, in their order.
fn chosen(mut sessions: Vec<Session>) -> Vec<Session> {
    sessions.sort_by_key(|session| core::cmp::Reverse(session.revision.number));
    let (ended, mut going): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|session| session.status.phase.has_ended());
    going.extend(ended.into_iter().take(ENDED));
    going
}
