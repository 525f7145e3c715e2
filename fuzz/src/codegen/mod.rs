//! What people write and save for the catalogue: pages, fact files and overlays. Whatever they are,
//! they become facts and Rust, or an error that says where.
//!
//! An input is a letter, `p` before a page and `g` before an overlay and fact files with a NUL between
//! each.

mod seeds;

use std::str;

use lark_events_codegen::internals::{
    Refusal, Setting, Source, Sources, events_of, generate_domain,
};
use serde_json::Value;

pub use self::seeds::{seeds, words};

/// The domain of all that is generated.
const DOMAIN: &str = "tea";

/// What came of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is no input, or there are problems with it.
    Refused,
    /// A page became facts, of which some need an overlay before they are code.
    Imported,
    /// It became code, all of it.
    Generated,
}

/// Imports a page, or generates from facts.
pub fn open(data: &[u8]) {
    ended(data);
}

/// The same, for tests that want to know how it went.
pub fn ended(data: &[u8]) -> Ended {
    match data.split_first() {
        Some((b'p', page)) => imports(page),
        Some((b'g', texts)) => {
            let Ok(texts) = str::from_utf8(texts) else {
                return Ended::Refused;
            };
            let mut texts = texts.split('\0').map(str::to_owned);
            let overlay = texts.next().unwrap_or_default();
            generates(DOMAIN, overlay, texts.collect())
        }
        _ => Ended::Refused,
    }
}

fn setting() -> Setting {
    let mut setting = Setting::default();
    for event_type in seeds::OF_NO_DOMAIN {
        setting
            .domains
            .insert((*event_type).to_owned(), DOMAIN.to_owned());
    }
    setting
}

/// A page becomes facts that code is generated from, the same each time; or a refusal that names a
/// line of it.
fn imports(page: &[u8]) -> Ended {
    let setting = setting();
    let imported = match events_of(page, &setting) {
        Ok(imported) => imported,
        Err(Refusal { line, expected }) => {
            let lines = page.split(|byte| *byte == b'\n').count();
            assert!(line <= lines, "line {line} of {lines}: {expected}");
            assert!(!expected.is_empty() && expected.len() < 1_000, "{expected}");
            return Ended::Refused;
        }
    };
    assert!(!imported.is_empty());
    let again = events_of(page, &setting).unwrap_or_default();
    let pairs = imported.iter().zip(&again);
    assert!(
        pairs.clone().count() == imported.len(),
        "not the same again"
    );
    let mut ended = Ended::Generated;
    for (event, again) in pairs {
        assert!(
            !event.event_type.contains(['/', '\\', '\0']),
            "{}",
            event.event_type
        );
        let text = event.text();
        assert_eq!(text, again.text(), "not the same again");
        let back: Value = serde_json::from_str(&text).expect("a fact file is JSON");
        assert_eq!(format!("{back:#}\n"), text, "another text of the same");
        if generates(&event.domain, String::new(), vec![text]) == Ended::Refused {
            ended = Ended::Imported;
        }
    }
    ended
}

/// Facts become Rust, or reported problems.
fn generates(domain: &str, overlay: String, specs: Vec<String>) -> Ended {
    let specs = specs.into_iter().enumerate().map(|(index, text)| {
        let value: Option<Value> = serde_json::from_str(&text).ok();
        let id = value.as_ref().and_then(|value| value["$id"].as_str());
        let name = id.map_or_else(|| index.to_string(), str::to_owned);
        Source {
            file: format!("specs/{domain}/{name}.json"),
            text,
        }
    });
    let sources = Sources {
        name: domain.to_owned(),
        specs: specs.collect(),
        overlay: Source {
            file: format!("specs/{domain}/overlay.toml"),
            text: overlay,
        },
    };
    match generate_domain(&sources) {
        Ok(generated) => {
            for (file, text) in generated.files {
                if file.ends_with(".rs") {
                    let parsed = syn::parse_file(&text);
                    parsed.unwrap_or_else(|error| panic!("{file} is no Rust: {error}\n{text}"));
                }
            }
            let outline: Result<Value, _> = serde_json::from_str(&generated.outline);
            assert!(outline.is_ok(), "the outline is no JSON");
            Ended::Generated
        }
        Err(problems) => {
            assert!(
                !problems.is_empty(),
                "nothing is generated, and nothing wrong"
            );
            for problem in problems {
                assert!(problem.to_string().starts_with("specs/"), "{problem}");
            }
            Ended::Refused
        }
    }
}
