//! The pages that were written for the importer's tests, and the catalogue's own facts and words.

use std::fs;
use std::path::{Path, PathBuf};

/// The events of those pages whose types do not begin with their domain.
pub(super) const OF_NO_DOMAIN: &[&str] = &[
    "tea_added",
    "tea_removed",
    "cup_filled",
    "cup_emptied",
    "cup_broken",
    "shop_opened",
];

/// Larger ones are slow to try and say nothing new.
const MAX_SEED: usize = 24 * 1024;

/// Inputs to begin with.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seeds = Vec::new();
    for folder in ["pages", "broken"] {
        for page in entries(
            &root
                .join("crates/lark-events-codegen/fixtures")
                .join(folder),
        ) {
            seeds.push([b"p", &read(&page)[..]].concat());
        }
    }
    let mut domains = entries(&root.join("specs"));
    domains.retain(|entry| entry.is_dir());
    for folder in domains {
        let files = entries(&folder).into_iter();
        let specs = files.filter(|file| file.extension().is_some_and(|it| it == "json"));
        let specs: Vec<_> = specs.map(|spec| of_tea(&folder, &read(&spec))).collect();
        let overlay = of_tea(&folder, &read(&folder.join("overlay.toml")));
        for spec in &specs {
            seeds.push([b"g\0", &spec[..]].concat());
        }
        seeds.push([&[b'g'][..], &overlay, b"\0", &specs.join(&b'\0')].concat());
    }
    seeds.push(with_words());
    seeds.retain(|seed| seed.len() <= MAX_SEED);
    seeds
}

/// A text of another domain, as if it were of the one that all of it is generated for.
fn of_tea(folder: &Path, text: &[u8]) -> Vec<u8> {
    let domain = folder.file_name().unwrap_or_default().to_string_lossy();
    let text = String::from_utf8_lossy(text);
    let text = text.replace(&format!("{domain}."), "tea.");
    let from = format!("\"domain\": \"{domain}\"");
    text.replace(&from, "\"domain\": \"tea\"").into_bytes()
}

/// A little of everything that an overlay can say.
fn with_words() -> Vec<u8> {
    let overlay = r#"
        about = "Tea"
        described = true
        [events."tea.pot.ready_v1"]
        doc = "A pot is ready."
        name = "TeaReadyV1"
        repairs = [{ find = "a", replace = "b", note = "It is no JSON." }]
        fields.type = { doc = "A." }
        fields.state = { doc = "I.", enum = "State" }
        fields.maker = { doc = "H." }
        [types."tea.pot.ready_v1/maker"]
        doc = "Who made it."
        fields.name = { doc = "Their name.", type = "string" }
        [enums.State]
        doc = "What it is doing."
        variants = [{ key = 0, name = "Idle", doc = "Nothing." }]
    "#;
    let spec = r##"{"$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "tea.pot.ready_v1", "type": "object",
        "x-lark": {"domain": "tea", "event_type": "tea.pot.ready_v1", "schema": "2.0"},
        "properties": {"event": {"type": "object", "properties": {
            "type": {"type": "string", "minLength": 1},
            "state": {"type": "integer", "x-lark": {"keys": [0]}},
            "maker": {"type": "object", "properties": {"name": {"type": "string"}}}}}},
        "$defs": {}}"##;
    format!("g{overlay}\0{spec}").into_bytes()
}

/// In the order of their names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the repository");
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = paths.collect::<Result<_, _>>().expect("its entries");
    paths.sort();
    paths
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What pages, facts and overlays are made of.
#[must_use]
pub fn words() -> Vec<String> {
    let words = "
        $id $ref #/$defs/ $defs x-lark domain event_type schema properties items type object array
        string integer number boolean additionalProperties minimum maximum minLength maxLength
        minItems maxItems default examples required keys unit scopes only_sampled event header
        :::html ::: ``` ```json <md-table> <md-tr> <md-td> <md-th> <md-dt-table> <md-enum>
        <md-enum-item </md-td> </md-tr> </md-table> <!-- --> fullPath: source: updatedAt: \\| &emsp;
        事件类型 回调类型 doc name enum variants key fields types enums events about described by_hand
        repairs find replace note r# */ // \\u{0} }} {{ crate self Self super _ 1e400 -0 \\ud800
        9223372036854775808 -9223372036854775808";
    words.split_whitespace().map(str::to_owned).collect()
}
