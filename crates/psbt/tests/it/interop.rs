//! Conversion from and to the PSBT type of the `bitcoin` crate.

use bitcoin::{Psbt, Sequence};
use motet_psbt::{ConvertError, Key, MapId, PathId, RawPsbt, Version};

use crate::signers::{group, plan, sign_all, signers, spend};
use crate::vectors::{Case, section};

fn sorted(psbt: &RawPsbt) -> RawPsbt {
    RawPsbt::combine(std::slice::from_ref(psbt)).unwrap()
}

#[test]
fn a_signed_psbt_goes_through_the_type_of_the_bitcoin_crate_and_is_finished_after_it() {
    let all = signers(2);
    let group = group("tr(musig({0},{1})/<0;1>/*)", &all);
    let start = spend(&group, 2, 0, Sequence::MAX, Version::V0);
    let signed = sign_all(&start, &group, PathId::Key, &[&all[0], &all[1]]);
    let theirs = Psbt::try_from(&signed).unwrap();
    // Its map of unknown fields holds participants, nonces and partial signatures.
    assert_eq!(theirs.inputs[0].unknown.len(), 5);
    let mut ours = RawPsbt::try_from(&theirs).unwrap();
    assert_eq!(sorted(&ours), sorted(&signed));
    plan(&ours, &group, PathId::Key).finalize(&mut ours).unwrap();
    assert_eq!(Psbt::try_from(&ours).unwrap().extract_tx_unchecked_fee_rate(), ours.extract().unwrap());
}

#[test]
fn version_2_is_refused_and_its_version_0_is_not() {
    let all = signers(2);
    let group = group("tr(musig({0},{1})/<0;1>/*)", &all);
    let psbt = spend(&group, 1, 0, Sequence::MAX, Version::V2);
    assert!(matches!(Psbt::try_from(&psbt), Err(ConvertError::Version)));
    assert!(Psbt::try_from(&psbt.to_version(Version::V0).unwrap()).is_ok());
}

#[test]
fn no_field_is_lost_in_either_direction() {
    let mut cases = section("bip-0174/psbt-vectors.json", "");
    cases.extend(section("bip-0371/psbt-vectors.json", ""));
    let (mut converted, mut refused) = (0, 0);
    for psbt in cases.iter().filter_map(|case: &Case| case.parse().ok()) {
        match Psbt::try_from(&psbt) {
            Ok(theirs) => {
                assert_eq!(sorted(&RawPsbt::try_from(&theirs).unwrap()), sorted(&psbt));
                converted += 1;
            }
            // It writes the leaves of a tree in another order than this file of BIP-371 has them.
            Err(ConvertError::Lossy(MapId::Output(0))) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((converted, refused), (19, 1));
    // An explicit number of version 0 says the same as none.
    let all = signers(2);
    let mut psbt = spend(&group("tr(musig({0},{1})/<0;1>/*)", &all), 1, 0, Sequence::MAX, Version::V0);
    psbt.add(MapId::Global, Key::new(0x77, &[1]), vec![2]).unwrap();
    let mut bytes = psbt.to_bytes();
    let end = bytes.windows(4).position(|window| window == [1, 2, 0, 1]).unwrap() + 2;
    bytes.splice(end..end, [1, 0xfb, 4, 0, 0, 0, 0]);
    let numbered = RawPsbt::parse(&bytes).unwrap();
    assert_ne!(numbered, psbt);
    assert_eq!(sorted(&RawPsbt::try_from(&Psbt::try_from(&numbered).unwrap()).unwrap()), sorted(&psbt));
}
