//! A model: the fields of an event in one or more SDKs, as JSON. Models do not name types, so the
//! overlay names objects by their members.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Setting;
use super::choice::Rank;
use super::document;
use super::events::{self, Imported};
use super::fields::{Field, MAX_LEVEL, MAX_ROWS, Node, Shape, Types};
use super::input;
use super::kind::Kind;
use super::page::Refusal;
use super::sample::Sample;
use super::sampled::Fitting;
use super::wording::Wording;

/// The ids of a user. Every domain has a type for them.
const USER_ID: (&str, [&str; 3]) = ("user_id", ["union_id", "user_id", "open_id"]);

/// The input. Other members of a model are for people.
#[derive(Deserialize)]
struct Model {
    event_type: String,
    schema: String,
    title_zh: Option<String>,
    page: Option<String>,
    /// `None` if no official source has the body.
    source: Option<String>,
    #[serde(default)]
    other_sources: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    fields: Vec<ModelField>,
    sample: Option<Value>,
}

#[derive(Deserialize)]
struct ModelField {
    name: String,
    /// `string`, `integer`, `object`, …, or several with `|` between.
    #[serde(rename = "type")]
    kind: String,
    /// The number of lists around it.
    #[serde(default)]
    list: usize,
    #[serde(default)]
    children: Vec<Self>,
    /// Known values. Their meanings are for people.
    #[serde(rename = "enum", default)]
    keys: Map<String, Value>,
    /// A description, which is searched for facts.
    #[serde(rename = "description_zh", default)]
    description: String,
    /// The SDK that has the field, if other SDKs do not.
    only_in: Option<String>,
}

/// Reads the event of a model.
pub(super) fn read(model: &Value, setting: &Setting) -> Result<Imported, Refusal> {
    let refused = |expected: String| Refusal::new(1, expected);
    // The error can quote a long text of the model.
    let short = |error: serde_json::Error| format!("a model: {:.200}", error.to_string());
    let model: Model =
        serde_json::from_value(model.clone()).map_err(|error| refused(short(error)))?;
    let domain = events::domain(&model.event_type, setting).map_err(refused)?;
    let body = fields(&model.fields, 0).map_err(refused)?;
    let mut root = envelope(&model.schema, body).map_err(refused)?;
    let mut types = Types::new();
    if let Some(sample) = &model.sample {
        for field in &mut root {
            widen(&mut field.node, &sample[&field.name]);
        }
    }
    let names = setting.members.get(&domain);
    let mut naming = Naming {
        names,
        types: &mut types,
    };
    naming.fields(&mut root);
    let mut samples = Vec::new();
    if let Some(value) = model.sample {
        let sample = Sample::plain(value).map_err(refused)?;
        Fitting::new(&mut types, &sample, true).document(&mut root);
        samples.push(sample.value);
    }
    let sdks = model.source.iter().chain(&model.other_sources);
    let sdks: BTreeSet<_> = sdks.map(|source| package(source)).collect();
    let scopes = model.scopes.iter();
    let scopes: Vec<_> = scopes
        .map(|name| serde_json::json!({"name": name}))
        .collect();
    let lark = serde_json::json!({
        "domain": domain,
        "event_type": model.event_type,
        "schema": model.schema,
        "title": model.title_zh,
        "page": model.page.and_then(input::address),
        "sdks": sdks,
        "unconfirmed": model.source.is_none().then_some(true),
        "scopes": scopes,
    });
    Ok(Imported {
        document: document::document(lark, &root, &types, samples),
        event_type: model.event_type,
        domain,
        rank: if model.fields.is_empty() {
            Rank::Name
        } else {
            Rank::Model
        },
        notes: Vec::new(),
        stale: Vec::new(),
    })
}

/// The package in a source, such as `lark-oapi 1.7.5`. The path of a file follows it.
fn package(source: &str) -> String {
    let mut words: Vec<_> = source.split(' ').collect();
    let has_date = words.get(2).is_some_and(|word| word.starts_with('('));
    words.truncate(if has_date { 3 } else { 2 });
    words.join(" ")
}

fn string(name: &str) -> Field {
    Field {
        name: name.to_owned(),
        node: Node::new(Shape::String),
    }
}

fn envelope(schema: &str, body: Vec<Field>) -> Result<Vec<Field>, String> {
    let strings = |names: &[&str]| names.iter().map(|name| string(name)).collect::<Vec<_>>();
    let mut root = match schema {
        "1.0" => strings(&["ts", "uuid", "token", "type"]),
        "2.0" => {
            let header = [
                "event_id",
                "event_type",
                "create_time",
                "token",
                "app_id",
                "tenant_key",
            ];
            let mut header = strings(&header);
            header[2].node.wording.unit = Some("milliseconds");
            let node = Node::new(Shape::Object(header));
            let name = "header".to_owned();
            vec![string("schema"), Field { name, node }]
        }
        other => return Err(format!("`schema` 1.0 or 2.0, not `{other:.20}`")),
    };
    let shape = if body.is_empty() {
        Shape::Map(Box::new(Node::new(Shape::Unknown)))
    } else {
        Shape::Object(body)
    };
    root.push(Field {
        name: "event".to_owned(),
        node: Node::new(shape),
    });
    Ok(root)
}

