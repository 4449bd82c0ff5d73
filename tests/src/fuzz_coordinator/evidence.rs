//! Evidence made of what signers really said, and of what a guilty one among them makes of it: whoever is convicted is
//! the guilty one, and what convicts goes on to convict after a journey as bytes.
//!
//! Three signers, two requests, two attempts; the second signer lies in every way that leaves proof, and signs whatever
//! the fuzzer puts together with its own message key. What the fuzzer changes besides may convict nobody else.

use std::sync::LazyLock;

use motet_core_crypto::NonceCommitment;
use motet_wire::{
    Attempt, AttemptId, Evidence, NetworkId, NonceCommit, NonceShare, ParticipantJoined, SignerIndex, TranscriptHash,
    transcript,
};

use crate::wire_fixtures::{Session, Signer, WALL, equivocation, network, request};
use crate::wire_forge::{BODY, Forged};

/// Who is guilty.
const GUILTY: usize = 1;

/// What was said.
struct Said {
    sessions: [Session; 2],
    /// All frames: of the honest, and of the guilty one.
    frames: Vec<Vec<u8>>,
    terms: [Vec<u8>; 2],
    /// The nonces of each session's items, by item, of all signers; then others.
    nonces: Vec<Vec<[u8; 66]>>,
    /// The hashes of the same.
    hashes: Vec<[u8; 32]>,
    /// Evidence that convicts.
    valid: Vec<Vec<u8>>,
}

static SAID: LazyLock<Said> = LazyLock::new(Said::gather);

impl Said {
    fn gather() -> Self {
        let signers = || (1..=3).map(Signer::new).collect::<Vec<_>>();
        let first = Session::run(3);
        let mut other = request(&signers());
        other.salt = [0x45; 16];
        let second = Session::run_request(signers(), other);
        let sessions = [first, second];
        let mut frames = Vec::new();
        let mut valid = Vec::new();
        for session in &sessions {
            for sealed in session.joins.iter().chain(&session.nonces).chain(&session.partials) {
                frames.push(sealed.frame.to_vec());
            }
            // Everybody's commitment to the next attempt, and what comes of it.
            let id = session.request.id(&network()).expect("within bounds");
            let next = AttemptId::derive(&id, Attempt(1));
            for (index, signer) in (0u32..).zip(&session.signers) {
                let nonces = session.public_nonces[index as usize].clone();
                let commitment = NonceCommitment::new(next.as_bytes(), index, &nonces);
                let commit = NonceCommit { session: next, attempt: Attempt(1), commitment };
                let share = NonceShare {
                    session: next,
                    attempt: Attempt(1),
                    nonces,
                    commitments: TranscriptHash::from_bytes([8; 32]),
                };
                frames.push(signer.seal(6, commit).frame.to_vec());
                frames.push(signer.seal(7, share).frame.to_vec());
                // A process that comes back has another certificate, and commits to what it will not open.
                let again = ParticipantJoined {
                    request: id,
                    index: SignerIndex(index as u16),
                    delegation: signer.delegation_until(motet_wire::TimestampMs(WALL + 20 * 3_600_000)),
                    commitment: Some(NonceCommitment::new(
                        session.id.as_bytes(),
                        index,
                        &session.public_nonces[index as usize],
                    )),
                };
                frames.push(signer.seal(8, again).frame.to_vec());
            }
            lie(session, &mut frames, &mut valid);
        }
        let items = |session: &Session, id: &AttemptId| -> Vec<(Vec<[u8; 66]>, [u8; 32])> {
            let of_item = |item: usize| {
                let nonces: Vec<[u8; 66]> = session.public_nonces.iter().map(|of| of[item].to_bytes()).collect();
                let hash = transcript::item_nonces(id, item, &nonces);
                (nonces, hash)
            };
            (0..session.request.items.len()).map(of_item).collect()
        };
        let (nonces, hashes) = sessions.iter().flat_map(|session| items(session, &session.id)).unzip();
        let terms = sessions.each_ref().map(|session| session.request.terms().expect("within bounds"));
        Self { sessions, frames, terms, nonces, hashes, valid }
    }
}

