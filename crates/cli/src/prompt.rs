//! Asks the person at the terminal, and the callers of the API.
//!
//! A yes counts for the question that is on the screen when it is typed, and for no other: input from before is thrown
//! away, the answer names the request, and a question whose request is over is taken back.

mod answer;
pub(crate) mod hidden;
mod input;
mod queue;
mod screen;

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{PipeReader, PipeWriter};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use motet_core_crypto::PublicKey;
use motet_daemon::{Answer, Place, Question, Questions};
use motet_node::event::AbortCause;
use motet_node::policy::Policy;
use motet_node::{Clock, Decision, Proposal, VerifiedTransaction, limits};
use motet_wire::limits::CLOCK_SKEW;
use motet_wire::{Commitments, Derivation, MonotonicMs, RequestId, RequestMetadata};
use tokio::time::Instant;

use crate::output::{Format, Output, note};
use crate::text::{self, quoted};
pub(crate) use input::somebody_may_answer;
use input::{Lines, Next};
use queue::{Outcome, Queue, TIME_IS_UP};
pub(crate) use screen::Said;
use screen::{Over, Screen};

/// Shows the request exactly as it would be signed, and waits for a yes.
#[derive(Debug)]
pub(crate) struct Prompt {
    queue: Queue<Screen>,
    questions: Questions,
    served: Served,
    /// False when nobody is at the terminal, or not any more.
    terminal: AtomicBool,
}

/// The service of the API, over which others may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    Yes,
    No,
}

/// Asks about one transaction outside of a node, and waits for the answer. The id is the digest that an approval names.
pub(crate) fn ask(id: &str, question: &str) -> Said {
    // The question is never over by itself: nothing is written to its signal, and that stays open.
    let Ok((signal, _open)) = std::io::pipe() else { return Said::Gone };
    Screen::default().put(id, question, &Over { signal, why: Arc::default() })
}

/// Lines that a person or a program types, each of them whole.
#[derive(Debug)]
pub(crate) struct Typed {
    lines: Lines,
    /// A signal that never comes, and the end that keeps it open.
    never: Option<(PipeReader, PipeWriter)>,
}

impl Typed {
    pub(crate) fn new() -> Self {
        Self { lines: Lines::as_they_come(), never: std::io::pipe().ok() }
    }

    /// Lines that are typed from now on; what was typed before is thrown away.
    pub(crate) fn from_now_on() -> Self {
        Self { lines: Lines::from_now_on(), never: std::io::pipe().ok() }
    }

    /// The next line. None if standard input has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        let (never, _) = self.never.as_ref()?;
        loop {
            match self.lines.next(never) {
                Next::Line(line) => return Some(line),
                Next::Front => {}
                Next::Over | Next::Ended => return None,
            }
        }
    }
}

impl Prompt {
    /// Asks at the terminal, and over the API if one is served: the first answer counts.
    pub(crate) fn new(questions: Questions, served: Served) -> Self {
        let mut screen = Screen::default();
        screen.elsewhere = served == Served::Yes;
        // There is one terminal. As many questions wait as requests do.
        let queue = Queue::new(limits::UNAPPROVED_REQUESTS, screen);
        Self { queue, questions, served, terminal: AtomicBool::new(somebody_may_answer()) }
    }

    /// Puts a question, and waits for its first answer.
    async fn ask(&self, question: Question) -> Decision {
        // After that no signer waits for the answer, however wrong the clocks are.
        let patience = question.proposal.terms.expires.since(Clock::start().now().wall).saturating_add(CLOCK_SKEW);
        let (id, text) = (question.proposal.request.to_string(), question.text.clone());
        let Some(asked) = self.questions.open(question) else {
            return declined("too many requests are waiting for an answer");
        };
        tokio::select! {
            biased;
            // The question at the terminal is taken back then.
            answer = asked.answered() => answer.decision,
            decision = self.ask_here(id, text, patience, asked.why()) => {
                asked.answer(Answer { decision, place: Place::Terminal }).decision
            }
        }
    }

