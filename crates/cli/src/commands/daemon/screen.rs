//! The screen of `motet watch`: what waits, sessions, the node and events of a running signer, and answers to what waits.

mod board;
mod draw;
mod keys;
mod progress;
mod snapshot;
#[cfg(test)]
mod tests;
mod wrap;

use core::time::Duration;
use std::io::{IsTerminal as _, stdin, stdout};
use std::sync::Arc;

use motet_daemon::{Client, Told};
use motet_node::Clock;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use tokio::sync::{Notify, mpsc};

use self::board::Board;
use self::keys::{Answer, Wish};
use self::snapshot::Snapshot;
use super::call::{client, explain};
use super::watch::{LOST, line};
use crate::args::WatchArgs;
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;

/// Pause between two looks at the signer without an event: the times that are left change.
const TICK: Duration = Duration::from_secs(1);
/// Ticks after which the state is read again although no event has come.
const READ_AGAIN: u8 = 5;
/// Keys that wait to be handled: more than fingers press while the screen is drawn.
const KEYS: usize = 64;
/// Answers and states that wait to be shown.
const NEWS: usize = 8;

/// A terminal that shows a screen. It is as before when this is dropped, also after a panic.
struct Shown(DefaultTerminal);

impl Shown {
    fn start() -> Result<Self, Failed> {
        ratatui::try_init().map(Self).map_err(Failed::here)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Results of work beside the screen.
enum News {
    State(Box<Snapshot>),
    Said(String),
}

/// True if the command line asks for all events, and a person is at both ends of the terminal.
pub(super) fn fits(args: &WatchArgs) -> bool {
    let all = args.after.is_none() && args.request.is_none();
    all && !args.called.json && stdin().is_terminal() && stdout().is_terminal()
}

pub(super) async fn run(args: &WatchArgs) -> Result<Exit, Failed> {
    let client = client(&args.called)?;
    let mut interrupts = Interrupts::listen()?;
    let clock = Clock::start();
    // Listening begins before the first look, so that no change is missed.
    let listen = client.watch(None, None);
    let mut events = interrupts.unless(async { listen.await.map_err(|error| explain(&error)) }).await?;
    let (news, mut arriving) = mpsc::channel(NEWS);
    let again = Arc::new(Notify::new());
    again.notify_one();
    let reader = tokio::spawn(read(client.clone(), Arc::clone(&again), news.clone(), clock));
    let mut board = Board::default();
    let mut shown = Shown::start()?;
    let mut pressed = keyboard();
    let mut tick = tokio::time::interval(TICK);
    let mut ticks = 0;
    let ended = loop {
        if let Err(error) = shown.0.draw(|frame| draw::draw(frame, &mut board, clock.now())) {
            break Err(Failed::here(error));
        }
        tokio::select! {
            told = events.next() => match told {
                Some(Ok(told)) => {
                    happened(&mut board, &told, clock);
                    again.notify_one();
                    if told.event == LOST {
                        match client.watch(told.id.parse().ok(), None).await {
                            Ok(resumed) => events = resumed,
                            Err(error) => break Err(explain(&error)),
                        }
                    }
                }
                Some(Err(error)) => break Err(explain(&error)),
                None => break Err(Failed::here("the signer has ended")),
            },
            Some(arrived) = arriving.recv() => match arrived {
                News::State(state) => board.show(*state),
                News::Said(text) => {
                    board.said = text;
                    again.notify_one();
                }
            },
            event = pressed.recv() => match event {
                // Without a keyboard nobody could leave the screen.
                None => break Ok(Exit::Success),
                Some(Event::Key(key)) if key.kind != KeyEventKind::Release => match keys::press(&mut board, key) {
                    Wish::Nothing => {}
                    Wish::Leave => break Ok(Exit::Success),
                    Wish::Answer(answer) => {
                        tokio::spawn(give(client.clone(), *answer, news.clone()));
                    }
                },
                Some(_) => {}
            },
            _ = tick.tick() => {
                ticks = (ticks + 1) % READ_AGAIN;
                if ticks == 0 {
                    again.notify_one();
                }
            }
            () = interrupts.next() => break Ok(Exit::Success),
        }
    };
    reader.abort();
    drop(shown);
    ended
}

/// The keys that are pressed, from a thread of its own: reading them waits.
fn keyboard() -> mpsc::Receiver<Event> {
    let (presses, pressed) = mpsc::channel(KEYS);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if presses.blocking_send(event).is_err() {
                break;
            }
        }
    });
    pressed
}

/// Reads the state whenever it may have changed.
async fn read(client: Client, again: Arc<Notify>, news: mpsc::Sender<News>, clock: Clock) {
    loop {
        again.notified().await;
        let arrived = match Snapshot::read(&client, clock).await {
            Ok(state) => News::State(Box::new(state)),
            Err(error) => {
                let text = explain(&error).what;
                // To say it must not make the state be read at once again.
                tokio::time::sleep(TICK).await;
                News::Said(text)
            }
        };
        if news.send(arrived).await.is_err() {
            return;
        }
    }
}

/// Gives an answer. It names the digest of what was shown.
async fn give(client: Client, answer: Answer, news: mpsc::Sender<News>) {
    let (request, signer) = (answer.request, Some(answer.signer));
    let (given, done) = match answer.decline {
        None => (client.approve(&request, signer, &answer.digest).await, "approved"),
        Some(reason) => (client.decline(&request, signer, Some(reason)).await, "declined"),
    };
    let text = match given {
        Ok(()) => format!("{done}: {}", board::short(&request.to_string())),
        Err(error) => format!("nothing is decided: {}", explain(&error).what),
    };
    drop(news.send(News::Said(text)).await);
}

fn happened(board: &mut Board, told: &Told, clock: Clock) {
    if let Ok(object) = serde_json::from_str(&told.data) {
        board.happened(clock.now().wall, line(&told.event, &object));
    }
}
