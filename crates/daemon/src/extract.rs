//! The parts of a request as values, with errors in the form of this API.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use motet_node::{PublicKey, RequestId};
use serde::de::DeserializeOwned;
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::ApiError;
use crate::limits;

/// A JSON body. A call without a body stands for an empty object.
#[derive(Debug)]
pub(crate) struct Given<T>(pub(crate) T);

/// A JSON body with a secret in it, of [`limits::SECRET_BODY`] bytes at most. It is read into one place, which is overwritten afterwards, and so are
/// its parts on the way there that no buffer of the connection shares.
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
        let kind = Kind::of(&request);
        let content = in_time(secret_content(request.into_body())).await??;
        kind.check(content.is_empty())?;
        let json: &[u8] = if content.is_empty() { NOTHING } else { &content };
        // The error of a parser may quote the body.
        serde_json::from_slice(json)
            .map(Self)
            .map_err(|_| ApiError::bad("bad_body", "the body is not what this call takes"))
    }
}

/// The body of a call that has none.
const NOTHING: &[u8] = b"{}";

/// The content of a body with a secret. Its place is never moved, since that would leave a copy behind.
async fn secret_content(mut body: Body) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let mut content = Zeroizing::new(Vec::with_capacity(limits::SECRET_BODY));
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(|error| ApiError::bad("bad_body", error))?.into_data() else { continue };
        if content.len().saturating_add(part.len()) > limits::SECRET_BODY {
            return Err(too_large(limits::SECRET_BODY));
        }
        content.extend_from_slice(&part);
        if let Ok(mut part) = part.try_into_mut() {
            part.zeroize();
        }
    }
    Ok(content)
}

/// Bounds the time in which a body arrives.
async fn in_time<T>(read: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(limits::BODY_PATIENCE, read).await.map_err(|_| {
        let seconds = limits::BODY_PATIENCE.as_secs();
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "slow_body", format!("the body did not arrive within {seconds} s"))
    })
}

fn too_large(most: usize) -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("a body has at most {most} bytes"))
}

/// The type that a request states for its body.
enum Kind {
    Json,
    Other,
    None,
}

impl Kind {
    fn of(request: &Request) -> Self {
        let Some(kind) = request.headers().get(header::CONTENT_TYPE) else { return Self::None };
        let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        if kind.trim().eq_ignore_ascii_case("application/json") { Self::Json } else { Self::Other }
    }

    /// Refuses other types. A page of a browser can send texts and forms without asking first, and never this type.
    fn check(&self, is_empty: bool) -> Result<(), ApiError> {
        if matches!((self, is_empty), (Self::Json, _) | (Self::None, true)) {
            return Ok(());
        }
        let what = "the body is to be JSON, with the header Content-Type: application/json";
        Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", what))
    }
}

/// The JSON of a request's body.
async fn json_body(request: Request) -> Result<Bytes, ApiError> {
    let kind = Kind::of(&request);
    let body = in_time(to_bytes(request.into_body(), limits::BODY)).await?.map_err(|_| too_large(limits::BODY))?;
    kind.check(body.is_empty())?;
    Ok(if body.is_empty() { Bytes::from_static(NOTHING) } else { body })
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

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;
    use crate::forms::unlock::Unlock;

    async fn unlock(kind: Option<&str>, body: impl Into<Body>) -> Result<Option<String>, StatusCode> {
        let mut request = Request::new(body.into());
        if let Some(kind) = kind {
            request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        }
        let read = Secret::<Unlock>::from_request(request, &()).await;
        let passphrase = read.map(|Secret(unlock)| unlock.into_passphrase().map(|text| text.to_string()));
        passphrase.map_err(|error| error.into_response().status())
    }

    #[tokio::test]
    async fn a_body_with_a_secret_is_read_as_others_and_is_short() {
        let json = Some("application/json; charset=utf-8");
        let of = |passphrase: &str| serde_json::to_string(&serde_json::json!({"passphrase": passphrase})).unwrap();
        // The longest passphrase, each byte of which needs six in JSON.
        let longest = "\u{1}".repeat(512);
        for text in ["correct horse", &longest] {
            assert_eq!(unlock(json, of(text)).await, Ok(Some(text.to_owned())));
        }
        assert_eq!((unlock(json, "{}").await, unlock(None, "").await), (Ok(None), Ok(None)));
        // A body in parts is one body.
        let parts =
            ["{\"passphr", "ase\": \"correct", " horse\"}"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
        let parts = Body::from_stream(futures::stream::iter(parts));
        assert_eq!(unlock(json, parts).await, Ok(Some("correct horse".to_owned())));
        assert_eq!(unlock(json, of(&"x".repeat(limits::SECRET_BODY))).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(unlock(Some("text/plain"), of("x")).await, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert_eq!(unlock(json, "{\"passphrase\": 1}").await, Err(StatusCode::BAD_REQUEST));
    }
}
