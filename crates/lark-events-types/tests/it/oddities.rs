//! One odd member or element costs itself and nothing else, wherever it is in whichever event.

use serde_json::Value;

use lark_events::RawJson;

use crate::sampled;

/// What a value is replaced by, as JSON text.
const ODD: &[&str] = &[
    "null",
    "-7.25",
    "\"odd\"",
    "[[]]",
    "{\"odd\": {}}",
    "true",
    "1e400",
    "123456789012345678901234567890",
    NO_UNICODE,
];

const NO_UNICODE: &str = "\"\\ud800\"";

/// A way from the root of a document to one of its values.
type Path = Vec<Step>;

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    Element(usize),
}

/// The paths of all members of objects and all elements of lists.
fn places(value: &Value, at: &Path, found: &mut Vec<Path>) {
    let mut visit = |step, value| {
        let path = [at.as_slice(), &[step]].concat();
        found.push(path.clone());
        places(value, &path, found);
    };
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                visit(Step::Member(name.clone()), value);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                visit(Step::Element(index), value);
            }
        }
        _ => {}
    }
}

/// The document as text, with what is at `path` written by `odd`. Of a member, that is given the name
/// to write too.
fn write(value: &Value, path: &[Step], odd: &dyn Fn(Option<&str>, &Value) -> String) -> String {
    match (value, path) {
        (Value::Object(object), [step, rest @ ..]) => {
            let members = object.iter().map(|(name, value)| {
                let quoted = Value::from(name.as_str());
                match step {
                    Step::Member(wanted) if wanted == name && rest.is_empty() => {
                        odd(Some(name), value)
                    }
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
                if *step != Step::Element(index) {
                    element.to_string()
                } else if rest.is_empty() {
                    odd(None, element)
                } else {
                    write(element, rest, odd)
                }
            });
            format!("[{}]", elements.collect::<Vec<_>>().join(","))
        }
        _ => value.to_string(),
    }
}

/// Takes what is at `path` out of `whole` and of `back`, where an odd element can have been left out.
fn remove(whole: &mut Value, back: &mut Value, path: &[Step]) {
    let Some((last, owner)) = path.split_last() else {
        return;
    };
    let owner = pointer(owner);
    match (whole.pointer_mut(&owner), back.pointer_mut(&owner), last) {
        (Some(Value::Object(whole)), Some(Value::Object(back)), Step::Member(name)) => {
            whole.remove(name);
            back.remove(name);
        }
        (Some(Value::Array(whole)), Some(Value::Array(back)), Step::Element(index)) => {
            if back.len() == whole.len() {
                back.remove(*index);
            }
            whole.remove(*index);
        }
        _ => {}
    }
}

/// Whether what is at `pointer` is in the list, on its own or with what holds it.
fn is_listed(unread: &[String], pointer: &str) -> bool {
    let covers = |path: &String| {
        let inside = pointer.strip_prefix(path.as_str());
        inside.is_some_and(|inside| inside.is_empty() || inside.starts_with('/'))
    };
    unread.iter().any(covers)
}

#[test]
fn an_odd_value_costs_itself_alone() {
    let mut count = 0;
    for (known, body) in sampled() {
        let info = known.info;
        let sent: Value = body.decode().unwrap();
        let whole: Value = known.decode(&body).unwrap().json.decode().unwrap();
        let mut paths = Vec::new();
        places(&sent, &Path::new(), &mut paths);
        for path in paths {
            let mut bodies = Vec::from_iter(ODD.iter().map(|odd| {
                let replace = |name: Option<&str>, _: &Value| match name {
                    Some(name) => format!("{}:{odd}", Value::from(name)),
                    None => (*odd).to_owned(),
                };
                (*odd, write(&sent, &path, &replace))
            }));
            if let Some(Step::Member(_)) = path.last() {
                for (odd, first) in [("twice", None), ("twice, null first", Some(Value::Null))] {
                    let twice = |name: Option<&str>, value: &Value| {
                        let name = Value::from(name);
                        format!("{name}:{},{name}:{value}", first.as_ref().unwrap_or(value))
                    };
                    bodies.push((odd, write(&sent, &path, &twice)));
                }
            }
            let pointer = pointer(&path);
            for (odd, text) in bodies {
                let at = format!("{} {pointer} as {odd}", info.event_type);
                let typed = known.decode(&RawJson::parse(text).unwrap());
                let typed = typed.unwrap_or_else(|error| panic!("{at}: {error}"));
                let mut back: Value = typed.json.decode().unwrap();
                if odd.starts_with("twice") {
                    let won = back.pointer(&pointer);
                    assert!(won.is_none_or(Value::is_null), "{at}: a copy won");
                }
                if odd.starts_with("twice") || odd == NO_UNICODE {
                    assert!(
                        is_listed(&typed.unread, &pointer),
                        "{at}: not in {:?}",
                        typed.unread
                    );
                }
                let mut rest = whole.clone();
                remove(&mut rest, &mut back, &path);
                assert_eq!(back, rest, "{at}");
                count += 1;
            }
        }
    }
    assert!(count > 25_000, "only {count} bodies");
}

fn pointer(path: &[Step]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Member(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Element(index) => format!("/{index}"),
    });
    steps.collect()
}
