//! Every package may be used under a licence that `deny.toml` allows. Expressions are read by the spdx crate, as cargo-deny
//! reads them.

use spdx::{Expression, Licensee, ParseMode};

use super::CONFIG;
use super::config::Licences;
use crate::failure::{Failure, Finding};
use crate::workspace::{Package, Workspace};

pub(super) fn check(workspace: &Workspace, rules: &Licences) -> Result<Vec<Finding>, Failure> {
    let allowed = licensees(&rules.allow)?;
    let mut findings = Vec::new();
    for exception in &rules.exceptions {
        if !workspace.packages.iter().any(|package| package.name == exception.name) {
            findings.push(Finding::new(CONFIG, format!("the exception for {} is not needed any more", exception.name)));
        }
    }
    for package in &workspace.packages {
        let own = rules.exceptions.iter().filter(|exception| exception.name == package.name);
        let own = licensees(own.flat_map(|exception| &exception.allow))?;
        findings.extend(complaint(package, &[allowed.as_slice(), own.as_slice()].concat()));
    }
    Ok(findings)
}

fn licensees<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<Vec<Licensee>, Failure> {
    let parse = |name: &String| Licensee::parse(name).map_err(|error| Failure::unreadable(CONFIG, error));
    names.into_iter().map(parse).collect()
}

fn complaint(package: &Package, allowed: &[Licensee]) -> Option<Finding> {
    let place = format!("{} {}", package.name, package.version);
    let Some(text) = &package.licence else {
        return Some(Finding::new(place, "names no licence"));
    };
    match Expression::parse_mode(text, ParseMode::LAX) {
        Ok(licence) if licence.evaluate(|wanted| allowed.iter().any(|have| have.satisfies(wanted))) => None,
        Ok(_) => Some(Finding::new(place, format!("is licensed under `{text}`, which {CONFIG} does not allow"))),
        Err(error) => Some(Finding::new(place, format!("has a licence that cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Exception;
    use super::*;
    use crate::workspace::fixtures::{package, workspace};

    fn found(licence: Option<&str>) -> Vec<String> {
        let mut used = package("used", &[]);
        used.licence = licence.map(str::to_owned);
        let exceptions = vec![Exception { name: "used".to_owned(), allow: vec!["CC0-1.0".to_owned()] }];
        let allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-3-Clause"].map(str::to_owned).to_vec();
        let rules = Licences { allow, exceptions };
        let found = check(&workspace(vec![used], &[]), &rules).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn allowed_licences_pass_however_they_are_written() {
        let written =
            ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR ISC) AND Apache-2.0", "CC0-1.0", "Apache-2.0 / MIT"];
        for text in written.into_iter().chain(["Apache-2.0 WITH LLVM-exception OR GPL-2.0"]) {
            assert_eq!(found(Some(text)), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_planted_licence_is_found() {
        for text in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MIT AND Unknown-1.0", "ISC"] {
            assert_eq!(found(Some(text)).len(), 1, "{text}");
        }
        assert_eq!(found(None), ["used 1.2.3: names no licence"]);
    }

    #[test]
    fn an_exception_is_for_one_package_and_is_removed_when_it_is_not_needed() {
        let mut other = package("other", &[]);
        other.licence = Some("CC0-1.0".to_owned());
        let exceptions = vec![Exception { name: "used".to_owned(), allow: vec!["CC0-1.0".to_owned()] }];
        let rules = Licences { allow: vec!["MIT".to_owned()], exceptions };
        assert_eq!(check(&workspace(vec![other], &[]), &rules).unwrap().len(), 2);
    }
}
