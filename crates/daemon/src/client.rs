//! A client of the API, over the Unix socket or over loopback.

use core::time::Duration;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use motet_node::{PublicKey, RequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use zeroize::Zeroizing;

use crate::client_error::{ClientError, broken};
use crate::cursor::Cursor;
use crate::error::ErrorBody;
use crate::forms::node::{Connect, Done, Peers, Status};
use crate::forms::question::{Approve, Decline, PendingRequest, PendingRequests};
use crate::forms::session::{Abort, Proofs, Results, Retried, Retry, Session, SessionEvent, SessionEvents, Sessions};
use crate::forms::signer::{AddContact, Advertise, Advertised, Offer, Offers, Wishes};
use crate::forms::signing::{Announced, Sign};
use crate::forms::stats::Stats;
use crate::forms::unlock::Unlock;
use crate::limits;
use crate::socket;
use crate::token::Token;
use crate::watch::Watch;

/// A caller of one daemon. Each call has a connection of its own.
#[derive(Debug, Clone)]
pub struct Client(Way);

#[derive(Debug, Clone)]
enum Way {
    Unix(PathBuf),
    Tcp(SocketAddr, Token),
}

impl Client {
    /// A client of the daemon of a data folder.
    pub fn unix(folder: &Path) -> Self {
        Self(Way::Unix(folder.join(socket::FILE)))
    }

    /// A client of a daemon that listens on loopback, with its token.
    pub const fn tcp(address: SocketAddr, token: Token) -> Self {
        Self(Way::Tcp(address, token))
    }

    /// The state of the daemon and its node.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get("/v1/status").await
    }

    /// The connections to peers.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn peers(&self) -> Result<Peers, ClientError> {
        self.get("/v1/peers").await
    }

    /// The requests that wait for an approval.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn requests(&self) -> Result<Vec<PendingRequest>, ClientError> {
        Ok(self.get::<PendingRequests>("/v1/requests").await?.requests)
    }

    /// Approves what has this digest, for this signer of the node.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn approve(
        &self,
        request: &RequestId,
        signer: Option<PublicKey>,
        digest: &str,
    ) -> Result<(), ClientError> {
        let body = Approve { digest: digest.to_owned(), signer };
        self.done(&format!("/v1/requests/{request}/approve"), &body).await
    }

    /// Declines a request, for this signer of the node.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn decline(
        &self,
        request: &RequestId,
        signer: Option<PublicKey>,
        reason: Option<String>,
    ) -> Result<(), ClientError> {
        self.done(&format!("/v1/requests/{request}/decline"), &Decline { reason, signer }).await
    }

    /// Asks other signers for signatures.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn sign(&self, asked: &Sign) -> Result<Announced, ClientError> {
        self.post("/v1/sign", asked).await
    }

    /// All sessions.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn sessions(&self) -> Result<Vec<Session>, ClientError> {
        Ok(self.get::<Sessions>("/v1/sessions").await?.sessions)
    }

    /// One session.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn session(&self, request: &RequestId) -> Result<Session, ClientError> {
        self.get(&format!("/v1/sessions/{request}")).await
    }

    /// The events of a session that the daemon keeps, with their times.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn session_events(&self, request: &RequestId) -> Result<Vec<SessionEvent>, ClientError> {
        Ok(self.get::<SessionEvents>(&format!("/v1/sessions/{request}/events")).await?.events)
    }

    /// One session, when it has changed after this revision or the time is up. The daemon waits a minute at most.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn next_change(
        &self,
        request: &RequestId,
        after: Cursor,
        wait: Duration,
    ) -> Result<Session, ClientError> {
        let wait = wait.min(limits::WAIT).as_millis();
        self.get(&format!("/v1/sessions/{request}?wait={wait}ms&after={after}")).await
    }

    /// One session, when it has ended or the time is up. The daemon waits a minute at most.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn end_of(&self, request: &RequestId, wait: Duration) -> Result<Session, ClientError> {
        let wait = wait.min(limits::WAIT).as_millis();
        self.get(&format!("/v1/sessions/{request}?wait={wait}ms&until=end")).await
    }

    /// Gives a request up, for everybody.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn abort(&self, request: &RequestId, reason: Option<String>) -> Result<(), ClientError> {
        self.done(&format!("/v1/sessions/{request}/abort"), &Abort { reason }).await
    }

    /// Tries a session again. The request that goes on is handed back.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn retry(&self, request: &RequestId, retry: &Retry) -> Result<RequestId, ClientError> {
        Ok(self.post::<_, Retried>(&format!("/v1/sessions/{request}/retry"), retry).await?.request)
    }

    /// The signatures that have not been noted.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn results(&self) -> Result<Results, ClientError> {
        self.get("/v1/results").await
    }

    /// Notes that the signatures of a request are in good hands.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn note(&self, request: &RequestId) -> Result<(), ClientError> {
        self.done(&format!("/v1/results/{request}/note"), &serde_json::json!({})).await
    }

    /// The proofs that signers broke the protocol.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn evidence(&self) -> Result<Proofs, ClientError> {
        self.get("/v1/evidence").await
    }

    /// The signers that meet some wishes.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn signers(&self, wishes: &Wishes) -> Result<Vec<Offer>, ClientError> {
        let query = serde_urlencoded::to_string(wishes).map_err(|error| ClientError::Strange(error.to_string()))?;
        Ok(self.get::<Offers>(&format!("/v1/signers?{query}")).await?.signers)
    }

    /// Lets the node connect with a peer.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn connect(&self, address: &str) -> Result<(), ClientError> {
        self.done("/v1/peers", &Connect { address: address.to_owned() }).await
    }

    /// Advertises a signer of the node. The id of the advertisement is handed back.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn advertise(&self, offer: &Advertise) -> Result<Advertised, ClientError> {
        self.post("/v1/advertisements", offer).await
    }

    /// Withdraws the advertisement of a signer of the node.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn withdraw(&self, signer: &PublicKey, reason: Option<&str>) -> Result<(), ClientError> {
        let query = serde_urlencoded::to_string(reason.map(|reason| ("reason", reason)).as_slice());
        let query = query.map_err(|error| ClientError::Strange(error.to_string()))?;
        self.delete(&format!("/v1/advertisements/{signer}?{query}")).await
    }

    /// Lets the node treat a signer as a contact, or no more.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn set_contact(&self, signer: PublicKey, is_contact: bool) -> Result<(), ClientError> {
        if is_contact {
            return self.done("/v1/contacts", &AddContact { signer }).await;
        }
        self.delete(&format!("/v1/contacts/{signer}")).await
    }

    /// Numbers of sessions since the start, by their ends.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn stats(&self) -> Result<Stats, ClientError> {
        self.get("/v1/stats").await
    }

    /// Locks the signers' keys.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn lock(&self) -> Result<(), ClientError> {
        self.done("/v1/lock", &serde_json::json!({})).await
    }

    /// Unlocks the signers' keys, with the passphrase of their keystore if they are in one.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn unlock(&self, unlock: &Unlock) -> Result<(), ClientError> {
        // No copy of the body that this client makes outlives the call.
        let mut body = Zeroizing::new(Vec::with_capacity(limits::SECRET_BODY));
        serde_json::to_writer(&mut *body, unlock).map_err(|error| ClientError::Strange(error.to_string()))?;
        self.call::<Done>(Method::POST, "/v1/unlock", Bytes::from_owner(body)).await.map(drop)
    }

    /// Ends the daemon.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn halt(&self) -> Result<(), ClientError> {
        self.done("/v1/halt", &serde_json::json!({})).await
    }

    /// Listens to events, after this place or from now on; of one request, if one is named.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn watch(&self, after: Option<Cursor>, request: Option<&RequestId>) -> Result<Watch, ClientError> {
        let after = after.map(|after| format!("after={after}"));
        let request = request.map(|request| format!("request={request}"));
        let query = after.into_iter().chain(request).collect::<Vec<_>>().join("&");
        let path = format!("/v1/events?{query}");
        let response = within(limits::CLIENT_PATIENCE, self.send(Method::GET, &path, Bytes::new())).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(response).await);
        }
        Ok(Watch::new(response.into_body()))
    }

    /// A call without a body.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// A call with a body.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, ClientError> {
        self.call_with(Method::POST, path, body).await
    }

    /// A call that replaces something.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub async fn put<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, ClientError> {
        self.call_with(Method::PUT, path, body).await
    }

    async fn call_with<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| ClientError::Strange(error.to_string()))?;
        self.call(method, path, body.into()).await
    }

    async fn done(&self, path: &str, body: &impl Serialize) -> Result<(), ClientError> {
        self.post::<_, Done>(path, body).await.map(drop)
    }

    async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.call::<Done>(Method::DELETE, path, Bytes::new()).await.map(drop)
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, ClientError> {
        let answered = async {
            let response = self.send(method, path, body).await?;
            if !response.status().is_success() {
                return Err(refused(response).await);
            }
            let body = bounded(response).await?;
            serde_json::from_slice(&body).map_err(|error| ClientError::Strange(error.to_string()))
        };
        within(limits::CLIENT_PATIENCE, answered).await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>, ClientError> {
        let absent = |place: String| move |error| ClientError::NotRunning { place, error };
        match &self.0 {
            Way::Unix(socket) => {
                let folder = socket.parent().unwrap_or(socket).display().to_string();
                let stream = UnixStream::connect(socket).await.map_err(absent(folder))?;
                exchange(stream, request("localhost", None, method, path, body)?).await
            }
            Way::Tcp(address, token) => {
                let place = address.to_string();
                let request = request(&place, Some(token), method, path, body)?;
                let stream = TcpStream::connect(address).await.map_err(absent(place))?;
                exchange(stream, request).await
            }
        }
    }
}

/// The request as it is sent. A body is JSON.
fn request(
    host: &str,
    token: Option<&Token>,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, ClientError> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, host);
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.text()));
    }
    request.body(Full::new(body)).map_err(|error| ClientError::Strange(error.to_string()))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, ClientError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with its response; what goes wrong is told there.
    tokio::spawn(async { drop(connection.await) });
    sender.send_request(request).await.map_err(broken)
}

async fn within<T>(time: Duration, work: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    tokio::time::timeout(time, work).await.unwrap_or(Err(ClientError::Silent))
}

/// The whole body, if it is not too long.
async fn bounded(response: Response<Incoming>) -> Result<Bytes, ClientError> {
    let body = Limited::new(response.into_body(), limits::RESPONSE).collect().await;
    body.map(|body| body.to_bytes()).map_err(|error| ClientError::Broken(error.to_string()))
}

/// The error in a response.
async fn refused(response: Response<Incoming>) -> ClientError {
    let status = response.status().as_u16();
    match bounded(response).await {
        Ok(body) => match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(ErrorBody { error }) => ClientError::Refused { status, problem: error },
            Err(_) => ClientError::Strange(format!("status {status} without an error of this API")),
        },
        Err(error) => error,
    }
}
