//! Facts that are only in a sample: fields without a row, and values of another type than in their row.

use std::mem;

use serde_json::Value;

use super::fields::{Field, Node, Shape, Types};
use super::sample::Sample;
use super::wording;

/// Fits a sample into a tree.
pub(super) struct Fitting<'a> {
    types: &'a mut Types,
    sample: &'a Sample,
    /// Whether there is a table, so that a field without a row counts as only sampled.
    has_table: bool,
    /// The types whose fields are currently taken out.
    open: Vec<String>,
    /// Values within a value of the same type, with their places. They wait until the type is back.
    within: Vec<(String, &'a Value, String)>,
}

impl<'a> Fitting<'a> {
    pub(super) fn new(types: &'a mut Types, sample: &'a Sample, has_table: bool) -> Self {
        Self {
            types,
            sample,
            has_table,
            open: Vec::new(),
            within: Vec::new(),
        }
    }

    /// Adds to a document all fields and types of the sample.
    pub(super) fn document(&mut self, root: &mut Vec<Field>) {
        self.members(root, &self.sample.value, "");
        while !self.within.is_empty() {
            for (name, value, pointer) in mem::take(&mut self.within) {
                self.fit(&mut Node::new(Shape::Named(name)), value, &pointer);
            }
        }
    }

    fn members(&mut self, fields: &mut Vec<Field>, value: &'a Value, pointer: &str) {
        let Value::Object(members) = value else {
            return;
        };
        for (name, value) in members {
            let pointer = format!("{pointer}/{name}");
            match fields.iter_mut().find(|field| field.name == *name) {
                Some(field) => self.fit(&mut field.node, value, &pointer),
                None => {
                    let mut node = self.infer(value, &pointer);
                    node.is_only_sampled = self.has_table;
                    fields.push(Field {
                        name: name.clone(),
                        node,
                    });
                }
            }
        }
    }

    fn fit(&mut self, node: &mut Node, value: &'a Value, pointer: &str) {
        check_bounds(node, value);
        match (&mut node.shape, value) {
            (Shape::Any, _) | (Shape::Unknown, Value::Null) => {}
            (_, Value::Null) => add_type(node, "null"),
            (Shape::Unknown, value) => node.shape = self.infer(value, pointer).shape,
            (Shape::List(items), Value::Array(elements)) => {
                for element in elements {
                    self.fit(items, element, &format!("{pointer}/-"));
                }
            }
            (Shape::Map(values), Value::Object(members)) => {
                for member in members.values() {
                    self.fit(values, member, &format!("{pointer}/-"));
                }
            }
            (Shape::Object(fields), Value::Object(_)) => self.members(fields, value, pointer),
            (Shape::Either(forms), value) => {
                let fits = |form: &&mut Node| value.is_object() == form.shape.is_object();
                if let Some(form) = forms.iter_mut().find(fits) {
                    self.fit(form, value, pointer);
                }
            }
            (Shape::Named(name), Value::Object(_)) if self.open.contains(name) => {
                self.within.push((name.clone(), value, pointer.to_owned()));
            }
            (Shape::Named(name), Value::Object(_)) => {
                let mut members = self.take(name);
                self.open.push(name.clone());
                self.members(&mut members, value, pointer);
                self.open.pop();
                let name = name.clone();
                self.types.push((name, members));
            }
            // The table has a list, and the sample has one of its elements.
            (Shape::List(items), Value::Object(_)) => {
                let mut item = (**items).clone();
                self.fit(&mut item, value, pointer);
                node.shape = item.shape;
            }
            // The table has a single value, and the sample has a list of them.
            (Shape::Object(_) | Shape::Named(_) | Shape::Map(_), Value::Array(elements)) => {
                let mut items = Node::new(node.shape.clone());
                for element in elements {
                    self.fit(&mut items, element, &format!("{pointer}/-"));
                }
                node.shape = Shape::List(Box::new(items));
            }
            (_, Value::Object(_) | Value::Array(_)) => {
                node.shape = self.infer(value, pointer).shape;
            }
            (_, scalar) => fit_scalar(node, scalar),
        }
    }

