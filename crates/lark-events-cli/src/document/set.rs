//! `PATH=VALUE`: changes one value of a body, and keeps the rest to the last digit.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use lark_events::RawJson;

use super::fields::{self, Misfit};

/// A path and a value, such as `meeting.owner.user_role=2`. The path must be one that the event is known to
/// have, or that the body has; `+meeting.tea=2` sets any path.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    /// The path as it was written, for errors.
    written: String,
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
        let written = path.to_owned();
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
            written,
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

    /// The body of an event with the value set. Creates what is missing on the path: lists where the outline
    /// of the event has them, and objects.
    pub(super) fn apply(&self, event_type: &str, body: &RawJson) -> Result<RawJson, SetError> {
        let indexes = fields::indexes(event_type, &self.path);
        let after = self.set(body, 0, &indexes);
        let after = after.map_err(|why| self.error(false, &why))?;
        if !self.is_any && !has(body, &self.path) {
            let known = fields::check(event_type, &self.path, &self.written);
            known.map_err(|misfit| match misfit {
                Misfit::Unknown(why) => self.error(true, &why),
                Misfit::NotAnIndex(why) => self.error(false, &why),
            })?;
        }
        Ok(after)
    }

    pub(super) fn error(&self, is_unknown_path: bool, why: &str) -> SetError {
        SetError {
            is_unknown_path,
            text: format!("{}: {why}", self.written),
        }
    }

    /// JSON with the value set at the rest of the path from its step `at` on.
    fn set(&self, json: &RawJson, at: usize, indexes: &[usize]) -> Result<RawJson, String> {
        let Some(step) = self.path.get(at) else {
            return Ok(self.value.clone());
        };
        if let Ok(mut members) = json.decode::<BTreeMap<String, RawJson>>() {
            let inner = members.remove(step);
            let inner = inner.unwrap_or_else(|| self.missing(at + 1, indexes));
            members.insert(step.clone(), self.set(&inner, at + 1, indexes)?);
            return RawJson::encode(&members).map_err(|error| error.to_string());
        }
        let Ok(mut elements) = json.decode::<Vec<RawJson>>() else {
            return Err(format!(
                "cannot set `{step}`: its parent is neither an object nor a list"
            ));
        };
        let length = elements.len();
        match step.parse::<usize>() {
            Ok(index) if index < length => {
                elements[index] = self.set(&elements[index], at + 1, indexes)?;
            }
            Ok(index) if index == length => {
                let element = self.missing(at + 1, indexes);
                elements.push(self.set(&element, at + 1, indexes)?);
            }
            _ => {
                return Err(format!(
                    "`{step}` is not an index of a list of {length}; `{length}` appends"
                ));
            }
        }
        RawJson::encode(&elements).map_err(|error| error.to_string())
    }

    /// The value to create for a step of the path: a list if the step is the index of one.
    fn missing(&self, at: usize, indexes: &[usize]) -> RawJson {
        let is_index = |step: &String| indexes.contains(&at) && fields::is_index(step);
        match self.path.get(at).is_some_and(is_index) {
            true => RawJson::parse("[]").expect("it is JSON"),
            false => RawJson::default(),
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
    fn a_path_that_leads_nowhere_is_an_error_that_says_where() {
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
    fn a_missing_list_of_the_outline_is_made_as_a_list() {
        let set = |event_type: &str, text: &str| {
            let set: Set = text.parse().unwrap();
            set.apply(event_type, &RawJson::default())
        };
        for (event_type, text, expected) in [
            (
                "board.whiteboard.updated_v1",
                "operator_ids.0.open_id=ou_1",
                r#"{"operator_ids":[{"open_id":"ou_1"}]}"#,
            ),
            (
                "board.whiteboard.updated_v1",
                "+operator_ids.0.tea=1",
                r#"{"operator_ids":[{"tea":1}]}"#,
            ),
            ("trip_approval", "trip_peers.0=x", r#"{"trip_peers":["x"]}"#),
            (
                "trip_approval",
                "+trip_peers.x=1",
                r#"{"trip_peers":{"x":1}}"#,
            ),
            (
                "im.message.receive_v1",
                "message.mentions.0.id.open_id=ou_1",
                r#"{"message":{"mentions":[{"id":{"open_id":"ou_1"}}]}}"#,
            ),
            ("kitchen.tea.ready_v1", "pots.0=1", r#"{"pots":{"0":1}}"#),
        ] {
            assert_eq!(set(event_type, text).unwrap().as_str(), expected);
        }
        for (text, says) in [
            (
                "schedules.name=tea",
                "`name` is not an index, and `schedules` is a list",
            ),
            (
                "trip_peers.1=x",
                "`1` is not an index of a list of 0; `0` appends",
            ),
        ] {
            let error = set("trip_approval", text).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(!error.is_unknown_path);
        }
    }

    #[test]
    fn an_error_has_the_path_as_it_was_written() {
        let body = RawJson::parse(r#"{"message": {}}"#).unwrap();
        for path in ["/message/a.b", "/message/a~1b~0", "message.tea"] {
            let set: Set = format!("{path}=1").parse().unwrap();
            let error = set.apply("im.message.receive_v1", &body).unwrap_err();
            let error = error.to_string();
            assert!(error.starts_with(&format!("{path}: ")), "{error}");
            assert!(error.contains(&format!("write +{path}=VALUE")), "{error}");
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
