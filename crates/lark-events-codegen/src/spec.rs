//! Parses a fact file, a JSON Schema of one event's whole document. Rejects unknown keywords,
//! because a skipped keyword would lose a fact.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::facts::{Envelope, EventFacts, Facts};
use super::overlay::{Overlay, path};
use super::problem::Problems;
use super::raw_schema::{Kind, RawSchema};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const DEFS: &str = "#/$defs/";

/// One event.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Relative to the workspace.
    pub(crate) file: String,
    pub(crate) facts: EventFacts,
    pub(crate) body: Object,
    /// No page describes the body.
    pub(crate) is_raw: bool,
    /// The named types, then the anonymous ones.
    pub(crate) types: Vec<Object>,
    pub(crate) sample: Option<Value>,
}

/// An object with fixed members.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    /// The event type, the page's name for the type, or `owner/field` for a type without one.
    pub(crate) key: String,
    pub(crate) pointer: String,
    pub(crate) properties: Vec<Property>,
}

impl Object {
    fn empty(key: &str, pointer: &str) -> Self {
        Self {
            key: key.to_owned(),
            pointer: pointer.to_owned(),
            properties: Vec::new(),
        }
    }

    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.name == name)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) schema: Schema,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schema {
    /// The fact file and the place in it, for messages.
    pub(crate) file: String,
    pub(crate) pointer: String,
    pub(crate) shape: Shape,
    pub(crate) facts: Facts,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    String,
    Integer,
    Number,
    Boolean,
    /// Any value, as the page does not describe it.
    Any,
    Array(Box<Schema>),
    /// An object with any member names.
    Map(Box<Schema>),
    /// An [`Object`], by its key.
    Named(String),
    /// Sources disagree: the value can have each of these forms.
    Either(Vec<Schema>),
}

impl Shape {
    /// The type in it, also within lists and maps.
    pub(crate) fn named(&self) -> Option<&str> {
        match self {
            Self::Named(key) => Some(key),
            Self::Array(inner) | Self::Map(inner) => inner.shape.named(),
            _ => None,
        }
    }

    /// Its values as a noun, such as `a string`.
    pub(crate) fn article(&self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Array(_) => "a list",
            Self::Map(_) | Self::Named(_) => "an object",
            Self::Any | Self::Either(_) => "anything",
        }
    }
}

impl Schema {
    /// The innermost element of lists and maps.
    pub(crate) fn leaf(&self) -> &Self {
        match &self.shape {
            Shape::Array(inner) | Shape::Map(inner) => inner.leaf(),
            _ => self,
        }
    }
}

impl Spec {
    /// Parses a fact file. `None` is always accompanied by a problem.
    pub(crate) fn parse(
        file: &str,
        text: &str,
        overlay: &Overlay,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut read = || -> Result<Document, serde_json::Error> {
            let mut document: Value = serde_json::from_str(text)?;
            add_sdk_fields(&mut document, overlay, problems);
            serde_json::from_value(document)
        };
        let document = match read() {
            Ok(document) => document,
            Err(error) => {
                problems.push(file, "", error.to_string());
                return None;
            }
        };
        document.check_names(file, problems);
        let Document {
            defs,
            mut properties,
            facts,
            examples,
            ..
        } = document;
        let (body, body_pointer) = if facts.schema == Envelope::None {
            let document = json!({"type": "object", "properties": std::mem::take(&mut properties)});
            (document, "")
        } else if let Some(body) = properties.remove("event") {
            (body, "/properties/event")
        } else {
            problems.push(file, "/properties", "no `event`");
            return None;
        };

        let mut parser = Parser {
            file,
            defs: &defs,
            anonymous: Vec::new(),
            problems,
        };
        // The envelope is the same for all events; it is only checked.
        parser.members(properties, "", "");
        parser.anonymous.clear();

        let is_raw = body == json!({"type": "object"});
        let body = if is_raw {
            Object::empty(&facts.event_type, body_pointer)
        } else {
            parser.object(body, body_pointer, &facts.event_type)?
        };
        let mut types = Vec::new();
        for (name, def) in &defs {
            // `owner/field` is the key of an unnamed type.
            if name.contains('/') {
                let rule = format!("`{name}` is not a name for a type");
                parser.problems.push(file, child("/$defs", name), rule);
            }
            types.extend(parser.object(def.clone(), &child("/$defs", name), name));
        }
        types.append(&mut parser.anonymous);

        Some(Self {
            file: file.to_owned(),
            facts,
            body,
            is_raw,
            types,
            sample: examples.into_iter().next(),
        })
    }
}

