//! Frames that ask for as much memory as they can: the largest of each kind, and those that promise more than they hold.

use motet_core_crypto::PartialSignature;
use motet_tests::wire_fixtures::{
    FLOOR, Session, Signer, WALL, advertisement, application_message, network, one_of_each, pay_advertisement,
    pay_request, pay_resource, request, resource,
};
use motet_tests::wire_forge::Forged;
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Address, ApplicationMessage, Attempt, Criteria, Derivation, Evidence, Item,
    Kind, Message, NonceShare, PartialSigShare, ParticipantDeclined, ResourceAnnouncement, Sealed, SessionAbort,
    SessionReady, SignatureFinalized, SignerAdvertisement, SignerIndex, SignerMetadata, SignerUnavailable,
    SigningRequest, SyncResponse, TranscriptHash, limits,
};

/// A signer whose message key signs what is forged here.
pub(crate) fn author() -> Signer {
    Signer::new(1)
}

/// The largest message of each kind that can be sealed, or nearly; the kinds of fixed length as they are.
pub(crate) fn largest() -> Vec<Sealed> {
    let session = Session::run(2);
    let anna = session.signer(0);
    let long = "x".repeat(limits::REASON);
    let id = session.request.id(&network()).unwrap();
    let share = &session.nonces[1];
    let nonces = session.public_nonces.concat().into_iter().cycle().take(limits::ITEMS_MAX).collect();
    let partial = PartialSignature::from_bytes(&[1; 32]).unwrap();
    let join = |index: usize| session.joins[index % 2].frame.to_vec();
    let mut messages: Vec<Message> = vec![
        pay_advertisement(crowded(anna), FLOOR).into(),
        SignerUnavailable { delegation: anna.delegation(), advertisement: share.id.into(), reason: long.clone() }
            .into(),
        ParticipantDeclined {
            request: id,
            index: SignerIndex(99),
            delegation: anna.delegation(),
            reason: long.clone(),
        }
        .into(),
        SessionReady {
            request: id,
            session: session.id,
            coordinator: SignerIndex(99),
            joins: (0..limits::SIGNERS_MAX).map(join).collect(),
        }
        .into(),
        NonceShare {
            session: session.id,
            attempt: Attempt::FIRST,
            nonces,
            commitments: TranscriptHash::from_bytes([1; 32]),
        }
        .into(),
        PartialSigShare {
            session: session.id,
            attempt: Attempt::FIRST,
            partials: vec![partial; limits::ITEMS_MAX],
            nonces: TranscriptHash::from_bytes([2; 32]),
        }
        .into(),
        SignatureFinalized { session: session.id, signatures: vec![session.signatures[0]; limits::ITEMS_MAX] }.into(),
        pay_resource(ResourceAnnouncement {
            data: vec![3; limits::RESOURCE_DATA],
            ..resource(anna, &"t".repeat(limits::RESOURCE_TYPE), &"i".repeat(limits::RESOURCE_ID))
        })
        .into(),
        ApplicationMessage {
            data: vec![3; limits::APPLICATION_DATA],
            ..application_message(anna, &"a".repeat(limits::APPLICATION))
        }
        .into(),
    ];
    messages.extend(requests(anna).into_iter().map(Message::from));
    messages.extend(evidence(&session).into_iter().map(|evidence| {
        SessionAbort {
            subject: AbortSubject::Session(session.id),
            reason: AbortReason { code: AbortCode::Fault, detail: long.clone() },
            evidence: Some(evidence),
        }
        .into()
    }));
    // As many frames as fit, and as much in them as fits.
    for length in [limits::FRAME_OVERHEAD + 1, 600, limits::FRAME_SESSION_ABORT] {
        let room = limits::FRAME_SYNC_RESPONSE - limits::FRAME_OVERHEAD - 36;
        let count = (room / (length + 4)).min(limits::SYNC_FRAMES_MAX);
        messages.push(SyncResponse { request: id, frames: vec![vec![0; length]; count] }.into());
    }
    let mut sealed: Vec<Sealed> = messages.into_iter().map(|message| anna.seal(1, message)).collect();
    sealed.extend(one_of_each().into_iter().map(|(_, sealed)| sealed));
    sealed
}

