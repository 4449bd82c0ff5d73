//! Prints how many field operations the variable-time engine really does in a cold session of one signer.
//!
//! `count-operations [2,3,..]`; one JSON object a line: first what a field operation takes at best throughput, then
//! multiplications, squarings and inversions. What is secret runs on k256 and is not counted: the two multiplications of
//! the generator that make a nonce, and the scalars.

#![expect(clippy::print_stdout, reason = "a report is what this is for")]

use motet_benches::peer::motet::Motet;
use motet_benches::peer::{Operation, Peer};
use motet_core_crypto::operation_counter;
use serde_json::json;
use std::hint::black_box;
use std::time::Instant;

/// The least time of one operation, over several runs of four independent chains.
fn nanoseconds(chains: fn(u32) -> [u64; 4], each: u32) -> f64 {
    let runs = (0..20).map(|_| {
        let start = Instant::now();
        black_box(chains(black_box(each)));
        start.elapsed().as_nanos()
    });
    runs.min().unwrap_or_default() as f64 / f64::from(4 * each)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{}",
        json!({"field_ns": {
            "mul": nanoseconds(operation_counter::multiplications, 200_000),
            "square": nanoseconds(operation_counter::squarings, 200_000),
            "invert": nanoseconds(operation_counter::inversions, 1_000),
        }})
    );
    let signers = std::env::args().nth(1).unwrap_or_else(|| "2,3,5,10,15,100,1000".to_owned());
    for signers in signers.split(',') {
        let signers: usize = signers.parse()?;
        let mut peer = Motet::new(signers);
        for operation in Operation::ALL {
            operation_counter::take();
            peer.measure(operation);
            let (m, s, i) = operation_counter::take();
            let count = json!({"mul": m, "square": s, "invert": i});
            println!("{}", json!({"n": signers, "operation": operation.name(), "field_operations": count}));
        }
    }
    Ok(())
}
