//! Compares the facts with tables of differences between SDKs and pages, if these are beside the
//! checkout. A field that two sources agree on must be in the facts, or listed with a reason.

use std::collections::BTreeMap;
use std::fs;

use lark_events_test_servers::skipped;

use super::super::drift::{Fields, Kind, Left, known};
use super::super::facts::Scope;
use super::super::spec::{Schema, Shape, Spec};
use crate::workspace_root;

/// The rows of a table, by the names of its columns.
fn rows(name: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let table = workspace_root().join("../shared").join(name);
    let Ok(text) = fs::read_to_string(&table) else {
        skipped(format_args!("{} is not there", table.display()));
        return None;
    };
    let mut lines = text.lines();
    let columns: Vec<_> = lines
        .next()
        .unwrap()
        .split('\t')
        .map(str::to_owned)
        .collect();
    let row = |line: &str| {
        let cells = line.split('\t').map(str::to_owned);
        columns.iter().cloned().zip(cells).collect()
    };
    Some(lines.map(row).collect())
}

/// The kind of a field in a column, if the column has one.
fn kind(row: &BTreeMap<String, String>, column: &str) -> Option<Kind> {
    match row[column].as_str() {
        "-" | "" | "(no event)" | "(no page)" => None,
        text => Some(Kind::parse(text).unwrap_or_else(|| panic!("{text} in {row:?}"))),
    }
}

struct Facts {
    events: BTreeMap<String, (Spec, Fields)>,
    left: Left,
}

impl Facts {
    fn read() -> Self {
        let root = workspace_root();
        Self {
            events: known(&root).unwrap(),
            left: Left::read(&root).unwrap(),
        }
    }

    /// Whether a field is neither in the facts nor listed.
    fn is_open(&self, event_type: &str, path: &str, kind: &Kind) -> bool {
        let own = self.events[event_type].1.get(path);
        !own.is_some_and(|own| own.takes(kind)) && self.left.reason(event_type, path).is_none()
    }
}

#[test]
fn what_two_sdks_have_is_in_the_facts_or_listed() {
    let Some(rows) = rows("sdk-drift.tsv") else {
        return;
    };
    let facts = Facts::read();
    let columns = ["in_python(type)", "in_go", "in_node", "in_java"];
    let mut open = Vec::new();
    let mut judged = 0;
    for row in &rows {
        let kinds: Vec<_> = columns
            .iter()
            .filter_map(|column| kind(row, column))
            .collect();
        let (event_type, path) = (&row["event_type"], &row["path"]);
        if kinds.len() >= 2 {
            judged += 1;
            let is_open = kinds
                .iter()
                .any(|kind| facts.is_open(event_type, path, kind));
            open.extend(is_open.then(|| format!("{event_type} {path} {kinds:?}")));
        }
    }
    assert!(open.is_empty(), "{open:#?}");
    assert!(judged > 400, "only {judged} rows");
}

#[test]
fn what_newer_pages_say_is_in_the_facts_or_listed() {
    let Some(rows) = rows("docs-drift.tsv") else {
        return;
    };
    let facts = Facts::read();
    let mut open = Vec::new();
    for row in &rows {
        let (event_type, path) = (&row["event_type"], &row["path"]);
        let (spec, fields) = &facts.events[event_type];
        let is_open = match row["kind"].as_str() {
            "scopes" => {
                let (_, scopes) = row["detail"].split_once("only-page=[").unwrap();
                let (scopes, _) = scopes.split_once(']').unwrap();
                let has = |name: &str| {
                    let mut scopes: std::slice::Iter<'_, Scope> = spec.facts.scopes.iter();
                    scopes.any(|scope| scope.name == name)
                };
                let mut scopes = scopes.split(", ").map(|scope| scope.trim_matches('\''));
                !scopes.all(has)
            }
            "enum" => {
                let (_, keys) = row["detail"].split_once("page=").unwrap();
                let keys = keys.split(' ').next().unwrap().split(',');
                let known = keys_of(spec, path);
                !keys
                    .into_iter()
                    .all(|key| known.iter().any(|known| known == key))
            }
            // The sample has the field, as another row shows.
            "not-in-page" => !fields.contains_key(path),
            _ => facts.is_open(event_type, path, &kind(row, "in_page(type)").unwrap()),
        };
        open.extend(is_open.then(|| format!("{row:?}")));
    }
    assert!(open.is_empty(), "{open:#?}");
}

/// The known values of a field.
fn keys_of(spec: &Spec, path: &str) -> Vec<String> {
    let mut object = &spec.body;
    let mut leaf: Option<&Schema> = None;
    for name in path.split('.') {
        leaf = object.property(name).map(|property| property.schema.leaf());
        if let Some(Shape::Named(key)) = leaf.map(|leaf| &leaf.shape) {
            object = spec.types.iter().find(|object| object.key == *key).unwrap();
        }
    }
    let keys = leaf
        .map(|leaf| leaf.facts.keys.as_slice())
        .unwrap_or_default();
    keys.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_listed_is_not_in_the_facts() {
    let facts = Facts::read();
    for (event_type, path) in facts.left.listed() {
        let (_, fields) = &facts.events[event_type];
        let (owner, _) = path.rsplit_once('.').unwrap_or(("", path));
        assert!(
            owner.is_empty() || fields.contains_key(owner),
            "nothing could have {path} of {event_type}"
        );
    }
}
