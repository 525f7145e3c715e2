//! Imports as they are run: several pages, files on disk, and what is printed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use lark_events_test_servers::skipped;

use super::super::super::CodegenError;
use super::super::super::overlay::Overlay;
use super::super::super::problem::Problems;
use super::super::super::sources::{self, Source, Sources};
use super::super::super::spec::{self, Spec};
use super::{Workspace, fixture, good_pages, run};
use crate::workspace_root;

const READY: &str = "specs/tea/tea.pot.ready_v1.json";

/// A workspace with the regular page.
fn regular() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("ready.md", fixture("pages/regular.md"));
    workspace
}

#[test]
fn a_page_that_is_refused_holds_up_no_other() {
    let workspace = regular();
    workspace.write("guide.md", fixture("broken/no_event.md"));
    workspace.write("lidded.md", fixture("pages/part_of_a_comment.md"));
    let report = workspace.import(&["ready.md", "guide.md", "gone.md", "lidded.md"]);
    assert_eq!(
        report.lines,
        [
            format!("new {READY}"),
            "new specs/tea/tea.pot.lidded_v1.json".to_owned()
        ]
    );
    let [guide, gone] = report.refused.as_slice() else {
        panic!("{:?}", report.refused);
    };
    assert!(
        guide.starts_with("guide.md:14: expected an event type"),
        "{guide}"
    );
    assert!(gone.starts_with("gone.md: "), "{gone}");
}

/// A model of the regular event, which has one more field.
const MODEL: &str = r#"{"event_type": "tea.pot.ready_v1", "schema": "2.0",
    "source": "tea-sdk 1.2.3 models/pot.py", "fields": [{"name": "steam", "type": "boolean"}]}"#;

/// Every order of a few things.
fn orders<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let each = (0..of.len()).flat_map(|first| {
        let mut rest = of.to_vec();
        let first = rest.remove(first);
        orders(&rest).into_iter().map(move |mut order| {
            order.insert(0, first.clone());
            order
        })
    });
    each.collect()
}

#[test]
fn a_page_counts_before_a_model_and_the_newer_page_before_the_older_in_any_order() {
    let older = fixture("pages/regular.md");
    let newer = fixture("pages/english.md")
        .replace("rinsed_v1", "ready_v1")
        .replace("1709210096000", "1775548359000");
    let mut facts = std::collections::BTreeSet::new();
    for order in orders(&["older.md", "newer.md", "model.json"]) {
        for at_once in [true, false] {
            let workspace = Workspace::new();
            workspace.write("older.md", &older);
            workspace.write("newer.md", &newer);
            workspace.write("model.json", MODEL);
            let runs: Vec<_> = match at_once {
                true => vec![order.as_slice()],
                false => order.chunks(1).collect(),
            };
            for files in runs {
                assert_eq!(workspace.import(files).refused, [""; 0]);
            }
            facts.insert(workspace.read(READY));
        }
    }
    assert_eq!(facts.len(), 1, "{facts:#?}");
    let text = facts.pop_first().unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    super::assert_facts(
        &document,
        [
            ("/x-lark/title", "Pot rinsed".into()),
            ("/x-lark/updated", "2026-04-07".into()),
            ("/x-lark/sdks", serde_json::Value::Null),
            // What the newer page says nothing of.
            ("/x-lark/scopes/1/app_types/0", "custom".into()),
        ],
    );
    super::assert_body(
        &document,
        [
            ("steam", serde_json::Value::Null),
            (
                "times",
                serde_json::json!({
                    "type": "integer", "minimum": 1, "maximum": 2, "x-lark": {"keys": [1, 2]},
                }),
            ),
        ],
    );
}

#[test]
fn an_older_page_and_a_model_are_told_to_be_of_no_use() {
    let workspace = regular();
    workspace.import(&["ready.md"]);
    let before = workspace.read(READY);
    workspace.write("model.json", MODEL);
    let older = fixture("pages/regular.md").replace("1709210096000", "1609210096000");
    workspace.write("older.md", older.replace("\"green\"", "\"black\""));
    for file in ["model.json", "older.md"] {
        let [line] = &workspace.import(&[file]).lines[..] else {
            panic!("one line for {file}");
        };
        assert!(line.starts_with(&format!("kept {READY}: ")), "{line}");
        assert!(
            line.ends_with(&format!("{file} is older, undated or a model")),
            "{line}"
        );
    }
    assert_eq!(workspace.read(READY), before);
}

#[test]
fn a_second_import_changes_nothing() {
    let workspace = Workspace::new();
    let pages = good_pages();
    for (name, page) in &pages {
        workspace.write(name, page);
    }
    let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
    let report = workspace.import(&names);
    assert_eq!(report.refused, [""; 0]);
    let files: Vec<_> = report
        .lines
        .iter()
        .filter_map(|line| line.strip_prefix("new "))
        .collect();
    let texts = || {
        files
            .iter()
            .map(|file| workspace.read(file))
            .collect::<Vec<_>>()
    };
    let before = texts();

    let report = workspace.import(&names);
    assert_eq!([report.lines, report.refused], [[""; 0], [""; 0]]);
    assert_eq!(texts(), before);
}

