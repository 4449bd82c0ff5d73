//! `docs/wire-format.md` says what the code does.
//!
//! The tables of the wire format are read as a schema. The golden files are decoded with it: what comes out must be what
//! the code reads. Bodies are made with it: what the tables allow must decode, and one more must not. The offsets in the
//! tables must add up.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use motet_tests::wire_fixtures::{NOW, Signer, arrival, validator};
use motet_tests::wire_forge::Forged;
use motet_wire::{Evidence, Kind, Rule, limits};
use serde_json::{Map, Value, json};

use crate::wire_golden::OF_MEMBERS;

fn page(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A type of the tables.
#[derive(Debug, Clone)]
enum Shape {
    Integer(usize),
    Code(u8),
    Array(usize),
    Bytes(usize),
    Text(usize),
    List(usize, Box<Self>),
    Maybe(Box<Self>),
    Named(String),
}

impl Shape {
    fn read(text: &str) -> Self {
        let number = |text: &str| text.parse::<usize>().unwrap_or_else(|_| panic!("{text} is no number"));
        if let Some(inner) = text.strip_prefix("option ") {
            return Self::Maybe(Box::new(Self::read(inner)));
        }
        if let Some(rest) = text.strip_prefix("list<=") {
            let (bound, inner) = rest.split_once(" of ").unwrap();
            return Self::List(number(bound), Box::new(Self::read(inner)));
        }
        if let Some(bound) = text.strip_prefix("bytes<=") {
            return Self::Bytes(number(bound));
        }
        if let Some(bound) = text.strip_prefix("text<=") {
            return Self::Text(number(bound));
        }
        if let Some(bound) = text.strip_prefix("code<=") {
            return Self::Code(u8::try_from(number(bound)).unwrap());
        }
        if let Some(length) = text.strip_prefix('[') {
            return Self::Array(number(length.strip_suffix(']').unwrap()));
        }
        match text {
            "u8" => Self::Integer(1),
            "u16" => Self::Integer(2),
            "u32" => Self::Integer(4),
            "u64" => Self::Integer(8),
            "u128" => Self::Integer(16),
            name => Self::Named(name.to_owned()),
        }
    }

    /// Bytes, where they are always as many.
    fn width(&self, schema: &Schema) -> Option<usize> {
        match self {
            Self::Integer(width) | Self::Array(width) => Some(*width),
            Self::Code(_) => Some(1),
            Self::Bytes(_) | Self::Text(_) | Self::List(..) | Self::Maybe(_) => None,
            Self::Named(name) => schema.fields(name).iter().map(|(_, _, shape)| shape.width(schema)).sum(),
        }
    }
}

/// All structures of the page, by name: offset, field and type of each.
pub(crate) struct Schema(BTreeMap<String, Vec<(String, String, Shape)>>);

impl Schema {
    pub(crate) fn read() -> Self {
        let mut structures: BTreeMap<String, Vec<_>> = BTreeMap::new();
        let mut heading = String::new();
        let mut inside = false;
        for line in page("wire-format.md").lines() {
            if let Some(name) = line.strip_prefix("## ") {
                heading = name.to_owned();
            }
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            match cells.as_slice() {
                ["offset", "field", "type", "meaning"] => inside = true,
                [offset, field, shape, _] if inside && !offset.starts_with('-') => {
                    let shape = Shape::read(shape.trim_matches('`'));
                    let row = ((*offset).to_owned(), (*field).to_owned(), shape);
                    structures.entry(heading.clone()).or_default().push(row);
                }
                _ => inside = inside && line.starts_with('|'),
            }
        }
        Self(structures)
    }

    fn fields(&self, name: &str) -> &[(String, String, Shape)] {
        self.0.get(name).unwrap_or_else(|| panic!("no table for {name}"))
    }

    /// Decodes one whole structure.
    pub(crate) fn decode(&self, name: &str, bytes: &[u8]) -> Value {
        let mut rest = bytes;
        let value = self.structure(name, &mut rest);
        assert!(rest.is_empty(), "{} bytes are left behind {name}", rest.len());
        value
    }

    fn structure(&self, name: &str, rest: &mut &[u8]) -> Value {
        let fields = self.fields(name).iter();
        Value::Object(fields.map(|(_, field, shape)| (field.clone(), self.value(shape, rest))).collect::<Map<_, _>>())
    }

    fn value(&self, shape: &Shape, rest: &mut &[u8]) -> Value {
        match shape {
            Shape::Integer(16) => json!(hex(take(rest, 16))),
            Shape::Integer(width) => json!(integer(take(rest, *width))),
            Shape::Code(bound) => {
                let code = integer(take(rest, 1));
                assert!(code <= u64::from(*bound));
                json!(code)
            }
            Shape::Array(length) => json!(hex(take(rest, *length))),
            Shape::Bytes(bound) => json!(hex(counted(rest, *bound))),
            Shape::Text(bound) => json!(std::str::from_utf8(counted(rest, *bound)).unwrap()),
            Shape::List(bound, element) => {
                let count = usize::try_from(integer(take(rest, 4))).unwrap();
                assert!(count <= *bound);
                (0..count).map(|_| self.value(element, rest)).collect()
            }
            Shape::Maybe(inner) => match take(rest, 1) {
                [0] => Value::Null,
                // What is there and empty must not look like what is not there.
                _ => json!([self.value(inner, rest)]),
            },
            Shape::Named(name) => self.structure(name, rest),
        }
    }
}

impl Schema {
    /// How many places of a shape have a bound: lengths, codes and the marks of options.
    fn places(&self, shape: &Shape) -> usize {
        match shape {
            Shape::Integer(_) | Shape::Array(_) => 0,
            Shape::Code(_) | Shape::Bytes(_) | Shape::Text(_) => 1,
            Shape::List(_, inner) | Shape::Maybe(inner) => 1 + self.places(inner),
            Shape::Named(name) => self.fields(name).iter().map(|(_, _, shape)| self.places(shape)).sum(),
        }
    }

    /// Writes a shape as short as it can be, but for one of its bounded places, which holds as much as it may and `over`
    /// more. Without a place, all are short.
    fn write(&self, shape: &Shape, place: Option<usize>, over: usize, bytes: &mut Vec<u8>) {
        let here = place == Some(0);
        let within = |inner: &Shape| place.and_then(|place| place.checked_sub(1)).filter(|at| *at < self.places(inner));
        let full = |bound: usize| if here { bound + over } else { 0 };
        match shape {
            Shape::Integer(width) | Shape::Array(width) => bytes.extend(vec![0; *width]),
            Shape::Code(bound) => bytes.push(u8::try_from(full(usize::from(*bound))).unwrap()),
            Shape::Bytes(bound) | Shape::Text(bound) => {
                bytes.extend(u32::try_from(full(*bound)).unwrap().to_le_bytes());
                bytes.extend(vec![b'a'; full(*bound)]);
            }
            Shape::List(bound, inner) => {
                let inside = within(inner);
                let count = if inside.is_some() { 1 } else { full(*bound) };
                bytes.extend(u32::try_from(count).unwrap().to_le_bytes());
                (0..count).for_each(|_| self.write(inner, inside, over, bytes));
            }
            Shape::Maybe(inner) => {
                let inside = within(inner);
                bytes.push(u8::try_from(if inside.is_some() { 1 } else { full(1) }).unwrap());
                if here || inside.is_some() {
                    self.write(inner, inside, over, bytes);
                }
            }
            Shape::Named(name) => {
                let mut place = place;
                for (_, _, shape) in self.fields(name) {
                    let places = self.places(shape);
                    self.write(shape, place.filter(|at| *at < places), over, bytes);
                    place = place.and_then(|at| at.checked_sub(places));
                }
            }
        }
    }

    /// For each bounded place of a structure: its bytes with the place full, and with one more in it.
    fn at_each_bound(&self, name: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let shape = Shape::Named(name.to_owned());
        let example = |place, over| {
            let mut bytes = Vec::new();
            self.write(&shape, Some(place), over, &mut bytes);
            bytes
        };
        (0..self.places(&shape)).map(|place| (example(place, 0), example(place, 1))).collect()
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}

fn counted<'a>(rest: &mut &'a [u8], bound: usize) -> &'a [u8] {
    let length = usize::try_from(integer(take(rest, 4))).unwrap();
    assert!(length <= bound);
    take(rest, length)
}

