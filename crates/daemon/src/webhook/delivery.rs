//! The deliveries of one webhook: in order, each until it is taken or refused.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::StatusCode;
use motet_node::Clock;

use super::post::{Letter, Poster};
use super::secret::Secret;
use super::subscription::Webhook;
use crate::forms::webhook::{Delivery, Outcome, WebhookState};
use crate::journal::{Journal, Read};
use crate::limits;
use crate::lost::{Lost, Why};

/// The times of deliveries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The pause after the first failure; it doubles with each further one.
    pub(super) first: Duration,
    /// The longest pause.
    pub(super) longest: Duration,
    /// Time that a receiver has for its answer.
    pub(super) patience: Duration,
}

impl Pace {
    pub(super) const USUAL: Self = Self {
        first: limits::WEBHOOK_FIRST_PAUSE,
        longest: limits::WEBHOOK_LONGEST_PAUSE,
        patience: limits::WEBHOOK_PATIENCE,
    };

    /// The pause after so many failures in a row.
    fn pause(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// The newest deliveries of a webhook, and counts of all.
#[derive(Debug)]
pub(crate) struct Log(Mutex<WebhookState>);

impl Log {
    pub(super) fn new(webhook: &Webhook) -> Self {
        Self(Mutex::new(WebhookState {
            url: webhook.address.to_string(),
            events: webhook.events.clone(),
            delivered: 0,
            refused: 0,
            failures: 0,
            lost: 0,
            deliveries: VecDeque::new(),
        }))
    }

    pub(crate) fn state(&self) -> WebhookState {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut WebhookState)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn begin(&self, id: String, event: &str) {
        self.change(|state| {
            while state.deliveries.len() >= limits::DELIVERIES {
                state.deliveries.pop_front();
            }
            let event = event.to_owned();
            let begun = Delivery { id, event, outcome: Outcome::Waiting, attempts: 0, status: None, error: None };
            state.deliveries.push_back(begun);
        });
    }

    /// Notes an attempt of the newest delivery.
    fn attempt(&self, answer: &Result<StatusCode, String>, outcome: Outcome) {
        self.change(|state| {
            match outcome {
                Outcome::Delivered => state.delivered = state.delivered.saturating_add(1),
                Outcome::Refused => state.refused = state.refused.saturating_add(1),
                Outcome::Waiting => state.failures = state.failures.saturating_add(1),
            }
            if let Some(newest) = state.deliveries.back_mut() {
                newest.outcome = outcome;
                newest.attempts = newest.attempts.saturating_add(1);
                newest.status = answer.as_ref().ok().map(StatusCode::as_u16);
                newest.error = answer.as_ref().err().cloned();
            }
        });
    }
}

/// A webhook at work.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) webhook: Webhook,
    pub(super) secret: Arc<Secret>,
    pub(super) poster: Poster,
    pub(super) log: Arc<Log>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
}

impl Hook {
    /// Sends what the journal gets from now on, until it is closed.
    pub(super) fn run(self, journal: Journal) -> impl Future<Output = ()> + Send + 'static {
        // The place is that of this call, not of the first poll.
        let mut at = journal.end().number;
        let mut newest = journal.watch();
        async move {
            loop {
                newest.mark_unchanged();
                match journal.after(at) {
                    Read::Events(events) if events.is_empty() => {
                        if newest.changed().await.is_err() {
                            return;
                        }
                    }
                    Read::Events(events) => {
                        for event in events {
                            at = event.number;
                            if self.webhook.events.iter().any(|wanted| wanted == event.name) {
                                let id = journal.cursor(event.number).to_string();
                                let body = Bytes::copy_from_slice(event.json.as_bytes());
                                self.deliver(id, event.name, body).await;
                            }
                        }
                    }
                    Read::Missed | Read::Unknown => {
                        let lost = Lost::new(Why::TooSlow, journal.end());
                        at = lost.resume.number;
                        self.log.change(|state| state.lost = state.lost.saturating_add(1));
                        let body = serde_json::to_vec(&lost).unwrap_or_default();
                        self.deliver(lost.resume.to_string(), lost.event, body.into()).await;
                    }
                    Read::Closed => return,
                }
            }
        }
    }

    /// Sends one event, again and again until the receiver takes or refuses it.
    async fn deliver(&self, id: String, event: &str, body: Bytes) {
        self.log.begin(id.clone(), event);
        let mut failures = 0_u32;
        loop {
            // The time is that of the attempt: receivers refuse old ones.
            let seconds = self.clock.now().wall.0 / 1000;
            let signature = self.secret.signature(&id, seconds, &body);
            let letter = Letter { id: id.clone(), seconds, signature, body: body.clone() };
            let posted = tokio::time::timeout(self.pace.patience, self.poster.post(&self.webhook.address, &letter));
            let answer = posted.await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            let outcome = outcome(&answer);
            self.log.attempt(&answer, outcome);
            if outcome != Outcome::Waiting {
                return;
            }
            failures = failures.saturating_add(1);
            let pause = self.pace.pause(failures);
            tracing::warn!(webhook = %self.webhook.address, event, failures, ?answer, ?pause, "a webhook has failed");
            tokio::time::sleep(pause).await;
        }
    }
}

/// The consequence of an answer: a receiver that is overloaded, broken or away is asked again, and a refusal is final.
fn outcome(answer: &Result<StatusCode, String>) -> Outcome {
    match answer {
        Ok(status) if status.is_success() => Outcome::Delivered,
        Ok(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS) | Err(_) => {
            Outcome::Waiting
        }
        Ok(status) if status.is_server_error() => Outcome::Waiting,
        Ok(_) => Outcome::Refused,
    }
}

#[cfg(test)]
mod tests;
