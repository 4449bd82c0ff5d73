//! `musig2` on k256, measured on request: `musig2-k256-peer <signers>`, then one operation a line on standard input,
//! and its time in nanoseconds on standard output. Started by `bench-peers`; see there why it is a process of its own.

#![expect(clippy::print_stdout, reason = "standard output is the protocol")]

use motet_benches::peer::musig2_crate::Musig2;
use motet_benches::peer::{Operation, Peer};
use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if cfg!(feature = "musig2-secp256k1") {
        return Err("built with libsecp256k1 as well, which wins: use --no-default-features".into());
    }
    let signers = std::env::args().nth(1).ok_or("how many signers?")?.parse()?;
    let mut peer = Musig2::new(signers);
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let operation = Operation::from_name(&line?).ok_or("no such operation")?;
        println!("{}", peer.measure(operation).as_nanos());
        std::io::stdout().flush()?;
    }
    Ok(())
}
