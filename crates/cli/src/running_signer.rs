//! A signer that runs already, which other commands with its key or its data folder work through: its store is locked, and its node is
//! connected.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use motet_core_crypto::PublicKey;
use motet_daemon::api::{DerivationForm, Message, Offer, Sign, Status, Wishes};
use motet_daemon::{Client, ClientError, Cursor, Watch};
use motet_node::{Audience, Lagged, SessionStatus, SignerQuery, SigningRequestSpec};
use motet_wire::{Commitments, NetworkId, RequestId};
use serde_json::Value;

use crate::args::NodeArgs;
use crate::contact_book::ContactBook;
use crate::exit::{Exit, Failed};
use crate::timeline::Told;
use crate::{data_folder, signer_key};

/// The event in the place of those that the journal does not keep any more.
const LOST: &str = "lost";
/// The event in the place of those that the API has not taken from its node in time.
const EVENTS_LOST: &str = "EventsLost";
/// The beginnings of the names of events about questions to the signer's user, and about its keys. They are the API's and not the node's.
const OF_THE_API: [&str; 2] = ["Approval", "Keys"];

/// The code of a call that needs the key of a locked signer.
const LOCKED: &str = "locked";

/// A word of a node to the command that listens to it.
pub(crate) enum Heard {
    /// An event, and its JSON form.
    Event(Box<Told>, Value),
    /// So many events were lost.
    Lost(Lagged),
    /// Events were lost, and nobody has counted them.
    Missed,
}

/// The signer that runs with a data folder, called over the Unix socket there.
pub(crate) struct RunningSigner {
    client: Client,
    pub(crate) folder: PathBuf,
    pub(crate) signer: PublicKey,
    pub(crate) nickname: String,
    /// Events from before the first call on, so that none is missed.
    events: Watch,
    /// The place from which events go on after a loss.
    resume: Option<Cursor>,
    /// The request of this command: events of others are for those who follow them.
    followed: Option<RequestId>,
}

impl RunningSigner {
    /// The signer that runs with the key or the data folder of a command; none if none answers there.
    ///
    /// # Errors
    ///
    /// [`Failed`] if one answers that is not meant: of another key, or on another network.
    pub(crate) async fn of(args: &NodeArgs) -> Result<Option<Self>, Failed> {
        let Some(folder) = folder(args)? else { return Ok(None) };
        let Some((client, status)) = answering(&folder).await else { return Ok(None) };
        let Some(signer) = status.signers.first().copied() else { return Ok(None) };
        check_network(args, &status)?;
        check_key(args, &signer).await?;
        let events = client.watch(None, None).await.map_err(|error| explain(&error))?;
        if !args.net.peer.is_empty() {
            let network = NetworkId::new(&status.network).map_err(Failed::here)?;
            for address in ContactBook::read(&folder)?.addresses(&args.net.peer, &network)? {
                client.connect(&address.to_string()).await.map_err(|error| explain(&error))?;
            }
        }
        let nickname = args.nickname.clone().unwrap_or_default();
        Ok(Some(Self { client, folder, signer, nickname, events, resume: None, followed: None }))
    }

    /// The signers that it knows, or those that it finds when it asks the network.
    pub(crate) async fn offers(&self, wishes: &SignerQuery, known: bool) -> Result<Vec<Offer>, Failed> {
        let wishes = Wishes {
            transaction_type: wishes.transaction_type.clone(),
            amount: wishes.amount,
            nickname: wishes.nickname.clone(),
            known,
            ..Wishes::default()
        };
        match self.client.signers(&wishes).await {
            // A search of the network without an answer has found nothing more.
            Err(ClientError::Refused { problem, .. }) if !known && problem.code == "too_slow" => Ok(Vec::new()),
            found => found.map_err(|error| explain(&error)),
        }
    }

    /// The nodes that its user has named, and the state of the connection with each.
    pub(crate) async fn named(&self) -> Vec<(String, String, Option<String>)> {
        let Ok(status) = self.client.status().await else { return Vec::new() };
        let named = status.connections.named.into_iter();
        named.map(|named| (named.address, named.contact, named.reason)).collect()
    }

    /// True if it is connected with nobody.
    pub(crate) async fn is_alone(&self) -> bool {
        self.client.status().await.is_ok_and(|status| status.connections.peers == 0)
    }

    pub(crate) async fn sessions(&self) -> Result<Vec<SessionStatus>, Failed> {
        let sessions = self.client.sessions().await.map_err(|error| explain(&error))?;
        Ok(sessions.into_iter().map(|session| session.status).collect())
    }

    pub(crate) async fn session(&self, request: RequestId) -> Result<SessionStatus, Failed> {
        Ok(self.client.session(&request).await.map_err(|error| explain(&error))?.status)
    }

    /// Lets it ask for signatures.
    pub(crate) async fn announce(
        &mut self,
        spec: SigningRequestSpec,
        audience: &Audience,
    ) -> Result<RequestId, Failed> {
        let request = self.client.sign(&form(spec, audience)).await.map_err(|error| explain(&error))?.request;
        self.followed = Some(request);
        Ok(request)
    }

    pub(crate) async fn abort(&self, request: RequestId, reason: &str) -> Result<(), Failed> {
        self.client.abort(&request, Some(reason.to_owned())).await.map_err(|error| explain(&error))
    }

