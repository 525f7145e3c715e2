//! The events of a page: each sample that is a whole document, with the table before it and the
//! facts that the page has about all of them.

use regex::Regex;
use serde_json::{Value, json};
use std::sync::LazyLock;

use super::super::spec;
use super::Setting;
use super::document::Writer;
use super::fields::{self, Field, Shape, Types};
use super::markup::{Permission, Row, Table};
use super::page::{Block, Code, Page, Refusal};
use super::sample::Sample;
use super::sampled::Fitting;

/// A page of the old envelope has a handful.
const MAX_EVENTS: usize = 16;
/// What a file can be called everywhere.
const MAX_NAME: usize = 100;

/// An event, ready to be written.
#[derive(Debug)]
pub struct Imported {
    /// As the page has it.
    pub event_type: String,
    /// The folder of its fact file.
    pub domain: String,
    pub(crate) document: Value,
    /// What the page could say better, each with its line.
    pub notes: Vec<(usize, String)>,
}

impl Imported {
    /// The text of its fact file.
    #[must_use]
    pub fn text(&self) -> String {
        spec::canonical(&self.document)
    }
}

/// What the table of facts says.
#[derive(Debug, Default)]
struct About {
    event_type: Option<String>,
    app_types: Vec<String>,
    scopes: Vec<Value>,
    field_scopes: Vec<Value>,
    push_modes: Vec<String>,
}

/// A table and a sample that belong together.
struct Draft<'a> {
    table: Option<&'a Table>,
    sample: Option<Sample>,
    event_type: String,
    line: usize,
}

/// Every event of a page.
pub(super) fn read(page: &Page, setting: &Setting) -> Result<Vec<Imported>, Refusal> {
    let about = about(page)?;
    let drafts = drafts(page, &about, setting)?;
    if drafts.is_empty() {
        let rule = match &about.event_type {
            Some(stated) => format!("a table of the fields of `{stated:.100}`, or a sample"),
            None => "an event type, in a row `事件类型` or `回调类型` or in a sample".to_owned(),
        };
        return Err(Refusal::new(page.lines, rule));
    }
    let mut events: Vec<Imported> = Vec::new();
    for draft in &drafts {
        for event_type in variants(draft) {
            if events.iter().any(|known| known.event_type == event_type) {
                return Err(Refusal::new(
                    draft.line,
                    format!("one sample of `{event_type}`"),
                ));
            }
            if events.len() == MAX_EVENTS {
                let rule = format!("at most {MAX_EVENTS} events on a page");
                return Err(Refusal::new(draft.line, rule));
            }
            events.push(import(page, &about, draft, event_type, setting)?);
        }
    }
    Ok(events)
}

fn about(page: &Page) -> Result<About, Refusal> {
    let mut about = About::default();
    let mut is_labelled = false;
    let tables = || {
        page.blocks.iter().filter_map(|block| match block {
            Block::Facts(table) => Some(table),
            _ => None,
        })
    };
    for row in tables().flat_map(|table| &table.rows) {
        is_labelled |= read_fact(&mut about, row)?;
    }
    if let (Some(unread), false) = (tables().next(), is_labelled) {
        return Err(Refusal::new(unread.line, "a row `事件类型` or `回调类型`"));
    }
    if about.event_type.is_none() {
        about.event_type = event_type_in_prose(page);
    }
    Ok(about)
}

/// Whether the label of the row is one of those that mean something.
fn read_fact(about: &mut About, row: &Row) -> Result<bool, Refusal> {
    let [label, cell, ..] = row.cells.as_slice() else {
        return Ok(false);
    };
    match label.text.lines().next().unwrap_or_default().trim() {
        "事件类型" | "回调类型" if !cell.text.is_empty() => {
            let stated = cell.text.trim_matches('`');
            let known = about.event_type.get_or_insert_with(|| stated.to_owned());
            if known != stated {
                // Whose would the permissions be?
                let rule = format!("facts of `{known:.100}` alone, not of `{stated:.100}` too");
                return Err(Refusal::new(row.line, rule));
            }
        }
        "支持的应用类型" => about.app_types.clone_from(&cell.app_types),
        "权限要求" => about.scopes = cell.permissions.iter().map(scope).collect(),
        "字段权限要求" => about.field_scopes = cell.permissions.iter().map(scope).collect(),
        "推送方式" => about.push_modes.clone_from(&cell.push_modes),
        _ => return Ok(false),
    }
    Ok(true)
}

