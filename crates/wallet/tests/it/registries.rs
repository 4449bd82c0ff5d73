//! The registry: groups by identity, name and keys; confirmation by words.

use bitcoin::Network;
use motet_core_crypto::PublicKey;
use motet_psbt::{GroupError, PathId};
use motet_wallet::limits::GROUPS;
use motet_wallet::{NameError, RegisteredGroup, RegistrationError, Registry, RegistryError, WordsError};

use crate::people::{Person, descriptor, people, registered};

fn keys(people: &[&Person]) -> Vec<PublicKey> {
    let mut keys: Vec<_> = people.iter().map(|person| person.secret.public_key()).collect();
    keys.sort();
    keys
}

fn found(registry: &Registry, keys: &[PublicKey]) -> Vec<(String, PathId)> {
    registry.by_keys(keys).map(|(group, path)| (group.name().to_owned(), path)).collect()
}

#[test]
fn a_group_is_found_by_the_keys_of_each_of_its_spend_paths() {
    let all = people(3);
    let mut registry = Registry::new();
    let tree = "tr(musig({2},{0})/<0;1>/*,{pk(musig({0},{1})/<0;1>/*),and_v(v:pk(musig({1},{2})/<0;1>/*),older(144))})";
    registry.add(registered("tree", tree, &all)).unwrap();
    let pair = registry.add(registered("pair", "tr(musig({1},{0})/<0;1>/*)", &all)).unwrap();
    let of = |name: &str, path| (name.to_owned(), path);
    assert_eq!(found(&registry, &keys(&[&all[0], &all[2]])), [of("tree", PathId::Key)]);
    assert_eq!(found(&registry, &keys(&[&all[1], &all[2]])), [of("tree", PathId::Leaf(1))]);
    let both = keys(&[&all[0], &all[1]]);
    assert_eq!(found(&registry, &both), [of("tree", PathId::Leaf(0)), of("pair", PathId::Key)]);
    assert_eq!(found(&registry, &keys(&[&all[0]])), []);
    let mut unsorted = both.clone();
    unsorted.reverse();
    assert_eq!(found(&registry, &unsorted), []);
    assert!((0..3).all(|number| registry.has_member(&all[number].secret.public_key())));
    registry.remove(pair).unwrap();
    assert_eq!(found(&registry, &both), [of("tree", PathId::Leaf(0))]);
    assert!(registry.by_name("pair").is_none() && registry.get(pair).is_none());
    assert!(registry.has_member(&all[0].secret.public_key()));
    let tree = registry.by_name("tree").unwrap().id();
    registry.remove(tree).unwrap();
    assert!(!registry.has_member(&all[0].secret.public_key()));
}

#[test]
fn groups_that_have_a_key_in_common_are_found_with_the_members_whose_it_is() {
    let all = people(4);
    let mut registry = Registry::new();
    registry.add(registered("pair", "tr(musig({0},{1})/<0;1>/*)", &all)).unwrap();
    registry.add(registered("apart", "tr(musig({2},{3})/<0;1>/*)", &all)).unwrap();
    let trio = registered("trio", "tr(musig({2},{1},{0})/<0;1>/*)", &all);
    let names = |registry: &Registry| -> Vec<(String, usize)> {
        registry.sharing(&trio).into_iter().map(|(group, members)| (group.name().to_owned(), members.len())).collect()
    };
    let expected = [("apart".to_owned(), 1), ("pair".to_owned(), 2)];
    assert_eq!(names(&registry), expected);
    registry.add(trio.clone()).unwrap();
    assert_eq!(names(&registry), expected, "a group shares nothing with itself");
    for (_, members) in registry.sharing(&trio) {
        assert!(members.iter().all(|member| *member < trio.members().len()));
    }
}

#[test]
fn a_member_of_a_group_that_the_network_cannot_sign_for_is_known_by_its_key() {
    let all = people(3);
    let mut registry = Registry::new();
    registry.add(registered("group", "tr(musig({0}/<0;1>/*,{1}/<0;1>/*))", &all)).unwrap();
    assert!(registry.has_member(&all[0].secret.public_key()) && !registry.has_member(&all[2].secret.public_key()));
    // A key with fixed steps signs as its child, and is known by both.
    registry.add(registered("steps", "tr(musig({1}/7,{2}/7)/<0;1>/*)", &all)).unwrap();
    let steps = registry.by_name("steps").unwrap();
    let child = steps.group().output(motet_psbt::Location { keychain: motet_psbt::Keychain(0), index: 0 }).unwrap();
    let child = child.keys[0].musig.as_ref().unwrap().context.keys()[0];
    assert!(registry.has_member(&child) && registry.has_member(&all[2].secret.public_key()));
}

