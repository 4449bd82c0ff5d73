//! The group's own scripts in a transaction: recognised by derivation alone.
//!
//! A PSBT points to the place of a script in the group, and the script at that place is computed anew. Scripts to which nothing
//! points are looked for among the group's first addresses.

use std::collections::BTreeMap;

use bitcoin::{ScriptBuf, TxOut};
use motet_psbt::descriptor::Output;
use motet_psbt::fields::TapOrigin;
use motet_psbt::{LocatedOutput, Location, PathId, RawPsbt};

use crate::canonical::location_of;
use crate::check::Mismatch;
use crate::group::RegisteredGroup;
use crate::limits::LOOKAHEAD;

/// Own scripts, with their places and what the group has there.
pub(crate) type Located = BTreeMap<ScriptBuf, LocatedOutput>;

/// Outputs of a group, by their places. Those of the first addresses are computed once for the group.
struct Computed<'a> {
    group: &'a RegisteredGroup,
    outputs: BTreeMap<Location, Option<Output>>,
}

impl<'a> Computed<'a> {
    const fn new(group: &'a RegisteredGroup) -> Self {
        Self { group, outputs: BTreeMap::new() }
    }

    /// The output at a place, if it has this script.
    fn at(&mut self, location: Location, script: &ScriptBuf) -> Option<LocatedOutput> {
        if location.index < LOOKAHEAD
            && let Some(own) = self.group.ahead().get(script).filter(|own| own.location == location)
        {
            return Some(own.clone());
        }
        let group = self.group.group();
        let computed = self.outputs.entry(location).or_insert_with(|| group.output(location).ok());
        let output = computed.as_ref().filter(|output| output.script == *script)?.clone();
        Some(LocatedOutput { location, output })
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
    let mut computed = Computed::new(group);
    let mut located = Located::new();
    let expressions = group.group().descriptor().keys().len();
    let mut add = |script: &ScriptBuf, origins: Vec<TapOrigin>| {
        let steps = |origin: &TapOrigin| origin.origin.path.into_iter().copied().collect::<Vec<_>>();
        let places = origins.iter().flat_map(|origin| {
            let steps = steps(origin);
            (0..expressions).filter_map(move |number| location_of(group.group(), number, &steps))
        });
        if let Some(own) = places.into_iter().find_map(|place| computed.at(place, script)) {
            located.insert(script.clone(), own);
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
        Some(own) => {
            located.insert((*script).clone(), own.clone());
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
    let mut computed = Computed::new(group);
    let mut located = Located::new();
    let number = match path {
        PathId::Key => Some(0),
        PathId::Leaf(_) => {
            let paths = group.group().spend_paths();
            paths.iter().find(|listed| listed.id == path).and_then(|listed| listed.keys.first().copied())
        }
    };
    let mut own_at = |script: &ScriptBuf, mark: &TapOrigin| {
        let steps: Vec<_> = mark.origin.path.into_iter().copied().collect();
        let place = location_of(group.group(), number?, &steps)?;
        if script.is_p2tr() { computed.at(place, script) } else { None }
    };
    let mut unmarked: Vec<(&ScriptBuf, Mismatch)> = Vec::new();
    for (input, prevout) in prevouts.iter().enumerate() {
        let script = &prevout.script_pubkey;
        match psbt.input(input).and_then(|fields| fields.origins().next()) {
            Some(mark) => {
                let own = own_at(script, &mark).ok_or(Mismatch::FalseInput { input })?;
                located.insert(script.clone(), own);
            }
            None => unmarked.push((script, Mismatch::HiddenInput { input })),
        }
    }
    for (output, txout) in outputs.iter().enumerate() {
        let script = &txout.script_pubkey;
        match psbt.output(output).and_then(|fields| fields.origins().next()) {
            Some(mark) => {
                let own = own_at(script, &mark).ok_or(Mismatch::FalseChange { output })?;
                located.insert(script.clone(), own);
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
