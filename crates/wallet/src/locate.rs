//! The group's own scripts in a transaction: recognised by derivation alone.
//!
//! A PSBT points to the place of a script in the group, and the script at that place is computed anew. Scripts to which nothing
//! points are looked for among the group's first addresses.

use std::collections::BTreeMap;

use bitcoin::{ScriptBuf, TxOut};
use motet_psbt::fields::TapOrigin;
use motet_psbt::{Group, Location, PathId, RawPsbt};

use crate::canonical::location_of;
use crate::check::Mismatch;
use crate::group::RegisteredGroup;
use crate::limits::LOOKAHEAD;

/// Own scripts, with their places.
pub(crate) type Located = BTreeMap<ScriptBuf, Location>;

/// Scripts of a group that were computed, by their places.
struct Computed<'a> {
    group: &'a Group,
    scripts: BTreeMap<Location, Option<ScriptBuf>>,
}

impl<'a> Computed<'a> {
    const fn new(group: &'a Group) -> Self {
        Self { group, scripts: BTreeMap::new() }
    }

    fn is_at(&mut self, location: Location, script: &ScriptBuf) -> bool {
        let group = self.group;
        let computed = self.scripts.entry(location).or_insert_with(|| Some(group.output(location).ok()?.script));
        computed.as_ref() == Some(script)
    }
}

/// The own scripts of a PSBT of the wallet's user. False pointers in it are ignored; the checker of the request finds out.
pub(crate) fn search(
    psbt: &RawPsbt,
    prevouts: &[TxOut],
    outputs: &[TxOut],
    group: &RegisteredGroup,
    count: u32,
) -> Located {
    let mut computed = Computed::new(group.group());
    let mut located = Located::new();
    let expressions = group.group().descriptor().keys().len();
    let mut add = |script: &ScriptBuf, origins: Vec<TapOrigin>| {
        let steps = |origin: &TapOrigin| origin.origin.path.into_iter().copied().collect::<Vec<_>>();
        let places = origins.iter().flat_map(|origin| {
            let steps = steps(origin);
            (0..expressions).filter_map(move |number| location_of(group.group(), number, &steps))
        });
        if let Some(place) = places.into_iter().find(|place| computed.is_at(*place, script)) {
            located.insert(script.clone(), place);
        }
    };
    for (index, prevout) in prevouts.iter().enumerate().filter(|(_, prevout)| prevout.script_pubkey.is_p2tr()) {
        add(&prevout.script_pubkey, psbt.input(index).map(|fields| fields.origins().collect()).unwrap_or_default());
    }
    for (index, output) in outputs.iter().enumerate().filter(|(_, output)| output.script_pubkey.is_p2tr()) {
        add(&output.script_pubkey, psbt.output(index).map(|fields| fields.origins().collect()).unwrap_or_default());
    }
    let scripts = prevouts.iter().chain(outputs).map(|output| &output.script_pubkey);
    let mut missing: Vec<_> = scripts.filter(|script| script.is_p2tr() && !located.contains_key(*script)).collect();
    missing.retain(|script| match group.ahead().get(*script) {
        Some(place) => {
            located.insert((*script).clone(), *place);
            false
        }
        None => count > LOOKAHEAD,
    });
    located.extend(group.group().locate_all(missing, count));
    located
}

/// The own scripts of a request, each of which must be marked as such, and none besides them.
///
/// # Errors
///
/// [`Mismatch`] for a mark that is false, and for an own script without a mark.
pub(crate) fn marked(
    psbt: &RawPsbt,
    prevouts: &[TxOut],
    outputs: &[TxOut],
    group: &RegisteredGroup,
    path: PathId,
) -> Result<Located, Mismatch> {
    let mut computed = Computed::new(group.group());
    let mut located = Located::new();
    let number = match path {
        PathId::Key => Some(0),
        PathId::Leaf(_) => {
            let paths = group.group().spend_paths();
            paths.iter().find(|listed| listed.id == path).and_then(|listed| listed.keys.first().copied())
        }
    };
    let mut place_of = |script: &ScriptBuf, mark: &TapOrigin| {
        let steps: Vec<_> = mark.origin.path.into_iter().copied().collect();
        let place = location_of(group.group(), number?, &steps)?;
        (script.is_p2tr() && computed.is_at(place, script)).then_some(place)
    };
    let mut unmarked: Vec<(&ScriptBuf, Mismatch)> = Vec::new();
    for (input, prevout) in prevouts.iter().enumerate() {
        let script = &prevout.script_pubkey;
        match psbt.input(input).and_then(|fields| fields.origins().next()) {
            Some(mark) => {
                let place = place_of(script, &mark).ok_or(Mismatch::FalseInput { input })?;
                located.insert(script.clone(), place);
            }
            None => unmarked.push((script, Mismatch::HiddenInput { input })),
        }
    }
    for (output, txout) in outputs.iter().enumerate() {
        let script = &txout.script_pubkey;
        match psbt.output(output).and_then(|fields| fields.origins().next()) {
            Some(mark) => {
                let place = place_of(script, &mark).ok_or(Mismatch::FalseChange { output })?;
                located.insert(script.clone(), place);
            }
            None => unmarked.push((script, Mismatch::HiddenChange { output })),
        }
    }
    for (script, mismatch) in unmarked {
        if script.is_p2tr() && (located.contains_key(script) || group.ahead().contains_key(script)) {
            return Err(mismatch);
        }
    }
    Ok(located)
}
