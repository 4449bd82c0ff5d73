//! Open questions: the requests that a person or a program has to decide on, in one place for all that may answer. The first answer
//! counts, and everybody hears of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use motet_node::{ApprovalScreen, Decision, Proposal, ProposalDigest, PublicKey, RequestId, VerifiedTransaction};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::journal::Journal;
use crate::limits;

/// The place in which a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The terminal of the signer's program.
    Terminal,
    /// The API.
    Api,
}

/// The first answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was decided.
    pub decision: Decision,
    /// Where.
    pub place: Place,
}

impl core::fmt::Display for Answer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let decided = if matches!(self.decision, Decision::Approve) { "approved" } else { "declined" };
        let place = match self.place {
            Place::Terminal => "at the terminal",
            Place::Api => "over the API",
        };
        write!(f, "{decided} {place}")
    }
}

/// What a question shows.
#[derive(Debug, Clone)]
pub struct Question {
    /// The request as the signer is asked for it.
    pub proposal: Proposal,
    /// The transaction's facts, if the node has verified one.
    pub screen: Option<ApprovalScreen>,
    /// The text that the person at the terminal sees.
    pub text: String,
}

impl Question {
    /// A question about a request.
    pub fn new(proposal: Proposal, text: String) -> Self {
        Self { proposal, screen: None, text }
    }

    /// A question about a request whose transaction the node has verified.
    pub fn verified(proposal: Proposal, transaction: &VerifiedTransaction, text: String) -> Self {
        Self { proposal, screen: Some(transaction.screen()), text }
    }
}

/// An answer that does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody is asked about that.
    #[error("no question about this request is open here")]
    NotAsked,
    /// Several signers of this node are asked about the request.
    #[error("several signers of this node are asked about this request; name one")]
    Ambiguous,
    /// Another answer was first.
    #[error("it has been answered already: {0}")]
    Answered(Answer),
    /// What was approved is not what is asked.
    #[error("the digest is not that of what is asked now")]
    Digest,
}

/// The question about one request of one signer.
type Subject = (RequestId, PublicKey);

/// The open questions. Clones are of the same.
#[derive(Debug, Clone)]
pub struct Questions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    journal: Journal,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    open: BTreeMap<Subject, Arc<Open>>,
    /// The answers that were given last, the newest at the end.
    answered: VecDeque<(Subject, Answer)>,
}

#[derive(Debug)]
struct Open {
    question: Question,
    answer: watch::Sender<Option<Answer>>,
    /// The reason of an end without an answer, as soon as it is known.
    why: Arc<OnceLock<String>>,
}

