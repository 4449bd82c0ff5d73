//! Slots that each take one signed statement of one signer.

use std::sync::Arc;

use motet_wire::{Channel, SignerIndex, Validated};

/// A statement that somebody signed.
#[derive(Debug, Clone)]
pub(crate) struct SignedStatement<T> {
    pub(crate) body: T,
    pub(crate) frame: Arc<[u8]>,
    /// Channel on which it came.
    pub(crate) channel: Channel,
}

impl<T> SignedStatement<T> {
    /// Something that a message says.
    pub(crate) fn part_of<M>(message: &Validated<M>, body: T) -> Self {
        Self { body, frame: Arc::clone(message.frame()), channel: message.channel() }
    }
}

impl<T: Clone> SignedStatement<T> {
    /// All that a message says.
    pub(crate) fn of(message: &Validated<T>) -> Self {
        Self::part_of(message, message.message().clone())
    }
}

/// Result of putting a statement into its slot.
#[derive(Debug)]
pub(crate) enum Placed {
    /// It is the first.
    New,
    /// It says what is known already.
    Duplicate,
    /// It contradicts what the same author said before: this frame.
    Conflict(Arc<[u8]>),
}

/// One slot for each signer.
#[derive(Debug, Clone)]
pub(crate) struct Slots<T>(Vec<Option<SignedStatement<T>>>);

impl<T: PartialEq> Slots<T> {
    pub(crate) fn empty(signers: usize) -> Self {
        Self((0..signers).map(|_| None).collect())
    }

    pub(crate) fn place(&mut self, index: SignerIndex, held: SignedStatement<T>) -> Option<Placed> {
        let slot = self.0.get_mut(index.as_usize())?;
        Some(match slot {
            None => {
                *slot = Some(held);
                Placed::New
            }
            Some(known) if known.body == held.body => Placed::Duplicate,
            Some(known) => Placed::Conflict(Arc::clone(&known.frame)),
        })
    }

    /// Takes a newer statement than the one that is there.
    pub(crate) fn replace(&mut self, index: SignerIndex, held: SignedStatement<T>) {
        if let Some(slot) = self.0.get_mut(index.as_usize()) {
            *slot = Some(held);
        }
    }

    pub(crate) fn at(&self, index: SignerIndex) -> Option<&SignedStatement<T>> {
        self.0.get(index.as_usize())?.as_ref()
    }

    pub(crate) fn missing(&self) -> Vec<SignerIndex> {
        self.indexed().filter(|(_, slot)| slot.is_none()).map(|(index, _)| index).collect()
    }

    /// Those whose statement is missing or does not pass.
    pub(crate) fn lacking(&self, passes: impl Fn(&T) -> bool) -> Vec<SignerIndex> {
        let lacks = |slot: &Option<SignedStatement<T>>| !slot.as_ref().is_some_and(|held| passes(&held.body));
        self.indexed().filter(|(_, slot)| lacks(slot)).map(|(index, _)| index).collect()
    }

    /// True if a statement in a slot had been lost and was asked for.
    pub(crate) fn has_healed(&self) -> bool {
        self.held().any(|(_, held)| held.channel == Channel::Sync)
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = (SignerIndex, &SignedStatement<T>)> {
        self.indexed().filter_map(|(index, slot)| Some((index, slot.as_ref()?)))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    fn indexed(&self) -> impl Iterator<Item = (SignerIndex, &Option<SignedStatement<T>>)> {
        (0u16..).map(SignerIndex).zip(&self.0)
    }
}
