//! Blocks of TOML: they parse, and dependencies are those that the workspace has.

use std::path::Path;

use toml::{Table, Value};

use super::{parsed, read, root};

pub(super) fn check(place: &str, text: &str) {
    let block: Table = parsed(place, text.parse());
    let workspace: Table = read("Cargo.toml").parse().unwrap();
    for section in ["dependencies", "dev-dependencies"] {
        let Some(wanted) = block.get(section) else {
            continue;
        };
        for (name, wanted) in wanted.as_table().unwrap() {
            dependency(&format!("{place}: {name}"), name, wanted, &workspace);
        }
    }
}

fn dependency(place: &str, name: &str, wanted: &Value, workspace: &Table) {
    let wanted = match wanted {
        Value::String(_) => &Table::from_iter([("version".to_owned(), wanted.clone())]),
        _ => wanted.as_table().unwrap(),
    };
    let text = |key| wanted.get(key).map(|value| value.as_str().unwrap());
    let ours = Path::new("crates").join(name);
    let is_ours = root().join(&ours).exists();
    if let Some(path) = text("path") {
        assert!(
            Path::new(path).ends_with(&ours) && is_ours,
            "{place}: {path}"
        );
    }
    if !is_ours {
        let known = &workspace["workspace"]["dependencies"];
        let known = known
            .get(name)
            .unwrap_or_else(|| panic!("{place}: not used here"));
        let known = known.get("version").unwrap_or(known).as_str().unwrap();
        let version = text("version").unwrap();
        assert!(
            is_part_of(version, known),
            "{place}: {version} is not {known}"
        );
        return;
    }
    assert_eq!(text("version"), None, "{place}: not published yet");
    let manifest: Table = read(ours.join("Cargo.toml")).parse().unwrap();
    let features = wanted.get("features").and_then(Value::as_array);
    for feature in features.into_iter().flatten() {
        let feature = feature.as_str().unwrap();
        let known = manifest.get("features").and_then(|it| it.get(feature));
        assert!(known.is_some(), "{place}: no feature {feature}");
    }
}

/// `1` and `1.50` are parts of `1.50.0`.
fn is_part_of(version: &str, whole: &str) -> bool {
    whole == version
        || whole
            .strip_prefix(version)
            .is_some_and(|rest| rest.starts_with('.'))
}
