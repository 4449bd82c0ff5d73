//! The webhooks and what they have sent.

use axum::Json;
use axum::extract::State;

use crate::error::ErrorBody;
use crate::forms::webhook::WebhookStates;
use crate::state::App;

/// The webhooks, with their newest deliveries.
#[utoipa::path(get, path = "/v1/webhooks", tag = "events",
    responses((status = 200, body = WebhookStates), (status = "default", body = ErrorBody)))]
pub(super) async fn list(State(app): State<App>) -> Json<WebhookStates> {
    Json(WebhookStates { webhooks: app.webhooks.logs().iter().map(|log| log.state()).collect() })
}
