//! The crash matrix, once through: every named place, every node (`cargo xtask crashes` goes through it many times).

use std::path::Path;

use motet_node::CrashPoint;
use motet_tests::crash::{NODES, run_cell};

fn each_node_dies(place: CrashPoint) {
    let program = Path::new(env!("CARGO_BIN_EXE_motet-crash-node"));
    for victim in 0..NODES {
        let folder = tempfile::tempdir().unwrap();
        run_cell(program, folder.path(), place.name(), victim).unwrap();
    }
}

macro_rules! places {
    ($($name:ident => $place:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                each_node_dies(CrashPoint::$place);
            }
        )+

        #[test]
        fn all_places_are_here() {
            assert_eq!([$(CrashPoint::$place),+], CrashPoint::ALL);
        }
    };
}

places! {
    before_approved => BeforeApproved,
    before_issued => BeforeIssued,
    after_issued => AfterIssued,
    after_join => AfterJoin,
    before_nonces => BeforeNonces,
    after_nonces => AfterNonces,
    before_signing => BeforeSigning,
    before_spent => BeforeSpent,
    before_partial => BeforePartial,
    after_partial => AfterPartial,
    before_ended => BeforeEnded,
    after_ended => AfterEnded,
}
