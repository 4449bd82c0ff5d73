//! The screen as text at two widths, and the effect of keys on what is signed.

use motet_wire::{MonotonicMs, Now, TimestampMs};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};

use super::board::Board;
use super::draw::draw;
use super::keys::{Answer, Wish, press};
use super::snapshot::Snapshot;

const ALICE: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const BOB: &str = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
const KEY: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn session(id: &str, phase: &str, awaiting: &[&str], revision: u64) -> Value {
    let going = !["complete", "aborted"].contains(&phase);
    json!({
        "revision": format!("00c0ffee00c0ffee-{revision}"), "request": id.repeat(32), "creator": BOB, "phase": phase, "attempt": 0,
        "max_attempts": 3, "session": "00".repeat(32), "signers": [ALICE, BOB], "awaiting": awaiting, "election": "lexicographic",
        "coordinator": 0, "items": [{"aggregate_key": KEY, "message": hex::encode("hello")}], "signatures": null,
        "phase_ends_in_ms": going.then_some(32_000), "ends_in_ms": going.then_some(90_000), "idle_for_ms": 0, "end": null, "retry": null,
        "retry_of": null, "may_complete": [],
    })
}

/// A board with one request that waits, one session in the second round, and one that has ended.
fn board() -> Board {
    let request = "5d".repeat(32);
    let text = format!(
        "\nrequest {request}\n  asked by   {BOB}\n  signer 1   {ALICE} (you)\n  signer 2   {BOB}\n  message 1  \"pay\\u{{202e}}\" (6 bytes)\n  \
         under key  {KEY}\n  they say   \"rent\" (nothing ties this to the message)\n"
    );
    let waiting = json!({
        "request": request, "signer": ALICE, "digest": "ab".repeat(32), "text": text, "creator": BOB, "signers": [ALICE, BOB],
        "items": [{"message": hex::encode("pay\u{202e}"), "message_text": "pay\u{202e}", "aggregate_key": KEY, "derivation": {"kind": "none"}}],
        "description": "rent", "type": "", "amount": null, "transaction": "", "commitments": true, "election": "lexicographic",
        "created_ms": 0, "expires_ms": 1_000_000, "verified": null,
    });
    let status = json!({
        "version": "0.1.0", "network": "dev", "peer": "12D3KooW", "signers": [ALICE], "cursor": "00c0ffee00c0ffee-9", "api": null,
        "locked": false, "uptime_ms": 1000, "questions": 1, "sessions": 2, "results": 0,
        "connections": {"peers": 3, "inbound": 1, "outbound": 2, "networks": 2, "diversity_fell": false, "blocked": 0,
            "reachability": "public", "listening": [], "named": []},
        "dht": {"state": "ready", "server": true, "peers": 3, "records": 7, "bytes": 900, "queries": 0},
    });
    let event = |name: &str, more: Value| {
        let mut event = more;
        event["event"] = json!(name);
        json!({"cursor": "00c0ffee00c0ffee-5", "at_ms": 0, "event": event})
    };
    let sessions: Vec<_> =
        vec![read(session("7a", "partial signatures", &[BOB], 8)), read(session("7b", "aborted", &[], 4))];
    let timelines = [
        ("7a", vec![event("SessionNonceCommitmentsComplete", json!({"attempt": 0}))]),
        (
            "7b",
            vec![
                event("SigningRequestJoined", json!({"index": 0})),
                event("NonceReceived", json!({"attempt": 1, "index": 0})),
            ],
        ),
    ];
    let timelines =
        timelines.into_iter().map(|(id, events)| (id.repeat(32).parse().unwrap(), read(json!(events)))).collect();
    let mut board = Board::default();
    board.show(Snapshot {
        at: MonotonicMs(0),
        status: read(status),
        waiting: vec![read(waiting)],
        sessions,
        timelines,
        names: [(ALICE.parse().unwrap(), "you".to_owned()), (BOB.parse().unwrap(), "bob".to_owned())].into(),
        scores: [(BOB.parse().unwrap(), 12)].into(),
    });
    board.happened(TimestampMs(45_296_000), "ApprovalAsked            request=5d5d5d5d reason=\u{1b}[2J".to_owned());
    board
}

