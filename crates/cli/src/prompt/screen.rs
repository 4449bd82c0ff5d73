//! The person's view of a question, from its first line to its outcome.

use std::collections::VecDeque;
use std::io::{IsTerminal as _, PipeReader, PipeWriter, Write as _};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use super::answer::{self, Answer, CODE};
use super::input::{Lines, Next, is_in_the_background};
use crate::text::printable;

/// Number of earlier requests that are remembered: more than a person answers from habit.
const REMEMBERED: usize = 1024;
/// Lines that say neither yes nor no, after which a question is given up: the person is not reading it.
const UNCLEAR: usize = 5;

/// The person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// Sign it.
    Yes,
    /// Do not.
    No,
    /// Nothing that could be understood.
    Unclear,
    /// Nothing: the question was over before.
    Nothing,
    /// Nothing: standard input has ended.
    Gone,
}

/// The end of a question, as seen by the one that shows it.
#[derive(Debug)]
pub(super) struct Over {
    /// Readable, or closed, when the question is over.
    pub(super) signal: PipeReader,
    /// Why, if that is known.
    pub(super) why: Arc<OnceLock<String>>,
}

/// The terminal: one question at a time.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// The ids of the requests that were asked about, the newest last.
    asked: VecDeque<String>,
    /// Listens for an answer to a question that is over.
    late: Option<Late>,
    /// True if questions can be answered elsewhere, too: over the API.
    pub(super) elsewhere: bool,
}

/// A listener, until this is dropped.
#[derive(Debug)]
struct Late {
    until: Option<PipeWriter>,
    listener: Option<JoinHandle<()>>,
}

impl Drop for Late {
    fn drop(&mut self) {
        drop(self.until.take());
        // It has heard the end by now; that it might have failed makes no difference.
        let _ = self.listener.take().map(JoinHandle::join);
    }
}

impl Screen {
    /// Shows a question about the request with this id, and waits for its answer or its end.
    pub(super) fn put(&mut self, id: &str, question: &str, over: &Over) -> Said {
        self.late = None;
        let code = self.code(id);
        let to_answer = format!("to sign, type: yes {code}   to decline, type: no");
        // Input from before the question is no answer to it.
        let mut lines = Lines::from_now_on();
        say(&format!("{question}{}{to_answer}\n", aside()));
        self.remember(id);
        let mut unclear = 0;
        while unclear < UNCLEAR {
            let line = match lines.next(&over.signal) {
                Next::Line(line) => line,
                Next::Front => {
                    say(&format!("request {code}: {to_answer}\n"));
                    continue;
                }
                Next::Over => return self.over(&code, over),
                Next::Ended => {
                    let end =
                        if self.elsewhere { "it waits for `motet approve` or `motet decline`" } else { "declined" };
                    say(&format!("request {code}: there is nobody to ask, since standard input has ended; {end}\n"));
                    return Said::Gone;
                }
            };
            if !std::io::stdin().is_terminal() {
                // A terminal has shown it already.
                say(&format!("{}\n", printable(&line)));
            }
            match answer::read(&line, id, &code) {
                Answer::Yes => {
                    say(&format!("request {code}: you approve\n"));
                    return Said::Yes;
                }
                Answer::No => {
                    say(&format!("request {code}: you decline\n"));
                    return Said::No;
                }
                Answer::ToAnother(named) if self.is_past(&named, id) => {
                    say(&format!("too late: request {named} is over; this is request {code}: {to_answer}\n"));
                }
                Answer::ToAnother(named) => say(&format!("request {named} is not asked about: {to_answer}\n")),
                Answer::Unclear => say(&format!("nothing is decided yet: {to_answer}\n")),
            }
            unclear += 1;
        }
        say(&format!("request {code}: no clear answer; declined\n"));
        Said::Unclear
    }

    /// Takes the question back. An answer that is on its way hears that it is too late.
    fn over(&mut self, code: &str, over: &Over) -> Said {
        let why = over.why.get().map(|why| format!(": {why}")).unwrap_or_default();
        say(&format!("request {code} is over, and there is nothing to answer any more{why}\n"));
        if let Ok((signal, until)) = std::io::pipe() {
            let listener = std::thread::spawn(move || {
                if matches!(Lines::as_they_come().next(&signal), Next::Line(_)) {
                    say("too late: that request is over, and nothing is asked at the moment\n");
                }
            });
            self.late = Some(Late { until: Some(until), listener: Some(listener) });
        }
        Said::Nothing
    }

    /// The beginning of an id that differs from those of all requests that were asked about before, so that an answer
    /// to one of them does not fit this one, even if an attacker has searched for an id that begins alike.
    fn code(&self, id: &str) -> String {
        let beginning = |length| id.get(..length).unwrap_or(id);
        let alike = |length| self.asked.iter().any(|other| other != id && other.starts_with(beginning(length)));
        let length = (CODE..id.len()).find(|length| !alike(*length)).unwrap_or(id.len());
        beginning(length).to_owned()
    }

    fn remember(&mut self, id: &str) {
        if self.asked.len() >= REMEMBERED {
            self.asked.pop_front();
        }
        self.asked.push_back(id.to_owned());
    }

    fn is_past(&self, named: &str, current: &str) -> bool {
        self.asked.iter().any(|other| other != current && other.starts_with(named))
    }
}

/// The place where an answer can be given, if not here.
fn aside() -> &'static str {
    if std::io::stdin().is_terminal() && is_in_the_background() {
        "this program runs in the background: bring it to the front (fg) to answer\n"
    } else {
        ""
    }
}

/// The question goes to standard error, so that standard output is left to programs. No lock is held while the person
/// thinks: other lines can be written, and the process can end.
pub(super) fn say(text: &str) {
    let mut terminal = std::io::stderr().lock();
    // There may be no reader; then there is no answer, either.
    let _ = terminal.write_all(text.as_bytes());
    let _ = terminal.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_request_fits_none_that_was_asked_about_before() {
        let mut screen = Screen::default();
        assert_eq!(screen.code("5d0c2f71"), "5d0c");
        screen.remember("5d0c2f71");
        assert_eq!(screen.code("5d0c2e00"), "5d0c2e");
        assert_eq!(screen.code("5d0d2f71"), "5d0d");
        // The same request, asked of another signer.
        assert_eq!(screen.code("5d0c2f71"), "5d0c");
        assert!(screen.is_past("5d0c", "5d0c2e00"));
        assert!(!screen.is_past("5d0c2e", "5d0c2e00"));
    }

    #[test]
    fn so_many_requests_are_remembered_and_no_more() {
        let mut screen = Screen::default();
        for number in 0..=REMEMBERED {
            screen.remember(&format!("{number:08x}"));
        }
        assert_eq!(screen.asked.len(), REMEMBERED);
        assert_eq!(screen.asked.front().map(String::as_str), Some("00000001"));
    }
}