fn integer(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_offsets_of_the_tables_add_up() {
    let schema = Schema::read();
    assert!(schema.0.len() >= 25, "{} tables", schema.0.len());
    for (name, fields) in &schema.0 {
        let mut expected = Some(0);
        for (offset, field, shape) in fields {
            let stated = offset.parse::<usize>().ok();
            assert_eq!(stated, expected, "{name}.{field}");
            expected = expected.and_then(|offset| Some(offset + shape.width(&schema)?));
        }
    }
}

#[test]
fn the_table_of_kinds_is_that_of_the_code() {
    let page = page("wire-format.md");
    for kind in Kind::ALL {
        let row = format!("| {} | {} | {} | ", kind.code(), kind.name(), kind.frame_limit());
        let line = page.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("no row {row}"));
        assert_eq!(line.contains("gossip"), kind.is_gossiped(), "{kind}");
        let sent = kind != Kind::ResourceAnnouncement;
        assert_eq!(line.contains("direct"), sent, "{kind}");
    }
    assert!(page.contains(&format!("`bytes<={}`", limits::FRAME_MAX - limits::FRAME_OVERHEAD)));
    assert!(page.contains(&format!("`option bytes<={}`", limits::EVIDENCE)));
    assert!(page.contains(&format!("A frame is {} bytes longer", limits::FRAME_OVERHEAD)));
}

#[test]
fn the_bounds_of_the_tables_are_those_of_the_code() {
    let schema = Schema::read();
    let signer = Signer::new(1);
    let mut places = 0;
    let bodies =
        Kind::ALL.into_iter().map(|kind| (1, kind, kind.name())).chain([(2, Kind::SigningRequest, OF_MEMBERS)]);
    for (version, kind, name) in bodies {
        let refused = |body: &[u8]| {
            let frame = Forged::around(kind.code(), &signer.message_key, 1, NOW.wall.0, body).set(0, &[version]);
            validator().validate(arrival(frame.frame()), NOW).expect_err("nobody signed it").rule
        };
        for (place, (full, over)) in schema.at_each_bound(name).into_iter().enumerate() {
            let rule = refused(&full);
            assert!(!matches!(rule, Rule::Body | Rule::Canonical), "{kind}, place {place}: {rule} at its bound");
            assert_eq!(refused(&over), Rule::Body, "{kind}, place {place} over its bound");
            places += 1;
        }
    }
    for (charge, name) in (1..).zip(["Equivocation", "BadOpening", "BadPartialSignature", "Malformed", "AgainstTerms"])
    {
        let decodes = |parts: &[u8]| Evidence::from_bytes(&[&[charge], parts].concat()).is_ok();
        for (place, (full, over)) in schema.at_each_bound(name).into_iter().enumerate() {
            assert!(decodes(&full), "{name}, place {place} at its bound");
            assert!(!decodes(&over), "{name}, place {place} over its bound");
            places += 1;
        }
    }
    assert!(places >= 56, "{places} places");
}
