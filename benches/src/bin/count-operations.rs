//! Prints how many field operations the variable-time engine really does in a cold session of one signer.
//!
//! One JSON object a line: multiplications, squarings and inversions. What is secret runs on k256 and is not counted:
//! the two multiplications of the generator that make a nonce, and the scalars.

#![expect(clippy::print_stdout, reason = "a report is what this is for")]

use motet_benches::peer::motet::Motet;
use motet_benches::peer::{Operation, Peer};
use motet_core_crypto::operation_counter;
use serde_json::json;

fn main() {
    for signers in [2, 3, 5, 10, 15, 100, 1000] {
        let mut peer = Motet::new(signers);
        for operation in Operation::ALL {
            operation_counter::take();
            peer.measure(operation);
            let (m, s, i) = operation_counter::take();
            println!("{}", json!({"n": signers, "operation": operation.name(), "mul": m, "square": s, "invert": i}));
        }
    }
}