#[test]
fn what_an_import_writes_the_generator_understands() {
    for (name, page) in good_pages() {
        for (event_type, document) in super::documents(&page) {
            let mut problems = Problems::default();
            let file = format!("specs/tea/{event_type}.json");
            let parsed = Spec::parse(
                &file,
                &spec::canonical(&document),
                &Overlay::default(),
                &mut problems,
            );
            assert!(parsed.is_some(), "{name}: {event_type}");
            assert_eq!(Vec::from(problems), [], "{name}: {event_type}");
        }
    }
}

#[test]
fn a_changed_page_tells_its_changes() {
    let workspace = regular();
    workspace.import(&["ready.md"]);
    let page = fixture("pages/regular.md")
        .replace(">hot</md-text>", ">warm</md-text>")
        .replace("\"hot\": true", "\"warm\": true")
        .replace("`500`", "`600`")
        .replace("label\": \"green\"", "label\": \"black\"");
    workspace.write("ready.md", page);
    let report = workspace.import(&["ready.md"]);
    assert_eq!(report.refused, [""; 0]);
    assert_eq!(
        report.lines,
        [
            &format!("updated {READY}"),
            "  ~ event.leaves:maximum: 500 -> 600",
            "  - event.hot: boolean",
            "  + event.warm: boolean",
            "  ~ examples:0:event:label: green -> black",
            "  - examples:0:event:hot: true",
            "  + examples:0:event:warm: true",
        ]
    );
}

#[test]
fn a_fact_file_that_cannot_be_read_is_an_error_and_stays_as_it_is() {
    let workspace = regular();
    let fails = |text: &[u8]| {
        let path = workspace.write(READY, text);
        let error = run(&workspace.0, &[workspace.0.join("ready.md")]).unwrap_err();
        assert_eq!(fs::read(path).unwrap(), text);
        error
    };
    let conflict = fails(b"<<<<<<< HEAD\n{}\n");
    assert!(matches!(conflict, CodegenError::Problems(_)), "{conflict}");
    let expected = format!("{READY}: expected JSON");
    assert!(conflict.to_string().starts_with(&expected), "{conflict}");
    let no_text = fails(b"\xff");
    assert!(matches!(no_text, CodegenError::Io(..)), "{no_text}");
}

#[test]
fn an_import_reads_no_facts_but_those_that_it_replaces() {
    let workspace = regular();
    let other = "specs/tea/tea.cup.filled_v1.json";
    workspace.write(other, b"\xff");
    let report = workspace.import(&["ready.md"]);
    assert_eq!(report.lines, [format!("new {READY}")]);
    assert_eq!(fs::read(workspace.0.join(other)).unwrap(), b"\xff");
}

#[test]
fn an_overlay_is_read_and_never_touched() {
    const OVERLAY: &str = "specs/tea/overlay.toml";
    let words = "# Ours.\r\n[[events.\"tea.pot.ready_v1\".repairs]]\n\
                 find = '40，'\nreplace = '40,'\nnote = \"A comma of another script.\"  \n";
    let workspace = regular();
    workspace.write(OVERLAY, words);
    let page = fixture("pages/regular.md").replace("40,", "40，");
    workspace.write("ready.md", page);
    let report = workspace.import(&["ready.md"]);
    assert_eq!(report.refused, [""; 0]);
    assert_eq!(report.lines, [format!("new {READY}")]);
    assert_eq!(workspace.read(OVERLAY), words);

    // The page was put right, so the repair can go.
    workspace.write("ready.md", fixture("pages/regular.md"));
    let report = workspace.import(&["ready.md"]);
    assert_eq!(report.lines, [""; 0]);
    let [line] = report.refused.as_slice() else {
        panic!("{:?}", report.refused);
    };
    let expected = format!(": expected `40，`, which {OVERLAY} repairs");
    assert!(line.ends_with(&expected), "{line}");
    assert_eq!(workspace.read(OVERLAY), words);
}

#[test]
fn an_overlay_that_is_not_understood_stops_the_import() {
    let workspace = regular();
    workspace.write("specs/tea/overlay.toml", "evnts = 1\n");
    let error = run(&workspace.0, &[workspace.0.join("ready.md")]).unwrap_err();
    assert!(matches!(error, CodegenError::Problems(_)), "{error}");
    assert!(!workspace.0.join(READY).exists());
    workspace.write("specs/domains.toml", "tea = 1\n");
    let error = run(&workspace.0, &[]).unwrap_err().to_string();
    assert!(error.starts_with("specs/domains.toml: "), "{error}");
}

