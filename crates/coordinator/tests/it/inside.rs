//! Own messages: the step that seals them handles them, so that its answer holds, and the store may still refuse all of it.

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{
    Command, CommandError, CommandId, Config, Effect, Engine, Input, Job, JobOutcome, Outbox, Record, Refusal, Reply,
    SignerTask, SigningRequestSpec, Snapshot, StoreError,
};
use motet_core_crypto::{PublicKey, SecretKey};
use motet_node::LocalSigner;
use motet_testkit::{Sent, Way};
use motet_wire::{
    Arrival, Channel, Commitments, Kind, MonotonicMs, NetworkId, Now, PeerId, RequestMetadata, TimestampMs, peek,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::kit::{announce, cluster_of};
use crate::session::{items, options};

const NOW: Now = Now { wall: TimestampMs(1_800_000_000_000), mono: MonotonicMs(1_000_000) };

/// One node whose steps, commits and answers happen one by one.
struct Alone {
    engine: Engine,
    outbox: Outbox,
    rng: motet_coordinator::Infallible<ChaCha20Rng>,
    signer: LocalSigner<motet_coordinator::Infallible<ChaCha20Rng>>,
    commands: u64,
    /// The tasks of the signer and of the pool that wait.
    tasks: Vec<SignerTask>,
    jobs: Vec<Job>,
}

fn rng(seed: u8) -> motet_coordinator::Infallible<ChaCha20Rng> {
    motet_coordinator::Infallible(ChaCha20Rng::from_seed([seed; 32]))
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed; 32]).unwrap()
}

impl Alone {
    fn new(config: Config) -> Self {
        let peer = PeerId::from_bytes(&[7; 38]).unwrap();
        let mut alone = Self {
            engine: Engine::new(config, NetworkId::test(), peer, Snapshot::default()),
            outbox: Outbox::new(),
            rng: rng(1),
            signer: LocalSigner::new(key(1), rng(2)),
            commands: 0,
            tasks: Vec::new(),
            jobs: Vec::new(),
        };
        alone.command(Command::AddSigner { signer: alone.key() });
        alone.answer_signer();
        assert!(matches!(alone.commit(Ok(())).as_slice(), [Effect::Reply(_, Ok(_))]));
        alone
    }

    fn key(&self) -> PublicKey {
        key(1).public_key()
    }

    fn input(&mut self, input: Input) {
        let mut transition = self.engine.handle(NOW, input, &mut self.rng);
        for effect in transition.take_internal() {
            match effect {
                Effect::AskSigner(task) => self.tasks.push(task),
                Effect::Compute(job) => self.jobs.push(job),
                _ => {}
            }
        }
        self.outbox.push(transition, NOW.mono);
    }

    fn command(&mut self, command: Command) {
        self.commands += 1;
        self.input(Input::Command(CommandId(self.commands), command));
    }

    /// The answer to a question, which depends on no record.
    fn ask(&mut self, command: Command) -> Result<Reply, CommandError> {
        self.commands += 1;
        let input = Input::Command(CommandId(self.commands), command);
        let effects = self.engine.handle(NOW, input, &mut self.rng).effects;
        let reply = effects
            .into_iter()
            .find_map(|effect| if let Effect::Reply(_, reply) = effect { Some(reply) } else { None });
        reply.unwrap()
    }

    fn answer_signer(&mut self) {
        for task in core::mem::take(&mut self.tasks) {
            if let Some(answer) = task.perform(&self.signer) {
                self.input(Input::SignerAnswered(answer));
            }
        }
    }

    fn answer_jobs(&mut self) {
        for job in core::mem::take(&mut self.jobs) {
            let outcome: JobOutcome = job.run(&mut rng(3));
            self.input(Input::Computed(outcome));
        }
    }

    /// Effects that leave by now.
    fn leaves(&mut self) -> Vec<Effect> {
        core::iter::from_fn(|| self.outbox.pop(NOW.mono)).collect()
    }

