//! Wallet policies (BIP-388).

use motet_psbt::{Group, WalletPolicy};

use super::GROUP;

/// Any lines as a wallet policy, its template first and then its keys: its descriptor has a policy with the same template and keys, and
/// that one has the same descriptor.
pub fn policy(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let Some(template) = lines.next() else { return };
    let keys: Vec<&str> = lines.collect();
    let Ok(policy) = WalletPolicy::new("fuzz", template, &keys) else { return };
    let again = WalletPolicy::of_descriptor("fuzz", policy.descriptor());
    let again = again.unwrap_or_else(|error| panic!("{template} has a descriptor without a policy: {error}"));
    assert_eq!(again.descriptor().to_string(), policy.descriptor().to_string(), "a policy has two descriptors");
    assert_eq!(again.keys(), policy.keys(), "a policy has two lists of keys");
    if let Ok(group) = Group::new(policy.descriptor().clone()) {
        assert!(group.branches() == 2, "a policy has two branches");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let policy = WalletPolicy::of_descriptor("group", GROUP.registered.group().descriptor()).expect("a policy");
    let keys: Vec<String> = policy.keys().iter().map(ToString::to_string).collect();
    let seed = |template: &str, count: usize| {
        let keys = keys.iter().take(count).map(String::as_str);
        core::iter::once(template).chain(keys).collect::<Vec<_>>().join("\n").into_bytes()
    };
    vec![
        seed(policy.template(), 3),
        seed("tr(musig(@0,@1)/**)", 2),
        seed("tr(@0/**,pk(musig(@1,@2)/<2;3>/*))", 3),
        seed("tr(musig(@0,@1)/**,{pk(@2/**),and_v(v:pk(musig(@0,@2)/<0;1>/*),older(10))})", 3),
        seed("wsh(sortedmulti(2,@0/**,@1/**))", 2),
    ]
}
