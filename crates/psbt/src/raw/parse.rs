//! Reading of a PSBT, strictly.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bitcoin::{Transaction, consensus};

use super::error::{LooksLike, ParseError};
use super::{MAGIC, RawPsbt};
use crate::bytes::{ReadError, Reader};
use crate::form::{global, required};
use crate::limits::{MAP_ENTRIES_MAX, PSBT_BYTES_MAX};
use crate::malformed::Malformed;
use crate::map::{Key, MapId, Place, RawMap, check_entry};
use crate::transaction;
use crate::version::Version;

impl RawPsbt {
    /// Reads a PSBT of version 0 or 2, as bytes or as base64 text with white space around it.
    ///
    /// # Errors
    ///
    /// [`ParseError`]: the map, the key, and what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.starts_with(&MAGIC) {
            return parse_binary(bytes);
        }
        let text = bytes.trim_ascii();
        // Four characters of base64 are three bytes.
        if text.len() > PSBT_BYTES_MAX.div_ceil(3) * 4 {
            return Err(ParseError::TooLong { found: text.len() });
        }
        match STANDARD.decode(text) {
            Ok(decoded) if decoded.starts_with(&MAGIC) => parse_binary(&decoded),
            Ok(decoded) => Err(ParseError::NotPsbt(looks_like(text, &decoded))),
            Err(_) if text.starts_with(b"cHNidP") => Err(ParseError::Base64),
            Err(_) => Err(ParseError::NotPsbt(looks_like(text, &[]))),
        }
    }
}

fn looks_like(text: &[u8], decoded: &[u8]) -> LooksLike {
    let is_transaction = |bytes| consensus::deserialize::<Transaction>(bytes).is_ok();
    if text.to_ascii_lowercase().starts_with(b"70736274ff") {
        LooksLike::Hexadecimal
    } else if is_transaction(text) || is_transaction(decoded) {
        LooksLike::Transaction
    } else {
        LooksLike::Unknown
    }
}

fn parse_binary(bytes: &[u8]) -> Result<RawPsbt, ParseError> {
    if bytes.len() > PSBT_BYTES_MAX {
        return Err(ParseError::TooLong { found: bytes.len() });
    }
    let mut reader = Reader::new(bytes.get(MAGIC.len()..).unwrap_or_default());
    let global = parse_map(&mut reader, MapId::Global)?;
    let version = version(&global)?;
    check_map(&global, MapId::Global, version)?;
    let (input_count, output_count) = counts(&global, version)?;
    let inputs = parse_maps(&mut reader, input_count, MapId::Input, version)?;
    let outputs = parse_maps(&mut reader, output_count, MapId::Output, version)?;
    match reader.rest().len() {
        0 => Ok(RawPsbt { version, global, inputs, outputs }),
        count => Err(ParseError::Trailing { count }),
    }
}

/// Reads so many maps of one kind. Each takes at least one of the bytes that are there, so a large count ends the loop.
fn parse_maps(
    reader: &mut Reader<'_>,
    count: u64,
    id: fn(usize) -> MapId,
    version: Version,
) -> Result<Vec<RawMap>, ParseError> {
    let mut maps = Vec::new();
    for _ in 0..count {
        let id = id(maps.len());
        let map = parse_map(reader, id)?;
        check_map(&map, id, version)?;
        maps.push(map);
    }
    Ok(maps)
}

fn parse_map(reader: &mut Reader<'_>, map: MapId) -> Result<RawMap, ParseError> {
    let mut entries: Vec<(Key, Vec<u8>)> = Vec::new();
    let mut seen = BTreeSet::new();
    loop {
        let entry = entries.len();
        let at = |error| match error {
            ReadError::Truncated => ParseError::Truncated { map },
            ReadError::NotCanonical => ParseError::NotCanonical { map, entry },
        };
        let key = reader.sized().map_err(at)?;
        if key.is_empty() {
            return Ok(RawMap::from_distinct(entries));
        }
        let parsed = Key::parse(key).ok_or(ParseError::KeyType { map, entry })?;
        if !seen.insert(key) {
            return Err(ParseError::DuplicateKey(Place::new(map, parsed)));
        }
        if entry == MAP_ENTRIES_MAX {
            return Err(ParseError::TooManyEntries { map });
        }
        entries.push((parsed, reader.sized().map_err(at)?.to_vec()));
    }
}

/// The version that the global map states: 0 if it states none.
fn version(map: &RawMap) -> Result<Version, ParseError> {
    let Some(value) = map.single(global::VERSION) else { return Ok(Version::V0) };
    let place = Place::new(MapId::Global, Key::new(global::VERSION, &[]));
    let problem = Malformed::ValueLength { found: value.len(), expected: "4" };
    let number = map.u32(global::VERSION).ok_or(ParseError::Field { place, problem })?;
    match number {
        0 => Ok(Version::V0),
        2 => Ok(Version::V2),
        number => Err(ParseError::Version { number }),
    }
}

/// Checks each entry of a map, and that the fields are there that the version requires, and not those that it forbids.
fn check_map(map: &RawMap, id: MapId, version: Version) -> Result<(), ParseError> {
    for (key, value) in map.entries() {
        let place = || Place::new(id, key.clone());
        let field = check_entry(id, key, value).map_err(|problem| ParseError::Field { place: place(), problem })?;
        if field.is_some_and(|field| field.presence.is_forbidden(version)) {
            return Err(ParseError::Forbidden { place: place(), version });
        }
    }
    match required(id.kind(), version).find(|field| map.single(field.kind).is_none()) {
        Some(field) => Err(ParseError::Missing { map: id, field: field.name, version }),
        None => Ok(()),
    }
}

/// The numbers of inputs and outputs.
fn counts(map: &RawMap, version: Version) -> Result<(u64, u64), ParseError> {
    let missing = |field| ParseError::Missing { map: MapId::Global, field, version };
    match version {
        Version::V0 => {
            let bytes = map.single(global::UNSIGNED_TX).ok_or(missing("PSBT_GLOBAL_UNSIGNED_TX"))?;
            let transaction = transaction::parse_unsigned(bytes).map_err(|problem| ParseError::Field {
                place: Place::new(MapId::Global, Key::new(global::UNSIGNED_TX, &[])),
                problem,
            })?;
            Ok((transaction.input.len() as u64, transaction.output.len() as u64))
        }
        Version::V2 => {
            let count = |kind| Reader::new(map.single(kind)?).compact_size().ok();
            let inputs = count(global::INPUT_COUNT).ok_or(missing("PSBT_GLOBAL_INPUT_COUNT"))?;
            let outputs = count(global::OUTPUT_COUNT).ok_or(missing("PSBT_GLOBAL_OUTPUT_COUNT"))?;
            Ok((inputs, outputs))
        }
    }
}