/// What the guilty signer says in a session, and the proofs of it.
fn lie(session: &Session, frames: &mut Vec<Vec<u8>>, valid: &mut Vec<Vec<u8>>) {
    let guilty = session.signer(GUILTY);
    let join = session.joins[GUILTY].frame.to_vec();
    let mut proofs = vec![equivocation(session)];
    if let Evidence::Equivocation { second, .. } = &proofs[0] {
        frames.push(second.clone());
        proofs.push(Evidence::BadOpening { join: join.clone(), commit: None, nonces: second.clone() });
    }
    // A partial signature that is the session's next item's.
    let nonces_of =
        |item: usize| -> Vec<[u8; 66]> { session.public_nonces.iter().map(|nonces| nonces[item].to_bytes()).collect() };
    let share = Forged::from_bytes(&session.partials[GUILTY].frame);
    let at = 32 + 4 + 4;
    let (first, second) = (share.body()[at..at + 32].to_vec(), share.body()[at + 32..at + 64].to_vec());
    let swapped = share.set_body(at, &second).set_body(at + 32, &first).sign(&network(), &guilty.message_key);
    let swapped = swapped.frame().to_vec();
    frames.push(swapped.clone());
    let others =
        (1..session.request.items.len()).map(|other| transcript::item_nonces(&session.id, other, &nonces_of(other)));
    proofs.push(Evidence::BadPartialSignature {
        join: join.clone(),
        terms: session.request.terms().expect("within bounds"),
        partials: swapped,
        item: 0,
        item_nonces: nonces_of(0),
        other_items: others.collect(),
    });
    let cut = Forged::from_bytes(&session.partials[GUILTY].frame).splice_body(60..70, &[]);
    let cut = cut.sign(&network(), &guilty.message_key).frame().to_vec();
    frames.push(cut.clone());
    proofs.push(Evidence::Malformed { binding: join.clone(), frame: cut });
    // A partial signature of the first item alone.
    let short = Forged::from_bytes(&session.partials[GUILTY].frame);
    let all = session.request.items.len();
    let short = short.splice_body(at + 32..at + 32 * all, &[]).set_body(at - 4, &1u32.to_le_bytes());
    let short = short.sign(&network(), &guilty.message_key).frame().to_vec();
    frames.push(short.clone());
    let terms = session.request.terms().expect("within bounds");
    proofs.push(Evidence::AgainstTerms { join, terms, share: Some(short) });
    for proof in proofs {
        let bytes = proof.to_bytes().expect("within bounds");
        assert!(convicts(&proof), "{proof:?} is to be a proof");
        valid.push(bytes);
    }
}

/// Whether it convicts; only the guilty one ever is, and only on this network.
fn convicts(evidence: &Evidence) -> bool {
    assert!(evidence.verify(&NetworkId::main()).is_err(), "evidence of another network convicts");
    let Ok(conviction) = evidence.verify(&network()) else { return false };
    let guilty = Signer::new(GUILTY as u64 + 1).key.public_key();
    assert_eq!(conviction.signer, guilty, "an innocent was convicted of {:?}", conviction.charge);
    true
}

/// Any bytes as a piece of evidence out of true and false parts.
pub fn session(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let Some(kind) = bytes.next() else { return };
    let said = &*SAID;
    if kind & 128 == 128 {
        return change(said, usize::from(kind & 127), bytes);
    }
    let mut next = || bytes.next().unwrap_or(0);
    let evidence = match kind % 6 {
        0 => Evidence::Equivocation {
            join: frame(said, &mut next),
            first: frame(said, &mut next),
            second: frame(said, &mut next),
        },
        1 => Evidence::BadOpening { join: frame(said, &mut next), commit: None, nonces: frame(said, &mut next) },
        2 => {
            let (join, commit) = (frame(said, &mut next), Some(frame(said, &mut next)));
            Evidence::BadOpening { join, commit, nonces: frame(said, &mut next) }
        }
        3 => {
            let (join, partials) = (frame(said, &mut next), frame(said, &mut next));
            let mut terms = said.terms[usize::from(next()) % 2].clone();
            let (at, bits) = (usize::from(next()) * 3, next());
            if bits != 0 {
                let length = terms.len();
                terms[at % length] ^= bits;
            }
            let item = u16::from(next());
            let column = &said.nonces[usize::from(next()) % said.nonces.len()];
            let mut item_nonces = column.clone();
            for _ in 0..next() % 3 {
                let (whose, at, bits) = (usize::from(next()) % 3, usize::from(next()) % 66, next());
                item_nonces[whose][at] ^= bits;
            }
            let others = next() % 4;
            let other_items = (0..others).map(|_| said.hashes[usize::from(next()) % said.hashes.len()]).collect();
            Evidence::BadPartialSignature { join, terms, partials, item, item_nonces, other_items }
        }
        4 => {
            let (join, terms) = (frame(said, &mut next), said.terms[usize::from(next()) % 2].clone());
            let share = (next() % 4 != 0).then(|| frame(said, &mut next));
            Evidence::AgainstTerms { join, terms, share }
        }
        _ => Evidence::Malformed { binding: frame(said, &mut next), frame: frame(said, &mut next) },
    };
    judge(&evidence);
}