fn scope(permission: &Permission) -> Value {
    let mut scope = json!({"name": permission.name});
    if !permission.app_types.is_empty() {
        scope["app_types"] = json!(permission.app_types);
    }
    if permission.is_retired {
        scope["retired"] = json!(true);
    }
    scope
}

/// `**事件类型**`, and below it the type as code.
fn event_type_in_prose(page: &Page) -> Option<String> {
    let mut prose = page.blocks.iter().filter_map(|block| match block {
        Block::Prose(text) => Some(text.as_str()),
        _ => None,
    });
    prose.find(|text| text.trim_matches(['*', '#', ' ']) == "事件类型")?;
    let code = prose.next()?.strip_prefix('`')?.strip_suffix('`')?;
    Some(code.to_owned())
}

fn drafts<'a>(page: &'a Page, about: &About, setting: &Setting) -> Result<Vec<Draft<'a>>, Refusal> {
    let mut drafts = Vec::new();
    let mut tables = Vec::new();
    for block in &page.blocks {
        match block {
            Block::Fields(table) => tables.push(table),
            Block::Code(code) => {
                let is_first = drafts.is_empty();
                let Some(sample) = document(code, is_first, setting)? else {
                    continue;
                };
                let event_type = event_type(&sample.value)
                    .map(str::to_owned)
                    // A callback of the old form does not name itself.
                    .or_else(|| about.event_type.clone().filter(|_| is_first));
                if let Some(event_type) = event_type {
                    drafts.push(Draft {
                        table: table_for(&sample.value, &tables)?,
                        line: sample.line,
                        sample: Some(sample),
                        event_type,
                    });
                    tables.clear();
                }
            }
            _ => {}
        }
    }
    // A table can stand below the only sample too.
    if let [
        Draft {
            table: table @ None,
            sample: Some(sample),
            ..
        },
    ] = drafts.as_mut_slice()
    {
        *table = table_for(&sample.value, &tables)?;
    }
    if let (Some(event_type), true) = (&about.event_type, drafts.is_empty())
        && let Some(table) = table_for(&Value::Null, &tables)?
    {
        drafts.push(Draft {
            table: Some(table),
            sample: None,
            event_type: event_type.clone(),
            line: table.line,
        });
    }
    if let (Some(stated), Some(first)) = (&about.event_type, drafts.first())
        && !drafts.iter().any(|draft| variants(draft).contains(stated))
    {
        let rule = format!(
            "a sample of `{stated:.100}`, not of `{:.100}`",
            first.event_type
        );
        return Err(Refusal::new(first.line, rule));
    }
    Ok(drafts)
}

/// The first table that has a row for a member of the sample: one of a reply can stand before it.
fn table_for<'a>(sample: &Value, tables: &[&'a Table]) -> Result<Option<&'a Table>, Refusal> {
    let readable = || tables.iter().copied().filter(|table| table.has_fields());
    let found = readable().find(|table| table.has_member_of(sample));
    match (found.or_else(|| readable().next()), tables) {
        // Without its labels, nothing of it would be taken.
        (None, [unread, ..]) => Err(unread.unlabelled()),
        (found, _) => Ok(found),
    }
}

/// The sample, if it is one of a whole document and not of a part or a reply.
fn document(code: &Code, is_first: bool, setting: &Setting) -> Result<Option<Sample>, Refusal> {
    let is_document = ["\"event_type\"", "\"event_callback\""]
        .iter()
        .any(|mark| code.text.contains(mark));
    if !is_document && !is_first {
        return Ok(None);
    }
    let mut text = code.text.clone();
    for repair in &setting.repairs {
        if text.contains(&format!("\"{}\"", repair.event_type)) {
            if !text.contains(&repair.find) {
                let rule = format!("`{}`, which {} repairs", repair.find, repair.file);
                return Err(Refusal::new(code.line, rule));
            }
            text = text.replacen(&repair.find, &repair.replace, 1);
        }
    }
    let line = code.line;
    Sample::parse(&Code { line, text }).map(Some)
}

/// The type that a document itself names.
fn event_type(document: &Value) -> Option<&str> {
    let name = document
        .pointer("/header/event_type")
        .or_else(|| document.pointer("/event/type"))?;
    name.as_str()
}

