//! Effects that leave, their time, and those that never do.

use core::time::Duration;

use motet_core_crypto::SecretKey;
use motet_wire::{Attempt, AttemptId, Channel, PeerId, RequestId, SignerIndex, Topic};
use tracing::Span;

use super::*;
use crate::engine::{CommandId, Reply};
use crate::event::{Completed, Event};
use crate::signer::{NonceId, SignerTask};

const NOW: MonotonicMs = MonotonicMs(1_000);
const LATER: MonotonicMs = MonotonicMs(2_000);

fn says(number: u8) -> Effect {
    Effect::Broadcast { topics: vec![Topic::Requests(0)], frame: Arc::from([number]) }
}

fn reply(number: u64) -> Effect {
    Effect::Reply(CommandId(number), Ok(Reply::Done))
}

fn event() -> Effect {
    Effect::Emit(Event::DhtReady, Span::none())
}

fn complete(number: u8) -> Effect {
    let (request, items) = (RequestId::from_bytes([number; 32]), Vec::new());
    let session = AttemptId::derive(&request, Attempt::FIRST);
    Effect::Emit(Event::SessionComplete(Completed { request, session, items }), Span::none())
}

fn hold(time: Duration) -> Effect {
    Effect::Hold(time)
}

fn record(number: u8) -> Record {
    Record::Ended { request: RequestId::from_bytes([number; 32]), result: None }
}

fn makes(records: Vec<Record>, effects: Vec<Effect>) -> Transition {
    Transition { records, effects, ..Transition::default() }
}

fn knowing(known_refusals: u64, transition: Transition) -> Transition {
    Transition { known_refusals, ..transition }
}

fn full() -> StoreError {
    StoreError::Failed("full".to_owned())
}

/// Effects that leave by now, in a word for each: the number of a frame, `ok` or `store` for an answer, `event`.
fn leaves(outbox: &mut Outbox, now: MonotonicMs) -> Vec<String> {
    let word = |effect| {
        if let Effect::Broadcast { frame, .. } = &effect {
            frame[0].to_string()
        } else if let Effect::Reply(_, Err(CommandError::Store(_))) = &effect {
            "store".to_owned()
        } else if let Effect::Reply(_, Ok(_)) = &effect {
            "ok".to_owned()
        } else if let Effect::Emit(..) = &effect {
            "event".to_owned()
        } else {
            format!("{effect:?}")
        }
    };
    core::iter::from_fn(|| outbox.pop(now)).map(word).collect()
}

fn push(outbox: &mut Outbox, transition: Transition) {
    outbox.push(transition, NOW);
}

#[test]
fn a_transition_without_records_leaves_at_once_when_nothing_waits_before_it() {
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![], vec![says(1), event(), reply(1)]));
    assert!(outbox.next_commit().is_none());
    assert_eq!(leaves(&mut outbox, NOW), ["1", "event", "ok"]);
    assert_eq!((outbox.waiting(), outbox.next_due()), (0, None));
}

#[test]
fn nothing_leaves_before_the_records_of_its_own_and_of_earlier_transitions_are_durable() {
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![record(1)], vec![says(1), reply(1)]));
    push(&mut outbox, makes(vec![], vec![says(2)]));
    assert!(leaves(&mut outbox, NOW).is_empty());
    assert_eq!(*outbox.next_commit().unwrap(), [record(1)]);
    push(&mut outbox, makes(vec![], vec![says(3)]));
    push(&mut outbox, makes(vec![record(4)], vec![says(4)]));
    push(&mut outbox, makes(vec![], vec![says(5)]));
    assert!(leaves(&mut outbox, NOW).is_empty());
    assert!(outbox.next_commit().is_none(), "one commit at a time");
    assert!(outbox.on_committed(Ok(()), NOW).is_none());
    assert_eq!(leaves(&mut outbox, NOW), ["1", "ok", "2", "3"]);
    assert_eq!(outbox.waiting(), 2);
    assert_eq!(*outbox.next_commit().unwrap(), [record(4)]);
    assert!(outbox.on_committed(Ok(()), NOW).is_none());
    assert_eq!(leaves(&mut outbox, NOW), ["4", "5"]);
}

