//! Fields that SDKs have and a page does not. The overlay lists the accepted ones, and they become facts
//! of the event when its fact file is read. In the fact file itself, an import would overwrite them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::import::kind::Kind;
use super::spec::child;

const BODY: &str = "/properties/event";

/// The fields that the overlay of a domain accepts from SDKs, for readers of its fact files.
///
/// ```
/// use lark_events_codegen::AcceptedFields;
///
/// let overlay = r#"
///     [events.tea_ready.from_sdks]
///     sdks = ["tea-sdk 1.2"]
///     fields = { cups = "int" }
/// "#;
/// let facts = r#"{"$id":"tea_ready","properties":{"event":{"properties":{}}}}"#;
/// let facts = AcceptedFields::parse(overlay)?.added_to(facts)?;
/// assert!(facts.contains(r#""cups":{"type":"integer""#));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Default)]
pub struct AcceptedFields(BTreeMap<String, SdkFields>);

/// The part of an overlay that is read. Other releases have other words beside it.
#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    events: BTreeMap<String, EventWords>,
}

#[derive(Deserialize)]
struct EventWords {
    from_sdks: Option<SdkFields>,
}

impl AcceptedFields {
    /// Reads the text of an overlay, also that of an earlier release.
    ///
    /// # Errors
    ///
    /// A text with the place and what was expected there, if it is no overlay.
    pub fn parse(overlay: &str) -> Result<Self, String> {
        let words: Words = toml::from_str(overlay).map_err(|error| error.to_string())?;
        let events = words.events.into_iter();
        let events = events.filter_map(|(event_type, words)| Some((event_type, words.from_sdks?)));
        Ok(Self(events.collect()))
    }

    /// The text of a fact file with the fields that are accepted for its event.
    ///
    /// # Errors
    ///
    /// A text with the problem, if it is no fact file or has no place for a field.
    pub fn added_to(&self, facts: &str) -> Result<String, String> {
        let mut facts: Value = serde_json::from_str(facts).map_err(|error| error.to_string())?;
        let event_type = facts["$id"].as_str().unwrap_or_default();
        if let Some(fields) = self.0.get(event_type) {
            let added = fields.add_to(&mut facts);
            added.map_err(|(field, rule)| format!("{field}: {rule}"))?;
        }
        Ok(facts.to_string())
    }
}

/// The fields of an event that an overlay accepts from SDKs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SdkFields {
    /// The SDKs, with their versions. Each field is in at least two of them.
    sdks: Vec<String>,
    /// The type of each field in the notation of a page, by the path from the body with dots.
    pub(crate) fields: BTreeMap<String, String>,
}

impl SdkFields {
    /// Adds the fields to a fact file. The error is a field and the problem.
    pub(crate) fn add_to(&self, document: &mut Value) -> Result<(), (&str, String)> {
        let body = match document.pointer(BODY) {
            Some(_) => BODY,
            // A document without an envelope.
            None => "",
        };
        // The parent of a field sorts before it.
        for (path, kind) in &self.fields {
            let wrong = |rule: String| (path.as_str(), rule);
            let parsed = Kind::parse(kind).ok_or_else(|| wrong(format!("no type `{kind}`")))?;
            let schema = schema(&parsed, document);
            let mut schema =
                schema.ok_or_else(|| wrong(format!("the fact file has no type `{kind}`")))?;
            let (owner, name) = path.rsplit_once('.').unwrap_or(("", path));
            let place = members(document, body, owner);
            let (place, is_new) =
                place.ok_or_else(|| wrong("no object has this field".to_owned()))?;
            let members = document.pointer_mut(&place).and_then(Value::as_object_mut);
            let members = members.ok_or_else(|| wrong("no object has this field".to_owned()))?;
            match members.get_mut(name) {
                None => {
                    if !is_new {
                        schema["x-lark"] = json!({"sdks": self.sdks});
                    }
                    members.insert(name.to_owned(), schema);
                }
                Some(known) => {
                    if !widen(known, &schema) {
                        return Err(wrong(
                            "the facts already have this field: remove it here".to_owned(),
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// `None` for a type that the fact file does not have.
fn schema(kind: &Kind, document: &mut Value) -> Option<Value> {
    Some(match kind {
        Kind::String => json!({"type": "string"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Any | Kind::Unknown => json!({}),
        Kind::Object => json!({"type": "object", "properties": {}}),
        Kind::List(items) => json!({"type": "array", "items": schema(items, document)?}),
        Kind::Map(values) => {
            json!({"type": "object", "additionalProperties": schema(values, document)?})
        }
        Kind::Named(name) => {
            let definitions = &mut document["$defs"];
            if name == "user_id" && definitions.get(name).is_none() {
                let string = json!({"type": "string"});
                let members = json!({"union_id": string, "user_id": string, "open_id": string});
                definitions[name] = json!({"type": "object", "properties": members});
            }
            definitions.get(name)?;
            json!({"$ref": format!("#/$defs/{name}")})
        }
    })
}

/// The pointer to the members of the object at `path`, and whether that object is itself new.
fn members(document: &Value, body: &str, path: &str) -> Option<(String, bool)> {
    let mut names = path.split('.').filter(|name| !name.is_empty());
    let mut at = body.to_owned();
    let mut is_new = false;
    // Each name takes a few steps, as types refer to other types.
    for _ in 0..MAX_STEPS {
        let schema = document.pointer(&at)?;
        is_new |= schema.pointer("/x-lark/sdks").is_some();
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(name) = reference.and_then(|reference| reference.strip_prefix("#/$defs/")) {
            at = child("/$defs", name);
        } else if let Some(forms) = schema.get("anyOf").and_then(Value::as_array) {
            let is_object = |form: &Value| form.get("properties").or(form.get("$ref")).is_some();
            let object = forms.iter().position(is_object)?;
            at = format!("{at}/anyOf/{object}");
        } else if let Some(inner) = ["items", "additionalProperties"]
            .into_iter()
            .find(|name| schema.get(name).is_some())
        {
            at = child(&at, inner);
        } else {
            at = child(&at, "properties");
            let Some(name) = names.next() else {
                return Some((at, is_new));
            };
            at = child(&at, name);
        }
    }
    None
}

/// Far more than any path through documented types needs.
const MAX_STEPS: usize = 256;

/// Adds another form to a schema, and returns whether the form is new.
fn widen(known: &mut Value, other: &Value) -> bool {
    if known["type"] == "array" && other["type"] == "array" {
        return widen(&mut known["items"], &other["items"]);
    }
    let same = |name: &str| known.get(name) == other.get(name);
    if same("type") && same("$ref") {
        return false;
    }
    *known = json!({"anyOf": [known.take(), other]});
    true
}