/// The journal's words about questions. Their form is that of a node's events.
#[derive(Debug, Serialize)]
#[serde(tag = "event")]
#[expect(clippy::enum_variant_names, reason = "these are the names of the events")]
enum Told<'a> {
    ApprovalAsked { request: &'a RequestId, signer: &'a PublicKey, digest: String },
    ApprovalDecided { request: &'a RequestId, signer: &'a PublicKey, approved: bool, reason: &'a str, place: Place },
    ApprovalOver { request: &'a RequestId, signer: &'a PublicKey, reason: &'a str },
}

impl Questions {
    /// No questions, and a new journal.
    ///
    /// # Errors
    ///
    /// The system's source of randomness has failed.
    pub fn new() -> Result<Self, getrandom::Error> {
        Ok(Self(Arc::new(Shared { journal: Journal::new()?, table: Mutex::default() })))
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // It is consistent after every step.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a question. None if too many are open.
    pub fn open(&self, question: Question) -> Option<Asked> {
        let subject = (question.proposal.request, question.proposal.signer);
        let digest = hex::encode(question.proposal.digest().to_bytes());
        let (answer, _) = watch::channel(None);
        let open = Arc::new(Open { question, answer, why: Arc::default() });
        {
            let mut table = self.table();
            if table.open.len() >= limits::QUESTIONS {
                return None;
            }
            table.open.insert(subject, Arc::clone(&open));
        }
        let (request, signer) = (&subject.0, &subject.1);
        self.tell("ApprovalAsked", subject.0, &Told::ApprovalAsked { request, signer, digest });
        Some(Asked { questions: self.clone(), subject, open })
    }

    /// Says why the question about a request is going to be over without an answer.
    pub fn over(&self, request: &RequestId, signer: &PublicKey, why: String) {
        if let Some(open) = self.table().open.get(&(*request, *signer)) {
            // It may be over for another reason already.
            drop(open.why.set(why));
        }
    }

    /// The open questions, by the ids of their requests.
    pub fn list(&self) -> Vec<Question> {
        let table = self.table();
        table.open.values().filter(|open| open.answer.borrow().is_none()).map(|open| open.question.clone()).collect()
    }

    /// True if a person or a program has answered the question about this request, of late.
    pub fn has_answered(&self, request: &RequestId) -> bool {
        self.table().answered.iter().any(|(subject, _)| subject.0 == *request)
    }

    /// Approves what has this digest.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn approve(
        &self,
        request: &RequestId,
        signer: Option<&PublicKey>,
        digest: ProposalDigest,
        place: Place,
    ) -> Result<(), Refused> {
        self.answer(request, signer, Some(digest), Answer { decision: Decision::Approve, place })
    }

    /// Declines a request.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn decline(
        &self,
        request: &RequestId,
        signer: Option<&PublicKey>,
        reason: String,
        place: Place,
    ) -> Result<(), Refused> {
        self.answer(request, signer, None, Answer { decision: Decision::Decline { reason }, place })
    }

    fn answer(
        &self,
        request: &RequestId,
        signer: Option<&PublicKey>,
        digest: Option<ProposalDigest>,
        answer: Answer,
    ) -> Result<(), Refused> {
        let is_meant = |subject: &Subject| subject.0 == *request && signer.is_none_or(|signer| subject.1 == *signer);
        let mut table = self.table();
        let mut meant = table.open.iter().filter(|(subject, open)| is_meant(subject) && open.answer.borrow().is_none());
        let first = meant.next().map(|(subject, open)| (*subject, Arc::clone(open)));
        let ambiguous = meant.next().is_some();
        let Some((subject, open)) = first else {
            let earlier = table.answered.iter().rfind(|(subject, _)| is_meant(subject));
            return Err(earlier.map_or(Refused::NotAsked, |(_, answer)| Refused::Answered(answer.clone())));
        };
        if ambiguous {
            return Err(Refused::Ambiguous);
        }
        if digest.is_some_and(|digest| digest != open.question.proposal.digest()) {
            return Err(Refused::Digest);
        }
        record(&mut table, subject, &open, answer.clone());
        drop(table);
        self.tell_answer(subject, &answer);
        Ok(())
    }

    fn tell_answer(&self, (request, signer): Subject, answer: &Answer) {
        let (approved, reason) = match &answer.decision {
            Decision::Approve => (true, ""),
            Decision::Decline { reason } => (false, reason.as_str()),
        };
        let told = Told::ApprovalDecided { request: &request, signer: &signer, approved, reason, place: answer.place };
        self.tell("ApprovalDecided", request, &told);
    }

    fn tell(&self, name: &'static str, request: RequestId, told: &Told<'_>) {
        self.0.journal.write(name, Some(request), told);
    }
}

/// Notes the first answer to a question, while the table is locked.
fn record(table: &mut Table, subject: Subject, open: &Open, answer: Answer) {
    // Places that have not answered take their question back, and say this.
    drop(open.why.set(answer.to_string()));
    open.answer.send_replace(Some(answer.clone()));
    if table.answered.len() >= limits::ANSWERED {
        table.answered.pop_front();
    }
    table.answered.push_back((subject, answer));
}

/// A question that is open, for the one that asks it. It is over when this is dropped.
#[derive(Debug)]
pub struct Asked {
    questions: Questions,
    subject: Subject,
    open: Arc<Open>,
}

impl Asked {
    /// Waits for the first answer, wherever it is given.
    pub async fn answered(&self) -> Answer {
        let mut answer = self.open.answer.subscribe();
        loop {
            if let Some(answer) = answer.borrow_and_update().clone() {
                return answer;
            }
            if answer.changed().await.is_err() {
                // The sender lives as long as this.
                core::future::pending::<()>().await;
            }
        }
    }

    /// Answers in this place. Returns the answer that counts: the first.
    pub fn answer(&self, answer: Answer) -> Answer {
        let mut table = self.questions.table();
        if let Some(first) = self.open.answer.borrow().clone() {
            return first;
        }
        record(&mut table, self.subject, &self.open, answer.clone());
        drop(table);
        self.questions.tell_answer(self.subject, &answer);
        answer
    }