    /// The node of a value that only the sample has.
    fn infer(&mut self, value: &'a Value, pointer: &str) -> Node {
        let mut node = Node::new(match value {
            Value::Null => Shape::Unknown,
            Value::Bool(_) => Shape::Boolean,
            Value::Number(number) if number.is_f64() => Shape::Number,
            Value::Number(_) => Shape::Integer,
            Value::String(_) => Shape::String,
            Value::Array(elements) => {
                let mut items = Node::new(Shape::Unknown);
                for element in elements {
                    self.fit(&mut items, element, &format!("{pointer}/-"));
                }
                Shape::List(Box::new(items))
            }
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| Field {
                    name: name.clone(),
                    node: self.infer(value, &format!("{pointer}/{name}")),
                });
                Shape::Object(members.collect())
            }
        });
        if let (false, Some(comment)) = (self.has_table, self.sample.comment(pointer)) {
            node.wording.keys = wording::keys_of_comment(comment, value);
        }
        node
    }

    /// Takes out the fields of a type, so that fitting can change the other types.
    fn take(&mut self, name: &str) -> Vec<Field> {
        let at = self.types.iter().position(|(known, _)| known == name);
        at.map_or_else(Vec::new, |at| self.types.remove(at).1)
    }
}

/// Compares a scalar with the shape of its row.
fn fit_scalar(node: &mut Node, value: &Value) {
    let is_number = |text: &str| text.parse::<i64>().is_ok();
    let (shape, other) = match (&node.shape, value) {
        (Shape::String, Value::Number(_)) => (Shape::String, Some("number")),
        (Shape::String, Value::Bool(_)) => (Shape::String, Some("boolean")),
        (Shape::Integer, Value::Number(number)) if number.is_f64() => (Shape::Number, None),
        (Shape::Integer | Shape::Number, Value::String(text)) if is_number(text) => {
            (node.shape.clone(), Some("string"))
        }
        (Shape::Integer, Value::String(_)) => (Shape::String, Some("integer")),
        (Shape::Number, Value::String(_)) => (Shape::String, Some("number")),
        (Shape::Boolean, Value::String(text)) if text == "true" || text == "false" => {
            (Shape::Boolean, Some("string"))
        }
        (Shape::Boolean, Value::String(_)) => (Shape::String, Some("boolean")),
        (Shape::Boolean, Value::Number(_)) => (Shape::Integer, Some("boolean")),
        (Shape::Integer | Shape::Number, Value::Bool(_)) => (node.shape.clone(), Some("boolean")),
        // An object whose sample is a scalar can be any value.
        (Shape::Object(_) | Shape::Named(_) | Shape::Map(_) | Shape::List(_), _) => {
            (Shape::Any, None)
        }
        _ => return,
    };
    node.shape = shape;
    if let Some(other) = other {
        add_type(node, other);
    }
}

/// Adds a type of the sample, by its name in JSON Schema.
fn add_type(node: &mut Node, name: &'static str) {
    if !node.also.contains(&name) {
        node.also.push(name);
    }
}

/// In seconds since 1970. Durations are smaller numbers, in every unit.
const YEAR_2001: f64 = 1e9;

/// Notes whether the sample is outside of the bounds of the page, and whether it is a point in time.
fn check_bounds(node: &mut Node, value: &Value) {
    let facts = &node.wording;
    let number = match value {
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    let bound = |bound: &Option<serde_json::Number>| bound.as_ref()?.as_f64();
    let is_below = number
        .zip(bound(&facts.minimum))
        .is_some_and(|(n, min)| n < min);
    let is_above = number
        .zip(bound(&facts.maximum))
        .is_some_and(|(n, max)| n > max);
    let length = match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(elements) => Some(elements.len()),
        _ => None,
    };
    let length = length.and_then(|length| u64::try_from(length).ok());
    let is_short = length.zip(facts.min_length).is_some_and(|(n, min)| n < min);
    let is_long = length.zip(facts.max_length).is_some_and(|(n, max)| n > max);
    let count = match value {
        Value::String(text) => text.parse::<f64>().ok(),
        _ => number,
    };
    let is_time = facts.unit.is_some() && count.is_some_and(|count| count >= YEAR_2001);
    node.is_unix_time |= is_time;
    node.is_out_of_bounds |= is_below || is_above || is_short || is_long;
}
