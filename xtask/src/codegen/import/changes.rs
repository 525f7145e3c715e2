//! What an import changed, in the words of a reader of documentation: fields, types, facts.

use serde_json::Value;

/// A line for each fact that differs, by its place in the fact file.
pub(super) fn between(old: &Value, new: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare(old, new, "", &mut lines);
    lines
}

fn compare(old: &Value, new: &Value, at: &str, lines: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, old) in before {
                let at = place(at, name);
                match after.get(name) {
                    Some(new) => compare(old, new, &at, lines),
                    None => lines.push(format!("- {at}: {}", brief(old))),
                }
            }
            for (name, new) in after {
                if !before.contains_key(name) {
                    lines.push(format!("+ {}: {}", place(at, name), brief(new)));
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (old, new)) in before.iter().zip(after).enumerate() {
                compare(old, new, &place(at, &index.to_string()), lines);
            }
        }
        _ if old != new => lines.push(format!("~ {at}: {} -> {}", brief(old), brief(new))),
        _ => {}
    }
}

/// `properties` is no step that a reader thinks in.
fn place(at: &str, name: &str) -> String {
    match (at, name) {
        (_, "properties") => at.to_owned(),
        ("", _) => name.to_owned(),
        _ => format!("{at}.{name}"),
    }
}

/// A type by its name, anything else in short.
fn brief(value: &Value) -> String {
    const LONGEST: usize = 80;
    let kind = value.get("type").or_else(|| value.get("$ref"));
    let text = match (kind, value) {
        (Some(Value::String(kind)), _) | (None, Value::String(kind)) => kind.clone(),
        (Some(kind), _) => kind.to_string(),
        (None, other) => other.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_told_by_its_field() {
        let before = json!({"properties": {"event": {"type": "object", "properties": {
            "a": {"type": "string"}, "b": {"type": "integer"}, "c": {"type": "string", "maxLength": 3},
        }}}, "list": [1, 2]});
        let after = json!({"properties": {"event": {"type": "object", "properties": {
            "a": {"$ref": "#/$defs/x"}, "c": {"type": "string", "maxLength": 4}, "d": {"type": "boolean"},
        }}}, "list": [1, 2, 3]});
        assert_eq!(
            between(&before, &after),
            [
                "- event.a.type: string",
                "+ event.a.$ref: #/$defs/x",
                "- event.b: integer",
                "~ event.c.maxLength: 3 -> 4",
                "+ event.d: boolean",
                "~ list: [1,2] -> [1,2,3]",
            ]
        );
        assert!(between(&after, &after).is_empty());
    }
}