fn drawn(board: &mut Board, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let now = Now { wall: TimestampMs(940_000), mono: MonotonicMs(2000) };
    terminal.draw(|frame| draw(frame, board, now)).unwrap();
    let cells = terminal.backend().buffer();
    let row = |y: u16| (0..width).map(|x| cells[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(|y| row(y) + "\n").collect()
}

/// Compares with a picture in text, which `MOTET_BLESS=1` makes anew.
#[track_caller]
fn looks(shown: &str, name: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/daemon/screen").join(name);
    if std::env::var_os("MOTET_BLESS").is_some() {
        std::fs::write(&file, shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(&file).unwrap(), "{shown}");
}

fn typed(board: &mut Board, keys: &str) -> Option<Answer> {
    let mut given = None;
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            key => KeyCode::Char(key),
        };
        if let Wish::Answer(answer) = press(board, KeyEvent::new(code, KeyModifiers::NONE)) {
            given = Some(*answer);
        }
    }
    given
}

#[test]
fn the_screen_at_80_and_at_120_columns() {
    looks(&drawn(&mut board(), 80, 32), "80.txt");
    looks(&drawn(&mut board(), 120, 28), "120.txt");
}

#[test]
fn no_terminal_is_too_small() {
    for (width, height) in [(1, 1), (2, 3), (10, 4), (30, 9), (200, 2)] {
        let mut board = board();
        drawn(&mut board, width, height);
        typed(&mut board, "a");
        drawn(&mut board, width, height);
    }
}

#[test]
fn a_question_shows_all_that_is_signed() {
    let mut board = board();
    typed(&mut board, "a");
    looks(&drawn(&mut board, 80, 32), "question.txt");
    // On a small terminal all of it is reached, and a key that goes on after the end does no harm.
    let mut seen = String::new();
    for _ in 0..40 {
        seen.push_str(&drawn(&mut board, 60, 14));
        press(&mut board, KeyEvent::new(KeyCode::Down, KeyModifiers::NONE));
    }
    assert!(seen.contains("digest     abab") && seen.contains("request 5d5d"), "{seen}");
    drawn(&mut board, 60, 14);
    press(&mut board, KeyEvent::new(KeyCode::Up, KeyModifiers::NONE));
    assert!(drawn(&mut board, 60, 14).contains("more below, 1 line:"));
}

#[test]
fn only_the_word_that_names_the_request_signs_and_for_what_was_shown() {
    let mut board = board();
    for keys in ["\n", "a\n", "y\n", "yes\n", "yes 5d5e\n", "YES 5d5d\n"] {
        assert!(typed(&mut board, keys).is_none(), "{keys:?}");
    }
    assert!(board.said.contains("yes 5d5d"), "{}", board.said);
    // The same request comes with other contents: the answer is for those that stand on the screen.
    let mut state = board.state.clone().unwrap();
    state.waiting[0].digest = "cd".repeat(32);
    board.show(state);
    let answer = typed(&mut board, "yes 5d5d\n").unwrap();
    assert_eq!((answer.digest, answer.decline), ("ab".repeat(32), None));
    assert!(board.question.is_none());
}

#[test]
fn a_refusal_has_a_reason_and_escape_decides_nothing() {
    let mut board = board();
    assert_eq!(typed(&mut board, "dnot today\n").unwrap().decline.as_deref(), Some("not today"));
    assert_eq!(typed(&mut board, "d\n").unwrap().decline.as_deref(), Some("declined"));
    assert!(typed(&mut board, "dno\u{1b}").is_none() && board.question.is_none());
    assert!(typed(&mut board, "ayes 5d5d\u{1b}\n").is_none());
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    typed(&mut board, "a");
    assert!(matches!(press(&mut board, control), Wish::Leave));
    let mut empty = Board::default();
    assert!(typed(&mut empty, "a\nd\n").is_none());
    assert!(drawn(&mut empty, 80, 5).contains("asks the signer"));
    assert!(matches!(press(&mut empty, KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE)), Wish::Leave));
}
