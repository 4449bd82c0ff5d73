//! Events as they happen: server-sent events from the journal.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use motet_node::RequestId;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::cursor::Cursor;
use crate::error::{ApiError, ErrorBody};
use crate::extract::Params;
use crate::journal::{Entry, Journal, Read};
use crate::limits;
use crate::lost::{Lost, Why};
use crate::state::App;

/// The header in which a browser or a client says where it was.
const LAST_EVENT_ID: &str = "last-event-id";

/// The place from which to listen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// The id of the last event that the listener has; as the header `Last-Event-ID`, which is looked at first. Without either, events
    /// come from now on.
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
    /// Only events of this request.
    #[param(value_type = Option<String>)]
    request: Option<RequestId>,
}

/// Streams events. The `id` of each is its place, its `event` its name, and its `data` its JSON form. A listener that was too far behind, or in
/// another run, gets the event `lost`, whose `resume` is the place from which events go on: read the state again there.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(Place),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "default", body = ErrorBody)))]
pub(super) async fn events(
    State(app): State<App>,
    headers: HeaderMap,
    Params(from): Params<Place>,
) -> Result<Response, ApiError> {
    let header = headers.get(LAST_EVENT_ID).map(|text| text.to_str().unwrap_or_default().parse::<Cursor>());
    // A place that is none is one of another run.
    let after = header.map_or(from.after, |place| Some(place.unwrap_or(Cursor { run: 0, number: 0 })));
    let place = place(&app)?;
    let listener = Listener::new(app.questions.journal().clone(), after, from.request, (app.listeners.clone(), place));
    let events = stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let alive = KeepAlive::new().interval(limits::KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

/// A place among the listeners, while one is free.
pub(super) fn place(app: &App) -> Result<OwnedSemaphorePermit, ApiError> {
    app.listeners.clone().try_acquire_owned().map_err(|_| {
        let what = format!("{} listeners are there already", limits::LISTENERS);
        let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_listeners", what);
        error.hint("close one, or ask for the state instead: GET /v1/sessions")
    })
}

/// Waits for the end of the journal, at which streams end.
pub(super) async fn ended(journal: Journal) {
    let mut newest = journal.watch();
    while !journal.is_closed() {
        if newest.changed().await.is_err() {
            break;
        }
    }
}

/// A listener: its place in the journal. It pulls, so that nobody waits for it.
struct Listener {
    journal: Journal,
    newest: watch::Receiver<u64>,
    /// The number of the last event that it has read.
    at: u64,
    read: VecDeque<Entry>,
    only: Option<RequestId>,
    /// The first word: what it has missed before it came.
    first: Option<Why>,
    /// True before the first word.
    opening: bool,
    ended: bool,
    /// All places of listeners.
    places: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    fn new(
        journal: Journal,
        after: Option<Cursor>,
        only: Option<RequestId>,
        (places, place): (Arc<Semaphore>, OwnedSemaphorePermit),
    ) -> Self {
        let newest = journal.watch();
        let end = journal.end();
        let (at, first) = match after {
            None => (end.number, None),
            Some(after) if after.run != end.run => (end.number, Some(Why::OtherRun)),
            Some(after) => match journal.after(after.number) {
                Read::Events(_) | Read::Closed => (after.number, None),
                Read::Missed => (end.number, Some(Why::TooOld)),
                Read::Unknown => (end.number, Some(Why::OtherRun)),
            },
        };
        Self {
            journal,
            newest,
            at,
            read: VecDeque::new(),
            only,
            first,
            opening: true,
            ended: false,
            places,
            _place: place,
        }
    }

    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        if core::mem::take(&mut self.opening) {
            return Some(match self.first.take() {
                Some(why) => self.lost(why),
                // A word at once, so that the listener knows from when on it hears.
                None => Event::default().id(self.journal.cursor(self.at).to_string()).comment("listening"),
            });
        }
        loop {
            if let Some(entry) = self.read.pop_front() {
                let id = self.journal.cursor(entry.number).to_string();
                return Some(Event::default().id(id).event(entry.name).data(&*entry.json));
            }
            self.newest.mark_unchanged();
            match self.journal.after(self.at) {
                Read::Events(events) => {
                    let Some(last) = events.last() else {
                        self.newest.changed().await.ok()?;
                        tokio::time::sleep(self.pause()).await;
                        continue;
                    };
                    self.at = last.number;
                    let only = self.only;
                    self.read.extend(events.into_iter().filter(|event| only.is_none() || event.request == only));
                }
                Read::Missed | Read::Unknown => {
                    self.ended = true;
                    return Some(self.lost(Why::TooSlow));
                }
                Read::Closed => return None,
            }
        }
    }

    /// The time for which events are gathered before they are written, which is none while listeners are few.
    fn pause(&self) -> Duration {
        let taken = limits::LISTENERS.saturating_sub(self.places.available_permits());
        let beyond = taken.saturating_sub(limits::PROMPT_LISTENERS);
        limits::LISTENER_PAUSE.saturating_mul(u32::try_from(beyond).unwrap_or(u32::MAX))
    }

    fn lost(&mut self, why: Why) -> Event {
        let resume = self.journal.end();
        self.at = resume.number;
        let lost = Lost::new(why, resume);
        let data = serde_json::to_string(&lost).unwrap_or_default();
        Event::default().id(resume.to_string()).event(lost.event).data(data)
    }
}