#[test]
fn spend_paths_that_requests_cannot_express_are_not_found_by_keys() {
    let all = people(3);
    for text in [
        "tr(musig({0}/<0;1>/*,{1}/<2;3>/*))",
        "tr({2}/<0;1>/*,and_v(v:pk(musig({0},{1})/<0;1>/*),pk({2}/<2;3>/*)))",
        "tr({2}/<0;1>/*,and_v(v:pk(musig({0},{1})/<0;1>/*),pk(musig({0},{2})/<0;1>/*)))",
        "tr({2}/<0;1>/*,or_i(pk(musig({0},{1})/<0;1>/*),pk(musig({0},{1})/<2;3>/*)))",
    ] {
        let mut registry = Registry::new();
        registry.add(registered("group", text, &all)).unwrap();
        assert_eq!(found(&registry, &keys(&[&all[0], &all[1]])), [], "{text}");
    }
    // Members with fixed steps have one key at all addresses, which is not the one in the descriptor.
    let mut registry = Registry::new();
    registry.add(registered("group", "tr(musig({0}/7,{1}/7)/<0;1>/*)", &all)).unwrap();
    assert_eq!(found(&registry, &keys(&[&all[0], &all[1]])), []);
}

#[test]
fn a_group_is_confirmed_by_exactly_its_words() {
    let all = people(3);
    let mut group = registered("pair", "tr(musig({0},{1})/<0;1>/*)", &all);
    let other = registered("other", "tr(musig({0},{2})/<0;1>/*)", &all);
    let words = group.id().words();
    assert_eq!(group.confirm(&words[..11].join(" ")), Err(WordsError::Count { found: 11 }));
    assert!(matches!(group.confirm(&other.id().words().join(" ")), Err(WordsError::Different { .. })));
    let mut last = words;
    last[11] = if last[11] == "zoo" { "zone" } else { "zoo" };
    assert_eq!(group.confirm(&last.join(" ")), Err(WordsError::Different { number: 12 }));
    assert!(!group.is_confirmed());
    group.confirm(&format!(" {}\n", words.join("\t").to_uppercase())).unwrap();
    assert!(group.is_confirmed());
}

#[test]
fn names_and_groups_are_registered_once() {
    let all = people(3);
    let mut registry = Registry::new();
    let pair = registered("pair", "tr(musig({0},{1})/<0;1>/*)", &all);
    let id = registry.add(pair.clone()).unwrap();
    let known = RegistryError::Known { name: "pair".to_owned() };
    // The order of the participants makes no other group.
    assert_eq!(registry.add(registered("again", "tr(musig({1},{0})/<0;1>/*)", &all)), Err(known));
    let mut other = registered("pair", "tr(musig({0},{2})/<0;1>/*)", &all);
    let taken = RegistryError::NameTaken { name: "pair".to_owned() };
    assert_eq!(registry.add(other.clone()), Err(taken.clone()));
    other.rename("other").unwrap();
    assert_eq!(registry.replace(other.clone()), Err(RegistryError::Unknown));
    registry.add(other.clone()).unwrap();
    other.rename("pair").unwrap();
    assert_eq!(registry.replace(other), Err(taken));
    let mut renamed = pair;
    renamed.rename("first").unwrap();
    renamed.confirm(&id.words().join(" ")).unwrap();
    registry.replace(renamed).unwrap();
    assert!(registry.by_name("pair").is_none());
    assert!(registry.by_name("first").is_some_and(RegisteredGroup::is_confirmed));
    assert_eq!(registry.groups().map(RegisteredGroup::name).collect::<Vec<_>>(), ["first", "other"]);
}

#[test]
fn a_registry_has_a_bound() {
    let all = people(2);
    let mut registry = Registry::new();
    for number in 0..GROUPS {
        let text = format!("tr(musig({{0}},{{1}})/{number}/*)");
        registry.add(registered(&number.to_string(), &text, &all)).unwrap();
    }
    assert_eq!(registry.add(registered("more", "tr(musig({0},{1})/9999/*)", &all)), Err(RegistryError::Full));
    assert_eq!(registry.len(), GROUPS);
}

#[test]
fn a_group_needs_a_name_and_keys_of_its_network() {
    let all = people(2);
    let text = descriptor("tr(musig({0},{1})/<0;1>/*)", &all);
    let refused =
        |name: &str, network| RegisteredGroup::new(name, network, text.parse().unwrap()).map(|_| ()).unwrap_err();
    assert_eq!(refused("", Network::Signet), RegistrationError::Name(NameError::Empty));
    assert_eq!(refused("pair", Network::Bitcoin), RegistrationError::Group(GroupError::Network));
}