/// Evidence that convicts, with changes of three bytes.
fn change(said: &Said, which: usize, mut bytes: impl Iterator<Item = u8>) {
    let valid = &said.valid[which % said.valid.len()];
    let mut changed = valid.clone();
    while let (Some(high), Some(low), Some(bits)) = (bytes.next(), bytes.next(), bytes.next()) {
        let length = changed.len();
        changed[usize::from(u16::from_be_bytes([high, low])) % length] ^= bits;
    }
    let Ok(evidence) = Evidence::from_bytes(&changed) else {
        return assert_ne!(changed, *valid, "what convicts does not read");
    };
    judge(&evidence);
    if changed == *valid {
        assert!(convicts(&evidence), "what convicts does not convict any more");
    }
}

/// Whoever is convicted is guilty, and whatever bytes the evidence has been through, it says the same.
fn judge(evidence: &Evidence) {
    let verdict = convicts(evidence);
    let Ok(bytes) = evidence.to_bytes() else { return };
    let read = Evidence::from_bytes(&bytes).expect("what was encoded is read");
    assert_eq!(read, *evidence, "evidence reads as something else");
    assert_eq!(convicts(&read), verdict, "evidence says something else after a journey");
}

/// A frame: one that was said, or one that the guilty signer makes of it, or one that nobody has signed.
fn frame(said: &Said, next: &mut impl FnMut() -> u8) -> Vec<u8> {
    let frame = said.frames[usize::from(next()) % said.frames.len()].clone();
    let how = next();
    let edits = usize::from(how >> 2 & 3);
    if how & 3 == 0 {
        return frame;
    }
    let mut forged = Forged::from_bytes(&frame);
    for _ in 0..edits {
        if forged.body().is_empty() {
            break;
        }
        let (what, at, value) = (next(), usize::from(next()), next());
        let length = forged.body().len();
        let at = at % length;
        forged = match what % 4 {
            0 | 1 => {
                let byte = forged.body()[at] ^ value;
                forged.set_body(at, &[byte])
            }
            2 => {
                let donor = &said.frames[usize::from(value) % said.frames.len()];
                let donor = donor.get(BODY..donor.len() - 64).unwrap_or_default();
                let end = (at + [33, 66, 178, 36][usize::from(what / 4) % 4]).min(length).min(donor.len());
                if at < end { forged.set_body(at, &donor[at..end]) } else { forged }
            }
            _ => forged.splice_body(at..length, &[]),
        };
    }
    if how & 3 == 1 {
        return forged.frame().to_vec();
    }
    forged.sign(&network(), &said.sessions[0].signer(GUILTY).message_key).frame().to_vec()
}

/// Proofs, and what is close to them.
pub fn seeds() -> Vec<Vec<u8>> {
    let valid = SAID.valid.len() as u8;
    let mut seeds: Vec<Vec<u8>> = (0..valid).map(|which| vec![128 + which]).collect();
    seeds.extend((0..valid).map(|which| vec![128 + which, 0, 100 + which, 1]));
    for index in 0..3u8 {
        seeds.push(vec![0, index, 0, 3 + index, 0, 10 + index * 3, 0]);
        seeds.push(vec![0, index, 0, index, 0, 11 + index * 3, 0]);
        seeds.push(vec![0, index, 0, 3 + index, 0, 3 + index, 6, 0, 50, 1]);
        seeds.push(vec![1, index, 0, 3 + index, 0]);
        seeds.push(vec![2, index, 0, 9 + index * 3, 0, 10 + index * 3, 0]);
        seeds.push(vec![3, index, 0, 6 + index, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2]);
        seeds.push(vec![4, index, 0, 6 + index, 6, 3, 40, 0]);
        seeds.push(vec![4, index, 6, 2, 100, 1, 6 + index, 6, 3, 40, 0]);
    }
    seeds
}