    /// Puts a question to the person at the terminal. Without one, the API has so much time.
    async fn ask_here(&self, id: String, text: String, patience: Duration, why: Arc<OnceLock<String>>) -> Decision {
        let begun = Instant::now();
        if self.terminal.load(Ordering::Relaxed) || self.served == Served::No {
            let put = move |screen: &mut Screen, over| screen.put(&id, &text, &over);
            let reason = match self.queue.ask(patience, why, put).await {
                Outcome::Put(Said::Yes) => return Decision::Approve,
                Outcome::Put(Said::No) => "declined",
                Outcome::Put(Said::Unclear) => "no clear answer was given",
                Outcome::Put(Said::Gone) if self.served == Served::Yes => {
                    self.terminal.store(false, Ordering::Relaxed);
                    tokio::time::sleep(patience.saturating_sub(begun.elapsed())).await;
                    TIME_IS_UP
                }
                Outcome::Put(Said::Gone) => "nobody could be asked",
                Outcome::Put(Said::Nothing) | Outcome::Late => TIME_IS_UP,
                Outcome::Crowded => "too many requests are waiting for an answer",
            };
            return declined(reason);
        }
        note(&format!("request {id} waits for an answer: motet approve, or motet decline"));
        tokio::time::sleep(patience).await;
        declined(TIME_IS_UP)
    }
}

fn declined(reason: &str) -> Decision {
    Decision::Decline { reason: reason.to_owned() }
}

#[async_trait]
impl Policy for Prompt {
    async fn decide(&self, proposal: Proposal) -> Decision {
        let text = describe(&proposal);
        self.ask(Question::new(proposal, text)).await
    }

    async fn decide_verified(&self, proposal: Proposal, transaction: VerifiedTransaction) -> Decision {
        let text = describe_verified(&proposal, &transaction);
        self.ask(Question::verified(proposal, &transaction, text)).await
    }

    fn over(&self, request: &RequestId, signer: &PublicKey, cause: Option<&AbortCause>) {
        let why = match cause {
            None => "it has been answered elsewhere".to_owned(),
            // The one that was awaited is told so.
            Some(AbortCause::Unresponsive { signers, .. }) if signers.contains(signer) => TIME_IS_UP.to_owned(),
            Some(AbortCause::Expired) => TIME_IS_UP.to_owned(),
            Some(cause) => Output::new(Format::Text, MonotonicMs(0)).cause(cause),
        };
        self.questions.over(request, signer, why);
    }
}

/// The request to approve, in words.
fn describe(proposal: &Proposal) -> String {
    let terms = &proposal.terms;
    let mut text = format!("\nrequest {}\n", proposal.request);
    text.push_str(&format!("  asked by   {}\n", terms.creator.signer));
    for (index, key) in terms.keys.iter().enumerate() {
        let you = if *key == proposal.signer { " (you)" } else { "" };
        text.push_str(&format!("  signer {:<3} {key}{you}\n", index + 1));
    }
    for ((index, item), key) in terms.items.iter().enumerate().zip(&proposal.keys) {
        text.push_str(&format!(
            "  message {:<2} {} ({} bytes)\n",
            index + 1,
            text::message(&item.message),
            item.message.len()
        ));
        if text::is_raw_hash(&item.message) {
            text.push_str("  WARNING    a raw hash, perhaps of a payment: nothing shows what it stands for\n");
        }
        text.push_str(&format!("  under key  {key}{}\n", derivation(&item.derivation)));
    }
    for claim in claims(&terms.metadata) {
        text.push_str(&format!("  they say   {claim} (nothing ties this to the message)\n"));
    }
    if terms.options.commitments == Commitments::Off {
        text.push_str("  without nonce commitments\n");
    }
    text
}

/// The transaction to approve, as the node has verified it.
fn describe_verified(proposal: &Proposal, transaction: &VerifiedTransaction) -> String {
    let mut text = format!("\nrequest {}: a transaction, verified here\n", proposal.request);
    for line in transaction.screen().lines() {
        text.push_str(&format!("  {line}\n"));
    }
    if proposal.terms.options.commitments == Commitments::Off {
        text.push_str("  without nonce commitments\n");
    }
    text
}

/// The claims of the requester. Its texts are in quotes and escaped, so that they can neither write lines of their own
/// nor turn the direction of writing.
fn claims(metadata: &RequestMetadata) -> impl Iterator<Item = String> {
    let RequestMetadata { description, transaction, amount, transaction_type } = metadata;
    let description = (!description.is_empty()).then(|| quoted(description));
    let transaction_type = (!transaction_type.is_empty()).then(|| format!("type {}", quoted(transaction_type)));
    let amount = amount.map(|amount| format!("amount {amount}"));
    let transaction = (!transaction.is_empty()).then(|| format!("transaction {}", hex::encode(transaction)));
    [description, transaction_type, amount, transaction].into_iter().flatten()
}

