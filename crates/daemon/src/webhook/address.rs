//! Addresses of webhooks: HTTPS, or HTTP on loopback.

use core::fmt;
use core::str::FromStr;
use std::net::IpAddr;

use hyper::Uri;

/// The address of a webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookAddress {
    pub(super) tls: bool,
    /// A name, or an IP address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as they stand in the address, for the header `Host`.
    pub(super) authority: String,
    pub(super) path: String,
}

/// A text is no address of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no URL of HTTP.
    #[error("this is no address such as https://example.org/hooks")]
    NoUrl,
    /// It contains a name or a password.
    #[error("an address has no name and no password in it: requests are signed")]
    User,
    /// It would send events over a network as they are.
    #[error("http:// is for loopback alone (127.0.0.1, [::1], localhost): events show what is signed; use https://")]
    Plain,
}

impl FromStr for WebhookAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let uri: Uri = text.parse().map_err(|_| AddressError::NoUrl)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(AddressError::NoUrl),
        };
        let authority = uri.authority().ok_or(AddressError::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(AddressError::User);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if host.is_empty() {
            return Err(AddressError::NoUrl);
        }
        if !tls && !is_here {
            return Err(AddressError::Plain);
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { tls, host, port, authority: authority.as_str().to_owned(), path })
    }
}

/// The address without its query, which may be a secret of the receiver.
impl fmt::Display for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.authority)
    }
}

impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_on_loopback_and_hide_their_query() {
        let parsed = |text: &str| text.parse::<WebhookAddress>();
        let address = parsed("https://example.org:8443/hooks/a?key=secret").unwrap();
        assert_eq!((address.host.as_str(), address.port, address.tls), ("example.org", 8443, true));
        assert_eq!(address.path, "/hooks/a?key=secret");
        assert_eq!(format!("{address} {address:?}").matches("secret").count(), 0);
        assert_eq!(parsed("https://example.org").unwrap().port, 443);
        for here in ["http://127.0.0.1:80/", "http://[::1]:9/x", "http://localhost:1/", "http://127.9.9.9/"] {
            assert!(!parsed(here).unwrap().tls, "{here}");
        }
        assert_eq!(parsed("http://[::1]:9/x").unwrap().host, "::1");
        for (text, error) in [
            ("http://example.org/", AddressError::Plain),
            ("http://localhost.example.org/", AddressError::Plain),
            ("http://10.0.0.1/", AddressError::Plain),
            ("https://me:pass@example.org/", AddressError::User),
            ("ftp://example.org/", AddressError::NoUrl),
            ("example.org", AddressError::NoUrl),
            ("/hooks", AddressError::NoUrl),
            ("", AddressError::NoUrl),
        ] {
            assert_eq!(parsed(text), Err(error), "{text}");
        }
    }
}
