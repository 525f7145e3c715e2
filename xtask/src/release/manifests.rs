//! Checks that manifests meet the rules of the registry, and agree with each other.

use crate::checks::{self, Checked};
use crate::packages::Package;

pub(crate) fn check(published: &[&Package]) -> checks::Result {
    let mut problems = Vec::new();
    let Some(version) = published.first().map(|package| &package.version) else {
        return Err("no package is to be published".to_owned());
    };
    for package in published {
        let mut problem = |what: &str| problems.push(format!("{}: {what}", package.name));
        if package.version != *version {
            problem(&format!("has version {}, not {version}", package.version));
        }
        let fields = [
            ("description", &package.description),
            ("license", &package.license),
            ("readme", &package.readme),
            ("rust-version", &package.rust_version),
        ];
        for (field, value) in fields {
            if value.is_none() {
                problem(&format!("has no {field}"));
            }
        }
        let ours = package.dependencies.iter().filter(|other| other.is_ours());
        for other in ours {
            // By path alone only for tests: it is left out of what is published.
            let is_left_out = other.kind.as_deref() == Some("dev") && other.req == "*";
            if !is_left_out && other.req != format!("^{version}") {
                problem(&format!("requires {} {}", other.name, other.req));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    let packages = published.len();
    Ok(Checked::passed(format!(
        "{packages} packages, all {version}"
    )))
}
