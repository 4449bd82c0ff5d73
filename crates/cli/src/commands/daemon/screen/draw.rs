//! The screen as it is drawn: panels beside each other on wide terminals, and below each other on narrow ones.

use motet_daemon::api::{PendingRequest, Session};
use motet_node::event::Phase;
use motet_wire::{MonotonicMs, Now, TimestampMs};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::board::{Board, Kind, Question, short};
use super::progress::{self, Part, ROUNDS};
use super::snapshot::Snapshot;
use super::wrap::wrap;
use crate::counted::counted;
use crate::text::{escaped, message, printable, quoted};

/// Columns from which panels stand beside each other.
const WIDE: u16 = 110;
/// Lines of the node's panel, its border included.
const NODE: u16 = 8;
/// Columns of a signer's name in the table of rounds.
const NAME: usize = 16;
/// Columns of a round.
const ROUND: usize = 10;

/// Draws the screen. A question whose text ends is moved no further.
pub(super) fn draw(frame: &mut Frame<'_>, board: &mut Board, now: Now) {
    let [head, middle, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
    frame.render_widget(Paragraph::new(title(board)), head);
    frame.render_widget(Paragraph::new(help(board)), foot);
    let Some(state) = &board.state else {
        frame.render_widget(Paragraph::new("asks the signer…"), middle);
        return;
    };
    let waiting = u16::try_from(state.waiting.len()).unwrap_or(u16::MAX).saturating_mul(2).saturating_add(2);
    let waiting = Constraint::Length(waiting.clamp(3, (middle.height / 3).max(4)));
    let panels = if middle.width >= WIDE {
        let [left, right] = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(middle);
        let [waits, sessions] = Layout::vertical([waiting, Constraint::Min(0)]).areas(left);
        let [node, events] = Layout::vertical([Constraint::Length(NODE), Constraint::Min(0)]).areas(right);
        [waits, sessions, node, events]
    } else {
        let parts = [waiting, Constraint::Fill(3), Constraint::Length(NODE), Constraint::Fill(2)];
        Layout::vertical(parts).areas(middle)
    };
    let [waits, sessions, node, events] = panels;
    panel(frame, waits, &format!("Waits for you: {}", state.waiting.len()), waiting_lines(board, now.wall));
    panel(frame, sessions, "Sessions", session_lines(board, state, now.mono));
    panel(frame, node, "Node", node_lines(state));
    panel(frame, events, "Events", event_lines(board));
    if let Some(question) = &mut board.question {
        ask(frame, middle, question);
    }
}

fn panel(frame: &mut Frame<'_>, place: Rect, title: &str, lines: Vec<Line<'_>>) {
    let block = Block::bordered().border_style(Style::new().dim()).title(Span::raw(format!(" {title} ")).bold());
    frame.render_widget(Paragraph::new(lines).block(block), place);
}

fn title(board: &Board) -> Line<'static> {
    let mut line = vec![Span::raw("Motet ").bold()];
    if let Some(state) = &board.state {
        let own: Vec<String> = state.status.signers.iter().map(|signer| short(&signer.to_string())).collect();
        line.push(Span::raw(format!("{} on the network {}", own.join(", "), printable(&state.status.network))));
    }
    Line::from(line)
}

fn help(board: &Board) -> Line<'static> {
    if !board.said.is_empty() {
        return Line::from(format!(" {}", printable(&board.said))).bold();
    }
    Line::from(match &board.question {
        None => " ↑ ↓ choose   a approve   d decline   q leave",
        Some(_) => " Enter answers   Esc goes back   ↑ ↓ move the text",
    })
    .dim()
}

/// Milliseconds as minutes and seconds.
fn left(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1000);
    format!("{}:{:02} left", seconds / 60, seconds % 60)
}

fn waiting_lines(board: &Board, now: TimestampMs) -> Vec<Line<'static>> {
    if board.waiting().is_empty() {
        return vec![Line::from(" nothing").dim()];
    }
    let lines = board.waiting().iter().enumerate().flat_map(|(place, request)| {
        let chosen = place == board.chosen;
        let score = board.state.as_ref().and_then(|state| state.scores.get(&request.creator));
        let score = score.map_or_else(|| "score unknown".to_owned(), |score| format!("score {score}"));
        let about = format!(
            "{} {}  asked by {}, {score}  {} signers  {}",
            if chosen { "▸" } else { " " },
            short(&request.request.to_string()),
            board.name(&request.creator),
            request.signers.len(),
            left(request.expires_ms.saturating_sub(now.0)),
        );
        let about = if chosen { Line::from(about).bold() } else { Line::from(about) };
        [about, Line::from(format!("    {}", subject(request)))]
    });
    lines.collect()
}

/// A request in a line. All of it is shown with the question.
fn subject(request: &PendingRequest) -> String {
    match (&request.verified, request.items.as_slice()) {
        (Some(verified), _) if verified.get("message").is_none_or(serde_json::Value::is_null) => {
            let group = verified.pointer("/group/name").and_then(serde_json::Value::as_str).unwrap_or_default();
            format!("a transaction of the group {}", quoted(group))
        }
        (_, [item]) => hex::decode(&item.message).map(|bytes| message(&bytes)).unwrap_or_default(),
        (_, items) => format!("{} messages", items.len()),
    }
}

fn session_lines(board: &Board, state: &Snapshot, now: MonotonicMs) -> Vec<Line<'static>> {
    if state.sessions.is_empty() {
        return vec![Line::from(" none").dim()];
    }
    state.sessions.iter().flat_map(|session| one_session(board, state, session, now)).collect()
}

