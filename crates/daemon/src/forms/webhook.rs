//! Webhooks and their deliveries.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The webhooks of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookStates {
    /// The webhooks, in the order of the configuration.
    pub webhooks: Vec<WebhookState>,
}

/// A webhook since the start of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookState {
    /// Its address, without the query.
    pub url: String,
    /// The events that it gets.
    pub events: Vec<String>,
    /// Events that it has taken.
    pub delivered: u64,
    /// Events that it has refused. They are not sent again.
    pub refused: u64,
    /// Attempts that have failed and were or will be repeated.
    pub failures: u64,
    /// Times at which events were dropped since it was too far behind.
    pub lost: u64,
    /// The newest 64 deliveries, the oldest first. All but the last are over.
    #[schema(value_type = Vec<Delivery>)]
    pub deliveries: VecDeque<Delivery>,
}

/// A delivery of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The event's place in the journal, which is its `webhook-id`.
    pub id: String,
    /// The event's name.
    pub event: String,
    /// Its state.
    pub outcome: Outcome,
    /// Attempts so far.
    pub attempts: u32,
    /// The status of the last answer; null if there was none.
    pub status: Option<u16>,
    /// The reason why the last attempt got no answer; null if it got one.
    pub error: Option<String>,
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The receiver has not answered, or could not take it: it is tried again.
    Waiting,
    /// The receiver has taken it.
    Delivered,
    /// The receiver has refused it for good.
    Refused,
}
