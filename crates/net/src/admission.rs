//! Admission: which connections a node takes, and which give way.
//!
//! Inbound and outbound connections have shares of their own, so that no flood of callers keeps this node from calling. The rest of all places is
//! reserved for peers that the user has named, for contacts and for members of live sessions; those may use every place. A
//! network group has a few inbound places. The last inbound places rotate: a newcomer always gets one, for as long as it takes to learn of
//! other nodes, and the visitor that has been there longest goes.

mod behaviour;
mod table;

pub(crate) use behaviour::Admission;
pub(crate) use table::{Refusal, Shares};