/// Adds the accepted fields of SDKs.
fn add_sdk_fields(document: &mut Value, overlay: &Overlay, problems: &mut Problems) {
    let event_type = document["$id"].as_str().unwrap_or_default().to_owned();
    let words = overlay.events.get(&event_type);
    let Some(fields) = words.and_then(|words| words.from_sdks.as_ref()) else {
        return;
    };
    if let Err((field, rule)) = fields.add_to(document) {
        let at = path(&["events", &event_type, "from_sdks", "fields", field]);
        problems.push(&overlay.file, at, rule);
    }
}

/// The top of a fact file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "$schema")]
    dialect: String,
    #[serde(rename = "$id")]
    id: String,
    #[serde(rename = "x-lark")]
    facts: EventFacts,
    #[serde(rename = "type")]
    kind: String,
    properties: Map<String, Value>,
    #[serde(rename = "$defs", default)]
    defs: Map<String, Value>,
    #[serde(default)]
    examples: Vec<Value>,
}

impl Document {
    fn check_names(&self, file: &str, problems: &mut Problems) {
        let file_path = Path::new(file);
        let text = |part: Option<&std::ffi::OsStr>| {
            let part = part.unwrap_or_default();
            part.to_string_lossy().into_owned()
        };
        let stem = text(file_path.file_stem());
        let folder = text(file_path.parent().and_then(Path::file_name));
        for (pointer, actual, expected) in [
            ("/$schema", self.dialect.as_str(), DIALECT),
            ("/type", &self.kind, "object"),
            ("/$id", &self.id, &stem),
            ("/x-lark/event_type", &self.facts.event_type, &stem),
            ("/x-lark/domain", &self.facts.domain, &folder),
        ] {
            if actual != expected {
                problems.push(file, pointer, format!("`{actual}` should be `{expected}`"));
            }
        }
    }
}

struct Parser<'a> {
    file: &'a str,
    defs: &'a Map<String, Value>,
    /// Unnamed objects inside others.
    anonymous: Vec<Object>,
    problems: &'a mut Problems,
}

