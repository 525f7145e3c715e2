//! Imports as they are run: several pages, files on disk, and what is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::super::super::CodegenError;
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

#[test]
fn an_event_stands_on_one_page() {
    let workspace = regular();
    workspace.write(
        "again.md",
        fixture("pages/regular.md").replace("\"green\"", "\"black\""),
    );
    let report = workspace.import(&["ready.md", "again.md"]);
    assert_eq!(report.lines, [format!("new {READY}")]);
    let [line] = report.refused.as_slice() else {
        panic!("{:?}", report.refused);
    };
    assert!(
        line.starts_with("again.md: `tea.pot.ready_v1` stands on "),
        "{line}"
    );
    assert!(workspace.read(READY).contains("\"green\""));
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
            let parsed = Spec::parse(&file, &spec::canonical(&document), &mut problems);
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
fn a_fact_file_that_cannot_be_read_is_written_anew() {
    let workspace = regular();
    workspace.import(&["ready.md"]);
    let text = workspace.read(READY);
    workspace.write(READY, "<<<<<<<");
    assert_eq!(
        workspace.import(&["ready.md"]).lines,
        [format!("new {READY}")]
    );
    assert_eq!(workspace.read(READY), text);
}

#[test]
fn an_import_reads_no_facts_but_those_that_it_replaces() {
    let workspace = regular();
    let other = "specs/tea/tea.cup.filled_v1.json";
    workspace.write(other, b"\xff");
    workspace.write(READY, b"\xff");
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

/// The facts that are committed are those of the platform's own pages, where they lie beside the
/// checkout.
#[test]
fn the_saved_pages_give_the_committed_facts() {
    let root = workspace_root();
    let Ok(entries) = fs::read_dir(root.join("../shared/event-pages")) else {
        println!("skipped: no saved pages");
        return;
    };
    let mut pages: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.sort();

    let committed = sources::read(&root).unwrap();
    let known: Vec<_> = texts(&committed)
        .values()
        .filter_map(|text| page(text))
        .collect();
    // Pages that nobody has imported yet are no business of this test.
    let (pages, others): (Vec<_>, Vec<_>) = pages.into_iter().partition(|page| {
        let head: String = fs::read_to_string(page).unwrap();
        let head = head
            .split("-->")
            .next()
            .unwrap()
            .replace("//event", "/event");
        known
            .iter()
            .any(|path| head.lines().any(|line| line.ends_with(path)))
    });
    assert_eq!(pages.len(), BTreeSet::from_iter(&known).len());
    println!("{} pages; not imported: {others:#?}", pages.len());
    let workspace = Workspace::new();
    workspace.write(
        sources::DOMAINS,
        fs::read(root.join(sources::DOMAINS)).unwrap(),
    );
    for Sources { overlay, .. } in &committed {
        workspace.write(&overlay.file, &overlay.text);
    }
    let report = run(&workspace.0, &pages).unwrap();
    assert_eq!(report.refused, [""; 0]);

    let committed = texts(&committed);
    let imported = texts(&sources::read(&workspace.0).unwrap());
    let differs =
        |file: &&String| imported[*file] != committed.get(*file).cloned().unwrap_or_default();
    let stale: Vec<_> = imported.keys().filter(differs).collect();
    assert!(stale.is_empty(), "not as their pages say: {stale:#?}");
    for (file, text) in &committed {
        assert!(
            imported.contains_key(file) || page(text).is_none(),
            "no page gives {file}"
        );
    }
}

/// The path of the page that a fact file is from.
fn page(facts: &str) -> Option<String> {
    let facts: serde_json::Value = serde_json::from_str(facts).unwrap();
    let page = facts.pointer("/x-lark/page")?.as_str().unwrap();
    Some(
        page.trim_start_matches("https://open.feishu.cn/document")
            .to_owned(),
    )
}

/// The fact files, by path.
fn texts(domains: &[Sources]) -> BTreeMap<String, String> {
    let specs = domains.iter().flat_map(|domain| &domain.specs);
    specs
        .map(|Source { file, text }| (file.clone(), text.clone()))
        .collect()
}
