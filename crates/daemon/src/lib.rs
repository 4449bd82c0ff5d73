//! The local API of a Motet signer, and its client (`docs/api.md`).
//!
//! A signer is a service that stays up. People and programs on its machine speak to it by HTTP with JSON on a Unix socket in its data folder,
//! or on loopback with a token: they see what waits for an approval, approve or decline it, ask for signatures, and follow events.
//!
//! - [`Daemon`] serves the API of a [`motet_node::Node`].
//! - [`Questions`] are the open questions: the terminal and the API answer the same ones, and the first answer counts.
//! - [`Keys`] are the keys of its signers, which a caller locks and unlocks.
//! - [`Client`] calls a daemon; the types of bodies are in [`api`].
//!
//! ```no_run
//! use motet_daemon::{Client, Daemon, Questions};
//! use motet_node::{Keypair, NetConfig, NetworkId, Node};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let (node, _events) = Node::builder(NetConfig::local(NetworkId::test(), Keypair::generate())).start().await?;
//! let folder = std::path::Path::new("alice.key.motet");
//! let daemon = Daemon::start(node, Vec::new(), Questions::new()?, folder, None).await?;
//! println!("{:?}", Client::unix(folder).status().await?);
//! daemon.halted().await;
//! daemon.stop().await;
//! # Ok(())
//! # }
//! ```

mod client;
mod client_error;
mod cursor;
mod daemon;
mod error;
mod extract;
mod facilities;
mod forms;
mod guard;
mod journal;
mod keys;
pub mod limits;
mod lost;
mod metrics;
mod minutes;
mod page;
mod private_file;
mod questions;
mod routes;
mod server;
mod socket;
mod state;
mod tally;
mod token;
mod wait;
mod watch;
mod webhook;

pub use client::Client;
pub use client_error::ClientError;
pub use cursor::{Cursor, NoCursor};
pub use daemon::{Daemon, DaemonError};
pub use facilities::{Facilities, KeyRing, LogControl};
pub use keys::{Keys, KeysError, LOCKED};
pub use private_file::SecretFileError;
pub use questions::{Answer, Asked, Place, Question, Questions, Refused};
pub use routes::openapi;
pub use token::Token;
pub use watch::{Told, Watch};
pub use webhook::{AddressError, SECRET_FILE, USUAL, Webhook, WebhookAddress, is_event};

/// The bodies of requests and responses.
pub mod api {
    pub use crate::error::{ErrorBody, Problem};
    pub use crate::forms::application::{HeardMessage, SendMessage, SentMessage};
    pub use crate::forms::log::LogFilter;
    pub use crate::forms::node::{Connect, Connections, Dht, Done, Health, NamedPeer, Peer, Peers, Status};
    pub use crate::forms::question::{Approve, Decline, DerivationForm, PendingItem, PendingRequest, PendingRequests};
    pub use crate::forms::session::{
        Abort, Proofs, Replace, Results, Retried, Retry, Session, SessionEvent, SessionEvents, Sessions,
    };
    pub use crate::forms::signer::{
        AddContact, AddSigner, Added, Advertise, Advertised, Announce, AnnouncedResource, FoundOffer, FoundRequest,
        FoundRequests, FoundResource, FoundResources, Offer, Offers, Reputation, Wishes,
    };
    pub use crate::forms::signing::{Announced, Message, Sign};
    pub use crate::forms::stats::{History, Latencies, Minute, Rejected, Stats};
    pub use crate::forms::unlock::Unlock;
    pub use crate::forms::webhook::{Delivery, Outcome, WebhookState, WebhookStates};
}
