//! Deliveries to real receivers on loopback.

use std::collections::VecDeque;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::*;
use crate::guard::Way;
use crate::server;

/// Pauses that a test does not notice. The patience is never reached by a receiver that answers.
const PACE: Pace =
    Pace { first: Duration::from_millis(1), longest: Duration::from_millis(4), patience: Duration::from_secs(30) };

/// A receiver that answers with these statuses, then with 200, and tells what it got.
struct Receiver {
    address: String,
    got: mpsc::Receiver<(HeaderMap, Bytes)>,
    _stop: watch::Sender<bool>,
}

#[derive(Clone)]
struct Answers(Arc<Mutex<VecDeque<u16>>>, mpsc::Sender<(HeaderMap, Bytes)>);

async fn answer(State(Answers(statuses, tell)): State<Answers>, headers: HeaderMap, body: Bytes) -> StatusCode {
    tell.send((headers, body)).await.unwrap();
    let status = statuses.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

impl Receiver {
    async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook?key=k", listener.local_addr().unwrap());
        let (tell, got) = mpsc::channel(100);
        let answers = Answers(Arc::new(Mutex::new(statuses.iter().copied().collect())), tell);
        let router = Router::new().route("/hook", post(answer)).with_state(answers);
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(server::serve(server::Listener::Tcp(listener), Way::Unix, router, stopped));
        Self { address, got, _stop: stop }
    }

    async fn next(&mut self) -> (HeaderMap, Bytes) {
        self.got.recv().await.unwrap()
    }
}

struct Stage {
    journal: Journal,
    secret: Arc<Secret>,
    log: Arc<Log>,
    hook: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

fn stage(address: &str, poster: Poster, pace: Pace) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::new().unwrap();
    let webhook = Webhook { address: address.parse().unwrap(), events: vec!["Wanted".to_owned()] };
    let secret = Arc::new(Secret::read_or_make(folder.path()).unwrap());
    let log = Arc::new(Log::new(&webhook));
    let (secret_too, log_too) = (Arc::clone(&secret), Arc::clone(&log));
    let hook = Hook { webhook, secret: secret_too, poster, log: log_too, clock: Clock::start(), pace };
    let hook = tokio::spawn(hook.run(journal.clone()));
    Stage { journal, secret, log, hook, _folder: folder }
}

#[tokio::test]
async fn events_come_in_order_signed_and_again_until_they_are_taken() {
    let mut receiver = Receiver::start(&[500, 429, 200, 400]).await;
    let stage = stage(&receiver.address, Poster::new(), PACE);
    for (name, value) in [("Wanted", 1), ("Other", 2), ("Wanted", 3), ("Wanted", 4)] {
        stage.journal.write(name, None, &value);
    }
    // Three attempts of the first; the second is refused for good; the third follows.
    let mut ids = Vec::new();
    for expected in ["1", "1", "1", "3", "4"] {
        let (headers, body) = receiver.next().await;
        assert_eq!(body, expected);
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let seconds = text("webhook-timestamp").parse().unwrap();
        assert_eq!(text("webhook-signature"), stage.secret.signature(&text("webhook-id"), seconds, &body));
        assert_eq!(text("content-type"), "application/json");
        ids.push(text("webhook-id"));
    }
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3] && ids[3] != ids[4], "{ids:?}");
    // What the journal has when it is closed is sent still.
    stage.journal.write("Wanted", None, &5);
    stage.journal.close();
    stage.hook.await.unwrap();
    assert_eq!(receiver.next().await.1, "5");
    let state = stage.log.state();
    assert_eq!((state.delivered, state.refused, state.failures, state.lost), (3, 1, 2, 0));
    let told: Vec<_> = state.deliveries.iter().map(|delivery| (delivery.outcome, delivery.attempts)).collect();
    assert_eq!(
        told,
        [(Outcome::Delivered, 3), (Outcome::Refused, 1), (Outcome::Delivered, 1), (Outcome::Delivered, 1)]
    );
    assert!(!state.url.contains("key"), "{}", state.url);
}

#[tokio::test]
async fn a_receiver_that_was_silent_hears_what_it_has_lost_and_nobody_has_waited() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", silent.local_addr().unwrap());
    let stage = stage(&address, Poster::new(), PACE);
    stage.journal.write("Wanted", None, &0);
    let (held, _) = silent.accept().await.unwrap();
    for number in 0..2 * limits::JOURNAL_EVENTS {
        stage.journal.write("Wanted", None, &number);
    }
    assert_eq!(stage.log.state().deliveries.len(), 1);
    // The first attempt ends without an answer; the next is taken, and what follows says what is lost.
    drop(held);
    for expected in ["0", "{\"event\":\"lost\",\"why\":\"too_slow\""] {
        let (mut stream, _) = silent.accept().await.unwrap();
        let mut text = String::new();
        while !text.contains("\r\n\r\n") || !text.contains(expected) {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await.unwrap();
            assert!(read > 0, "{text}");
            text.push_str(core::str::from_utf8(&part[..read]).unwrap());
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    }
    stage.journal.close();
    stage.hook.await.unwrap();
    let state = stage.log.state();
    assert_eq!((state.delivered, state.lost, state.failures), (2, 1, 1));
    assert!(state.deliveries[0].attempts == 2, "{state:?}");
}

#[tokio::test]
async fn the_log_of_deliveries_has_a_bound() {
    let mut receiver = Receiver::start(&[]).await;
    let stage = stage(&receiver.address, Poster::new(), PACE);
    for number in 0..limits::DELIVERIES + 5 {
        stage.journal.write("Wanted", None, &number);
        receiver.next().await;
    }
    stage.journal.close();
    stage.hook.await.unwrap();
    let state = stage.log.state();
    assert_eq!((state.deliveries.len(), state.delivered), (limits::DELIVERIES, limits::DELIVERIES as u64 + 5));
}

#[tokio::test]
async fn https_reaches_whom_it_trusts_and_nobody_else() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.key_pair.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: super::super::address::WebhookAddress =
        format!("https://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // One that does not trust this end leaves in the middle.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let letter =
        Letter { id: "i".to_owned(), seconds: 1, signature: "v1,".to_owned(), body: Bytes::from_static(b"{}") };
    assert_eq!(Poster::trusting(roots).post(&address, &letter).await, Ok(StatusCode::OK));
    let refused = Poster::new().post(&address, &letter).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}

#[test]
fn pauses_double_up_to_the_longest() {
    let seconds: Vec<u64> = (1..=10).map(|failures| Pace::USUAL.pause(failures).as_secs()).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    assert_eq!(Pace::USUAL.pause(u32::MAX), limits::WEBHOOK_LONGEST_PAUSE);
}

#[test]
fn a_refusal_is_final_and_a_failure_is_not() {
    for (status, expected) in [
        (200, Outcome::Delivered),
        (204, Outcome::Delivered),
        (301, Outcome::Refused),
        (400, Outcome::Refused),
        (401, Outcome::Refused),
        (410, Outcome::Refused),
        (408, Outcome::Waiting),
        (429, Outcome::Waiting),
        (500, Outcome::Waiting),
        (503, Outcome::Waiting),
    ] {
        assert_eq!(outcome(&Ok(StatusCode::from_u16(status).unwrap())), expected, "{status}");
    }
    assert_eq!(outcome(&Err("away".to_owned())), Outcome::Waiting);
}