    /// Ends the next commit; what leaves then.
    fn commit(&mut self, result: Result<(), StoreError>) -> Vec<Effect> {
        self.outbox.next_commit().unwrap();
        if let Some(Refusal { input, .. }) = self.outbox.on_committed(result, NOW.mono) {
            self.input(input);
        }
        self.leaves()
    }

    fn request(&self, others: &[PublicKey]) -> Command {
        Command::Announce(SigningRequestSpec {
            creator: self.key(),
            keys: core::iter::once(self.key()).chain(others.iter().copied()).collect(),
            items: items(1),
            options: options(Commitments::On),
            metadata: RequestMetadata::default(),
            lifetime: Duration::from_secs(60),
        })
    }
}

fn config() -> Config {
    Config::default().difficulty(motet_wire::Difficulty(0))
}

fn full() -> StoreError {
    StoreError::Failed("full".to_owned())
}

#[test]
fn the_id_of_an_announced_request_is_known_to_status_and_abort_at_once() {
    let mut cluster = cluster_of(2, 3, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    // Nothing has been delivered since.
    let status = cluster.status(0, request).unwrap();
    assert_eq!((status.phase, status.awaiting.len()), (Phase::Joining, 1));
    cluster.command(0, Command::Abort { request, detail: "a slip".to_owned() }).unwrap();
    let ended = |event: &&Event| matches!(event, Event::SessionAborted(end) if end.request == request && end.cause == AbortCause::Cancelled);
    assert_eq!(cluster.node(0).events().iter().filter(ended).count(), 1);
}

#[test]
fn a_request_that_the_store_refuses_is_known_to_nobody() {
    for answers_meanwhile in [false, true] {
        let mut node = Alone::new(config());
        node.command(node.request(&[key(2).public_key()]));
        node.answer_jobs();
        assert_eq!(node.engine.active_sessions(), 1);
        // The store is at work when the engine hears more, and makes more of it.
        node.outbox.next_commit().unwrap();
        if answers_meanwhile {
            node.answer_signer();
        }
        let refusal = node.outbox.on_committed(Err(full()), NOW.mono).unwrap();
        if answers_meanwhile {
            // What followed from it is stored, and still not told.
            assert!(matches!(node.commit(Ok(())).as_slice(), [Effect::Reply(_, Err(CommandError::Store(_)))]));
        }
        node.input(refusal.input);
        node.input(Input::Tick);
        let told = node.commit(Ok(()));
        let left = if answers_meanwhile { &told[..] } else { &told[1..] };
        assert!(left.is_empty(), "{told:?}");
        assert_eq!(node.engine.active_sessions(), 0);
        assert!(matches!(node.ask(Command::Sessions), Ok(Reply::Sessions(sessions)) if sessions.is_empty()));
        let forgets = |task: &SignerTask| matches!(task, SignerTask::Forget { .. });
        assert!(node.tasks.iter().any(forgets), "the nonces are destroyed: {:?}", node.tasks);
        // The node is as good as new.
        node.answer_signer();
        node.command(node.request(&[key(3).public_key()]));
        node.answer_jobs();
        let left = node.commit(Ok(()));
        assert!(left.iter().any(|effect| matches!(effect, Effect::Reply(_, Ok(Reply::Announced { .. })))), "{left:?}");
    }
}

#[test]
fn the_end_of_a_session_is_told_though_the_store_refuses_more_and_more() {
    let mut node = Alone::new(config());
    node.command(node.request(&[key(2).public_key()]));
    node.answer_jobs();
    node.commit(Ok(()));
    // The nonces of the first request and the announcement of the second are refused in one commit.
    node.command(node.request(&[key(3).public_key()]));
    node.answer_jobs();
    node.answer_signer();
    let told = node.commit(Err(full()));
    let is_end = |effect: &Effect| matches!(effect, Effect::Emit(Event::SessionAborted(_), _));
    assert_eq!(told.iter().filter(|effect| is_end(effect)).count(), 1, "{told:?}");
    assert_eq!(node.engine.active_sessions(), 0);
    // That the second is over is stored in a step of its own.
    assert!(node.outbox.next_commit().is_none());
    assert_eq!(node.engine.next_deadline(), Some(MonotonicMs(0)));
    node.input(Input::Tick);
    assert!(node.commit(Err(full())).is_empty());
}

#[test]
fn signatures_are_told_once_where_an_end_before_them_is_refused() {
    let mut cluster = cluster_of(2, 3, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    let result = cluster.node(1).completed(request).cloned();
    let told = |event: &Event| matches!(event, Event::SessionComplete(_)).then_some(());
    // It had been given up; the store says so after the signatures have come.
    for (refused, times) in [(Record::GivenUp { request }, 1), (Record::Ended { request, result }, 2)] {
        cluster.input(1, Input::PersistFailed { records: vec![refused], detail: "full".to_owned() });
        assert_eq!(cluster.events(1, told).len(), times);
    }
}

#[test]
fn a_request_and_the_join_of_its_creator_wait_for_one_commit() {
    let mut node = Alone::new(config());
    node.command(node.request(&[key(2).public_key()]));
    node.answer_jobs();
    node.answer_signer();
    assert!(node.leaves().is_empty());
    let left = node.commit(Ok(()));
    let first =
        left.iter().find_map(|effect| if let Effect::Broadcast { frame, .. } = effect { peek(frame) } else { None });
    assert_eq!(first.map(|peek| peek.kind), Some(Kind::SigningRequest));
    let events: Vec<&Event> =
        left.iter().filter_map(|effect| if let Effect::Emit(event, _) = effect { Some(event) } else { None }).collect();
    assert!(
        matches!(
            *events,
            [Event::SigningRequestCreated(_), Event::SigningRequestJoined(_), Event::ParticipantJoined(_)]
        ),
        "{events:?}"
    );
    assert!(node.outbox.next_commit().is_none());
}

#[test]
fn a_request_for_which_there_is_no_room_any_more_has_no_id() {
    let mut node = Alone::new(config().max_sessions(1));
    // Both are asked for while there is room, and their proofs of work come later.
    node.command(node.request(&[key(2).public_key()]));
    node.command(node.request(&[key(3).public_key()]));
    node.answer_jobs();
    let left = node.commit(Ok(()));
    let replies: Vec<_> = left
        .iter()
        .filter_map(|effect| if let Effect::Reply(_, reply) = effect { Some(reply) } else { None })
        .collect();
    assert!(
        matches!(*replies, [Ok(Reply::Announced { .. }), Err(CommandError::TooManySessions { limit: 1 })]),
        "{replies:?}"
    );
    assert_eq!(node.engine.active_sessions(), 1);
}

#[test]
fn a_request_with_a_signer_of_this_node_that_cannot_speak_yet_has_no_id() {
    let mut node = Alone::new(config());
    let mute = key(2).public_key();
    node.command(Command::AddSigner { signer: mute });
    let refused = node.ask(node.request(&[mute]));
    assert!(matches!(refused, Err(CommandError::UnknownSigner(signer)) if signer == mute), "{refused:?}");
}

#[test]
fn a_step_names_what_it_has_sealed_and_sends_nothing_to_itself() {
    let mut cluster = cluster_of(2, 3, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    assert_eq!(cluster.status(0, request).unwrap().phase, Phase::Complete);
    let to_itself = |sent: &&Sent| sent.way == Way::Direct(cluster.node(sent.by).peer());
    assert_eq!(cluster.sent().iter().find(to_itself), None);
    // No copy of an own message gets into its node, whoever hands it on.
    let own: Vec<Sent> = cluster.sent().iter().filter(|sent| sent.by == 0).cloned().collect();
    let from = cluster.node(1).peer();
    for kind in [Kind::SigningRequest, Kind::ParticipantJoined, Kind::NonceShare, Kind::PartialSigShare] {
        let sent = own.iter().find(|sent| sent.kind() == Some(kind)).unwrap();
        let arrival = Arrival::new(Arc::clone(&sent.frame), Channel::Direct, from);
        assert!(cluster.hear(0, arrival).is_err(), "{kind:?}");
    }
}
