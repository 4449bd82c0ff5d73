//! Stage 8: signatures, and only then points (`docs/protocol.md` §4.8).
//!
//! The costly stage. It runs on any pool of the caller, one message at a time or a backlog in one batch. Either way its result is
//! in the validator's memory before the caller sees it.
//!
//! Members of live sessions sign four or five messages a session, often session after session: multiples of their message keys
//! are kept, with which one check by itself costs no more than one in a batch of fifteen.

use std::sync::Arc;

use motet_core_crypto::{PublicKey, Signature, XOnlyPublicKey, schnorr};
use rand_core::TryCryptoRng;

use super::admitted::{Admitted, Ticket};
use super::member_key::MemberKey;
use super::peer_class::PeerClass;
use super::rejection::Rejection;
use super::replay::{Batching, Unseen};
use super::rule::Rule;
use super::validated::Validated;
use crate::message::Message;
use crate::mirror::KnownKeys;
use crate::mirror::Mirror;
use crate::time::TimestampMs;

/// One signature to be checked.
type Check = (XOnlyPublicKey, [u8; 32], Signature);

/// The checks that a message still needs: its envelope's, and its delegation's.
#[derive(Debug, Clone, Copy)]
struct Checks {
    keys: KnownKeys,
    envelope: Option<Check>,
    delegation: Option<Check>,
}

impl Checks {
    fn parts(&self) -> [(&Option<Check>, Rule); 2] {
        [(&self.envelope, Rule::Signature), (&self.delegation, Rule::DelegationSignature)]
    }

    /// One by one; returns the keys that they were checked with.
    fn run(&self) -> Result<KnownKeys, Rule> {
        for (check, rule) in self.parts() {
            if let Some((key, digest, signature)) = check {
                schnorr::verify(key, digest, signature).map_err(|_| rule)?;
            }
        }
        Ok(self.keys)
    }
}

impl Admitted {
    /// Checks the signatures and parses the body: V-35 to V-37.
    ///
    /// # Errors
    ///
    /// [`Rejection`], with a reject verdict unless another copy of the message was faster.
    pub fn verify(self) -> Result<Validated, Rejection> {
        let result = self.checks().and_then(|checks| checks.run());
        self.conclude(result)
    }

    /// The signatures to check; an unparsable key is a signature that cannot be right. The envelope's signature by a member of
    /// a live session is checked here.
    fn checks(&self) -> Result<Checks, Rule> {
        let decoded = &self.unseen.decoded;
        let is_new = !self.proven.envelope;
        let is_member = is_new && matches!(self.unseen.standing, PeerClass::Participant { .. });
        let sender = if is_member { self.check_member()? } else { parse_sender(&decoded.head.sender)? };
        let keys = KnownKeys { sender: Some(sender), signer: None };
        let envelope = (is_new && !is_member)
            .then(|| (sender.x_only(), self.unseen.id, Signature::from_bytes(&decoded.signature)));
        let mut checks = Checks { keys, envelope, delegation: None };
        if let (Some(delegation), Some(digest), false) =
            (decoded.body.delegation(), self.delegation_digest, self.proven.delegation)
        {
            let signer = PublicKey::from_bytes(&delegation.signer).map_err(|_| Rule::DelegationSignature)?;
            let signature = Signature::from_bytes(&delegation.signature);
            checks.delegation = Some((signer.x_only(), digest, signature));
            checks.keys.signer = Some(signer);
        }
        Ok(checks)
    }

    /// Checks the envelope's signature by the sender's prepared key, and keeps that if it is new and has signed.
    fn check_member(&self) -> Result<PublicKey, Rule> {
        let decoded = &self.unseen.decoded;
        let known = self.ticket.memory.lock().member_key(&decoded.head.sender);
        let key = match &known {
            Some(known) => Arc::clone(known),
            None => Arc::new(MemberKey::new(parse_sender(&decoded.head.sender)?)),
        };
        let signature = Signature::from_bytes(&decoded.signature);
        key.prepared().verify(&self.unseen.id, &signature).map_err(|_| Rule::Signature)?;
        if known.is_none() {
            self.ticket.memory.lock().keep_member_key(Arc::clone(&key), self.unseen.facts.now);
        }
        Ok(*key.sender())
    }