/// An advertisement with everything in it.
fn crowded(signer: &Signer) -> SignerAdvertisement {
    SignerAdvertisement {
        addresses: vec![Address::from_bytes(&[4; limits::ADDRESS]).unwrap(); limits::ADDRESSES_MAX],
        criteria: Criteria {
            transaction_types: vec!["t".repeat(limits::TRANSACTION_TYPE); limits::TRANSACTION_TYPES_MAX],
            min_amount: 0,
            max_amount: u64::MAX,
        },
        metadata: SignerMetadata {
            nickname: "n".repeat(limits::NICKNAME),
            description: "d".repeat(limits::SIGNER_DESCRIPTION),
            fee: u64::MAX,
        },
        ..advertisement(signer)
    }
}

/// Requests of nearly 50 KB: one with most keys and most items, one with few long parts.
fn requests(creator: &Signer) -> Vec<SigningRequest> {
    let signers: Vec<Signer> = (1..=100).map(Signer::new).collect();
    let many = request(&signers);
    let step = Derivation::Bip328Taproot { path: vec![1; limits::PATH_MAX], merkle_root: Some([1; 32]) };
    let with = |items: Vec<Item>, transaction: usize, request: SigningRequest| {
        let mut metadata = request.metadata.clone();
        metadata.transaction = vec![2; transaction];
        pay_request(SigningRequest { items, metadata, ..request }, FLOOR)
    };
    let few = request(&[Signer::new(1), Signer::new(2)]);
    assert_eq!(few.creator.signer, creator.key.public_key());
    let short = Item { message: vec![1; 32], derivation: step.clone() };
    let long = Item { message: vec![1; limits::ITEM_MESSAGE], derivation: step };
    vec![
        with(vec![short; limits::ITEMS_MAX], limits::TRANSACTION, many),
        with(vec![long], limits::TRANSACTION, few.clone()),
        with(vec![Item { message: vec![1], derivation: Derivation::None }; limits::ITEMS_MAX], 0, few),
    ]
}

/// The largest evidence of each charge.
fn evidence(session: &Session) -> Vec<Evidence> {
    let join = session.joins[1].frame.to_vec();
    vec![
        Evidence::Equivocation {
            join: join.clone(),
            first: vec![1; limits::FRAME_NONCE_SHARE],
            second: vec![2; limits::FRAME_NONCE_SHARE],
        },
        Evidence::BadOpening {
            join: join.clone(),
            commit: Some(vec![1; limits::FRAME_SMALL]),
            nonces: vec![2; limits::FRAME_NONCE_SHARE],
        },
        Evidence::BadPartialSignature {
            join: join.clone(),
            terms: vec![1; 48 * 1024],
            partials: vec![2; limits::FRAME_PARTIAL_SIG_SHARE],
            item: 1,
            item_nonces: vec![[3; 66]; limits::SIGNERS_MAX],
            other_items: vec![[4; 32]; limits::ITEMS_MAX - 1],
        },
        Evidence::Malformed {
            binding: vec![1; limits::FRAME_SIGNER_ADVERTISEMENT],
            frame: vec![2; limits::FRAME_SIGNING_REQUEST],
        },
    ]
}

/// Calls back with frames of the largest length of each kind whose bodies are one pattern throughout: every length in them says
/// zero, one, a few, or four thousand millions.
pub(crate) fn each_pattern(mut visit: impl FnMut(Forged)) {
    let author = author();
    let patterns: [&[u8]; 8] =
        [&[0], &[1], &[0xff], &[1, 0, 0, 0], &[4, 0, 0, 0], &[0, 0, 1, 0], &[0xff, 0xff, 0, 0], &[b'x', 0, 0, 0]];
    for kind in Kind::ALL {
        for pattern in patterns {
            let length = kind.frame_limit() - limits::FRAME_OVERHEAD;
            let body: Vec<u8> = pattern.iter().copied().cycle().take(length).collect();
            visit(Forged::around(kind.code(), &author.message_key, 1, WALL, &body));
        }
    }
}

/// Calls back with sound frames of each kind in which one number of four bytes says something else: as long as they
/// were, and filled up to the largest length.
pub(crate) fn each_lie(mut visit: impl FnMut(Forged)) {
    for (_, sealed) in one_of_each() {
        let forged = Forged::from(&sealed);
        let length = forged.body().len();
        let filled = forged.clone().append_body(&vec![0; sealed.kind.frame_limit() - sealed.frame.len()]);
        for at in 0..length.saturating_sub(4) {
            for lie in [64u32, 403, 0x0000_ffff, u32::MAX] {
                visit(forged.clone().set_body(at, &lie.to_le_bytes()));
                visit(filled.clone().set_body(at, &lie.to_le_bytes()));
            }
        }
    }
}