fn one_session(board: &Board, state: &Snapshot, session: &Session, now: MonotonicMs) -> Vec<Line<'static>> {
    let status = &session.status;
    let colour = match status.phase {
        Phase::Complete => Color::Green,
        Phase::Aborted => Color::Red,
        Phase::Joining | Phase::Commitments | Phase::Nonces | Phase::Partials => Color::Yellow,
    };
    let mut text = String::new();
    if !status.awaiting.is_empty() {
        let awaited: Vec<String> = status.awaiting.iter().map(|signer| board.name(signer)).collect();
        text.push_str(&format!("  waits for {}", awaited.join(", ")));
    }
    if let Some(time) = status.phase_ends_in {
        let passed = now.0.saturating_sub(state.at.0);
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        text.push_str(&format!("  {}", left(time.saturating_sub(passed))));
    }
    let phase = Span::raw(status.phase.name()).fg(colour);
    let mut lines =
        vec![Line::from(vec![Span::raw(format!(" {}  ", short(&status.request.to_string()))), phase, Span::raw(text)])];
    if let [item] = status.items.as_slice() {
        lines.push(Line::from(format!("   {}", message(&item.message))));
    }
    if status.phase == Phase::Complete {
        lines.push(Line::default());
        return lines;
    }
    let events = state.timelines.get(&status.request).map_or(&[][..], Vec::as_slice);
    let rounds: String = ROUNDS.iter().map(|round| format!("{round:>ROUND$}")).collect();
    lines.push(Line::from(format!("   {:<NAME$}{rounds}", "signer")).dim());
    for (signer, parts) in status.signers.iter().zip(progress::parts(session, events)) {
        let name: String = board.name(signer).chars().take(NAME - 1).collect();
        let mut line = vec![Span::raw(format!("   {name:<NAME$}"))];
        line.extend(parts.map(|part| Span::styled(format!("{:>ROUND$}", part.mark()), style(part))));
        lines.push(Line::from(line));
    }
    lines.push(Line::default());
    lines
}

fn style(part: Part) -> Style {
    match part {
        Part::Done => Style::new().fg(Color::Green),
        Part::Awaited => Style::new().fg(Color::Yellow).bold(),
        Part::Missing => Style::new().fg(Color::Red),
        Part::Later | Part::None => Style::new().dim(),
    }
}

fn node_lines(state: &Snapshot) -> Vec<Line<'static>> {
    let (connections, dht) = (&state.status.connections, &state.status.dht);
    let mut lines = vec![
        Line::from(format!(
            " peers      {} ({} in, {} out)",
            connections.peers, connections.inbound, connections.outbound
        )),
        Line::from(format!(" networks   {}", connections.networks)),
        Line::from(format!(" reachable  {}", connections.reachability)),
        Line::from(format!(" DHT        {}, {} peers, {} records", dht.state, dht.peers, dht.records)),
        Line::from(format!(" results    {} not noted", state.status.results)),
    ];
    if connections.peers == 0 {
        lines.insert(0, Line::from(" no peer is connected: nobody can ask").fg(Color::Red));
    } else if connections.diversity_fell {
        lines.insert(0, Line::from(" far fewer networks than before: perhaps cut off").fg(Color::Red));
    }
    lines
}

fn event_lines(board: &Board) -> Vec<Line<'static>> {
    let lines = board.events.iter().map(|(at, line)| {
        let second = at.0 / 1000 % 86_400;
        let time = format!(" {:02}:{:02}:{:02} ", second / 3600, second / 60 % 60, second % 60);
        Line::from(vec![Span::raw(time).dim(), Span::raw(escaped(line))])
    });
    lines.collect()
}

/// The question over the panels: the whole text of the request, its digest, and the line that is typed.
fn ask(frame: &mut Frame<'_>, within: Rect, question: &mut Question) {
    let width = within.width.saturating_sub(4);
    let inner = usize::from(width.saturating_sub(4));
    let text: Vec<String> = question.about.text.trim().lines().map(escaped).collect();
    let mut lines = wrap(&text.join("\n"), inner);
    lines.extend(wrap(&format!("  digest     {}", question.about.digest), inner));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(5).min(within.height);
    let place = Rect {
        x: within.x.saturating_add(2),
        y: within.y.saturating_add(within.height.saturating_sub(height) / 2),
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let name = if question.kind == Kind::Approve { " Sign this? " } else { " Decline this? " };
    let block = Block::bordered().title(Span::raw(name).bold());
    let room = block.inner(place);
    frame.render_widget(block, place);
    let [above, typed] = Layout::vertical([Constraint::Min(0), Constraint::Length(3)]).areas(room);
    let hidden = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_sub(above.height);
    question.above = question.above.min(hidden);
    let from = question.above;
    let lines: Vec<Line<'_>> = lines.into_iter().map(|line| marked(format!(" {line}"))).collect();
    frame.render_widget(Paragraph::new(lines).scroll((from, 0)), above);
    let below = hidden.saturating_sub(from);
    let rest =
        if below > 0 { format!(" more below, {}: move with ↓", counted(below, "line")) } else { String::new() };
    let asks = match question.kind {
        Kind::Approve => format!(" to sign, type: {}   to go back, press Esc", question.word()),
        Kind::Decline => " reason, for the others:".to_owned(),
    };
    let entry = format!(" > {}▏", escaped(&question.typed));
    frame.render_widget(
        Paragraph::new(vec![Line::from(rest).bold(), Line::from(asks), Line::from(entry).bold()]),
        typed,
    );
}

/// A line of a request; its warnings are marked. Strangers cannot write lines of it.
fn marked(line: String) -> Line<'static> {
    let said = line.trim_start();
    if said.starts_with("DANGER") {
        Line::from(line).fg(Color::Red).bold()
    } else if said.starts_with("WARNING") {
        Line::from(line).fg(Color::Yellow).bold()
    } else {
        Line::from(line)
    }
}
