//! The generator as a whole: small catalogues in, Rust text or problems out.

mod drift;
mod problems;
mod schemas;
mod sdks;
mod text;
mod workspace;

use serde_json::{Value, json};

use super::sources::{Source, Sources};
use super::{generate_domain, problem::Problem};

const READY: &str = "tea.pot.ready_v1";
const POURED: &str = "tea.pot.poured_v1";

/// A fact file of the domain `tea`.
fn spec(event_type: &str, fields: Value, defs: Value) -> Source {
    let facts = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": event_type,
        "x-lark": {"domain": "tea", "event_type": event_type, "schema": "2.0"},
        "type": "object",
        "properties": {"event": {"type": "object", "properties": fields}},
        "$defs": defs,
    });
    Source {
        file: format!("specs/tea/{event_type}.json"),
        text: facts.to_string(),
    }
}

fn tea(specs: impl IntoIterator<Item = Source>, overlay: &str) -> Sources {
    Sources {
        name: "tea".to_owned(),
        specs: specs.into_iter().collect(),
        overlay: Source {
            file: "specs/tea/overlay.toml".to_owned(),
            text: overlay.to_owned(),
        },
    }
}

/// The problems, without the common part of the file names.
fn problems(sources: &Sources) -> Vec<String> {
    let problems = generate_domain(sources).expect_err("the catalogue has a problem");
    let lines = problems.iter().map(Problem::to_string);
    lines.map(|line| line.replace("specs/tea/", "")).collect()
}

fn string() -> Value {
    json!({"type": "string"})
}

/// An overlay that describes one event with one field.
fn overlay(event_type: &str, field: &str) -> String {
    format!(
        "[events.\"{event_type}\"]\ndoc = \"It is.\"\n\
         [events.\"{event_type}\".fields]\n{field} = {{ doc = \"What.\" }}\n"
    )
}