fn fields(fields: &[ModelField], level: usize) -> Result<Vec<Field>, String> {
    if level > MAX_LEVEL {
        return Err(format!("at most {MAX_LEVEL} levels"));
    }
    if fields.len() > MAX_ROWS {
        return Err(format!("at most {MAX_ROWS} fields of an object"));
    }
    let mut read: Vec<Field> = Vec::new();
    for field in fields {
        let name = &field.name;
        if !super::fields::is_name(name) {
            return Err(format!("the name of a field, not `{name:.40}`"));
        }
        if read.iter().any(|known| known.name == *name) {
            return Err(format!("one field `{name}`, not two"));
        }
        let node = node(field, level)?;
        read.push(Field {
            name: name.clone(),
            node,
        });
    }
    Ok(read)
}

fn node(field: &ModelField, level: usize) -> Result<Node, String> {
    let kinds = field.kind.split('|').map(|kind| {
        let kind = Kind::parse(kind);
        kind.ok_or_else(|| format!("a type, not `{:.40}`", field.kind))
    });
    let mut shapes = Vec::new();
    for kind in kinds {
        shapes.push(match kind? {
            _ if !field.children.is_empty() => Shape::Object(fields(&field.children, level + 1)?),
            Kind::String => Shape::String,
            Kind::Integer => Shape::Integer,
            Kind::Number => Shape::Number,
            Kind::Boolean => Shape::Boolean,
            _ => Shape::Unknown,
        });
    }
    let mut wording = Wording::read(&field.description, &[], &Kind::Any);
    wording.keys = field.keys.keys().cloned().collect();
    let mut node = Node::new(match shapes.len() {
        1 => shapes.remove(0),
        _ => Shape::Either(shapes.into_iter().map(Node::new).collect()),
    });
    let lengths = (wording.min_length.take(), wording.max_length.take());
    node.wording = wording;
    for _ in 0..field.list.min(MAX_LEVEL) {
        node = Node::new(Shape::List(Box::new(node)));
    }
    (node.wording.min_length, node.wording.max_length) = lengths;
    node.sdks.extend(field.only_in.as_deref().map(package));
    Ok(node)
}

/// Adds the form of the sample, if it has an object in the place of a scalar: one of the sources has
/// that form too.
fn widen(node: &mut Node, value: &Value) {
    match (&mut node.shape, value) {
        (Shape::Object(fields), Value::Object(members)) => {
            for field in fields {
                if let Some(value) = members.get(&field.name) {
                    widen(&mut field.node, value);
                }
            }
        }
        (Shape::List(items), Value::Array(elements)) => {
            elements.iter().for_each(|element| widen(items, element));
        }
        (Shape::Either(forms), Value::Object(members)) => {
            let open = forms.iter_mut().find(|form| form.shape == Shape::Unknown);
            if let Some(open) = open {
                open.shape = object_of(members);
            }
        }
        (Shape::String | Shape::Integer, Value::Object(members)) => {
            let scalar = std::mem::replace(&mut node.shape, Shape::Unknown);
            let forms = [scalar, object_of(members)].map(Node::new);
            node.shape = Shape::Either(forms.into());
        }
        _ => {}
    }
}

/// An object whose members come from the sample later.
fn object_of(members: &Map<String, Value>) -> Shape {
    let fields = members.keys().map(|name| Field {
        name: name.clone(),
        node: Node::new(Shape::Unknown),
    });
    Shape::Object(fields.collect())
}

/// The names of types, by the members of an object.
pub(super) type Members = BTreeMap<BTreeSet<String>, String>;

/// Gives names to objects.
struct Naming<'a> {
    names: Option<&'a Members>,
    types: &'a mut Types,
}

impl Naming<'_> {
    fn fields(&mut self, fields: &mut [Field]) {
        for field in fields {
            self.node(&mut field.node);
        }
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.shape {
            Shape::List(inner) | Shape::Map(inner) => self.node(inner),
            Shape::Either(forms) => forms.iter_mut().for_each(|form| self.node(form)),
            Shape::Object(fields) => {
                self.fields(fields);
                if let Some(name) = self.name(fields) {
                    let fields = if name == USER_ID.0 {
                        USER_ID.1.map(string).into()
                    } else {
                        std::mem::take(fields)
                    };
                    // If two places of a type differ, the first one counts.
                    if !self.types.iter().any(|(known, _)| *known == name) {
                        self.types.push((name.clone(), fields));
                    }
                    node.shape = Shape::Named(name);
                }
            }
            _ => {}
        }
    }

    fn name(&self, fields: &[Field]) -> Option<String> {
        let (name, members) = USER_ID;
        let found: BTreeSet<_> = fields.iter().map(|field| field.name.clone()).collect();
        if found == members.map(str::to_owned).into() {
            return Some(name.to_owned());
        }
        self.names?.get(&found).cloned()
    }
}
