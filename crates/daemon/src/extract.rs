//! The parts of a request as values, with errors in the form of this API.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use motet_node::{PublicKey, RequestId};
use serde::de::DeserializeOwned;
use zeroize::Zeroize as _;

use crate::error::ApiError;
use crate::limits;

/// A JSON body. A call without a body stands for an empty object.
#[derive(Debug)]
pub(crate) struct Given<T>(pub(crate) T);

/// A JSON body with a secret in it, whose bytes are overwritten.
#[derive(Debug)]
pub(crate) struct Secret<T>(pub(crate) T);

/// The body of a call that needs none.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// The part of the address after `?`.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Given<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let body = json_body(request).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| ApiError::bad("bad_body", error))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Secret<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let body = json_body(request).await?;
        // The error of a parser may quote the body.
        let read = serde_json::from_slice(&body).map(Self);
        // Nobody else has these bytes unless they are a part of a buffer of the connection.
        if let Ok(mut bytes) = body.try_into_mut() {
            bytes.zeroize();
        }
        read.map_err(|_| ApiError::bad("bad_body", "the body is not what this call takes"))
    }
}

/// The JSON of a request's body.
async fn json_body(request: Request) -> Result<Bytes, ApiError> {
    let is_json = request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    });
    let has_no_kind = !request.headers().contains_key(header::CONTENT_TYPE);
    let body = tokio::time::timeout(limits::BODY_PATIENCE, to_bytes(request.into_body(), limits::BODY)).await;
    let body = body.map_err(|_| {
        let seconds = limits::BODY_PATIENCE.as_secs();
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow_body", format!("the body did not arrive within {seconds} s"))
    })?;
    let body = body.map_err(|_| {
        let what = format!("a body has at most {} bytes", limits::BODY);
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", what)
    })?;
    // A page of a browser can send texts and forms without asking first, and never this type.
    if !(is_json || has_no_kind && body.is_empty()) {
        let what = "the body is to be JSON, with the header Content-Type: application/json";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", what));
    }
    Ok(if body.is_empty() { Bytes::from_static(b"{}") } else { body })
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let parsed = Query::<T>::try_from_uri(&parts.uri);
        parsed.map(|Query(params)| Self(params)).map_err(|error| ApiError::bad("bad_query", error.body_text()))
    }
}

/// The id of a request, in its full length.
pub(crate) fn request_id(text: &str) -> Result<RequestId, ApiError> {
    text.parse().map_err(|_| ApiError::bad("bad_id", "the id of a request has 64 hexadecimal digits"))
}

/// The key of a signer.
pub(crate) fn signer_key(text: &str) -> Result<PublicKey, ApiError> {
    text.parse()
        .map_err(|error| ApiError::bad("bad_key", format!("the key of a signer has 66 hexadecimal digits: {error}")))
}

/// Hexadecimal digits as so many bytes.
pub(crate) fn bytes32(name: &str, digits: &str) -> Result<[u8; 32], ApiError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| ApiError::bad("bad_hex", format!("{name} has 64 hexadecimal digits")))?;
    Ok(bytes)
}
