//! A listener's side of the stream of events.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::client_error::{ClientError, broken};
use crate::limits;

/// An event, as the daemon tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Its place in the journal; empty, if the stream has not said one.
    pub id: String,
    /// Its name.
    pub event: String,
    /// Its JSON form.
    pub data: String,
}

/// A stream of events (server-sent events of HTML).
#[derive(Debug)]
pub struct Watch {
    body: Incoming,
    buffer: Vec<u8>,
    begun: Told,
}

impl Watch {
    pub(crate) fn new(body: Incoming) -> Self {
        Self { body, buffer: Vec::new(), begun: Told::default() }
    }

    /// The next event; none when the daemon has ended the stream. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`ClientError`]
    pub async fn next(&mut self) -> Option<Result<Told, ClientError>> {
        loop {
            while let Some(line) = self.line() {
                if let Some(told) = self.take(&line) {
                    return Some(Ok(told));
                }
            }
            if self.buffer.len().saturating_add(self.begun.data.len()) > limits::EVENT {
                return Some(Err(ClientError::Strange("an event is too long".to_owned())));
            }
            match self.body.frame().await? {
                Ok(frame) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.buffer.extend_from_slice(&bytes);
                    }
                }
                Err(error) => return Some(Err(broken(error))),
            }
        }
    }

    /// The next whole line that has arrived, without its end.
    fn line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Takes a line in. An empty one ends an event; one without data is none, and only says a place.
    fn take(&mut self, line: &str) -> Option<Told> {
        if line.is_empty() {
            let told = core::mem::take(&mut self.begun);
            self.begun.id.clone_from(&told.id);
            return Some(told).filter(|told| !told.data.is_empty());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.begun.id),
            "event" => value.clone_into(&mut self.begun.event),
            "data" => {
                if !self.begun.data.is_empty() {
                    self.begun.data.push('\n');
                }
                self.begun.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}