    /// The reason of its end without an answer, as soon as it is known.
    pub fn why(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.open.why)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let (request, signer) = self.subject;
        {
            let mut table = self.questions.table();
            // The same may have been asked again meanwhile.
            if table.open.get(&self.subject).is_some_and(|open| Arc::ptr_eq(open, &self.open)) {
                table.open.remove(&self.subject);
            }
        }
        if self.open.answer.borrow().is_none() {
            let reason = self.open.why.get().map_or("nobody waits for an answer any more", String::as_str);
            self.questions.tell(
                "ApprovalOver",
                request,
                &Told::ApprovalOver { request: &request, signer: &signer, reason },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::{SecretKey, Signature};
    use motet_node::{
        Derivation, Item, NetworkId, PeerId, RequestMetadata, RequestOptions, SigningRequest, TimestampMs,
    };
    use motet_wire::Delegation;

    use super::*;
    use crate::journal::Read;

    fn key(number: u8) -> PublicKey {
        SecretKey::from_bytes(&[number; 32]).unwrap().public_key()
    }

    /// A question to a signer about a message.
    fn question(signer: u8, message: &str) -> Question {
        let creator = Delegation {
            signer: key(3),
            message_key: key(4),
            peer: PeerId::from_bytes(&[1; 38]).unwrap(),
            not_after: TimestampMs(2),
            signature: Signature::from_bytes(&[0; 64]),
        };
        let terms = SigningRequest {
            creator,
            keys: vec![key(1), key(2), key(3)],
            items: vec![Item { message: message.into(), derivation: Derivation::None }],
            options: RequestOptions::default(),
            metadata: RequestMetadata::default(),
            created: TimestampMs(0),
            expires: TimestampMs(1),
            salt: [0; 16],
            work: None,
        };
        let request = terms.id(&NetworkId::test()).unwrap();
        let keys = terms.items.iter().map(|item| item.verification_key(&terms.keys).unwrap()).collect();
        Question::new(Proposal { request, signer: key(signer), terms: Box::new(terms), keys }, String::new())
    }

    fn told(questions: &Questions) -> Vec<&'static str> {
        let Read::Events(events) = questions.journal().after(0) else { panic!() };
        events.iter().map(|event| event.name).collect()
    }

    #[tokio::test]
    async fn the_first_answer_counts_and_the_others_hear_of_it() {
        let questions = Questions::new().unwrap();
        let question = question(1, "m");
        let (request, digest) = (question.proposal.request, question.proposal.digest());
        let asked = questions.open(question).unwrap();
        assert_eq!(questions.list().len(), 1);
        assert_eq!(questions.approve(&request, None, digest, Place::Api), Ok(()));
        assert!(questions.list().is_empty());
        let first = Answer { decision: Decision::Approve, place: Place::Api };
        assert_eq!(asked.answered().await, first);
        let late = Answer { decision: Decision::Decline { reason: String::new() }, place: Place::Terminal };
        assert_eq!(asked.answer(late), first);
        assert_eq!(asked.why().get().map(String::as_str), Some("approved over the API"));
        let again = |questions: &Questions| questions.decline(&request, None, String::new(), Place::Api);
        assert_eq!(again(&questions), Err(Refused::Answered(first.clone())));
        drop(asked);
        assert_eq!(again(&questions), Err(Refused::Answered(first)));
        assert_eq!(told(&questions), ["ApprovalAsked", "ApprovalDecided"]);
    }

    #[test]
    fn consent_counts_for_what_was_shown_and_for_one_signer() {
        let questions = Questions::new().unwrap();
        let (shown, other) = (question(1, "m"), question(1, "another"));
        let (request, wrong) = (shown.proposal.request, other.proposal.digest());
        let right = shown.proposal.digest();
        let _asked = questions.open(shown).unwrap();
        assert_eq!(questions.approve(&request, None, wrong, Place::Api), Err(Refused::Digest));
        assert_eq!(questions.approve(&other.proposal.request, None, wrong, Place::Api), Err(Refused::NotAsked));
        // The same request, asked of two signers of one node.
        let second = questions.open(question(2, "m")).unwrap();
        assert_eq!(questions.approve(&request, None, right, Place::Api), Err(Refused::Ambiguous));
        assert_eq!(questions.approve(&request, Some(&key(2)), right, Place::Api), Err(Refused::Digest));
        assert_eq!(questions.approve(&request, Some(&key(1)), right, Place::Api), Ok(()));
        questions.over(&request, &key(2), "it has expired".to_owned());
        drop(second);
        assert!(questions.list().is_empty());
        assert_eq!(told(&questions), ["ApprovalAsked", "ApprovalAsked", "ApprovalDecided", "ApprovalOver"]);
        assert_eq!(questions.decline(&request, Some(&key(2)), String::new(), Place::Api), Err(Refused::NotAsked));
    }

    #[test]
    fn open_questions_have_a_bound() {
        let questions = Questions::new().unwrap();
        let mut open = Vec::new();
        for number in 0..limits::QUESTIONS {
            open.push(questions.open(question(1, &number.to_string())).unwrap());
        }
        assert!(questions.open(question(1, "one more")).is_none());
        open.pop();
        assert!(questions.open(question(1, "one more")).is_some());
    }
}
