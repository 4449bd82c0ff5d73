//! What a validator remembers stays under a stated bound, whoever sends.
//!
//! The figures are those of an allocator that counts, in `tests/wire_alloc.rs`; here is what the bound says.

use motet_tests::wire_fixtures::validator;

#[test]
fn the_stated_bound_is_sixteen_megabytes() {
    let bound = validator().memory_bound();
    assert!(bound <= 32 * 1024 * 1024, "{bound}");
    assert!(bound >= 4 * 1024 * 1024, "{bound}: a node that remembers this little forgets under load");
}
