//! Files: what a run writes and a check finds, in a workspace of its own and in this one.

use std::fs;

use serde_json::{Value, json};

use super::super::files::write;
use super::super::rustfmt::FormatError;
use super::super::scratch::Scratch;
use super::super::sources::{self, Source};
use super::super::{CodegenError, generate, run};
use super::{READY, overlay, spec, string};
use crate::workspace_root;

/// A workspace in the temporary folder, removed when dropped.
struct Workspace(Scratch);

impl Workspace {
    fn new() -> Self {
        let workspace = Self(Scratch::new());
        workspace.write("rustfmt.toml", "edition = \"2024\"\n");
        let manifest = "[workspace.package]\nversion = \"1.2.3\"\nrust-version = \"1.95\"\n";
        workspace.write("Cargo.toml", manifest);
        workspace.write("LICENSE-APACHE", "Apache\n");
        workspace.write("LICENSE-MIT", "MIT\n");
        workspace
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.0.join(path), text).unwrap();
    }

    /// The files that changed, or are stale; `None` where rustfmt cannot be run.
    fn run(&self, check: bool) -> Option<Vec<String>> {
        let changed = match run(&self.0, check) {
            Ok(changed) | Err(CodegenError::Stale(changed)) => changed,
            Err(error) => return skipped(&error),
        };
        let changed = changed.iter().map(|path| path.to_str().unwrap().to_owned());
        Some(changed.collect())
    }
}

/// Without rustfmt there is nothing to compare; anything else is a failure.
fn skipped<T>(error: &CodegenError) -> Option<T> {
    assert!(
        matches!(error, CodegenError::Format(FormatError::NotRun(_))),
        "{error}"
    );
    println!("skipped: {error}");
    None
}

#[test]
fn a_second_run_changes_nothing_and_a_check_finds_what_is_stale() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({"kind": string()}), json!({}));
    workspace.write(&ready.file, &ready.text);
    workspace.write("specs/tea/overlay.toml", &overlay(READY, "kind"));

    const MANIFEST: &str = "crates/tea-events/Cargo.toml";
    const LIBRARY: &str = "crates/tea-events/src/lib.rs";
    const LICENCES: [&str; 2] = [
        "crates/tea-events/LICENSE-APACHE",
        "crates/tea-events/LICENSE-MIT",
    ];
    const README: &str = "crates/tea-events/README.md";
    const SET: &str = "crates/tea-events/src/generated/event_set.rs";
    const ROOT: &str = "crates/tea-events/src/generated/mod.rs";
    const EVENT: &str = "crates/tea-events/src/generated/pot_ready_v1.rs";
    const EVERYTHING: &str = "crates/lark-events-types/Cargo.toml";
    const OUTLINE: &str = "crates/lark-events-types/src/generated/tea.json";
    const KEYS: &str = "crates/lark-events/src/generated/tables.rs";
    const TABLE: &str = "crates/lark-events-types/src/generated.rs";
    const OLD_SAMPLE: &str = "crates/tea-events/src/generated/samples/old.json";
    let Some(stale) = workspace.run(true) else {
        return;
    };
    assert_eq!(
        stale,
        [
            MANIFEST,
            LIBRARY,
            LICENCES[0],
            LICENCES[1],
            README,
            KEYS,
            EVERYTHING,
            OUTLINE,
            TABLE,
            SET,
            ROOT,
            EVENT
        ]
    );
    assert!(
        !workspace.0.join("crates").exists(),
        "a check writes nothing"
    );
    assert_eq!(workspace.run(false).unwrap(), stale);
    assert!(workspace.run(false).unwrap().is_empty());
    assert!(workspace.run(true).unwrap().is_empty());

    // The hand-owned files are left alone, generated ones are not.
    workspace.write(LIBRARY, "//! Ours.\n");
    workspace.write(EVENT, "// edited\n");
    workspace.write(OLD_SAMPLE, "{}\n");
    fs::remove_file(workspace.0.join(ROOT)).unwrap();
    let stale = [ROOT, EVENT, OLD_SAMPLE];
    assert_eq!(workspace.run(true).unwrap(), stale);
    assert_eq!(workspace.run(false).unwrap(), stale);
    assert!(workspace.run(true).unwrap().is_empty());
    assert!(!workspace.0.join(OLD_SAMPLE).exists());
    let library = fs::read_to_string(workspace.0.join(LIBRARY)).unwrap();
    assert_eq!(library, "//! Ours.\n");

    // A checkout with other line ends is no change.
    let event = fs::read_to_string(workspace.0.join(EVENT)).unwrap();
    workspace.write(EVENT, &event.replace('\n', "\r\n"));
    assert!(workspace.run(true).unwrap().is_empty());
}

