//! Options of the linker that make the program a tenth smaller: functions with the same code are kept once, and the list of
//! addresses that the loader adjusts is packed. Some linkers and C libraries do not know them: the program could not be
//! linked, or would not start. So each option is tried on a small program first.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const OPTIONS: [(&str, &str); 2] = [("equal", "-Wl,--icf=all"), ("packed", "-Wl,-z,pack-relative-relocs")];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    // A program for another machine cannot be tried on this one.
    let native = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    if !native || !is("CARGO_CFG_TARGET_OS", "linux") || is("PROFILE", "debug") {
        return;
    }
    let Some(folder) = env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    for (name, option) in OPTIONS {
        if works(&folder.join(name), option) {
            println!("cargo::rustc-link-arg-bins={option}");
        }
    }
}

/// Trial of an option: true if a program that is linked with it runs here.
fn works(program: &Path, option: &str) -> bool {
    let source = program.with_extension("rs");
    let Some(rustc) = env::var_os("RUSTC") else { return false };
    if fs::write(&source, "fn main() {}").is_err() {
        return false;
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let linker = env::var("RUSTC_LINKER").map(|linker| format!("-Clinker={linker}"));
    let mut build = Command::new(rustc);
    build.args(flags.split('\x1f').filter(|flag| !flag.is_empty())).args(linker);
    build.arg(format!("-Clink-arg={option}")).arg("-o").arg(program).arg(source);
    succeeds(&mut build) && succeeds(&mut Command::new(program))
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
