//! The calls of the application (`docs/protocol.md` §12).

use std::collections::BTreeSet;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Channel, RequestId};

use super::Engine;
use super::announcements::Offer;
use super::ctx::Ctx;
use super::input::{Audience, Command, CommandId, Interest, Reply};
use super::lent::Lent;
use super::session::{Collecting, Origin, Session, SigningRound};
use crate::error::CommandError;
use crate::event::AbortCause;
use crate::limits;
use crate::record::Record;

impl Engine {
    /// From here on, a signer is a contact of the user or is none.
    fn set_contact(&mut self, signer: PublicKey, is_contact: bool) -> Result<Reply, CommandError> {
        let contacts = &mut Arc::make_mut(&mut self.config).contacts;
        if !is_contact {
            contacts.remove(&signer);
        } else if contacts.len() < limits::CONTACTS || contacts.contains(&signer) {
            contacts.insert(signer);
        } else {
            return Err(CommandError::TooManyContacts { limit: limits::CONTACTS });
        }
        Ok(Reply::Done)
    }

    pub(super) fn on_command(&mut self, id: CommandId, command: Command, ctx: &mut Ctx<'_>) {
        let result = match command {
            Command::AddSigner { signer } => {
                self.identities.add(id, signer, ctx);
                return self.subscribe(ctx);
            }
            Command::RemoveSigner { signer } => self.remove_signer(&signer, ctx),
            Command::SetContact { signer, is_contact } => self.set_contact(signer, is_contact),
            Command::Advertise { signer, criteria, metadata, addresses, lifetime } => {
                let offer = Offer { criteria, metadata, addresses, lifetime };
                return self.advertise(Some(id), signer, offer, ctx);
            }
            Command::AnnounceResource(offered) => return self.announce_resource(Some(id), offered, ctx),
            Command::SendApplicationMessage(message) => self
                .applications
                .send(message, &self.directory, &mut self.identities, ctx)
                .map(Reply::ApplicationMessageSent),
            Command::FindResources { resource_type, id } => {
                Ok(Reply::Resources(self.resources.find(Some((&resource_type, &id)))))
            }
            Command::Resources => Ok(Reply::Resources(self.resources.find(None))),
            Command::Announce(announcement) => {
                return self.announce(id, announcement, Audience::Public, None, ctx);
            }
            Command::AnnounceTo(announcement, audience) => {
                return self.announce(id, announcement, audience, None, ctx);
            }
            Command::Withdraw { signer, reason } => self.withdraw(&signer, reason, ctx),
            Command::Find(wishes) => Ok(Reply::Found(self.directory.find(&wishes, &self.reputation, ctx.now.wall))),
            Command::FindSigner { signer } => {
                let known = self.directory.of_signer(&signer);
                Ok(Reply::Signer(known.map(|known| Box::new(known.advertisement.clone()))))
            }
            Command::FindRequest { request } => {
                let found = self.sessions.get(&request).map(|session| session.requested(Channel::Store));
                Ok(Reply::Requests(found.into_iter().collect()))
            }
            Command::RequestsFor { signer } => {
                let waits = |session: &&Session| {
                    let index = session.request.index_of(&signer);
                    session.collecting() == Some(Collecting::Joins)
                        && index.is_some_and(|index| session.joins.at(index).is_none())
                };
                let waiting = self.sessions.values().filter(waits);
                Ok(Reply::Requests(waiting.map(|session| session.requested(Channel::Store)).collect()))
            }
            Command::Reputation { signer } => Ok(Reply::Reputation(self.reputation.score(&signer, ctx.now.wall))),
            Command::Join { request, signer } => {
                self.in_session(&request, ctx, |session, lent| session.join_by_command(&signer, lent))
            }
            Command::Decline { request, signer, reason } => {
                self.in_session(&request, ctx, |session, lent| session.decline(&signer, reason, lent))
            }
            Command::Status { request } => match self.sessions.get(&request) {
                Some(session) => Ok(Reply::Status(Box::new(self.status(session, ctx.now)))),
                None => Err(CommandError::UnknownRequest(request)),
            },
            Command::Sessions => {
                Ok(Reply::Sessions(self.sessions.values().map(|session| self.status(session, ctx.now)).collect()))
            }
            Command::Results => Ok(Reply::Results(self.results.all())),
            Command::Proofs => Ok(Reply::Proofs(self.proofs.all())),
            Command::Note { request } => self.results.take_note(&request, ctx),
            Command::Abort { request, detail } => {
                self.in_session(&request, ctx, |session, lent| session.cancel(detail, lent))
            }
            Command::Close { request } => self.close_by_command(&request, ctx),
            Command::StartNonceCommitment { request } => {
                self.in_session(&request, ctx, |session, lent| session.start_round(SigningRound::Commit, lent))
            }
            Command::StartRound1 { request } => {
                self.in_session(&request, ctx, |session, lent| session.start_round(SigningRound::Reveal, lent))
            }
            Command::StartRound2 { request } => {
                self.in_session(&request, ctx, |session, lent| session.start_round(SigningRound::Sign, lent))
            }
            Command::Retry { request, replace } => return self.retry(id, &request, &replace, ctx),
        };
        ctx.reply(id, result);
    }

