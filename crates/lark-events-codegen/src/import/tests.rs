//! Tests the importer as a whole, on the pages in `fixtures`. Each page has one peculiarity of the
//! platform's pages.

mod layouts;
mod mangled;
mod models;
mod pages;
mod refused;
mod runs;
mod samples;
mod shapes;
mod sizes;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::scratch::Scratch;
use super::super::sources;
use super::{Report, run};

/// The events of the fixtures that do not name their domain.
const DOMAINS: &str = "tea = [\"tea_added\", \"tea_removed\", \"cup_filled\", \"cup_emptied\", \
                       \"cup_broken\", \"shop_opened\"]\n";

/// A workspace in the temporary folder, removed when dropped.
struct Workspace(Scratch);

impl Workspace {
    fn new() -> Self {
        let workspace = Self(Scratch::new());
        workspace.write(sources::DOMAINS, DOMAINS);
        workspace
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    /// Imports the pages at these paths. The paths in rejections become relative to the workspace.
    fn import(&self, pages: &[&str]) -> Report {
        let pages: Vec<_> = pages.iter().map(|page| self.0.join(page)).collect();
        let mut report = run(&self.0, &pages).unwrap();
        let root = format!("{}{}", self.0.display(), std::path::MAIN_SEPARATOR);
        for line in &mut report.refused {
            *line = line.replace(&root, "");
        }
        report
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The text of a fixture, with `\n` on every platform.
fn fixture(name: &str) -> String {
    let text = fs::read_to_string(fixtures().join(name)).unwrap();
    text.replace("\r\n", "\n")
}

/// Every valid page, by name.
fn good_pages() -> Vec<(String, String)> {
    let entries = fs::read_dir(fixtures().join("pages")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<_> = names
        .map(|name| (name.clone(), fixture(&format!("pages/{name}"))))
        .collect();
    pages.sort();
    pages
}

/// The fact files of a page, by event type.
fn documents(page: &str) -> Vec<(String, Value)> {
    let workspace = Workspace::new();
    workspace.write("page.md", page);
    let report = workspace.import(&["page.md"]);
    assert_eq!(report.refused, [""; 0]);
    let files = report.lines.iter();
    files
        .filter_map(|line| line.strip_prefix("new "))
        .map(|file| {
            let document: Value = serde_json::from_str(&workspace.read(file)).unwrap();
            (document["$id"].as_str().unwrap().to_owned(), document)
        })
        .collect()
}

/// The fact file of a page with a single event.
fn document(name: &str) -> Value {
    let mut documents = documents(&fixture(&format!("pages/{name}.md")));
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0).1
}

/// Asserts the values at places of a document.
#[track_caller]
fn assert_facts<const N: usize>(document: &Value, facts: [(&str, Value); N]) {
    for (pointer, expected) in facts {
        let found = document.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(*found, expected, "{pointer} of {document:#}");
    }
}

/// Asserts the schema of each field of the body.
#[track_caller]
fn assert_body<const N: usize>(document: &Value, fields: [(&str, Value); N]) {
    let body = &document["properties"]["event"]["properties"];
    for (name, expected) in fields {
        assert_eq!(body[name], expected, "{name} of {document:#}");
    }
}

fn string() -> Value {
    json!({"type": "string"})
}

fn integer() -> Value {
    json!({"type": "integer"})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}
