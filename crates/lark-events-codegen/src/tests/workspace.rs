//! The files that a run writes and a check compares, in a workspace of its own and in this one.

use std::fs;

use serde_json::{Value, json};

use super::super::files::write;
use super::super::rustfmt::FormatError;
use super::super::scratch::Scratch;
use super::super::sources::{self, Source};
use super::super::{CodegenError, generate_domain, run};
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
    lark_events_test_servers::skipped(error);
    None
}

/// The generated module of the domain `tea`.
const MODULE: &str = "crates/lark-events-types/src/generated/tea/mod.rs";

#[test]
fn a_second_run_changes_nothing_and_a_check_finds_what_is_stale() {
    let workspace = Workspace::new();
    let mut ready = spec(READY, json!({"kind": string()}), json!({}));
    let sample = json!({"event": {"kind": "green"}});
    ready.text = ready
        .text
        .replacen('{', &format!("{{\"examples\": [{sample}],"), 1);
    workspace.write(&ready.file, &ready.text);
    workspace.write("specs/tea/overlay.toml", &overlay(READY, "kind"));

    const KEYS: &str = "crates/lark-events/src/generated/tables.rs";
    const MANIFEST: &str = "crates/lark-events-types/Cargo.toml";
    const LIBRARY: &str = "crates/lark-events-types/src/lib.rs";
    const CATALOGUE: &str = "crates/lark-events-types/src/generated/catalogue.rs";
    const ROOT: &str = "crates/lark-events-types/src/generated/mod.rs";
    const OUTLINE: &str = "crates/lark-events-types/src/generated/outlines/tea.json";
    const EVENTS: &str = "crates/lark-events-types/src/generated/tea/events.rs";
    const SAMPLES: &str = "crates/lark-events-types/src/generated/tea/samples.rs";
    const OLD_TYPES: &str = "crates/lark-events-types/src/generated/tea/types.rs";
    let Some(stale) = workspace.run(true) else {
        return;
    };
    assert_eq!(
        stale,
        [
            LIBRARY, KEYS, MANIFEST, CATALOGUE, ROOT, OUTLINE, EVENTS, MODULE, SAMPLES
        ]
    );
    assert!(
        !workspace.0.join("crates").exists(),
        "a check writes nothing"
    );
    assert_eq!(workspace.run(false).unwrap(), stale);
    assert!(workspace.run(false).unwrap().is_empty());
    assert!(workspace.run(true).unwrap().is_empty());
    let samples = fs::read_to_string(workspace.0.join(SAMPLES)).unwrap();
    assert!(
        samples.contains(&format!("r#\"{sample:#}\n\"#;")),
        "{samples}"
    );

    workspace.write(EVENTS, "// edited\n");
    workspace.write(OLD_TYPES, "// of another time\n");
    fs::remove_file(workspace.0.join(MODULE)).unwrap();
    let stale = [EVENTS, MODULE, OLD_TYPES];
    assert_eq!(workspace.run(true).unwrap(), stale);
    assert_eq!(workspace.run(false).unwrap(), stale);
    assert!(workspace.run(true).unwrap().is_empty());
    assert!(!workspace.0.join(OLD_TYPES).exists());

    // A checkout with other line ends counts as unchanged.
    let events = fs::read_to_string(workspace.0.join(EVENTS)).unwrap();
    workspace.write(EVENTS, &events.replace('\n', "\r\n"));
    assert!(workspace.run(true).unwrap().is_empty());
}

#[test]
fn a_domain_can_have_a_crate_of_its_own() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({"kind": {}}), json!({}));
    workspace.write(&ready.file, &ready.text);
    workspace.write("specs/tea/overlay.toml", "crate = \"tea-events\"\n");

    const MANIFEST: &str = "crates/tea-events/Cargo.toml";
    const LIBRARY: &str = "crates/tea-events/src/lib.rs";
    const LICENCES: [&str; 2] = [
        "crates/tea-events/LICENSE-APACHE",
        "crates/tea-events/LICENSE-MIT",
    ];
    const README: &str = "crates/tea-events/README.md";
    const EVENTS: &str = "crates/tea-events/src/generated/events.rs";
    const ROOT: &str = "crates/tea-events/src/generated/mod.rs";
    let Some(changed) = workspace.run(false) else {
        return;
    };
    let own: Vec<_> = changed
        .iter()
        .filter(|path| path.contains("tea-events/"))
        .collect();
    assert_eq!(
        own,
        [
            MANIFEST,
            LIBRARY,
            LICENCES[0],
            LICENCES[1],
            README,
            EVENTS,
            ROOT
        ]
    );
    assert!(!changed.contains(&MODULE.to_owned()));
    let text = |path| fs::read_to_string(workspace.0.join(path)).unwrap();
    assert!(
        text(MANIFEST).contains("\nserde_json.workspace = true # fields that can hold anything\n")
    );
    let types = text("crates/lark-events-types/Cargo.toml");
    for line in [
        "    \"tea\",\n",
        "tea = [\"dep:tea-events\"]\n",
        "tea-events = { path = \"../tea-events\", version = \"1.2.3\", optional = true }",
    ] {
        assert!(types.contains(line), "{line}\n{types}");
    }
    let library = text("crates/lark-events-types/src/lib.rs");
    assert!(
        library.contains("pub use tea_events as tea;\n"),
        "{library}"
    );

    // Hand-owned files stay, and generated ones are rewritten.
    workspace.write(LIBRARY, "//! Ours.\n");
    workspace.write(EVENTS, "// edited\n");
    assert_eq!(workspace.run(true).unwrap(), [EVENTS]);
    assert_eq!(workspace.run(false).unwrap(), [EVENTS]);
    assert_eq!(text(LIBRARY), "//! Ours.\n");
}

