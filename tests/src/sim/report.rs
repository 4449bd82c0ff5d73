//! What is said about many worlds.

use std::collections::BTreeMap;

use motet_wire::Kind;
use serde_json::{Value, json};

use super::plan::Vice;
use super::run::Outcome;
use super::tally::{Cell, Stage, Tally};

/// So often a cell should have been hit before one trusts that it was tried.
const ENOUGH: u64 = 100;

/// For people.
pub fn text(tally: &Tally, broken: &[Outcome], seconds: f64) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!(
        "{} worlds, {} sessions ({} with signatures everywhere), {} inputs, {} frames, {} signatures judged, {seconds:.1} s",
        tally.worlds, tally.sessions, tally.complete, tally.inputs, tally.frames, tally.judged
    ));
    line(format!("ends:   {}", list(&tally.ends)));
    line(format!("faults: {}", list(&tally.faults)));
    line(format!("actors: {}", list(&named(&tally.actors))));
    line(format!("deeds:  {}", list(&deeds(tally))));
    line(format!("rules:  {}", list(&tally.refused)));
    let Coverage { reachable, hit, few } = coverage(tally);
    line(format!(
        "cells:  {reachable} can be hit, {hit} are, {} at least {ENOUGH} times; the rarest: {}",
        reachable - few.len(),
        few.iter().take(SHOWN).map(|(count, name)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    ));
    for outcome in broken {
        if let Some(breach) = &outcome.breach {
            line(format!("seed {}: {breach}", outcome.seed));
        }
    }
    match broken.first() {
        Some(first) => line(format!("first failing seed: {}", first.seed)),
        None => line("every invariant holds".to_owned()),
    }
    text
}

/// For programs: one object.
pub fn json(tally: &Tally, broken: &[Outcome], seconds: f64) -> Value {
    let cells: BTreeMap<String, u64> = tally.cells.iter().map(|(cell, count)| (cell_name(cell), *count)).collect();
    let breaches: Vec<Value> = broken
        .iter()
        .filter_map(|outcome| {
            let breach = outcome.breach.as_ref()?;
            Some(json!({"seed": outcome.seed, "invariant": breach.invariant.code(), "detail": breach.detail}))
        })
        .collect();
    json!({
        "worlds": tally.worlds,
        "sessions": tally.sessions,
        "complete": tally.complete,
        "inputs": tally.inputs,
        "frames": tally.frames,
        "judged": tally.judged,
        "seconds": seconds,
        "ends": tally.ends,
        "faults": tally.faults,
        "actors": named(&tally.actors),
        "deeds": deeds(tally),
        "refused": tally.refused,
        "cells": cells,
        "first": broken.first().map(|outcome| outcome.seed),
        "breaches": breaches,
    })
}

fn named(actors: &BTreeMap<Vice, u64>) -> BTreeMap<String, u64> {
    actors.iter().map(|(vice, count)| (format!("{:02} {vice:?}", *vice as u8), *count)).collect()
}

fn deeds(tally: &Tally) -> BTreeMap<String, u64> {
    tally.deeds.iter().map(|((vice, name), count)| (format!("{} {name}", vice.code()), *count)).collect()
}

fn list<K: core::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

fn cell_name((stage, kind, vice): &Cell) -> String {
    let who = vice.map_or_else(|| "honest".to_owned(), Vice::code);
    format!("{stage:?}/{}/{who}", kind.name())
}

/// How many cells are named.
const SHOWN: usize = 24;

/// Why a cell cannot be hit, or is hit by accident only: it is not counted.
pub fn unreachable(cell: &Cell) -> Option<&'static str> {
    match cell {
        (_, Kind::SignerAdvertisement | Kind::SignerUnavailable | Kind::ResourceAnnouncement, _) => {
            Some("discovery is no part of a session")
        }
        (Stage::Commitments | Stage::Nonces | Stage::Partials | Stage::Complete, Kind::ParticipantDeclined, None) => {
            Some("an honest signer joins or declines, never both, unless there are two of it")
        }
        _ => None,
    }
}

/// What is known of the cells: every message of a session at every stage, from the honest and from every actor.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// How many could be hit.
    pub reachable: usize,
    /// How many were.
    pub hit: usize,
    /// Those that were hit fewer than a hundred times, the rarest first.
    pub few: Vec<(u64, String)>,
}

/// Counts the cells.
pub fn coverage(tally: &Tally) -> Coverage {
    let all = Kind::ALL.into_iter().flat_map(|kind| {
        let from = || [None].into_iter().chain(Vice::of_messages().iter().copied().map(Some));
        Stage::ALL.into_iter().flat_map(move |stage| from().map(move |who| (stage, kind, who)))
    });
    let reachable = all.filter(|cell| unreachable(cell).is_none());
    let counted: Vec<(u64, Cell)> =
        reachable.map(|cell| (tally.cells.get(&cell).copied().unwrap_or(0), cell)).collect();
    let hit = counted.iter().filter(|(count, _)| *count > 0).count();
    let few = counted.iter().filter(|(count, _)| *count < ENOUGH);
    let mut few: Vec<(u64, String)> = few.map(|(count, cell)| (*count, cell_name(cell))).collect();
    few.sort_unstable();
    Coverage { reachable: counted.len(), hit, few }
}