    fn close_by_command(&mut self, request: &RequestId, ctx: &mut Ctx<'_>) -> Result<Reply, CommandError> {
        let noted = self.results.take_note(request, ctx);
        let Some(session) = self.sessions.get(request) else { return noted };
        if session.active().is_some() {
            self.in_session(request, ctx, |session, lent| {
                let result = session.cancel("closed".to_owned(), lent);
                session.finish(None, AbortCause::Cancelled, lent);
                result
            })?;
        }
        self.close(request, ctx);
        Ok(Reply::Done)
    }

    /// Lets a session carry out a command.
    fn in_session(
        &mut self,
        request: &RequestId,
        ctx: &mut Ctx<'_>,
        command: impl FnOnce(&mut Session, &mut Lent<'_, '_>) -> Result<Reply, CommandError>,
    ) -> Result<Reply, CommandError> {
        self.lend(request, ctx, command).unwrap_or(Err(CommandError::UnknownRequest(*request)))
    }

    pub(super) fn on_persist_failed(&mut self, records: &[Record], detail: &str, ctx: &mut Ctx<'_>) {
        let needed = records.iter().filter(|record| record.carries_session());
        let requests: BTreeSet<RequestId> = needed.filter_map(Record::request).collect();
        for id in requests {
            self.asking.remove(&id);
            if self.is_unannounced(&id, records) {
                self.retract(&id, ctx);
                continue;
            }
            let of_session: Vec<&Record> = records.iter().filter(|record| record.request() == Some(id)).collect();
            self.lend(&id, ctx, |session, lent| {
                // What it has said may be among what did not leave, and never does.
                session.said.clear();
                session.end_unstored(&of_session, detail.to_owned(), lent);
            });
        }
    }

    /// True if the refused records are those of an announcement of this process: nobody knows of that request.
    fn is_unannounced(&self, id: &RequestId, refused: &[Record]) -> bool {
        let Some(session) = self.sessions.get(id).filter(|session| session.origin == Origin::Announced) else {
            return false;
        };
        let creator = session.request.creator.signer;
        // Its creator approves it when it is announced, and at no other time.
        let is_approval = |record: &Record| matches!(record, Record::Approved { request, signer, .. } if (request, signer) == (id, &creator));
        refused.iter().any(is_approval)
    }

    /// Takes a request back that was not announced, since its records were refused. Its caller has been told so, and no
    /// frame and no event of it has left the node.
    fn retract(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        if let Some(mut session) = self.sessions.remove(id) {
            session.forget_nonces(ctx);
            self.keep_span(&session);
            self.retracted.insert(*id);
        }
    }

    /// The user looks for other offers than before.
    pub(super) fn on_interest(&mut self, interest: Interest, ctx: &mut Ctx<'_>) {
        self.interests.set(interest);
        self.subscribe(ctx);
        self.catch_up.look(self.interests.looks());
        self.catch_up.ask_whom_we_met(&mut self.identities, ctx);
    }

    /// Subscribes to what is wanted now.
    pub(super) fn subscribe(&mut self, ctx: &mut Ctx<'_>) {
        let listed = self.identities.served().filter(|signer| !self.config.unlisted.contains(signer));
        self.interests.subscribe(listed, ctx);
    }
}
