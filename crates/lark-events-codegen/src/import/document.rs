//! Writes a tree as a fact file: the JSON Schema of a whole document, with other facts under `x-lark`.

use serde_json::{Map, Number, Value, json};

use super::fields::{Field, Node, Shape, Types};

/// The document of an event. Null and empty members of `x-lark` are left out.
pub(super) fn document(
    mut lark: Value,
    root: &[Field],
    types: &Types,
    samples: Vec<Value>,
) -> Value {
    if let Some(lark) = lark.as_object_mut() {
        lark.retain(|_, value| is_filled(value));
    }
    let writer = Writer(types);
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": lark["event_type"],
        "x-lark": lark,
        "type": "object",
        "properties": writer.properties(root),
    });
    // An object without any known member.
    if document["properties"]["event"] == json!({"type": "object", "additionalProperties": {}}) {
        document["properties"]["event"] = json!({"type": "object"});
    }
    let definitions = writer.definitions(root);
    if is_filled(&definitions) {
        document["$defs"] = definitions;
    }
    document["examples"] = samples.into();
    document
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

/// Writes values that refer to these types.
struct Writer<'a>(&'a Types);

impl<'a> Writer<'a> {
    /// The `properties` of an object.
    fn properties(&self, fields: &[Field]) -> Value {
        let members = fields.iter();
        let members = members.map(|field| (field.name.clone(), self.schema(&field.node)));
        Value::Object(members.collect())
    }

    /// The `$defs` of the types that the fields refer to, directly or indirectly, in the order of first
    /// use.
    fn definitions(&self, fields: &'a [Field]) -> Value {
        let mut reached = Vec::new();
        self.reach(fields, &mut reached);
        let definitions = reached.into_iter().map(|(name, fields)| {
            let definition = json!({"type": "object", "properties": self.properties(fields)});
            (name.to_owned(), definition)
        });
        Value::Object(definitions.collect())
    }

    fn reach(&self, fields: &'a [Field], reached: &mut Vec<(&'a str, &'a [Field])>) {
        for field in fields {
            self.reach_node(&field.node, reached);
        }
    }

    fn reach_node(&self, node: &'a Node, reached: &mut Vec<(&'a str, &'a [Field])>) {
        match &node.shape {
            Shape::List(inner) | Shape::Map(inner) => self.reach_node(inner, reached),
            Shape::Object(fields) => self.reach(fields, reached),
            Shape::Either(forms) => forms.iter().for_each(|form| self.reach_node(form, reached)),
            Shape::Named(name) if !reached.iter().any(|(known, _)| known == name) => {
                if let Some(fields) = self.fields_of(name) {
                    reached.push((name, fields));
                    self.reach(fields, reached);
                }
            }
            _ => {}
        }
    }

    fn fields_of(&self, name: &str) -> Option<&'a [Field]> {
        let (_, fields) = self.0.iter().find(|(known, _)| known == name)?;
        Some(fields)
    }

    fn schema(&self, node: &Node) -> Value {
        let mut schema = Map::new();
        let kind = match &node.shape {
            Shape::String => "string",
            Shape::Integer => "integer",
            Shape::Number => "number",
            Shape::Boolean => "boolean",
            Shape::List(items) => {
                schema.insert("items".to_owned(), self.schema(items));
                "array"
            }
            Shape::Map(values) => {
                schema.insert("additionalProperties".to_owned(), self.schema(values));
                "object"
            }
            Shape::Object(fields) => {
                schema.insert("properties".to_owned(), self.properties(fields));
                "object"
            }
            // A type without rows and without a sample is open.
            Shape::Named(name) if self.fields_of(name).is_some() => {
                let mut reference = json!({"$ref": format!("#/$defs/{name}")});
                if !node.also.is_empty() {
                    reference = json!({"anyOf": [reference, {"type": node.also}]});
                }
                schema.extend(reference.as_object().cloned().into_iter().flatten());
                ""
            }
            Shape::Either(forms) => {
                let forms = forms.iter().map(|form| self.schema(form)).collect();
                schema.insert("anyOf".to_owned(), forms);
                ""
            }
            Shape::Any | Shape::Unknown | Shape::Named(_) => "",
        };
        if !kind.is_empty() {
            let mut kinds = json!(kind);
            if !node.also.is_empty() {
                kinds = [kind]
                    .into_iter()
                    .chain(node.also.iter().copied())
                    .collect();
            }
            schema.shift_insert(0, "type".to_owned(), kinds);
        }
        add_facts(&mut schema, node);
        Value::Object(schema)
    }
}

/// Bounds become keywords of JSON Schema if the type has such keywords and the sample is within the
/// bounds.
fn add_facts(schema: &mut Map<String, Value>, node: &Node) {
    let wording = &node.wording;
    let is_kept = !node.is_out_of_bounds;
    let is_number = matches!(node.shape, Shape::Integer | Shape::Number);
    let lengths = match node.shape {
        Shape::String if is_kept => Some(["minLength", "maxLength"]),
        Shape::List(_) if is_kept => Some(["minItems", "maxItems"]),
        _ => None,
    };
    let mut lark = Map::new();
    let mut put = |is_keyword: bool, name: &str, value: Option<Value>| {
        let target = if is_keyword { &mut *schema } else { &mut lark };
        target.extend(value.map(|value| (name.to_owned(), value)));
    };
    put(false, "unit", wording.unit.map(Value::from));
    let is_time = node.is_unix_time.then_some(Value::Bool(true));
    put(false, "unix_time", is_time);
    let [min_length, max_length] = lengths.unwrap_or(["min_length", "max_length"]);
    put(
        lengths.is_some(),
        min_length,
        wording.min_length.map(Value::from),
    );
    put(
        lengths.is_some(),
        max_length,
        wording.max_length.map(Value::from),
    );
    let number = |number: &Option<Number>| number.clone().map(Value::Number);
    put(is_number && is_kept, "minimum", number(&wording.minimum));
    put(is_number && is_kept, "maximum", number(&wording.maximum));
    put(is_number, "default", number(&wording.default));
    put(false, "round_to", number(&wording.round_to));
    let keys = wording.keys.iter().map(|text| key(text, &node.shape));
    put(false, "keys", list(keys));
    put(
        false,
        "scopes",
        list(node.scopes.iter().map(|scope| json!(scope))),
    );
    put(false, "sdks", list(node.sdks.iter().map(|sdk| json!(sdk))));
    put(
        false,
        "only_sampled",
        node.is_only_sampled.then_some(Value::Bool(true)),
    );
    if !lark.is_empty() {
        schema.insert("x-lark".to_owned(), Value::Object(lark));
    }
}

/// `None` for an empty list.
fn list(values: impl Iterator<Item = Value>) -> Option<Value> {
    let values: Vec<_> = values.collect();
    (!values.is_empty()).then_some(Value::Array(values))
}

/// A key as a JSON value of the type of its field.
fn key(text: &str, shape: &Shape) -> Value {
    match (shape, text.parse::<i64>()) {
        (Shape::Integer, Ok(number)) => json!(number),
        _ => json!(text),
    }
}
