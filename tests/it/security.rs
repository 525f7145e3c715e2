//! SECURITY.md names a test for each of its promises: they are there, under that name, as tests.

use std::path::Path;

const SECURITY: &str = include_str!("../../SECURITY.md");

/// The tests that a text names, as links to their files: `` [`name`](path.rs) ``.
fn tests(text: &str) -> Vec<(&str, &str)> {
    let links = text.split("[`").skip(1);
    let tests = links.filter_map(|link| {
        let (name, rest) = link.split_once("`](")?;
        let (path, _) = rest.split_once(')')?;
        path.ends_with(".rs").then_some((name, path))
    });
    tests.collect()
}

/// Whether a source has this test: the function, below an attribute that makes it one.
fn has_test(source: &str, name: &str) -> bool {
    let (mut is_test, function) = (false, format!("fn {name}("));
    for line in source.lines().map(str::trim) {
        if line.contains(&function) {
            return is_test;
        }
        match line {
            _ if line.starts_with("#[test]") || line.starts_with("#[tokio::test") => is_test = true,
            _ if line.starts_with("#[") || line.starts_with("//") => {}
            _ => is_test = false,
        }
    }
    false
}

#[test]
fn every_promise_has_a_test_and_every_test_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rows = SECURITY.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter(|row| !row.starts_with("| promise ") && !row.starts_with("| --- "));
    let promises: Vec<_> = rows.collect();
    assert!(promises.len() > 10, "{}", promises.len());
    for promise in promises {
        let tests = tests(promise);
        assert!(!tests.is_empty(), "no test of: {promise}");
        for (name, path) in tests {
            let source = std::fs::read_to_string(root.join(path));
            let source = source.unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(has_test(&source, name), "{path} has no test {name}");
        }
    }
}

#[test]
fn a_test_is_told_from_what_only_has_its_name() {
    let source =
        "#[test]\n#[expect(x)]\nfn a() {\n}\n\n#[test]\nfn b() {\n}\nfn ab() {}\n// fn c()\n";
    assert!(has_test(source, "a") && has_test(source, "b"));
    for name in ["ab", "c", "d"] {
        assert!(!has_test(source, name), "{name}");
    }
}
