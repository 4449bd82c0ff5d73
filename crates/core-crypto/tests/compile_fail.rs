//! What the types forbid does not compile, each with the compiler's words for it (`tests/compile_fail/crypto`).
//!
//! After a change of the compiler: `TRYBUILD=overwrite cargo test -p motet-core-crypto --features serde --test compile_fail`, and
//! read the difference.

#[test]
fn what_cannot_be_done_does_not_compile() {
    let cases = trybuild::TestCases::new();
    // Without serde there is nothing that a secret might implement by accident.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/compile_fail/crypto");
    cases.compile_fail(format!("{folder}/[!s]*.rs"));
    #[cfg(feature = "serde")]
    cases.compile_fail(format!("{folder}/serde_secrets.rs"));
}
