//! Describes the changes of an import, by fields, types and facts.

use serde_json::Value;

/// Compares two versions of a fact file. Returns a line for each fact that differs, with its place.
pub(super) fn between(old: &Value, new: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare(old, new, "", &mut lines);
    if lines.is_empty() {
        lines.push("~ the order of fields".to_owned());
    }
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
        (Value::Array(before), Value::Array(after)) => {
            let gone = before.iter().filter(|value| !after.contains(value));
            lines.extend(gone.map(|value| format!("- {at}: {}", brief(value))));
            let come = after.iter().filter(|value| !before.contains(value));
            lines.extend(come.map(|value| format!("+ {at}: {}", brief(value))));
        }
        _ if old != new => lines.push(format!("~ {at}: {} -> {}", brief(old), brief(new))),
        _ => {}
    }
}

/// A member of `properties` follows a dot, and a fact about it a colon.
pub(super) fn place(at: &str, name: &str) -> String {
    match name {
        _ if at.ends_with('.') => format!("{at}{name}"),
        "properties" if at.is_empty() => String::new(),
        "properties" => format!("{at}."),
        _ if at.is_empty() => name.to_owned(),
        _ => format!("{at}:{name}"),
    }
}

/// A type by its name, and any other value cut short.
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
                "- event.a:type: string",
                "+ event.a:$ref: #/$defs/x",
                "- event.b: integer",
                "~ event.c:maxLength: 3 -> 4",
                "+ event.d: boolean",
                "+ list: 3",
            ]
        );
        let order = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let found = between(
            &order("{\"a\": 1, \"b\": 2}"),
            &order("{\"b\": 2, \"a\": 1}"),
        );
        assert_eq!(found, ["~ the order of fields"]);
        let found = between(
            &json!({"properties": {"a": {"properties": {"properties": {"type": "string"}}}}}),
            &json!({"properties": {"a": {"properties": {"properties": {"type": "integer"}}}}}),
        );
        assert_eq!(found, ["~ a.properties:type: string -> integer"]);
    }
}