#[test]
fn a_module_by_hand_stands_for_the_generated_one() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({}), json!({}));
    workspace.write(&ready.file, &ready.text);
    if workspace.run(false).is_none() {
        return;
    }
    let text = |path| {
        let path = workspace.0.join("crates/lark-events-types/src").join(path);
        fs::read_to_string(path).unwrap()
    };
    assert!(text("lib.rs").contains("pub use self::generated::tea;\n"));
    assert!(text("generated/mod.rs").contains("]\npub mod tea;\n"));

    workspace.write("crates/lark-events-types/src/tea/mod.rs", "//! Ours.\n");
    workspace.run(false);
    assert!(text("lib.rs").contains("]\npub mod tea;\n"));
    assert!(!text("lib.rs").contains("generated::tea"));
    assert!(text("generated/mod.rs").contains("]\npub(crate) mod tea;\n"));
}

#[test]
fn a_crate_needs_serde_json_only_for_fields_that_hold_anything() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({"kind": string()}), json!({}));
    workspace.write(&ready.file, &ready.text);
    workspace.write("specs/tea/overlay.toml", "crate = \"tea-events\"\n");
    if workspace.run(false).is_none() {
        return;
    }
    let manifest = fs::read_to_string(workspace.0.join("crates/tea-events/Cargo.toml")).unwrap();
    assert!(!manifest.contains("serde_json"), "{manifest}");
}

#[test]
fn domains_do_not_get_into_each_others_way() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({}), json!({}));
    workspace.write(&ready.file, &ready.text);
    workspace.write("specs/tea/overlay.toml", "crate = \"tea-events\"\n");
    for domain in ["t_a", "t-a", "all", "move"] {
        let text = ready
            .text
            .replace("\"domain\":\"tea\"", &format!("\"domain\":\"{domain}\""));
        workspace.write(&format!("specs/{domain}/tea.pot.ready_v1.json"), &text);
    }
    workspace.write("specs/t_a/overlay.toml", "crate = \"tea-events\"\n");
    workspace.write("specs/empty/overlay.toml", "");
    let CodegenError::Problems(found) = run(&workspace.0, true).unwrap_err() else {
        panic!("problems");
    };
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "specs/all: not a name for a domain",
            "specs/empty: no fact file: remove the folder",
            "specs/move: not a name for a domain",
            "specs/move/tea.pot.ready_v1.json: /$id: specs/all has this event too",
            "specs/t-a: not a name for a domain",
            "specs/t-a/tea.pot.ready_v1.json: /$id: specs/move has this event too",
            "specs/t_a/tea.pot.ready_v1.json: /$id: specs/t-a has this event too",
            "specs/tea: another domain has the crate `tea-events` too",
            "specs/tea/tea.pot.ready_v1.json: /$id: specs/t_a has this event too",
        ]
    );
}

#[test]
fn the_code_of_a_domain_that_is_gone_goes_too_and_its_crate_is_named() {
    let workspace = Workspace::new();
    let ready = spec(READY, json!({}), json!({}));
    workspace.write(&ready.file, &ready.text);
    for domain in ["wine", "milk"] {
        let file = format!("specs/{domain}/{domain}.pot.ready_v1.json");
        workspace.write(&file, &ready.text.replace("tea", domain));
    }
    workspace.write("specs/wine/overlay.toml", "crate = \"wine-events\"\n");
    if workspace.run(false).is_none() {
        return;
    }
    let manifest = || fs::read_to_string(workspace.0.join("crates/lark-events-types/Cargo.toml"));
    let is_there = |path: &str| workspace.0.join(path).exists();
    const MILK: &str = "crates/lark-events-types/src/generated/milk/mod.rs";
    assert!(manifest().unwrap().contains("wine-events"));
    assert!(is_there(MILK));

    for domain in ["wine", "milk"] {
        fs::remove_dir_all(workspace.0.join("specs").join(domain)).unwrap();
    }
    for check in [true, false] {
        let error = run(&workspace.0, check).unwrap_err().to_string();
        assert_eq!(
            error,
            "crates/wine-events: no domain in specs/ has this crate: remove the crate"
        );
    }
    // No domain has this crate any more.
    assert!(!manifest().unwrap().contains("wine-events"));
    assert!(!is_there(MILK));
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
    assert_eq!(error, "README.md: expected marks for the table of domains");

    let readme = "# Tea\n<!-- cargo xtask codegen list --markdown -->\nold\n<!-- end -->\nMore.\n";
    workspace.write("README.md", readme);
    let Some(changed) = workspace.run(false) else {
        return;
    };
    assert!(changed.contains(&"README.md".to_owned()));
    let readme = fs::read_to_string(workspace.0.join("README.md")).unwrap();
    assert!(
        readme.contains("| `tea` | `lark_events_types::tea` | 1 | 1 |"),
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
        generate_domain(&domain).unwrap();

        // A missing description, an empty one, and one that is not English.
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
            let found = generate_domain(&domain).unwrap_err();
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
