//! The facts of a fact file that users notice, to compare.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Change;

/// The facts of an event.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The types of the fields, by path: `event.message.mentions[].key`.
    fields: BTreeMap<String, String>,
    /// The known values, each with the path of its field.
    values: BTreeSet<String>,
    scopes: BTreeSet<String>,
    page: String,
}

impl Facts {
    pub(super) fn of(schema: &Value) -> Self {
        let mut facts = Self::default();
        facts.collect(schema, schema, "", &mut Vec::new());
        let about = &schema["x-lark"];
        for key in ["scopes", "field_scopes"] {
            let scopes = about[key].as_array().into_iter().flatten();
            let names = scopes.filter_map(|scope| scope["name"].as_str());
            facts.scopes.extend(names.map(str::to_owned));
        }
        facts.page = about["page"].as_str().unwrap_or("no page").to_owned();
        facts
    }

    /// Adds the fields below a node. A type that is within itself ends there.
    fn collect<'a>(
        &mut self,
        schema: &'a Value,
        node: &'a Value,
        path: &str,
        within: &mut Vec<&'a str>,
    ) {
        if let Some(reference) = node["$ref"].as_str() {
            if within.contains(&reference) {
                return;
            }
            within.push(reference);
            let target = schema.pointer(reference.trim_start_matches('#'));
            self.collect(schema, target.unwrap_or(&Value::Null), path, within);
            within.pop();
        }
        let properties = node["properties"].as_object().into_iter().flatten();
        for (name, field) in properties {
            let path = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let keys = field["x-lark"]["keys"].as_array().into_iter().flatten();
            self.values
                .extend(keys.map(|key| format!("{path} = {key}")));
            self.fields.insert(path.clone(), type_of(schema, field));
            self.collect(schema, field, &path, within);
        }
        for inner in ["items", "additionalProperties"] {
            if node[inner].is_object() {
                self.collect(schema, &node[inner], &format!("{path}[]"), within);
            }
        }
    }

    pub(super) fn changes(&self, after: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let names = |facts: &Self| facts.fields.keys().cloned().collect();
        compare("field", &names(self), &names(after), &mut changes);
        for (path, before) in &self.fields {
            let changed = after.fields.get(path).filter(|after| *after != before);
            changes.extend(changed.map(|after| Change::Other {
                what: format!("Type of {path}"),
                before: before.clone(),
                after: after.clone(),
            }));
        }
        compare("value", &self.values, &after.values, &mut changes);
        compare("permission", &self.scopes, &after.scopes, &mut changes);
        if self.page != after.page {
            changes.push(Change::Other {
                what: "Page".to_owned(),
                before: self.page.clone(),
                after: after.page.clone(),
            });
        }
        changes
    }
}

fn compare(
    what: &'static str,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    changes: &mut Vec<Change>,
) {
    let added = after.difference(before).cloned();
    changes.extend(added.map(|name| Change::Added { what, name }));
    let removed = before.difference(after).cloned();
    changes.extend(removed.map(|name| Change::Removed { what, name }));
}

/// `string`, or `array of string`; of several forms, all.
fn type_of(schema: &Value, node: &Value) -> String {
    if let Some(reference) = node["$ref"].as_str() {
        let target = schema.pointer(reference.trim_start_matches('#'));
        // A reference leads to an object, never to another one.
        return target
            .map_or("object", |node| node["type"].as_str().unwrap_or("object"))
            .to_owned();
    }
    if let Some(forms) = node["anyOf"].as_array() {
        let forms: Vec<_> = forms.iter().map(|form| type_of(schema, form)).collect();
        return forms.join(" or ");
    }
    let inner = match &node["type"] {
        Value::String(name) if name == "array" && node["items"].is_object() => {
            return format!("array of {}", type_of(schema, &node["items"]));
        }
        Value::String(name) => return name.clone(),
        other => other,
    };
    let names: Vec<_> = inner
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match names.join(" or ") {
        names if names.is_empty() => "any".to_owned(),
        names => names,
    }
}