#[test]
fn records_of_all_transitions_that_wait_are_one_commit() {
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![record(1), record(2)], vec![says(1)]));
    push(&mut outbox, makes(vec![], vec![says(2)]));
    push(&mut outbox, makes(vec![record(3)], vec![]));
    let records = outbox.next_commit().unwrap();
    assert_eq!(*records, [record(1), record(2), record(3)]);
    assert_eq!(outbox.committing(), Some(&records));
    assert!(outbox.on_committed(Ok(()), NOW).is_none());
    assert_eq!(leaves(&mut outbox, NOW), ["1", "2"]);
    assert_eq!((outbox.committing(), outbox.waiting()), (None, 0));
}

#[test]
fn what_stays_in_the_node_may_be_taken_out_before_anything_is_stored() {
    let from = PeerId::from_bytes(&[1; 38]).unwrap();
    let validate = Effect::Validate { from, channel: Channel::Sync, frames: vec![] };
    let mut transition = makes(vec![record(1)], vec![says(1), validate, reply(1), event()]);
    assert!(matches!(transition.take_internal().as_slice(), [Effect::Validate { .. }]));
    assert_eq!(transition.effects.len(), 3);
}

#[test]
fn what_could_not_be_stored_has_no_effects_and_commands_are_told() {
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![record(1)], vec![says(1), event(), reply(1)]));
    push(&mut outbox, makes(vec![], vec![event(), reply(2)]));
    outbox.next_commit().unwrap();
    let refusal = outbox.on_committed(Err(full()), NOW).unwrap();
    let Input::PersistFailed { records, detail } = refusal.input else { panic!("{:?}", refusal.input) };
    assert_eq!((records, detail), (vec![record(1)], full().to_string()));
    assert_eq!(refusal.dropped.len(), 3);
    assert_eq!(leaves(&mut outbox, NOW), ["store", "event", "ok"]);
}

#[test]
fn no_frame_leaves_that_was_made_before_the_engine_knew_of_a_refusal() {
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![record(1)], vec![says(1)]));
    outbox.next_commit().unwrap();
    // Made while the store was at work,
    push(&mut outbox, makes(vec![], vec![says(2), event()]));
    assert!(outbox.on_committed(Err(full()), NOW).is_some());
    // and before the engine is told; what it stores then is stored, and what it answers is answered.
    push(&mut outbox, makes(vec![record(3)], vec![says(3), reply(3)]));
    assert_eq!(*outbox.next_commit().unwrap(), [record(3)]);
    assert!(outbox.on_committed(Ok(()), NOW).is_none());
    push(&mut outbox, makes(vec![], vec![says(4)]));
    assert_eq!(leaves(&mut outbox, NOW), ["event", "ok"]);
    push(&mut outbox, knowing(1, makes(vec![], vec![says(5)])));
    assert_eq!(leaves(&mut outbox, NOW), ["5"]);
}

/// A question for a signature, in the session of this request.
fn asks_to_sign(number: u8) -> Effect {
    let (request, attempt) = (RequestId::from_bytes([number; 32]), Attempt::FIRST);
    let signer = SecretKey::from_bytes(&[1; 32]).unwrap().public_key();
    let session = AttemptId::derive(&request, attempt);
    let nonce_id = NonceId { session, request, attempt, signer, index: SignerIndex(0) };
    Effect::AskSigner(SignerTask::Sign { nonce_id, items: Arc::new([]), nonces: Arc::new([]) })
}

#[test]
fn a_signer_signs_only_what_follows_from_what_is_stored() {
    let mut outbox = Outbox::new();
    let mut first = makes(vec![record(1)], vec![asks_to_sign(1)]);
    assert!(first.take_internal().is_empty(), "it waits for the store like a frame");
    push(&mut outbox, first);
    assert_eq!(leaves(&mut outbox, NOW).len(), 0);
    outbox.next_commit().unwrap();
    assert!(outbox.on_committed(Ok(()), NOW).is_none());
    assert_eq!(leaves(&mut outbox, NOW).len(), 1);
    // In a session whose record is refused it is not asked, whichever step wants it; in others it is.
    push(&mut outbox, makes(vec![record(2)], vec![]));
    outbox.next_commit().unwrap();
    push(&mut outbox, makes(vec![record(4)], vec![asks_to_sign(2)]));
    push(&mut outbox, makes(vec![], vec![asks_to_sign(3)]));
    assert!(outbox.on_committed(Err(full()), NOW).is_some());
    push(&mut outbox, knowing(1, makes(vec![], vec![])));
    outbox.next_commit().unwrap();
    assert!(outbox.on_committed(Ok(()), NOW).is_none());
    let left = leaves(&mut outbox, NOW);
    assert!(
        matches!(left.as_slice(), [one] if one.contains(&RequestId::from_bytes([3; 32]).to_string()[..8])),
        "{left:?}"
    );
    // The engine has ended that session by now; one of the same id can only be newer.
    push(&mut outbox, knowing(1, makes(vec![], vec![asks_to_sign(2)])));
    assert_eq!(leaves(&mut outbox, NOW).len(), 1);
}

