//! `PATH=VALUE`: changes one value of a body, and keeps the rest to the last digit.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use lark_events::RawJson;

use super::fields;

/// A path and a value, such as `meeting.owner.user_role=2`. The path must be one that the event is known to
/// have, or that the body has; `+meeting.tea=2` sets any path.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    path: Vec<String>,
    value: RawJson,
    /// Whether the path may be unknown.
    is_any: bool,
}

impl FromStr for Set {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, value) = text
            .split_once('=')
            .ok_or("has no `=`: expected PATH=VALUE")?;
        let (path, is_any) = match path.strip_prefix('+') {
            Some(path) => (path, true),
            None => (path, false),
        };
        let path: Vec<_> = match path.strip_prefix('/') {
            Some(pointer) => {
                let unescaped = |step: &str| step.replace("~1", "/").replace("~0", "~");
                pointer.split('/').map(unescaped).collect()
            }
            None => path.split('.').map(str::to_owned).collect(),
        };
        if path == [""] {
            return Err("has no path before its `=`: expected PATH=VALUE");
        }
        let json = RawJson::parse(value.to_owned()).or_else(|_| RawJson::encode(&value));
        let value = json.map_err(|_| "is not JSON")?;
        Ok(Self {
            path,
            value,
            is_any,
        })
    }
}

impl Set {
    /// Whether it sets the value at a JSON pointer, or one that contains it.
    pub(super) fn reaches(&self, pointer: &str) -> bool {
        let names = pointer.split('/').skip(1);
        names.zip(&self.path).all(|(name, step)| name == step)
    }

    /// The body of an event with the value set. Creates missing objects on the path.
    pub(super) fn apply(&self, event_type: &str, body: &RawJson) -> Result<RawJson, SetError> {
        let after = set(body, &self.path, &self.value);
        let after = after.map_err(|why| self.error(false, &why))?;
        if !self.is_any && !has(body, &self.path) {
            fields::check(event_type, &self.path).map_err(|why| self.error(true, &why))?;
        }
        Ok(after)
    }

    pub(super) fn error(&self, is_unknown_path: bool, why: &str) -> SetError {
        SetError {
            is_unknown_path,
            text: format!("{}: {why}", self.path.join(".")),
        }
    }
}

/// Why a value cannot be set. The text begins with the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetError {
    /// Whether the event has no such field; otherwise the path does not fit the body.
    pub(crate) is_unknown_path: bool,
    text: String,
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a body has a value at a path.
fn has(json: &RawJson, path: &[String]) -> bool {
    let Some((step, rest)) = path.split_first() else {
        return true;
    };
    let inner = match json.decode::<BTreeMap<String, RawJson>>() {
        Ok(mut members) => members.remove(step),
        Err(_) => step.parse().ok().and_then(|index: usize| {
            let elements: Vec<RawJson> = json.decode().ok()?;
            elements.into_iter().nth(index)
        }),
    };
    inner.is_some_and(|inner| has(&inner, rest))
}

fn set(json: &RawJson, path: &[String], value: &RawJson) -> Result<RawJson, String> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(value.clone());
    };
    if let Ok(mut members) = json.decode::<BTreeMap<String, RawJson>>() {
        let inner = members.remove(step).unwrap_or_default();
        members.insert(step.clone(), set(&inner, rest, value)?);
        return RawJson::encode(&members).map_err(|error| error.to_string());
    }
    let Ok(mut elements) = json.decode::<Vec<RawJson>>() else {
        return Err(format!(
            "cannot set `{step}`: its parent is neither an object nor a list"
        ));
    };
    let length = elements.len();
    match step.parse::<usize>() {
        Ok(index) if index < length => elements[index] = set(&elements[index], rest, value)?,
        Ok(index) if index == length => elements.push(set(&RawJson::default(), rest, value)?),
        _ => {
            return Err(format!(
                "`{step}` is not an index of a list of {length}; `{length}` appends"
            ));
        }
    }
    RawJson::encode(&elements).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn after(body: &str, sets: &[&str]) -> String {
        let mut body = RawJson::parse(body.to_owned()).unwrap();
        for text in sets {
            let set: Set = text.parse().unwrap();
            body = set.apply("tea.pot.ready_v1", &body).unwrap();
        }
        body.as_str().to_owned()
    }

    #[test]
    fn a_value_is_json_or_else_a_string() {
        assert_eq!(after("{}", &["a=1e400"]), r#"{"a":1e400}"#);
        assert_eq!(after("{}", &["a=\"1\""]), r#"{"a":"1"}"#);
        assert_eq!(after("{}", &["a=x=y"]), r#"{"a":"x=y"}"#);
        assert_eq!(after("{}", &["a="]), r#"{"a":""}"#);
        assert_eq!(
            after("{}", &["a={\"b\": [null]}"]),
            r#"{"a":{"b": [null]}}"#
        );
    }

    #[test]
    fn a_path_goes_through_objects_and_lists_and_makes_what_is_missing() {
        let body = r#"{"a": {"b": [1.50, {"c": 2}]}, "d": 12345678901234567890123}"#;
        assert_eq!(
            after(body, &["a.b.1.c=3", "a.b.2=4", "e.f=true"]),
            r#"{"a":{"b":[1.50,{"c":3},4]},"d":12345678901234567890123,"e":{"f":true}}"#
        );
        assert_eq!(after("{}", &["/a.b/c~1d~0=1"]), r#"{"a.b":{"c/d~":1}}"#);
    }

    #[test]
    fn what_leads_nowhere_is_an_error_that_says_where() {
        for (body, text, why) in [
            (r#"{"a": 1}"#, "a.b=1", "a.b: cannot set `b`"),
            (r#"{"a": []}"#, "a.1=1", "`0` appends"),
            (r#"{"a": []}"#, "a.x=1", "is not an index of a list of 0"),
        ] {
            let set: Set = text.parse().unwrap();
            let body = RawJson::parse(body).unwrap();
            let error = set.apply("tea.pot.ready_v1", &body).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert!(!error.is_unknown_path);
        }
        for text in ["a", "=a", "+=a"] {
            assert!(text.parse::<Set>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_path_is_set_only_where_the_body_has_it_or_with_a_plus() {
        let body = r#"{"message": {"tea": [{"kind": 1}]}}"#;
        let apply = |text: &str| {
            let set: Set = text.parse().unwrap();
            let body = RawJson::parse(body).unwrap();
            set.apply("im.message.receive_v1", &body)
        };
        for text in [
            "message.tea.0.kind=2",
            "message.chat_id=oc_1",
            "+message.tea.0.colour=green",
            "+/message/tea/0/colour=green",
            "+tea=green",
        ] {
            assert!(apply(text).is_ok(), "{text}");
        }
        for text in ["message.tea.0.colour=green", "message.tea.1=2", "tea=1"] {
            let error = apply(text).unwrap_err();
            assert!(error.is_unknown_path, "{text}: {error}");
            assert!(error.to_string().contains("has no such field"), "{error}");
        }
    }
}
