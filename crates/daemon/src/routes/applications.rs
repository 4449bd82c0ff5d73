//! Messages of applications: sent to other signers, and streamed as they come.

use core::convert::Infallible;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use motet_node::{ApplicationMessages, LostMessages, ReceivedMessage, Recipient};
use tokio::sync::OwnedSemaphorePermit;

use super::events::{ended, place};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Given;
use crate::forms::application::{HeardMessage, SendMessage, SentMessage};
use crate::limits;
use crate::state::App;

/// Sends a message of an application to a signer of another node. It is signed and goes there directly. Nothing confirms that it comes.
#[utoipa::path(post, path = "/v1/applications/{application}/messages", tag = "applications", request_body = SendMessage,
    params(("application" = String, Path, description = "The name of the application: 1 to 32 visible ASCII characters.")),
    responses((status = 202, body = SentMessage), (status = "default", body = ErrorBody)))]
pub(super) async fn send(
    State(app): State<App>,
    Path(application): Path<String>,
    Given(given): Given<SendMessage>,
) -> Result<(StatusCode, Json<SentMessage>), ApiError> {
    let signer = app.own(given.signer)?;
    let data = hex::decode(&given.data).map_err(|_| ApiError::bad("bad_hex", "data has hexadecimal digits"))?;
    let sent = app.node.send_application_message(signer, Recipient::Signer(given.to), &application, data).await?;
    Ok((StatusCode::ACCEPTED, Json(SentMessage { message: sent.to_string() })))
}

/// Streams the messages of an application from now on, as server-sent events: `message`, or `lost` in the place of `count` messages that were not
/// taken in time. While nobody listens, a node drops messages of the application.
#[utoipa::path(get, path = "/v1/applications/{application}/messages", tag = "applications",
    params(("application" = String, Path, description = "The name of the application: 1 to 32 visible ASCII characters.")),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "default", body = ErrorBody)))]
pub(super) async fn listen(State(app): State<App>, Path(application): Path<String>) -> Result<Response, ApiError> {
    let listener =
        Listener { messages: app.node.application_messages(&application)?, opening: true, _place: place(&app)? };
    let end = Box::pin(ended(app.questions.journal().clone()));
    let events = stream::unfold((listener, end), |(mut listener, mut end)| async move {
        let event = tokio::select! {
            event = listener.next() => event?,
            () = &mut end => return None,
        };
        Some((Ok::<_, Infallible>(event), (listener, end)))
    });
    let alive = KeepAlive::new().interval(limits::KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

struct Listener {
    messages: ApplicationMessages,
    /// True before the first word.
    opening: bool,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        // A word at once, so that the listener knows from when on it hears.
        if core::mem::take(&mut self.opening) {
            return Some(Event::default().comment("listening"));
        }
        self.messages.next().await.as_ref().map(told)
    }
}

fn told(heard: &Result<ReceivedMessage, LostMessages>) -> Event {
    match heard {
        Ok(message) => {
            let data = serde_json::to_string(&HeardMessage::from(message)).unwrap_or_default();
            Event::default().event("message").data(data)
        }
        Err(LostMessages(count)) => Event::default().event("lost").data(format!("{{\"count\":{count}}}")),
    }
}
