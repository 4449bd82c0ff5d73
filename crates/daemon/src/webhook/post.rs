//! One request to the receiver of a webhook.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::address::WebhookAddress;

/// A caller of receivers. HTTPS trusts the authorities that browsers trust.
#[derive(Clone)]
pub(crate) struct Poster(Option<TlsConnector>);

impl core::fmt::Debug for Poster {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Poster(..)")
    }
}

/// A body with its signature.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) seconds: u64,
    pub(super) signature: String,
    pub(super) body: Bytes,
}

impl Poster {
    pub(super) fn new() -> Self {
        Self::trusting(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()))
    }

    pub(super) fn trusting(roots: RootCertStore) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions();
        // The versions of TLS and the provider fit each other in this build.
        let config = config.map(|config| config.with_root_certificates(roots).with_no_client_auth());
        Self(config.ok().map(|config| TlsConnector::from(Arc::new(config))))
    }

    /// Sends a letter; the status of the answer, or why there is none. The body of the answer is not read.
    pub(super) async fn post(&self, to: &WebhookAddress, letter: &Letter) -> Result<StatusCode, String> {
        let request = Request::post(to.path.as_str())
            .header(header::HOST, to.authority.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("motet/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", letter.id.as_str())
            .header("webhook-timestamp", letter.seconds)
            .header("webhook-signature", letter.signature.as_str())
            .body(Full::new(letter.body.clone()))
            .map_err(|error| error.to_string())?;
        let stream = TcpStream::connect((to.host.as_str(), to.port)).await.map_err(|error| error.to_string())?;
        if !to.tls {
            return exchange(stream, request).await;
        }
        let tls = self.0.as_ref().ok_or("TLS cannot be used")?;
        let name = ServerName::try_from(to.host.clone()).map_err(|error| error.to_string())?;
        let stream = tls.connect(name, stream).await.map_err(|error| error.to_string())?;
        exchange(stream, request).await
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, String> {
    let failed = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let connection = tokio::spawn(async { drop(connection.await) });
    let status = sender.send_request(request).await.map(|response| response.status()).map_err(failed);
    connection.abort();
    status
}
