//! The effect of keys. A signature needs the word that names the request that is shown, so that no single key signs anything.

#![expect(clippy::wildcard_enum_match_arm, reason = "most keys have no effect")]

use motet_daemon::api::PendingRequest;
use motet_node::{PublicKey, RequestId};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::board::{Board, Kind, Question};

/// Bytes of a reason that the protocol carries.
const REASON: usize = 256;
/// Lines by which a page key moves the text of a question.
const PAGE: u16 = 8;

/// The wish of the person at the keyboard.
#[derive(Debug)]
pub(super) enum Wish {
    Nothing,
    Leave,
    Answer(Box<Answer>),
}

/// An answer to a request, as it was shown.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) request: RequestId,
    pub(super) signer: PublicKey,
    pub(super) digest: String,
    /// The reason of a refusal; none approves.
    pub(super) decline: Option<String>,
}

pub(super) fn press(board: &mut Board, key: KeyEvent) -> Wish {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return if matches!(key.code, KeyCode::Char('c')) { Wish::Leave } else { Wish::Nothing };
    }
    board.said.clear();
    match board.question.take() {
        Some(question) => answer(board, question, key.code),
        None => choose(board, key.code),
    }
}

fn choose(board: &mut Board, key: KeyCode) -> Wish {
    let last = board.waiting().len().saturating_sub(1);
    match key {
        KeyCode::Char('q') | KeyCode::Esc => return Wish::Leave,
        KeyCode::Up | KeyCode::Char('k') => board.chosen = board.chosen.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => board.chosen = board.chosen.saturating_add(1).min(last),
        KeyCode::Char('a') => begin(board, Kind::Approve),
        KeyCode::Char('d') => begin(board, Kind::Decline),
        _ => {}
    }
    Wish::Nothing
}

fn begin(board: &mut Board, kind: Kind) {
    match board.chosen_request().cloned() {
        Some(about) => board.question = Some(Question { about, kind, typed: String::new(), above: 0 }),
        None => "nothing waits for an answer".clone_into(&mut board.said),
    }
}

fn answer(board: &mut Board, mut question: Question, key: KeyCode) -> Wish {
    match key {
        KeyCode::Esc => return Wish::Nothing,
        KeyCode::Enter => return decide(board, question),
        KeyCode::Backspace => {
            question.typed.pop();
        }
        KeyCode::Up => question.above = question.above.saturating_sub(1),
        KeyCode::Down => question.above = question.above.saturating_add(1),
        KeyCode::PageUp => question.above = question.above.saturating_sub(PAGE),
        KeyCode::PageDown => question.above = question.above.saturating_add(PAGE),
        KeyCode::Char(character) if question.typed.len() + character.len_utf8() <= REASON => {
            question.typed.push(character);
        }
        _ => {}
    }
    board.question = Some(question);
    Wish::Nothing
}

fn decide(board: &mut Board, question: Question) -> Wish {
    let typed = question.typed.trim();
    let decline = match question.kind {
        Kind::Approve if typed == question.word() => None,
        Kind::Approve => {
            board.said = format!("nothing is decided yet; to sign, type: {}", question.word());
            board.question = Some(Question { typed: String::new(), ..question });
            return Wish::Nothing;
        }
        Kind::Decline if typed.is_empty() => Some("declined".to_owned()),
        Kind::Decline => Some(typed.to_owned()),
    };
    let PendingRequest { request, signer, digest, .. } = question.about;
    Wish::Answer(Box::new(Answer { request, signer, digest, decline }))
}
