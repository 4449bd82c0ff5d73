//! The manifests: one version, one set of lints, one list of dependencies; what crates.io wants of a published crate.

use std::path::Path;

use toml::{Table, Value};

use crate::failure::{Failure, Finding};
use crate::tree::{self, TextFile};

/// What every package takes from the workspace.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// What a published package takes from the workspace besides.
const INHERITED_PUBLISHED: [&str; 3] = ["authors", "repository", "homepage"];

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// crates.io takes at most five keywords of at most twenty bytes, and at most five categories.
const MAX_KEYWORDS: usize = 5;
const MAX_KEYWORD: usize = 20;

pub(super) fn check(root: &Path) -> Result<Vec<Finding>, Failure> {
    let Some(file) = tree::file(root, "Cargo.toml")? else {
        return Ok(vec![Finding::new("Cargo.toml", "the workspace has no manifest")]);
    };
    let workspace = parse(&file)?;
    let mut findings = Vec::new();
    for member in strings(look(&workspace, &["workspace", "members"])) {
        let path = format!("{member}/Cargo.toml");
        match tree::file(root, &path)? {
            Some(file) => findings.extend(package(root, &member, &file.path, &parse(&file)?)),
            None => findings.push(Finding::new(path, "the workspace lists this member, but it has no manifest")),
        }
    }
    Ok(findings)
}

fn parse(file: &TextFile) -> Result<Table, Failure> {
    file.text.parse().map_err(|error| Failure::unreadable(&file.path, error))
}

fn look<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

fn strings(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn package(root: &Path, folder: &str, path: &str, manifest: &Table) -> Vec<Finding> {
    let published = look(manifest, &["package", "publish"]).and_then(Value::as_bool) != Some(false);
    let mut messages = Vec::new();
    if look(manifest, &["lints", "workspace"]).and_then(Value::as_bool) != Some(true) {
        messages.push("must inherit the lints: `[lints] workspace = true`".to_owned());
    }
    let inherited = INHERITED.iter().chain(INHERITED_PUBLISHED.iter().filter(|_| published));
    for key in inherited.filter(|key| look(manifest, &["package", key, "workspace"]).is_none()) {
        messages.push(format!("must take `{key}` from the workspace: `{key}.workspace = true`"));
    }
    if look(manifest, &["package", "description"]).and_then(Value::as_str).is_none_or(str::is_empty) {
        messages.push("needs a `description`".to_owned());
    }
    if published {
        messages.extend(listing(root, folder, manifest));
    }
    messages.extend(SECTIONS.iter().flat_map(|section| dependencies(manifest, section, published)));
    messages.into_iter().map(|message| Finding::new(path, message)).collect()
}

/// What crates.io shows of a published package.
fn listing(root: &Path, folder: &str, manifest: &Table) -> Vec<String> {
    let mut messages = Vec::new();
    let keywords = strings(look(manifest, &["package", "keywords"]));
    if keywords.is_empty() || keywords.len() > MAX_KEYWORDS || keywords.iter().any(|word| word.len() > MAX_KEYWORD) {
        messages.push(format!("needs 1 to {MAX_KEYWORDS} `keywords` of at most {MAX_KEYWORD} bytes"));
    }
    let categories = strings(look(manifest, &["package", "categories"]));
    if categories.is_empty() || categories.len() > MAX_KEYWORDS {
        messages.push(format!("needs 1 to {MAX_KEYWORDS} `categories`"));
    }
    match look(manifest, &["package", "readme"]).and_then(Value::as_str) {
        Some(readme) if root.join(folder).join(readme).is_file() => {}
        Some(readme) => messages.push(format!("its `readme` {readme} is not there")),
        None => messages.push("needs a `readme`".to_owned()),
    }
    messages
}

/// Versions are chosen once, in the workspace's manifest. What is not published may take an old version under another name
/// (`package = ..`), to stand beside a peer that needs it.
fn dependencies(manifest: &Table, section: &str, published: bool) -> Vec<String> {
    let entries = manifest.get(section).and_then(Value::as_table).into_iter().flatten();
    let inherits = |value: &Value| value.get("workspace").and_then(Value::as_bool) == Some(true);
    let own = entries.filter(|(_, value)| !inherits(value) && (published || value.get("package").is_none()));
    own.map(|(name, _)| format!("must take {name} from the workspace: `{name}.workspace = true`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    const ROOT: &str = "[workspace]\nmembers = [\"crates/a\"]\n";

    const GOOD: &str = "
        [package]
        name = \"a\"
        description = \"A crate\"
        version.workspace = true
        edition.workspace = true
        rust-version.workspace = true
        license.workspace = true
        authors.workspace = true
        repository.workspace = true
        homepage.workspace = true
        keywords = [\"one\"]
        categories = [\"cryptography\"]
        readme = \"README.md\"
        [lints]
        workspace = true
        [dependencies]
        k256 = { workspace = true, features = [\"alloc\"] }
        hex.workspace = true
    ";

    fn found(manifest: &str) -> Vec<String> {
        let root = tree(&[("Cargo.toml", ROOT), ("crates/a/Cargo.toml", manifest), ("crates/a/README.md", "# a")]);
        check(root.path()).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_complete_manifest_passes() {
        assert_eq!(found(GOOD), Vec::<String>::new());
    }

    #[test]
    fn each_line_of_it_is_needed() {
        let needed = GOOD.lines().map(str::trim).filter(|line| !line.starts_with('[') && !line.is_empty());
        for line in
            needed.filter(|line| !line.starts_with("name") && !line.starts_with("k256") && !line.starts_with("hex"))
        {
            let without: Vec<_> = GOOD.lines().filter(|kept| kept.trim() != line).collect();
            assert_eq!(found(&without.join("\n")).len(), 1, "{line}");
        }
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        let manifest = GOOD.replace("hex.workspace = true", "hex = \"0.4\"");
        assert_eq!(found(&manifest), ["crates/a/Cargo.toml: must take hex from the workspace: `hex.workspace = true`"]);
    }

    #[test]
    fn what_is_not_published_needs_no_listing() {
        let manifest = GOOD.replace("readme = \"README.md\"", "publish = false").replace("keywords = [\"one\"]", "");
        assert_eq!(found(&manifest), Vec::<String>::new());
    }

    #[test]
    fn an_old_version_under_another_name_is_for_what_is_not_published() {
        let published = GOOD.replace("hex.workspace = true", "hex_03 = { package = \"hex\", version = \"0.3\" }");
        assert_eq!(found(&published).len(), 1);
        assert!(found(&published.replace("[lints]", "publish = false\n[lints]")).is_empty());
    }

    #[test]
    fn a_member_without_a_manifest_is_found() {
        let root = tree(&[("Cargo.toml", ROOT)]);
        assert_eq!(check(root.path()).unwrap().len(), 1);
    }
}
