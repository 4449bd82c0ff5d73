//! The container: a PSBT as maps of bytes, without any loss, in which every known field is well made.
//!
//! A [`RawPsbt`] is checked when it is read, and each change is checked. So its known fields have the form that the BIPs give
//! them, its version has all fields that it requires and none that it forbids, and `to_bytes` gives back the bytes that were read.
//! Unknown and proprietary fields are kept. Nothing here says that a field is true: amounts, keys and scripts are claims.

mod combine;
mod convert;
mod edit;
mod error;
mod interop;
mod parse;
mod prevout;
mod transaction;
mod typed;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use combine::CombineError;
pub use edit::EditError;
pub use error::{LooksLike, ParseError};
pub use interop::ConvertError;
pub use prevout::PrevoutError;
pub use transaction::LocktimeConflict;
pub use typed::{InputFields, OutputFields};

use crate::bytes::put_sized;
use crate::map::{MapId, RawMap};
use crate::version::Version;

/// First bytes of every PSBT.
const MAGIC: [u8; 5] = *b"psbt\xff";

/// A partially signed transaction, kept byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPsbt {
    version: Version,
    global: RawMap,
    inputs: Vec<RawMap>,
    outputs: Vec<RawMap>,
}

impl RawPsbt {
    /// The version of the format.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The global map.
    pub const fn global(&self) -> &RawMap {
        &self.global
    }

    /// The maps of the inputs.
    pub fn inputs(&self) -> &[RawMap] {
        &self.inputs
    }

    /// The maps of the outputs.
    pub fn outputs(&self) -> &[RawMap] {
        &self.outputs
    }

    /// A map, if it is there.
    pub fn map(&self, map: MapId) -> Option<&RawMap> {
        match map {
            MapId::Global => Some(&self.global),
            MapId::Input(index) => self.inputs.get(index),
            MapId::Output(index) => self.outputs.get(index),
        }
    }

    fn map_mut(&mut self, map: MapId) -> Option<&mut RawMap> {
        match map {
            MapId::Global => Some(&mut self.global),
            MapId::Input(index) => self.inputs.get_mut(index),
            MapId::Output(index) => self.outputs.get_mut(index),
        }
    }

    /// All maps in the order of the file.
    pub fn maps(&self) -> impl Iterator<Item = (MapId, &RawMap)> {
        let inputs = self.inputs.iter().enumerate().map(|(index, map)| (MapId::Input(index), map));
        let outputs = self.outputs.iter().enumerate().map(|(index, map)| (MapId::Output(index), map));
        std::iter::once((MapId::Global, &self.global)).chain(inputs).chain(outputs)
    }

    /// The bytes of the PSBT: the same as were read, if nothing was changed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for (_, map) in self.maps() {
            for (key, value) in map.entries() {
                put_sized(&mut bytes, &key.to_bytes());
                put_sized(&mut bytes, value);
            }
            bytes.push(0);
        }
        bytes
    }

    /// The text form of the PSBT: base64 of its bytes.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.to_bytes())
    }
}
