//! Two PSBTs that are combined.

use motet_psbt::{Key, MapId, RawPsbt};

use super::{HONEST, messages};

/// Two PSBTs of anybody: combined in either order they are the same file, which has all that is in each of them, and to which neither of
/// them adds anything. An even first byte is followed by the length of the first file in two bytes, and both files; an odd one by entries
/// that are added to copies of an honest file, four bytes each.
pub fn combine(data: &[u8]) {
    let Some((form, data)) = data.split_first() else { return };
    let Some([first, second]) = (if form.is_multiple_of(2) { two_files(data) } else { two_copies(data) }) else {
        return;
    };
    let combined = match (both(&first, &second), both(&second, &first)) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one, other, "the order of the files matters");
            one
        }
        (one, other) => {
            assert!(one.is_err() && other.is_err(), "the order of the files decides whether they are combined");
            return;
        }
    };
    assert_eq!(RawPsbt::parse(&combined.to_bytes()).as_ref(), Ok(&combined), "a combined PSBT cannot be read");
    assert_eq!(combined.unsigned_tx(), first.unsigned_tx(), "a combined PSBT has another transaction");
    for file in [&first, &second] {
        assert_eq!(both(&combined, file).as_ref(), Ok(&combined), "combined again, something is added");
        // Fields of the other version are written in another way, and the flags of all files are one value.
        for (id, map) in file.maps().filter(|_| file.version() == combined.version()) {
            let found = combined.map(id);
            for (key, value) in map.entries().filter(|(key, _)| id != MapId::Global || key.kind() != 0x06) {
                let kept = found.and_then(|map| map.entries().find(|(other, _)| *other == key));
                assert_eq!(kept.map(|(_, value)| value), Some(value), "{id} has lost an entry");
            }
        }
    }
}

fn both(one: &RawPsbt, other: &RawPsbt) -> Result<RawPsbt, motet_psbt::CombineError> {
    RawPsbt::combine(&[one.clone(), other.clone()])
}

fn two_files(data: &[u8]) -> Option<[RawPsbt; 2]> {
    let (length, files) = data.split_first_chunk::<2>()?;
    let (first, second) = files.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some([RawPsbt::parse(first).ok()?, RawPsbt::parse(second).ok()?])
}

fn two_copies(data: &[u8]) -> Option<[RawPsbt; 2]> {
    let (_, honest) = HONEST.first()?;
    let honest = RawPsbt::parse(&honest.metadata.transaction).ok()?;
    let mut files = [honest.clone(), honest];
    for entry in data.chunks_exact(4).take(64) {
        let [place, kind, key, value] = *entry else { continue };
        let index = usize::from(place >> 3) % 3;
        let map = match place >> 1 & 3 {
            0 => MapId::Global,
            1 => MapId::Input(index),
            _ => MapId::Output(index),
        };
        let [one, other] = &mut files;
        let file = if place.is_multiple_of(2) { one } else { other };
        // What is no field, or is there already, is not added.
        let key = Key::new(u64::from(kind), if key == 0 { &[] } else { core::slice::from_ref(&key) });
        let _ = file.add(map, key, vec![value; usize::from(value % 5)]);
    }
    Some(files)
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let file = |psbt: &RawPsbt| psbt.to_bytes();
    let two = |one: &[u8], other: &[u8]| {
        let length = u16::try_from(one.len()).expect("a short file").to_be_bytes();
        [&[0][..], &length, one, other].concat()
    };
    let rounds: Vec<Vec<u8>> = messages::rounds().iter().map(file).collect();
    let pairs = rounds.windows(2).filter_map(|pair| match pair {
        [one, other] => Some(two(one, other)),
        _ => None,
    });
    let edits = [vec![1], vec![1, 0, 0xf0, 1, 3, 1, 0xf0, 1, 3], vec![1, 0, 0xf0, 1, 3, 1, 0xf0, 1, 4, 3, 0x03, 0, 4]];
    pairs.chain(edits).collect()
}