/// The type of a draft, and those that the comment on it lists beside it: pages of the old envelope
/// show one document for several events.
fn variants(draft: &Draft<'_>) -> Vec<String> {
    static LISTED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[a-z]+(?:_[a-z0-9]+)+").expect("a valid pattern"));
    let old = draft.sample.as_ref();
    let old = old.filter(|sample| sample.value.get("header").is_none());
    let comment = old.and_then(|sample| sample.comment("/event/type"));
    let mut types = vec![draft.event_type.clone()];
    for listed in LISTED.find_iter(comment.unwrap_or_default()) {
        if types.len() > MAX_EVENTS {
            break; // Too many already.
        }
        if !types.iter().any(|known| known == listed.as_str()) {
            types.push(listed.as_str().to_owned());
        }
    }
    types
}

fn import(
    page: &Page,
    about: &About,
    draft: &Draft<'_>,
    event_type: String,
    setting: &Setting,
) -> Result<Imported, Refusal> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || "._".contains(char);
    let is_long = event_type.len() > MAX_NAME;
    if event_type.is_empty() || is_long || !event_type.chars().all(is_name) {
        let rule = format!("an event type, not `{event_type:.60}`");
        return Err(Refusal::new(draft.line, rule));
    }
    let domain = setting.domain(&event_type).ok_or_else(|| {
        let rule = format!("a domain for `{event_type}` in specs/domains.toml");
        Refusal::new(draft.line, rule)
    })?;

    let mut types = Types::new();
    let (mut root, unknown) = match draft.table {
        Some(table) => fields::read(table, &mut types)?,
        None => Default::default(),
    };
    let mut notes: Vec<_> = unknown
        .into_iter()
        .map(|(line, name)| (line, format!("nothing describes the type `{name:.40}`")))
        .collect();
    if page.comment.contains_key("updatedAt") && page.updated().is_none() {
        notes.push((1, "`updatedAt` is no count of milliseconds".to_owned()));
    }
    if page.url().is_none() {
        notes.push((
            1,
            "no `source` and no `fullPath`, so there is no link to the page".to_owned(),
        ));
    }
    for field in &mut root {
        inline(field, &types);
    }
    let mut sample = None;
    if let Some(shown) = &draft.sample {
        let has_table = draft.table.is_some();
        Fitting::new(&mut types, shown, has_table).document(&mut root);
        let mut value = shown.value.clone();
        if let (Some(name), true) = (
            value.pointer_mut("/event/type"),
            draft.event_type != event_type,
        ) {
            *name = json!(event_type);
        }
        sample = Some(value);
    }

    let has = |name: &str| root.iter().any(|field| field.name == name);
    let schema = match (has("header"), has("event")) {
        (true, true) => "2.0",
        (false, true) => "1.0",
        _ => "none",
    };
    let mut facts = json!({"domain": domain, "event_type": event_type, "schema": schema});
    for (name, value) in [
        ("page", page.url().map(Value::from)),
        ("updated", page.updated().map(Value::from)),
        ("app_types", filled(json!(about.app_types))),
        ("scopes", filled(json!(about.scopes))),
        ("field_scopes", filled(json!(about.field_scopes))),
        ("push_modes", filled(json!(about.push_modes))),
    ] {
        if let Some(value) = value {
            facts[name] = value;
        }
    }
    let writer = Writer(&types);
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": event_type,
        "x-lark": facts,
        "type": "object",
        "properties": writer.properties(&root),
    });
    // An object of which nothing is known.
    if document["properties"]["event"] == json!({"type": "object", "additionalProperties": {}}) {
        document["properties"]["event"] = json!({"type": "object"});
    }
    if let Some(definitions) = filled(writer.definitions(&root)) {
        document["$defs"] = definitions;
    }
    document["examples"] = sample.into_iter().collect();
    Ok(Imported {
        event_type,
        domain,
        document,
        notes,
    })
}

/// Replaces a named type by its fields: the envelope and the body need no name.
fn inline(field: &mut Field, types: &Types) {
    let Shape::Named(name) = &field.node.shape else {
        return;
    };
    if let Some((_, fields)) = types.iter().find(|(known, _)| known == name) {
        field.node.shape = Shape::Object(fields.clone());
    }
}

/// Nothing for an empty list or object.
fn filled(value: Value) -> Option<Value> {
    let is_empty = match &value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    (!is_empty).then_some(value)
}