#[test]
fn domains_do_not_get_into_each_others_way() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({}), json!({}));
    workspace.write(&ready.file, &ready.text);
    let other = ready
        .text
        .replace("\"domain\":\"tea\"", "\"domain\":\"t_a\"");
    workspace.write("specs/t_a/tea.pot.ready_v1.json", &other);
    let text = ready
        .text
        .replace("\"domain\":\"tea\"", "\"domain\":\"t-a\"");
    workspace.write("specs/t-a/tea.pot.ready_v1.json", &text);
    workspace.write("specs/lark/overlay.toml", "");
    let CodegenError::Problems(found) = run(&workspace.0, true).unwrap_err() else {
        panic!("problems");
    };
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "specs/lark: not a name for a domain",
            "specs/lark: no fact file: remove it",
            "specs/t-a: not a name for a domain",
            "specs/t_a: another domain has the crate `t-a-events` too",
            "specs/t_a/tea.pot.ready_v1.json: /$id: specs/t-a has this event too",
            "specs/tea/tea.pot.ready_v1.json: /$id: specs/t_a has this event too",
        ]
    );
}

#[test]
fn the_crate_of_a_domain_that_is_gone_is_named_and_can_be_removed() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({}), json!({}));
    workspace.write(&ready.file, &ready.text);
    let wine = ready.text.replace("tea", "wine");
    workspace.write("specs/wine/wine.pot.ready_v1.json", &wine);
    if workspace.run(false).is_none() {
        return;
    }
    let catalogue = || fs::read_to_string(workspace.0.join("crates/lark-events-types/Cargo.toml"));
    assert!(catalogue().unwrap().contains("wine-events"));

    fs::remove_dir_all(workspace.0.join("specs/wine")).unwrap();
    for check in [true, false] {
        let error = run(&workspace.0, check).unwrap_err().to_string();
        assert_eq!(
            error,
            "crates/wine-events: its domain is not in specs/: remove it"
        );
    }
    // Nothing needs it any more.
    assert!(!catalogue().unwrap().contains("wine-events"));
    fs::remove_dir_all(workspace.0.join("crates/wine-events")).unwrap();
    assert!(workspace.run(true).unwrap().is_empty());
}

#[test]
fn the_table_in_the_readme_is_kept_fresh() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({}), json!({}));
    workspace.write(&ready.file, &ready.text);
    workspace.write("README.md", "# Tea\n");
    let error = run(&workspace.0, true).unwrap_err().to_string();
    assert_eq!(error, "README.md: no marks for the table of domains");

    let readme = "# Tea\n<!-- cargo xtask codegen list --markdown -->\nold\n<!-- end -->\nMore.\n";
    workspace.write("README.md", readme);
    let Some(changed) = workspace.run(false) else {
        return;
    };
    assert!(changed.contains(&"README.md".to_owned()));
    let readme = fs::read_to_string(workspace.0.join("README.md")).unwrap();
    assert!(
        readme.contains("| tea | `tea-events` | 1 | 1 |"),
        "{readme}"
    );
    assert!(readme.ends_with("<!-- end -->\nMore.\n"), "{readme}");
    assert!(workspace.run(true).unwrap().is_empty());
}

#[test]
fn generated_code_is_fresh() {
    if let Err(error) = run(&workspace_root(), true) {
        let skipped: Option<()> = skipped(&error);
        assert_eq!(skipped, None);
    }
}

#[test]
fn every_field_of_the_domains_that_matter_most_has_words() {
    let mut domains = sources::read(&workspace_root()).unwrap();
    domains.retain(|domain| ["contact", "im", "vc"].contains(&domain.name.as_str()));
    assert_eq!(domains.len(), 3);
    for mut domain in domains {
        let words = domain.overlay.text.clone();
        assert!(words.contains("\ndescribed = true\n"), "{}", domain.name);
        generate(&domain).unwrap();

        // A description less, an empty one, or one that is no English.
        let last = words.rfind("doc = \"").unwrap();
        let (before, rest) = words.split_at(last);
        let (_, after) = rest["doc = \"".len()..].split_once('"').unwrap();
        for worse in ["", "doc = \"\"", "doc = \"\u{4e00}.\""] {
            let after = if worse.is_empty() {
                after.trim_start_matches(", ")
            } else {
                after
            };
            domain.overlay.text = format!("{before}{worse}{after}");
            let found = generate(&domain).unwrap_err();
            assert_eq!(found.len(), 1, "{found:?}");
        }
    }
}

#[test]
fn fact_files_are_laid_out_as_an_import_writes_them() {
    for domain in sources::read(&workspace_root()).unwrap() {
        for Source { file, text } in domain.specs {
            let facts: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(text, format!("{facts:#}\n"), "{file}");
        }
    }
}
