//! Messages of applications, as the engine signs and sends them.

use std::time::Duration;

use motet_coordinator::{ApplicationMessageSpec, Command, CommandError, Config, Recipient, Reply, Route};
use motet_testkit::Cluster;
use motet_wire::{Arrival, Channel, Message, MessageId, NetworkId, PeerId, Validated, Validator, ValidatorLimits};

use crate::kit::{cluster_of, frames};

fn message(cluster: &Cluster, to: Recipient, data: &[u8]) -> ApplicationMessageSpec {
    ApplicationMessageSpec { signer: cluster.key(0), to, application: "chat".to_owned(), data: data.to_vec() }
}

fn send(cluster: &mut Cluster, message: ApplicationMessageSpec) -> Result<MessageId, CommandError> {
    match cluster.command(0, Command::SendApplicationMessage(message))? {
        Reply::ApplicationMessageSent(id) => Ok(id),
        other => panic!("{other:?}"),
    }
}

fn node(number: u8) -> Recipient {
    Recipient::Node(Route { peer: PeerId::from_bytes(&[number; 38]).unwrap(), addresses: Vec::new() })
}

#[test]
fn a_message_is_signed_for_the_peer_that_it_goes_to_and_for_no_other() {
    let mut cluster = cluster_of(2, 1, &Config::default());
    let to = cluster.node(1).peer();
    let wanted = message(&cluster, Recipient::Node(Route { peer: to, addresses: Vec::new() }), b"lunch?");
    let id = send(&mut cluster, wanted).unwrap();
    let sent = frames(&cluster).into_iter().find_map(|frame| {
        let mut validator = Validator::new(NetworkId::test(), ValidatorLimits::default());
        let validated: Validated =
            validator.validate(Arrival::new(frame, Channel::Direct, cluster.node(0).peer()), cluster.now()).ok()?;
        (validated.id() == id).then_some(validated)
    });
    let Message::ApplicationMessage(said) = sent.unwrap().into_message() else { panic!("another kind") };
    assert_eq!((said.peer, said.signer, said.delegation.signer), (to, None, cluster.key(0)));
    assert_eq!((said.application.as_str(), &*said.data), ("chat", &b"lunch?"[..]));
    // The engine of the other node does nothing with it: it is for the application.
    cluster.settle();
    assert!(cluster.node(1).events().is_empty());
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_reason() {
    let mut cluster = cluster_of(2, 2, &Config::default());
    let stranger = cluster.key(1);
    let refused = |cluster: &mut Cluster, message| send(cluster, message).unwrap_err();
    let unknown = message(&cluster, Recipient::Signer(stranger), b"");
    assert_eq!(refused(&mut cluster, unknown), CommandError::UnknownRecipient(stranger));
    let long = message(&cluster, node(7), &[0; 4097]);
    assert_eq!(refused(&mut cluster, long), CommandError::ApplicationData { length: 4097, limit: 4096 });
    for name in ["", "a chat", &*"a".repeat(33)] {
        let named = ApplicationMessageSpec { application: name.to_owned(), ..message(&cluster, node(7), b"") };
        assert_eq!(refused(&mut cluster, named), CommandError::ApplicationName);
    }
    let own = Recipient::Node(Route { peer: cluster.node(0).peer(), addresses: Vec::new() });
    let own = message(&cluster, own, b"");
    assert_eq!(refused(&mut cluster, own), CommandError::OwnNode);
    let foreign = ApplicationMessageSpec { signer: stranger, ..message(&cluster, node(7), b"") };
    assert_eq!(refused(&mut cluster, foreign), CommandError::UnknownSigner(stranger));
    assert!(frames(&cluster).is_empty());
}

#[test]
fn a_node_says_no_more_than_another_takes_and_counts_for_each_by_itself() {
    let mut cluster = cluster_of(1, 3, &Config::default());
    let wanted = |cluster: &Cluster, number| message(cluster, node(number), b"");
    for _ in 0..20 {
        let wanted = wanted(&cluster, 7);
        send(&mut cluster, wanted).unwrap();
    }
    let more = wanted(&cluster, 7);
    let error = send(&mut cluster, more.clone()).unwrap_err();
    let CommandError::TooOften { per_minute: 60, next, .. } = error else { panic!("{error:?}") };
    let other = wanted(&cluster, 8);
    send(&mut cluster, other).unwrap();
    cluster.jump(next);
    send(&mut cluster, more.clone()).unwrap();
    assert!(matches!(send(&mut cluster, more), Err(CommandError::TooOften { .. })));
    // Those to whom nothing was said for a minute are forgotten, and make room.
    for number in 0..2_000u16 {
        let [high, low] = number.to_be_bytes();
        let mut bytes = [0xff; 38];
        bytes[..2].copy_from_slice(&[high, low]);
        let peer = PeerId::from_bytes(&bytes).unwrap();
        let wanted = message(&cluster, Recipient::Node(Route { peer, addresses: Vec::new() }), b"");
        send(&mut cluster, wanted).unwrap();
        cluster.jump(Duration::from_secs(1));
    }
}