#[test]
fn the_file_of_domains_decides_over_the_event_type() {
    let workspace = regular();
    workspace.write("specs/domains.toml", "kitchen = [\"tea.pot.ready_v1\"]\n");
    let report = workspace.import(&["ready.md"]);
    const FILE: &str = "specs/kitchen/tea.pot.ready_v1.json";
    assert_eq!(report.lines, [format!("new {FILE}")]);
    assert!(workspace.read(FILE).contains("\"domain\": \"kitchen\""));

    workspace.write("added.md", fixture("pages/two_events.md"));
    let report = workspace.import(&["added.md"]);
    assert_eq!(report.lines, [""; 0]);
    let [line] = report.refused.as_slice() else {
        panic!("{:?}", report.refused);
    };
    let expected = ": expected a domain for `tea_added` in specs/domains.toml";
    assert!(line.ends_with(expected), "{line}");
}

/// What lies beside the checkout: pages in both layouts, and models.
fn saved() -> Vec<PathBuf> {
    let shared = workspace_root().join("../shared");
    let folders = ["event-pages", "event-pages-2026", "sdk-models"];
    let files = folders
        .iter()
        .filter_map(|folder| fs::read_dir(shared.join(folder)).ok());
    let mut files: Vec<_> = files.flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A workspace with the overlays that are committed, and no facts.
fn with_committed_words() -> Workspace {
    let root = workspace_root();
    let workspace = Workspace::new();
    let domains = fs::read(root.join(sources::DOMAINS)).unwrap();
    workspace.write(sources::DOMAINS, domains);
    for Source { file, text } in sources::read_overlays(&root).unwrap() {
        workspace.write(&file, text);
    }
    workspace
}

/// The facts that are committed are those of the saved pages and models.
#[test]
fn whatever_is_saved_gives_the_committed_facts_in_any_order() {
    let files = saved();
    if files.is_empty() {
        skipped("the import of saved pages and models, which are not there");
        return;
    }
    let backwards: Vec<_> = files.iter().rev().cloned().collect();
    let (even, odd): (Vec<_>, Vec<_>) = files
        .iter()
        .cloned()
        .enumerate()
        .partition(|(at, _)| at % 2 == 0);
    let shuffled: Vec<_> = odd.into_iter().chain(even).map(|(_, file)| file).collect();
    let committed = texts(&sources::read(&workspace_root()).unwrap());
    for files in [files, backwards, shuffled] {
        let workspace = with_committed_words();
        // Some now and some later is no other.
        for files in files.chunks(files.len().div_ceil(2)) {
            let report = run(&workspace.0, files).unwrap();
            assert_eq!(report.refused, [""; 0]);
        }
        let imported = texts(&sources::read(&workspace.0).unwrap());
        let differs =
            |file: &&String| imported[*file] != committed.get(*file).cloned().unwrap_or_default();
        let stale: Vec<_> = imported.keys().filter(differs).collect();
        assert!(stale.is_empty(), "not as their pages say: {stale:#?}");
        for (file, text) in &committed {
            let facts: serde_json::Value = serde_json::from_str(text).unwrap();
            assert!(
                imported.contains_key(file) || facts.pointer("/x-lark/page").is_none(),
                "no page gives {file}"
            );
        }
    }
}

/// A page in the layout of 2026 has what the same page has in the older one, and what was added since.
#[test]
fn a_page_of_2026_has_all_that_the_same_page_had_before() {
    let files = saved();
    let mut pairs = 0;
    for newer in files
        .iter()
        .filter(|file| file.parent().unwrap().ends_with("event-pages-2026"))
    {
        let older = newer.parent().unwrap().with_file_name("event-pages");
        let older = older.join(newer.file_name().unwrap());
        let workspace = with_committed_words();
        run(&workspace.0, &[older]).unwrap();
        let report = run(&workspace.0, std::slice::from_ref(newer)).unwrap();
        assert_eq!(report.refused, [""; 0]);
        let is_news = |line: &&String| {
            let change = line.trim_start();
            !change.starts_with("updated ")
                && !change.starts_with("+ ")
                && !["~ x-lark:page: ", "~ x-lark:updated: "]
                    .iter()
                    .any(|of| change.starts_with(of))
        };
        let lost: Vec<_> = report.lines.iter().filter(is_news).collect();
        assert!(lost.is_empty(), "{}: {lost:#?}", newer.display());
        pairs += 1;
    }
    println!("{pairs} pairs");
    assert!(pairs == 15 || files.is_empty());
}

/// The fact files, by path.
fn texts(domains: &[Sources]) -> BTreeMap<String, String> {
    let specs = domains.iter().flat_map(|domain| &domain.specs);
    specs
        .map(|Source { file, text }| (file.clone(), text.clone()))
        .collect()
}
