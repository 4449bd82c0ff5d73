//! The checks before any route: pages of other sites are kept out, and callers over TCP show the token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::page;
use crate::token::Token;

/// The routes of probes, which show nothing but that the node is there. They need no token.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// The route that takes a passphrase. It is for the Unix socket alone.
const SECRET: &str = "/v1/unlock";

/// The way on which a call comes.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// The Unix socket: its file lets its owner in alone.
    Unix,
    /// Loopback TCP, which every user and every page of a browser on this machine reaches.
    Tcp(Arc<Tcp>),
}

/// The address that the daemon listens on, and the token that it wants.
#[derive(Debug)]
pub(crate) struct Tcp {
    pub(crate) address: SocketAddr,
    pub(crate) token: Token,
}

/// Lets a call pass or refuses it.
pub(crate) async fn guard(way: Way, request: Request, next: Next) -> Response {
    match check(&way, request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check(way: &Way, path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    // Programs send no Origin. A browser does whenever a page could have an effect here.
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next();
    let Way::Tcp(tcp) = way else { return if origin.is_some() { Err(foreign()) } else { Ok(()) } };
    if path == SECRET {
        let error =
            ApiError::new(StatusCode::FORBIDDEN, "socket_only", "a passphrase is taken over the Unix socket alone");
        return Err(error.hint("call it at api.sock in the data folder"));
    }
    // A page whose name leads to this machine (DNS rebinding) has its own name here.
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    if hosts.next().is_some() || !is_here(host, tcp.address) {
        let what = format!("the header Host does not name this API; it is at {}", tcp.address);
        return Err(ApiError::new(StatusCode::FORBIDDEN, "host", what).hint("call it by that address, or by localhost"));
    }
    // The own page has the address by which it was loaded as its origin.
    let own = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| origin.strip_prefix("http://") == Some(host));
    if origins.next().is_some() || origin.is_some_and(|origin| !own(origin)) {
        return Err(foreign());
    }
    if OPEN.contains(&path) || page::has(path) {
        return Ok(());
    }
    let shown = headers.get(header::AUTHORIZATION).and_then(|shown| shown.to_str().ok());
    let shown = shown.and_then(|shown| shown.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    if shown.is_some_and(|(_, shown)| tcp.token.is(shown.trim())) {
        return Ok(());
    }
    let error = ApiError::new(StatusCode::UNAUTHORIZED, "token", "this call needs the token of the daemon");
    Err(error
        .hint(format!("send Authorization: Bearer TOKEN, with what is in {} of its data folder", crate::token::FILE)))
}

/// The refusal of a page that is not the API's own.
fn foreign() -> ApiError {
    let error = ApiError::new(StatusCode::FORBIDDEN, "origin", "pages of other sites may not call this API");
    error.hint("call it from a program, which sends no Origin, or open its own page over TCP")
}

/// True if a Host is that of an address on loopback: its own text or `localhost`, with its port.
fn is_here(host: &str, address: SocketAddr) -> bool {
    host == address.to_string()
        || host.strip_prefix("localhost:").is_some_and(|port| port == address.port().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_own_page_may_call_over_tcp_and_no_other_page_may() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::read_or_make(folder.path()).unwrap();
        let bearer = format!("Bearer {}", token.text());
        let way = Way::Tcp(Arc::new(Tcp { address: "127.0.0.1:7000".parse().unwrap(), token }));
        let code = |way: &Way, lines: &[(&'static str, &str)]| {
            let checked = check(way, "/v1/status", &headers(&[lines, &[("authorization", &bearer)]].concat()));
            checked.err().map(|error| error.problem.code)
        };
        for name in ["127.0.0.1:7000", "localhost:7000"] {
            assert_eq!(code(&way, &[("host", name), ("origin", &format!("http://{name}"))]), None);
        }
        for origin in [
            "null",
            "",
            "http://127.0.0.1",
            "http://127.0.0.1:7001",
            "http://localhost:7000",
            "https://127.0.0.1:7000",
            "http://127.0.0.1:7000/",
            "http://evil.example:7000",
        ] {
            assert_eq!(
                code(&way, &[("host", "127.0.0.1:7000"), ("origin", origin)]).as_deref(),
                Some("origin"),
                "{origin}"
            );
        }
        let own = ("origin", "http://127.0.0.1:7000");
        assert_eq!(code(&way, &[("host", "127.0.0.1:7000"), own, own]).as_deref(), Some("origin"));
        assert_eq!(
            code(&way, &[("host", "evil.example:7000"), ("origin", "http://evil.example:7000")]).as_deref(),
            Some("host")
        );
        assert_eq!(code(&Way::Unix, &[("host", "127.0.0.1:7000"), own]).as_deref(), Some("origin"));
        assert_eq!(code(&Way::Unix, &[("host", "anything")]), None);
    }

    #[test]
    fn files_of_the_page_need_no_token_and_all_else_does() {
        let token = Token::read_or_make(tempfile::tempdir().unwrap().path()).unwrap();
        let way = Way::Tcp(Arc::new(Tcp { address: "127.0.0.1:7000".parse().unwrap(), token }));
        let passes = |path: &str| check(&way, path, &headers(&[("host", "127.0.0.1:7000")])).is_ok();
        assert!(passes("/") && passes("/page/main.js") && passes("/healthz"));
        for path in ["/v1/status", "/page/", "/page/../v1/status", "/page", "//", "/openapi.json", "/metrics"] {
            assert!(!passes(path), "{path}");
        }
    }

    #[test]
    fn only_the_own_address_is_a_host() {
        let address: SocketAddr = "127.0.0.1:7000".parse().unwrap();
        assert!(is_here("127.0.0.1:7000", address) && is_here("localhost:7000", address));
        for other in [
            "",
            "127.0.0.1",
            "127.0.0.1:7001",
            "localhost",
            "localhost:70000",
            "evil.example:7000",
            "localhost.evil:7000",
        ] {
            assert!(!is_here(other, address), "{other}");
        }
        assert!(is_here("[::1]:7000", "[::1]:7000".parse().unwrap()));
    }
}
