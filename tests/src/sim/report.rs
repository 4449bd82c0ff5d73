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
    let (hit, never, few) = cells(tally);
    line(format!(
        "cells:  {hit} hit, {} of them fewer than {ENOUGH} times, {} never: {}",
        few.len(),
        never,
        few.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ")
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
const SHOWN: usize = 12;

/// How many cells were hit, how many never, and the rarest of those that were hit too seldom: every message of a session
/// at every stage, from the honest and from every actor.
fn cells(tally: &Tally) -> (usize, usize, Vec<String>) {
    let kinds =
        Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::SignerAdvertisement | Kind::SignerUnavailable));
    let all = kinds.flat_map(|kind| {
        let from = || [None].into_iter().chain(Vice::ALL.map(Some));
        Stage::ALL.into_iter().flat_map(move |stage| from().map(move |who| (stage, kind, who)))
    });
    let counted: Vec<(u64, Cell)> = all.map(|cell| (tally.cells.get(&cell).copied().unwrap_or(0), cell)).collect();
    let hit = counted.iter().filter(|(count, _)| *count > 0).count();
    let mut few: Vec<(u64, Cell)> = counted.iter().filter(|(count, _)| *count < ENOUGH).copied().collect();
    few.sort_unstable();
    let names = few.iter().map(|(count, cell)| format!("{} {count}", cell_name(cell)));
    (hit, counted.len() - hit, names.collect())
}