    /// Records the outcome, and turns a proven message into a [`Validated`].
    fn conclude(self, result: Result<KnownKeys, Rule>) -> Result<Validated, Rejection> {
        let Self { unseen, ticket, .. } = self;
        let (kind, facts) = (unseen.decoded.kind, unseen.facts);
        let outcome = match result {
            Err(rule) => {
                let penalty = ticket.memory.lock().fail(&unseen.facts);
                Err(Rejection::new(rule, Some(kind)).with_penalty(penalty))
            }
            Ok(keys) => parse(unseen, &keys, &ticket),
        };
        outcome.map_err(|rejection| ticket.memory.lock().note(rejection, &facts.peer, facts.channel, facts.now))
    }
}

fn parse_sender(bytes: &[u8; 33]) -> Result<PublicKey, Rule> {
    PublicKey::from_bytes(bytes).map_err(|_| Rule::Signature)
}

fn parse(unseen: Unseen, keys: &KnownKeys, ticket: &Ticket) -> Result<Validated, Rejection> {
    let decoded = unseen.decoded;
    let refuse = |rule| Rejection::new(rule, Some(decoded.kind));
    let expires = decoded.body.lifetime().map(|(_, expires)| TimestampMs(expires));
    let sender = keys.parse(&decoded.head.sender).map_err(|_| refuse(Rule::Signature))?;
    let message: Message = match decoded.body.parse(keys) {
        Ok(message) => message,
        // The author signed bytes that are no message: these two together are evidence.
        Err(_) => return Err(refuse(Rule::Points).with_signed_frame(decoded.arrival.bytes)),
    };
    ticket.memory.lock().confirm(&unseen.facts).map_err(refuse)?;
    Ok(Validated::new(message, sender, decoded.head, unseen.id, decoded.arrival, expires, unseen.deadline))
}

/// Checks a backlog in one batch: V-35 to V-37 for each message, in the order given.
///
/// One batch costs well under one check for each signature; when it fails, core-crypto finds the failing ones. Members of live
/// sessions are checked by themselves, for as little. So are peers that have delivered an invalid signature lately, so that no peer
/// can make batches fail again and again. `rng` draws the weights, and must be unpredictable to the senders of messages.
pub fn verify_batch<R: TryCryptoRng + ?Sized>(
    backlog: Vec<Admitted>,
    rng: &mut R,
) -> Vec<Result<Validated, Rejection>> {
    let checks: Vec<Result<Checks, Rule>> = backlog.iter().map(Admitted::checks).collect();
    let mut entries: Vec<(XOnlyPublicKey, &[u8], Signature)> = Vec::new();
    let mut owners: Vec<(usize, Rule)> = Vec::new();
    let mut results: Vec<Result<KnownKeys, Rule>> = Vec::with_capacity(backlog.len());
    for (owner, (admitted, checks)) in backlog.iter().zip(&checks).enumerate() {
        results.push(match (checks, admitted.unseen.company) {
            (Err(rule), _) => Err(*rule),
            (Ok(checks), Batching::Shunned) => checks.run(),
            (Ok(checks), Batching::Welcome) => {
                for (check, rule) in checks.parts() {
                    if let Some((key, digest, signature)) = check {
                        entries.push((*key, digest.as_slice(), *signature));
                        owners.push((owner, rule));
                    }
                }
                Ok(checks.keys)
            }
        });
    }
    if let Err(error) = schnorr::verify_batch(&entries, rng) {
        // The delegation's signature comes after the envelope's: where both fail, the envelope's is named.
        for culprit in error.culprits.iter().rev() {
            if let Some((owner, rule)) = owners.get(*culprit)
                && let Some(result) = results.get_mut(*owner)
            {
                *result = Err(*rule);
            }
        }
    }
    backlog.into_iter().zip(results).map(|(admitted, result)| admitted.conclude(result)).collect()
}
