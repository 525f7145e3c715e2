//! One odd member costs that member and nothing else, wherever it is in whichever event.

use serde_json::Value;

use lark_events::{RawJson, Schema};

use crate::sampled;

/// What a member is replaced by, as JSON text.
const ODD: &[&str] = &[
    "null",
    "-7.25",
    "\"odd\"",
    "[[]]",
    "{\"odd\": {}}",
    "true",
    "1e400",
    "123456789012345678901234567890",
    "\"\\ud800\"",
];

/// A way from the root of a document to one of its members.
type Path = Vec<Step>;

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    Element(usize),
}

/// The paths of all members of objects.
fn members(value: &Value, at: &Path, found: &mut Vec<Path>) {
    let step = |step| [at.as_slice(), &[step]].concat();
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = step(Step::Member(name.clone()));
                found.push(path.clone());
                members(value, &path, found);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                members(value, &step(Step::Element(index)), found);
            }
        }
        _ => {}
    }
}

/// The document as text, with the member at `path` written by `odd`, which is given its name.
fn write(value: &Value, path: &[Step], odd: &dyn Fn(&str, &Value) -> String) -> String {
    match (value, path) {
        (Value::Object(object), [step, rest @ ..]) => {
            let members = object.iter().map(|(name, value)| {
                let quoted = Value::from(name.as_str());
                match step {
                    Step::Member(wanted) if wanted == name && rest.is_empty() => odd(name, value),
                    Step::Member(wanted) if wanted == name => {
                        format!("{quoted}:{}", write(value, rest, odd))
                    }
                    _ => format!("{quoted}:{value}"),
                }
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        (Value::Array(elements), [step, rest @ ..]) => {
            let elements = elements.iter().enumerate().map(|(index, element)| {
                if *step == Step::Element(index) {
                    write(element, rest, odd)
                } else {
                    element.to_string()
                }
            });
            format!("[{}]", elements.collect::<Vec<_>>().join(","))
        }
        _ => value.to_string(),
    }
}

/// Takes the member at `path` out.
fn remove(value: &mut Value, path: &[Step]) {
    match (value, path) {
        (Value::Object(object), [Step::Member(name)]) => {
            object.remove(name);
        }
        (Value::Object(object), [Step::Member(name), rest @ ..]) => {
            if let Some(value) = object.get_mut(name) {
                remove(value, rest);
            }
        }
        (Value::Array(elements), [Step::Element(index), rest @ ..]) => {
            if let Some(element) = elements.get_mut(*index) {
                remove(element, rest);
            }
        }
        _ => {}
    }
}

#[test]
fn an_odd_member_costs_itself_alone() {
    let mut count = 0;
    for (info, body) in sampled() {
        let sent: Value = body.decode().unwrap();
        let whole: Value = info.typed(&body).unwrap().json.decode().unwrap();
        let mut paths = Vec::new();
        members(&sent, &Path::new(), &mut paths);
        for path in paths {
            let mut rest = whole.clone();
            remove(&mut rest, &path);
            let twice = |name: &str, value: &Value| {
                let name = Value::from(name);
                format!("{name}:{value},{name}:{value}")
            };
            let mut bodies = vec![("twice", write(&sent, &path, &twice))];
            bodies.extend(ODD.iter().map(|odd| {
                let replace = |name: &str, _: &Value| format!("{}:{odd}", Value::from(name));
                (*odd, write(&sent, &path, &replace))
            }));
            for (odd, text) in bodies {
                let at = format!("{} {path:?} as {odd}", info.event_type);
                let typed = info.typed(&RawJson::parse(text).unwrap());
                let typed = typed.unwrap_or_else(|error| panic!("{at}: {error}"));
                let mut back: Value = typed.json.decode().unwrap();
                if odd == "twice" {
                    let won = back.pointer(&pointer(&path));
                    assert!(won.is_none_or(Value::is_null), "{at}: a copy won");
                    // In the old envelope, the header has these of the body's members.
                    let in_header = ["/type", "/app_id", "/tenant_key"];
                    let is_in_header =
                        info.schema == Schema::V1 && in_header.contains(&&*pointer(&path));
                    let is_nothing = sent.pointer(&pointer(&path)) == Some(&Value::Null);
                    let is_told = is_in_header || is_nothing;
                    assert!(is_told || !typed.unread.is_empty(), "{at}: nobody is told");
                }
                remove(&mut back, &path);
                assert_eq!(back, rest, "{at}");
                count += 1;
            }
        }
    }
    assert!(count > 20_000, "only {count} bodies");
}

fn pointer(path: &Path) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Member(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Element(index) => format!("/{index}"),
    });
    steps.collect()
}