#[test]
fn signatures_that_are_stored_already_are_told_whatever_is_refused() {
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![record(1)], vec![complete(1), complete(2), says(1)]));
    outbox.next_commit().unwrap();
    let refusal = outbox.on_committed(Err(full()), NOW).unwrap();
    assert_eq!(refusal.dropped.len(), 2, "the signatures that were to be stored, and a frame");
    assert_eq!(leaves(&mut outbox, NOW), ["event"]);
}

#[test]
fn the_engine_has_to_know_of_each_refusal() {
    let mut outbox = Outbox::new();
    for number in [1, 2] {
        push(&mut outbox, makes(vec![record(number)], vec![says(number)]));
        outbox.next_commit().unwrap();
        assert!(outbox.on_committed(Err(full()), NOW).is_some());
    }
    push(&mut outbox, knowing(1, makes(vec![], vec![says(3)])));
    assert!(leaves(&mut outbox, NOW).is_empty());
    push(&mut outbox, knowing(2, makes(vec![], vec![says(4)])));
    assert_eq!(leaves(&mut outbox, NOW), ["4"]);
}

#[test]
fn frames_that_are_held_back_leave_in_their_order_and_everything_else_at_once() {
    let second = LATER.since(NOW);
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![], vec![says(0)]));
    push(&mut outbox, makes(vec![], vec![hold(second), says(1), event()]));
    push(&mut outbox, makes(vec![], vec![hold(Duration::ZERO), says(2)]));
    // It does not overtake, though nothing holds it back.
    push(&mut outbox, makes(vec![], vec![says(3), reply(3)]));
    assert_eq!(leaves(&mut outbox, NOW), ["0", "event", "ok"]);
    assert_eq!(outbox.next_due(), Some(LATER));
    assert_eq!(leaves(&mut outbox, LATER), ["1", "2", "3"]);
    push(&mut outbox, makes(vec![], vec![says(4)]));
    assert_eq!(leaves(&mut outbox, NOW), ["4"]);
}

#[test]
fn the_time_to_hold_a_frame_back_begins_when_its_records_are_durable() {
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![record(1)], vec![hold(Duration::from_secs(1)), says(1)]));
    outbox.next_commit().unwrap();
    assert!(outbox.on_committed(Ok(()), LATER).is_none());
    assert_eq!(outbox.next_due(), Some(LATER.saturating_add(Duration::from_secs(1))));
}

#[test]
fn no_more_is_held_back_than_there_is_room_for() {
    let mut outbox = Outbox::new();
    let hour = Duration::from_secs(3_600);
    for _ in 0..limits::HELD {
        push(&mut outbox, makes(vec![], vec![hold(hour), says(1)]));
    }
    assert!(leaves(&mut outbox, NOW).is_empty());
    push(&mut outbox, makes(vec![], vec![hold(hour), says(2), says(3)]));
    assert_eq!(leaves(&mut outbox, NOW), ["1", "1"]);
    assert_eq!(leaves(&mut outbox, MonotonicMs(u64::MAX)).len(), limits::HELD, "a node that stops sends them");
}

#[test]
fn a_node_that_is_no_more_had_these_effects_left() {
    let mut outbox = Outbox::new();
    push(&mut outbox, makes(vec![], vec![event(), hold(Duration::from_secs(1)), says(1)]));
    push(&mut outbox, makes(vec![record(2)], vec![says(2)]));
    assert_eq!(outbox.into_effects().count(), 3);
}