    pub(crate) async fn note(&self, request: RequestId) -> Result<(), Failed> {
        self.client.note(&request).await.map_err(|error| explain(&error))
    }

    /// The next event of its node that is not about another request. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Heard, Failed> {
        loop {
            let told = match self.events.next().await {
                Some(Ok(told)) => told,
                Some(Err(error)) => return Err(explain(&error)),
                // It was too slow, and goes on from where it is told to.
                None if self.resume.is_some() => {
                    self.events = self.client.watch(self.resume, None).await.map_err(|error| explain(&error))?;
                    self.resume = None;
                    continue;
                }
                None => {
                    let failed = Failed::here("the running signer has ended, and with it the view of this request");
                    return Err(failed.hint("start it again with `motet run`, and look with `motet sessions`"));
                }
            };
            let object: Value = serde_json::from_str(&told.data).map_err(Failed::here)?;
            match told.event.as_str() {
                LOST => {
                    self.resume = told.id.parse().ok();
                    return Ok(Heard::Missed);
                }
                EVENTS_LOST => {
                    let lost = object.get("lost").and_then(Value::as_u64).unwrap_or_default();
                    return Ok(Heard::Lost(Lagged(lost)));
                }
                name if OF_THE_API.iter().any(|beginning| name.starts_with(beginning)) => {}
                _ if self.is_of_another(&object) => {}
                _ => return Ok(Heard::Event(Box::new(Told::read(&object)), object)),
            }
        }
    }

    fn is_of_another(&self, object: &Value) -> bool {
        let Some(request) = object.get("request").and_then(Value::as_str) else { return false };
        self.followed.is_none_or(|followed| followed.to_string() != request)
    }
}

/// The data folder of a command; none with --dev, and without a key or a folder.
fn folder(args: &NodeArgs) -> Result<Option<PathBuf>, Failed> {
    if args.dev.is_some() {
        return Ok(None);
    }
    data_folder::named(args.data.as_deref(), args.key.as_deref(), args.keystore.keystore.as_deref())
}

/// The API of the signer that runs with this folder, and its state; none if none answers.
pub(crate) async fn answering(folder: &Path) -> Option<(Client, Status)> {
    let client = Client::unix(folder);
    let status = client.status().await.ok()?;
    Some((client, status))
}

/// Refuses another network than that of the running signer. The default stands for its own.
fn check_network(args: &NodeArgs, status: &Status) -> Result<(), Failed> {
    let wanted = args.network.to_string();
    if wanted == status.network || wanted == NodeArgs::NETWORK {
        return Ok(());
    }
    let what = format!("this signer runs on the network {}, and not on {wanted}", status.network);
    Err(Failed::usage(what).hint("leave --network out, or end the running signer with `motet halt` first"))
}

/// Refuses another key than that of the running signer. A folder beside a key has no other.
async fn check_key(args: &NodeArgs, signer: &PublicKey) -> Result<(), Failed> {
    let (Some(key), Some(data)) = (&args.key, &args.data) else { return Ok(()) };
    if *data == data_folder::of_key(&signer_key::beside(key, args.keystore.keystore.as_deref())?) {
        return Ok(());
    }
    let (key, keystore) = (key.clone(), args.keystore.clone());
    let load = tokio::task::spawn_blocking(move || signer_key::load(&key, &keystore));
    let own = load.await.map_err(Failed::here)??.secret.public_key();
    data_folder::check(data, Some(signer), &own)
}

/// A request as the API takes it.
fn form(spec: SigningRequestSpec, audience: &Audience) -> Sign {
    let SigningRequestSpec { creator, keys, items, options, metadata, lifetime } = spec;
    let message = |item: motet_wire::Item| Message {
        text: None,
        hex: Some(hex::encode(&item.message)),
        // The command line has asked already.
        blind: true,
        derivation: Some(DerivationForm::of(&item.derivation)),
    };
    Sign {
        signer: Some(creator),
        with: keys.into_iter().filter(|key| *key != creator).collect(),
        messages: items.into_iter().map(message).collect(),
        taproot: false,
        description: metadata.description,
        transaction_type: metadata.transaction_type,
        amount: metadata.amount,
        transaction: hex::encode(metadata.transaction),
        private: matches!(audience, Audience::Members(_)),
        election: options.election,
        commitments: options.commitments == Commitments::On,
        join_timeout_ms: Some(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX)),
        // The command has looked already, and names the signers that may still complete it.
        despite_open: true,
    }
}

/// The failure of a call, with the next step.
pub(crate) fn explain(error: &ClientError) -> Failed {
    match error {
        ClientError::NotRunning { error: cause, .. }
            if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            Failed::here(error)
                .hint("start the signer with `motet run`, and leave it running; --no-api must not be among its options")
        }
        ClientError::Refused { problem, .. } => {
            let exit = if problem.code == LOCKED { Exit::Locked } else { Exit::Failure };
            let failed = Failed::new(exit, error);
            match &problem.hint {
                Some(hint) => failed.hint(hint.clone()),
                None => failed,
            }
        }
        ClientError::NotRunning { .. } | ClientError::Broken(_) | ClientError::Strange(_) | ClientError::Silent | _ => {
            Failed::here(error)
        }
    }
}
