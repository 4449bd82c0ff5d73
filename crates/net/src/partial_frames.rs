//! The frames of which a part has come: the bytes that they take are bounded in all.
//!
//! A frame is read within milliseconds, or its sender wants it to stay. Where there is no room, the frame is given up that was begun first, in the
//! network group whose frames take most.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use motet_wire::NetworkGroup;
use tokio::sync::oneshot;

use crate::limits;

/// The frames that are being read. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct PartialFrames(Arc<Mutex<Frames>>);

#[derive(Debug, Default)]
struct Frames {
    last: u64,
    bytes: usize,
    /// By number: the oldest is the first.
    frames: BTreeMap<u64, Partial>,
}

#[derive(Debug)]
struct Partial {
    group: NetworkGroup,
    bytes: usize,
    /// Dropped when the frame is given up.
    _given_up: oneshot::Sender<()>,
}

/// The room of one frame, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    number: u64,
    all: PartialFrames,
}

impl Frames {
    fn make_room(&mut self) {
        while self.bytes > limits::PARTIAL_BYTES {
            let mut sizes = BTreeMap::<NetworkGroup, usize>::new();
            for frame in self.frames.values() {
                *sizes.entry(frame.group).or_default() += frame.bytes;
            }
            let Some(most) = sizes.into_iter().max_by_key(|(_, size)| *size).map(|(group, _)| group) else { return };
            let Some(oldest) = self.frames.iter().find(|(_, frame)| frame.group == most).map(|(number, _)| *number)
            else {
                return;
            };
            self.remove(oldest);
        }
    }

    fn remove(&mut self, number: u64) {
        if let Some(gone) = self.frames.remove(&number) {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
        }
    }
}

impl PartialFrames {
    /// Begins a frame of a peer of this network group. The receiver ends when the frame is given up.
    pub(crate) fn begin(&self, group: NetworkGroup) -> (Room, oneshot::Receiver<()>) {
        let mut frames = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frames.last = frames.last.wrapping_add(1);
        let number = frames.last;
        let (given_up, is_given_up) = oneshot::channel();
        frames.frames.insert(number, Partial { group, bytes: 0, _given_up: given_up });
        (Room { number, all: self.clone() }, is_given_up)
    }
}

impl Room {
    /// Makes room for so many bytes more.
    pub(crate) fn grow(&self, bytes: usize) {
        let mut frames = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = frames.frames.get_mut(&self.number) {
            frame.bytes = frame.bytes.saturating_add(bytes);
            frames.bytes = frames.bytes.saturating_add(bytes);
        }
        frames.make_room();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: usize = limits::READ_STEP;

    fn is_over(given_up: &mut oneshot::Receiver<()>) -> bool {
        matches!(given_up.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }

    #[test]
    fn half_frames_of_many_identities_take_so_much_in_all_and_the_largest_group_gives_way() {
        let frames = PartialFrames::default();
        let mut honest = frames.begin(NetworkGroup::V4([1; 3]));
        honest.0.grow(STEP);
        let mut flood = Vec::new();
        for _ in 0..10_000 {
            let mut frame = frames.begin(NetworkGroup::V4([2; 3]));
            (0..16).for_each(|_| frame.0.grow(STEP));
            assert!(frames.0.lock().unwrap().bytes <= limits::PARTIAL_BYTES);
            assert!(!is_over(&mut frame.1), "what comes last is read");
            flood.push(frame);
        }
        assert!(!is_over(&mut honest.1));
        let read = flood.iter_mut().filter_map(|(_, over)| (!is_over(over)).then_some(())).count();
        assert_eq!(read, (limits::PARTIAL_BYTES - STEP) / (16 * STEP));
        assert_eq!(frames.0.lock().unwrap().frames.len(), read + 1);
        drop((honest, flood));
        let left = frames.0.lock().unwrap();
        assert_eq!((left.bytes, left.frames.len()), (0, 0));
    }
}
