//! Why something on the network failed, in words for people: libp2p's errors are nested, and some say nothing on their outside.

use std::error::Error;
use std::io;

use libp2p::core::transport::TransportError;
use libp2p::core::upgrade::NegotiationError;
use libp2p::swarm::DialError;
use libp2p::{Multiaddr, PeerId, dns, noise};

use crate::admission::Refusal;

/// Why an address cannot be listened on.
pub(crate) fn of_listening(error: &io::Error, port: Option<u16>) -> String {
    match io_kind(error) {
        Some(io::ErrorKind::AddrInUse) => "another program listens there".to_owned(),
        Some(io::ErrorKind::AddrNotAvailable) => "no such address on this machine".to_owned(),
        Some(io::ErrorKind::PermissionDenied) if port.is_some_and(|port| (1..1024).contains(&port)) => {
            "not permitted: ports below 1024 need rights that this program does not have".to_owned()
        }
        Some(io::ErrorKind::PermissionDenied) => "not permitted".to_owned(),
        _ => innermost(error),
    }
}

/// Why a transport does not listen on an address.
pub(crate) fn of_transport(error: &TransportError<io::Error>, port: Option<u16>) -> String {
    match error {
        TransportError::MultiaddrNotSupported(_) => "this kind of address cannot be listened on".to_owned(),
        TransportError::Other(error) => of_listening(error, port),
    }
}

/// Why a peer was not reached. `local` is this node.
pub(crate) fn of_dialling(error: &DialError, local: &PeerId) -> String {
    match error {
        DialError::WrongPeerId { obtained, .. } if obtained != local => {
            format!("another node answers there: {obtained}")
        }
        DialError::LocalPeerId { .. } | DialError::WrongPeerId { .. } => {
            "this node's own identity answers there".to_owned()
        }
        DialError::NoAddresses => "no address of it is known".to_owned(),
        DialError::DialPeerConditionFalse(_) => "it is being dialled already".to_owned(),
        DialError::Aborted => "the attempt was given up".to_owned(),
        DialError::Denied { cause } if cause.downcast_ref::<Refusal>() == Some(&Refusal::Banned) => {
            "this node blocks it, because it has broken too many rules: for an hour the first time".to_owned()
        }
        DialError::Denied { cause } => match cause.downcast_ref::<Refusal>() {
            Some(refusal) => format!("this node takes no more connections: {refusal}"),
            None => format!("this node takes no more connections: {cause}"),
        },
        DialError::Transport(errors) => of_attempts(errors),
    }
}

/// The fault of addresses that are not dialled; `None` if there are none.
pub(crate) fn of_useless(addresses: &[Multiaddr]) -> Option<String> {
    let (first, rest) = addresses.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    Some(format!("its addresses cannot be reached from this node's network: {first}{more}"))
}

/// The results of several addresses; each reason once.
fn of_attempts(errors: &[(Multiaddr, TransportError<io::Error>)]) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for (_, error) in errors {
        let reason = match error {
            TransportError::MultiaddrNotSupported(_) => "the address cannot be used from here".to_owned(),
            TransportError::Other(error) => of_connecting(error),
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() { "no address of it is known".to_owned() } else { reasons.join("; ") }
}

fn of_connecting(error: &io::Error) -> String {
    if chain(error).iter().any(|error| error.is::<dns::ResolveError>()) {
        return "the name does not resolve".to_owned();
    }
    if chain(error).iter().any(|error| error.is::<noise::Error>() || error.is::<NegotiationError>()) {
        return "whatever listens there does not speak this protocol".to_owned();
    }
    match io_kind(error) {
        Some(io::ErrorKind::ConnectionRefused) => "nobody listens there".to_owned(),
        Some(io::ErrorKind::TimedOut) => "no answer in time".to_owned(),
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown) => {
            "there is no way there from this machine".to_owned()
        }
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof) => {
            "whatever listens there has hung up".to_owned()
        }
        _ => innermost(error),
    }
}

/// An error and all that it wraps. An [`io::Error`] that wraps another names that one's source as its own, and hides it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut errors = vec![error];
    let mut next = Some(error);
    while let Some(error) = next {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
        errors.extend(next);
        if errors.len() > MOST {
            break;
        }
    }
    errors
}

/// Errors that are looked at within one: no honest one is nested as deeply.
const MOST: usize = 16;

/// The system's error, or the one of the code that stands in its place. Some wrappings show the text of the error that
/// they wrap and nothing else of it.
fn io_kind(error: &io::Error) -> Option<io::ErrorKind> {
    let chain = chain(error);
    let mut kinds = chain.iter().filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    let known = kinds.rfind(|kind| *kind != io::ErrorKind::Other);
    known.or_else(|| chain.iter().find_map(|error| number_of(&error.to_string())).map(kind_of))
}

fn kind_of(number: i32) -> io::ErrorKind {
    io::Error::from_raw_os_error(number).kind()
}

/// The number of a system's error, as the standard library prints it.
fn number_of(text: &str) -> Option<i32> {
    let (_, rest) = text.split_once("(os error ")?;
    rest.split_once(')')?.0.parse().ok()
}

fn innermost(error: &io::Error) -> String {
    let texts = chain(error).into_iter().rev().map(|error| error.to_string());
    let mut said = texts.filter(|text| !text.trim().is_empty());
    said.next().unwrap_or_else(|| "the system does not say why".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_under_all_its_wrappings() {
        let wrapped = |kind| io::Error::other(io::Error::other(io::Error::from(kind)));
        let said = of_listening(&wrapped(io::ErrorKind::AddrInUse), Some(4001));
        assert_eq!(said, "another program listens there");
        let said = of_listening(&wrapped(io::ErrorKind::PermissionDenied), Some(80));
        assert!(said.contains("below 1024"), "{said}");
        assert_eq!(of_listening(&wrapped(io::ErrorKind::PermissionDenied), Some(4001)), "not permitted");
        assert_eq!(of_connecting(&wrapped(io::ErrorKind::ConnectionRefused)), "nobody listens there");
        let hidden = io::Error::other(io::Error::from_raw_os_error(13).to_string());
        assert_eq!(of_listening(&hidden, None), of_listening(&io::Error::from_raw_os_error(13), None));
        assert_eq!(of_connecting(&io::Error::other("")), "the system does not say why");
        assert_eq!(of_connecting(&io::Error::other("a reason")), "a reason");
    }

    #[test]
    fn a_name_that_does_not_resolve_is_said_to_be_that() {
        let error: dns::Error<io::Error> = dns::Error::ResolveError(dns::ResolveError::from("no such name"));
        assert_eq!(of_connecting(&io::Error::other(error)), "the name does not resolve");
    }

    #[test]
    fn each_reason_is_said_once() {
        let address: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let refused = || TransportError::Other(io::Error::from(io::ErrorKind::ConnectionRefused));
        let errors = vec![
            (address.clone(), refused()),
            (address.clone(), TransportError::Other(io::Error::from(io::ErrorKind::TimedOut))),
            (address, refused()),
        ];
        let said = of_dialling(&DialError::Transport(errors), &PeerId::random());
        assert_eq!(said, "nobody listens there; no answer in time");
    }
}