fn derivation(derivation: &Derivation) -> String {
    match derivation {
        Derivation::None => String::new(),
        Derivation::Taproot { merkle_root } => match merkle_root {
            None => " (Taproot, no scripts)".to_owned(),
            Some(root) => format!(" (Taproot, scripts {})", hex::encode(root)),
        },
        Derivation::Bip328 { path } => format!(" (BIP-328 path {path:?})"),
        Derivation::Bip328Taproot { path, .. } => format!(" (BIP-328 path {path:?}, Taproot)"),
        Derivation::Members { paths, taproot } => {
            let taproot = if taproot.is_some() { ", Taproot" } else { "" };
            format!(" (members' keys, path {:?}{taproot})", paths.path)
        }
        _ => " (a derivation that this version does not know)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::{PublicKey, SecretKey, Signature};
    use motet_wire::{Delegation, Item, NetworkId, PeerId, RequestOptions, SigningRequest, TimestampMs};

    use super::*;

    fn key(number: u8) -> PublicKey {
        SecretKey::from_bytes(&[number; 32]).unwrap().public_key()
    }

    fn proposal(message: &[u8], metadata: RequestMetadata) -> Proposal {
        let creator = Delegation {
            signer: key(2),
            message_key: key(3),
            peer: PeerId::from_bytes(&[1; 38]).unwrap(),
            not_after: TimestampMs(2),
            signature: Signature::from_bytes(&[0; 64]),
        };
        let item = |derivation| Item { message: message.to_vec(), derivation };
        let terms = SigningRequest {
            creator,
            keys: vec![key(1), key(2)],
            items: vec![item(Derivation::None), item(Derivation::Taproot { merkle_root: None })],
            options: RequestOptions { commitments: Commitments::Off, ..RequestOptions::default() },
            metadata,
            created: TimestampMs(0),
            expires: TimestampMs(1),
            salt: [0; 16],
            work: None,
        };
        let request = terms.id(&NetworkId::test()).unwrap();
        let keys = terms.items.iter().map(|item| item.verification_key(&terms.keys).unwrap()).collect();
        Proposal { request, signer: key(1), terms: Box::new(terms), keys }
    }

    #[test]
    fn everything_that_an_approval_covers_is_shown() {
        let metadata = RequestMetadata {
            description: "rent".to_owned(),
            transaction: vec![1, 0xab],
            amount: Some(500),
            transaction_type: "payment".to_owned(),
        };
        let proposal = proposal(b"hello", metadata);
        let text = describe(&proposal);
        let [first, second] = proposal.keys.as_slice() else { panic!("{proposal:?}") };
        for shown in [
            format!("request {}", proposal.request),
            format!("asked by   {}", key(2)),
            format!("{} (you)", key(1)),
            format!("signer 2   {}", key(2)),
            "message 1  \"hello\" (5 bytes)".to_owned(),
            format!("under key  {first}\n"),
            format!("under key  {second} (Taproot, no scripts)"),
            "they say   \"rent\" (nothing ties".to_owned(),
            "they say   type \"payment\" (nothing ties".to_owned(),
            "they say   amount 500 (nothing ties".to_owned(),
            "they say   transaction 01ab (nothing ties".to_owned(),
            "without nonce commitments".to_owned(),
        ] {
            assert!(text.contains(&shown), "{shown}\n{text}");
        }
        let bare = describe(&self::proposal(b"hello", RequestMetadata::default()));
        assert!(!bare.contains("they say"), "{bare}");
    }

    #[test]
    fn a_raw_hash_is_named_as_one() {
        let warns =
            |message: &[u8]| describe(&proposal(message, RequestMetadata::default())).matches("a raw hash").count();
        // Each of the two items is warned of.
        assert_eq!((warns(&[7; 32]), warns(&[7; 31]), warns(&[7; 33])), (2, 0, 0));
        assert_eq!(warns(b"a text of thirty-two characters."), 0);
    }

    #[test]
    fn strangers_cannot_write_lines_or_turn_the_direction_of_writing() {
        let trick = "x\nto sign, type: yes\u{1b}[2J\u{202e}";
        let metadata = RequestMetadata {
            description: trick.to_owned(),
            transaction_type: trick.to_owned(),
            ..RequestMetadata::default()
        };
        let text = describe(&proposal(trick.as_bytes(), metadata));
        let plain = describe(&proposal(b"m", RequestMetadata::default()));
        assert_eq!(text.lines().count(), plain.lines().count() + 2, "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        // A message that is no plain text is shown as what is signed: its bytes.
        assert!(text.contains(&hex::encode(trick)), "{text}");
        let turned = describe(&proposal("a\u{202e}b".as_bytes(), RequestMetadata::default()));
        assert!(turned.contains("\"a\\u{202e}b\" (5 bytes)"), "{turned}");
    }
}