impl Parser<'_> {
    /// A schema that must be an object with fixed members.
    fn object(&mut self, value: Value, pointer: &str, key: &str) -> Option<Object> {
        let mut raw = self.raw(value, pointer)?;
        let facts = raw.take_facts();
        let (Some(Kind::Object), Some(properties)) = (raw.kind(), raw.properties) else {
            return self.reject(pointer, "must be an object with `properties`");
        };
        if facts != Ok(Facts::default()) {
            return self.reject(pointer, "facts belong to fields, not to a whole type");
        }
        Some(self.members(properties, pointer, key))
    }

    fn members(&mut self, properties: Map<String, Value>, pointer: &str, key: &str) -> Object {
        let mut object = Object::empty(key, pointer);
        let pointer = child(pointer, "properties");
        for (name, value) in properties {
            let schema = self.schema(value, child(&pointer, &name), &format!("{key}/{name}"));
            object
                .properties
                .extend(schema.map(|schema| Property { name, schema }));
        }
        object
    }

    /// Parses any schema. `key` is the key of an unnamed object here.
    fn schema(&mut self, value: Value, pointer: String, key: &str) -> Option<Schema> {
        let mut raw = self.raw(value, &pointer)?;
        let facts = match raw.take_facts() {
            Ok(facts) => facts,
            Err(rule) => return self.reject(&pointer, rule),
        };
        let shape = self.shape(raw, &pointer, key)?;
        Some(Schema {
            file: self.file.to_owned(),
            pointer,
            shape,
            facts,
        })
    }

    fn shape(&mut self, raw: RawSchema, pointer: &str, key: &str) -> Option<Shape> {
        if let (Some(choice), None, None) = (&raw.any_of, &raw.reference, &raw.kinds) {
            // Any value can be missing.
            let null = json!({"type": ["null"]});
            let forms = choice.iter().enumerate().filter(|(_, form)| **form != null);
            let forms = forms.map(|(index, form)| {
                self.schema(form.clone(), format!("{pointer}/anyOf/{index}"), key)
            });
            let mut forms: Vec<_> = forms.collect::<Option<_>>()?;
            return match forms.len() {
                0 => self.reject(pointer, "`anyOf` names no type"),
                1 => Some(forms.remove(0).shape),
                _ => Some(Shape::Either(forms)),
            };
        }
        if raw.has_no_kind() {
            return self.reject(pointer, "`type` names no type");
        }
        let kind = raw.kind();
        let RawSchema {
            reference,
            properties,
            additional_properties: values,
            items,
            ..
        } = raw;
        match (reference, kind, properties, values, items) {
            (Some(reference), None, None, None, None) => self.reference(&reference, pointer),
            (None, None, None, None, None) => Some(Shape::Any),
            (None, Some(Kind::String), None, None, None) => Some(Shape::String),
            (None, Some(Kind::Integer), None, None, None) => Some(Shape::Integer),
            (None, Some(Kind::Number), None, None, None) => Some(Shape::Number),
            (None, Some(Kind::Boolean), None, None, None) => Some(Shape::Boolean),
            (None, Some(Kind::Array), None, None, Some(items)) => {
                let items = self.schema(items, child(pointer, "items"), key)?;
                Some(Shape::Array(Box::new(items)))
            }
            (None, Some(Kind::Object), None, Some(values), None) => {
                let pointer = child(pointer, "additionalProperties");
                let values = self.schema(values, pointer, key)?;
                Some(Shape::Map(Box::new(values)))
            }
            (None, Some(Kind::Object), Some(properties), None, None) => {
                let object = self.members(properties, pointer, key);
                self.anonymous.push(object);
                Some(Shape::Named(key.to_owned()))
            }
            _ => self.reject(
                pointer,
                "must be a `$ref`, a string, integer, number or boolean, an array with `items`, \
                 an object with either `properties` or `additionalProperties`, or `{}`",
            ),
        }
    }

    fn reference(&mut self, reference: &str, pointer: &str) -> Option<Shape> {
        let name = reference.strip_prefix(DEFS);
        let known = name.filter(|name| self.defs.contains_key(*name));
        let Some(name) = known else {
            let rule = format!("no type `{reference}` in this file");
            return self.reject(&child(pointer, "$ref"), rule);
        };
        Some(Shape::Named(name.to_owned()))
    }

    fn raw(&mut self, value: Value, pointer: &str) -> Option<RawSchema> {
        match serde_json::from_value(value) {
            Ok(raw) => Some(raw),
            Err(error) => self.reject(pointer, error.to_string()),
        }
    }

    fn reject<T>(&mut self, pointer: &str, rule: impl Into<String>) -> Option<T> {
        self.problems.push(self.file, pointer, rule);
        None
    }
}

/// The text of a fact file.
pub(crate) fn canonical(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The JSON pointer of a member (RFC 6901).
pub(crate) fn child(pointer: &str, name: &str) -> String {
    let name = name.replace('~', "~0").replace('/', "~1");
    format!("{pointer}/{name}")
}
