//! Mistakes that the compiler must catch, and the words it must use.
//!
//! Each file in `compile_fail/` is a program that must not compile. Its `//~` comments are
//! fragments that the compiler's message must contain; whole messages change from one compiler to
//! the next. `right.rs` must compile, so that the others fail for the reason they name.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The part of a compiler message that says which file it is about, up to the next such part.
fn message_about<'a>(stderr: &'a str, name: &str) -> Vec<&'a str> {
    let about = format!("src/bin/{name}.rs");
    let messages = stderr.split("\n\n");
    messages
        .filter(|message| message.contains(&about))
        .collect()
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

/// A package outside the workspace that has every case as a binary.
fn write_package(root: &Path) {
    let bins = root.join("src/bin");
    let _ = fs::remove_dir_all(&bins);
    fs::create_dir_all(&bins).unwrap();
    for case in cases() {
        fs::copy(&case, bins.join(case.file_name().unwrap())).unwrap();
    }
    let core = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"mistakes\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nlark-events = {{ path = {core:?}, features = [\"derive\"] }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\n[workspace]\n"
    );
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    // The workspace's own versions, which are downloaded already.
    let lock = Path::new(core).join("../../Cargo.lock");
    fs::copy(lock, root.join("Cargo.lock")).unwrap();
}

#[test]
fn mistakes_are_told_in_words_that_help() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    write_package(&root);
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--offline", "--keep-going", "--bins", "--quiet"])
        .args(["--color", "never"])
        .arg("--manifest-path")
        .arg(root.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", root.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "every case compiled");

    let cases = cases();
    assert!(cases.len() > 3, "{cases:?}");
    for case in cases {
        let name = case.file_stem().unwrap().to_str().unwrap();
        let source = fs::read_to_string(&case).unwrap();
        let fragments: Vec<_> = source
            .lines()
            .filter_map(|line| line.split_once("//~ "))
            .collect();
        let messages = message_about(&stderr, name);
        if name == "right" {
            assert!(messages.is_empty(), "right.rs does not compile:\n{stderr}");
            continue;
        }
        assert!(!messages.is_empty(), "{name} compiled:\n{stderr}");
        assert!(!fragments.is_empty(), "{name} expects nothing");
        for (_, fragment) in fragments {
            let said = messages.iter().any(|message| message.contains(fragment));
            assert!(
                said,
                "{name}: no {fragment:?} in\n{}",
                messages.join("\n\n")
            );
        }
    }
}
