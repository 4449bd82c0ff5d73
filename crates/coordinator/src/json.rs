//! The documented JSON form of events, statuses, results and errors (feature `serde`; `docs/operations.md`, "JSON").
//!
//! An event is one flat object, whose `event` is [`Event::name`](crate::event::Event::name). Most of the form is derived beside the
//! types; here are the parts that it leaves out, and those that it says in words. A status, a result and an end read back as they
//! were; an event does not, since its form leaves out what programs have no use for.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, XOnlyPublicKey};
use motet_wire::{Attempt, Channel, RequestId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::CommandError;
use crate::event::{AbortCause, Aborted, Discovery, Participation, Requested, Resource, Round};

impl Serialize for Discovery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            signer: &'a PublicKey,
            nickname: &'a str,
            channel: Channel,
        }
        let Self { advertisement, channel, .. } = self;
        let (signer, nickname) = (&advertisement.delegation.signer, &advertisement.metadata.nickname);
        Form { signer, nickname, channel: *channel }.serialize(serializer)
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            signer: &'a PublicKey,
            resource_type: &'a str,
            id: &'a str,
        }
        let resource = &self.announcement;
        let (signer, resource_type) = (&resource.delegation.signer, resource.resource_type.as_str());
        Form { signer, resource_type, id: resource.id.as_str() }.serialize(serializer)
    }
}

impl Serialize for Requested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            request: &'a RequestId,
            creator: &'a PublicKey,
            signers: &'a [PublicKey],
            aggregate_keys: &'a [XOnlyPublicKey],
            channel: Channel,
        }
        let (creator, signers, channel) = (&self.request.creator.signer, &self.request.keys, self.channel);
        Form { request: &self.id, creator, signers, aggregate_keys: &self.keys, channel }.serialize(serializer)
    }
}

impl Serialize for Aborted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            request: &'a RequestId,
            cause: String,
            end: &'a AbortCause,
            signers: Vec<PublicKey>,
            may_complete: &'a [PublicKey],
        }
        let Self { request, cause: end, may_complete } = self;
        Form { request, cause: end.to_string(), end, signers: end.signers(), may_complete }.serialize(serializer)
    }
}

/// Signer and request of a refusal; its place and its channel are left out.
pub(crate) fn declined<S: Serializer>(participation: &Participation, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Form<'a> {
        request: &'a RequestId,
        signer: &'a PublicKey,
    }
    Form { request: &participation.request, signer: &participation.signer }.serialize(serializer)
}

/// The round of a contribution, whose attempt says the same as its session.
pub(crate) fn contributed<S: Serializer>(round: &Round, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Form<'a> {
        request: &'a RequestId,
        attempt: Attempt,
    }
    Form { request: &round.request, attempt: round.attempt }.serialize(serializer)
}

/// The failure of this node as an object, so that it can carry the word that tells it from other causes.
pub(crate) mod detail {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Form<T> {
        detail: T,
    }

    pub(crate) fn serialize<S: Serializer>(detail: &str, serializer: S) -> Result<S::Ok, S::Error> {
        Form { detail }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Ok(Form::deserialize(deserializer)?.detail)
    }
}

/// Bytes that are shared, as hexadecimal digits.
pub(crate) mod shared_hex {
    use super::{Arc, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        hex::serde::serialize(bytes, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u8]>, D::Error> {
        Ok(hex::serde::deserialize::<D, Vec<u8>>(deserializer)?.into())
    }
}

/// A duration as a number of milliseconds.
pub(crate) mod milliseconds {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// A duration as a number of milliseconds, or null.
pub(crate) mod milliseconds_left {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(left: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}

impl Serialize for CommandError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form {
            code: &'static str,
            message: String,
        }
        Form { code: self.code(), message: self.to_string() }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
