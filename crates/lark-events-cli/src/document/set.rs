//! `--set`: changes one value of a body, and keeps the rest to the last digit.

use std::collections::BTreeMap;
use std::str::FromStr;

use lark_events::RawJson;

/// A path and a value, such as `meeting.owner.user_role=2`.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    path: Vec<String>,
    value: RawJson,
}

impl FromStr for Set {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, value) = text
            .split_once('=')
            .ok_or("has no `=`: expected PATH=VALUE")?;
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
        Ok(Self { path, value })
    }
}

impl Set {
    /// Whether it sets the value at a JSON pointer, or one that contains it.
    pub(super) fn reaches(&self, pointer: &str) -> bool {
        let names = pointer.split('/').skip(1);
        names.zip(&self.path).all(|(name, step)| name == step)
    }

    /// The body with the value set. Creates missing objects on the path.
    pub(super) fn apply(&self, body: &RawJson) -> Result<RawJson, String> {
        set(body, &self.path, &self.value)
            .map_err(|at| format!("--set {}: {at}", self.path.join(".")))
    }
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
            body = text.parse::<Set>().unwrap().apply(&body).unwrap();
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
            (r#"{"a": 1}"#, "a.b=1", "--set a.b: cannot set `b`"),
            (r#"{"a": []}"#, "a.1=1", "`0` appends"),
            (r#"{"a": []}"#, "a.x=1", "is not an index of a list of 0"),
        ] {
            let set: Set = text.parse().unwrap();
            let error = set.apply(&RawJson::parse(body).unwrap()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!("a".parse::<Set>().is_err());
        assert!("=a".parse::<Set>().is_err());
    }
}
