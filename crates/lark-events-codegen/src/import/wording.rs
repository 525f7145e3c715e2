//! Facts in the prose of a page: ranges, lengths, units, defaults, and the values of enumerations. Other
//! text is not imported.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value};

use super::kind::Kind;

/// The facts in a description.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wording {
    pub(super) unit: Option<&'static str>,
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) default: Option<Number>,
    pub(super) round_to: Option<Number>,
    pub(super) keys: Vec<String>,
}

macro_rules! pattern {
    ($name:ident = $pattern:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("a pattern of this file is valid"));
    };
}

// `[1-730]`, or `` `0` ～ `1` ``. Without brackets, a comma or a dash can be anything.
pattern!(
    RANGE = r"(?i)(?:取值范围|value range)\s*[:：]?\s*(?:\[\s*(-?\d+)\s*[-,，]\s*(-?\d+)\s*\]|`?(-?\d+)`?\s*[～~]\s*`?(-?\d+)(?:[^\d,，]|$))"
);
pattern!(LENGTH = r"(?i)(?:长度|length range)(?:范围)?\s*[:：]?\s*`?(\d+)`?\s*[～~]\s*`?(\d+)`?");
pattern!(MIN_LENGTH = r"(?i)(?:最小长度|minimum length)\s*[:：]\s*`(\d+)`");
pattern!(MAX_LENGTH = r"(?i)(?:最大长度|maximum length)\s*[:：]\s*`(\d+)`");
pattern!(DEFAULT = r"不填写时[，,]?\s*默认更新为\s*(\d+)");
pattern!(ROUND_TO = r"不是\s*(\d+)\s*的倍数");
pattern!(UNIT = r"(?i)(?:单位\s*[:：]?|\bunit\s*[:：])\s*`?([a-z]+|毫秒|微秒|秒|分钟|小时|天)");
pattern!(
    TIMESTAMP = r"(?i)(毫秒|微秒|秒)级?(?:的|\s*unix\s*)?(?:时间戳|级别)|(?:时间戳?|timestamp)\s*[（(](?:单位[:：]?|in )?(毫秒|微秒|秒|[a-z]+)[)）]"
);
// The text before a list of values.
pattern!(
    ANNOUNCED =
        r"(?i)(?:可选值|可能值|可用值|取值|枚举|以下值|(?:optional|possible) values)[^\n]*\n"
);
pattern!(BULLET = r#"(?m)^\s*[-*]\s*(?:[`"]([^`"\n]+)[`"]|([A-Za-z0-9_.]+))\s*(?:[:：。]|$)"#);
// `1：one`, `1 stands for one`, `"trial" -one`
pattern!(
    INLINE = r#"(?:^|[^\w.\-～~`"])["`]?(\d+|[a-z]+(?:_[a-z]+)*)["`]?\s*(?:[:：]|代表|-\p{Han}|（\p{Han})"#
);
// `"task"，"user"`, `INSERT / DELETE`
pattern!(
    LISTED = r#"(?:可选值|枚举值)[:：]\s*((?:"?[A-Za-z]\w*"?\s*[/，,、]\s*)+"?[A-Za-z]\w*"?)"#
);
pattern!(WORD = r"(\w+)");
// `REJECTED(not passed)`, one on each line
pattern!(LOUD = r"(?m)^\s*([A-Z]+(?:_[A-Z]+)*)\s*[(（]");
// `0off，1on`
pattern!(BARE = r"(?:^|[，,：:、\s（(])(\d+)\s*\p{Han}");

impl Wording {
    /// Reads a description. `named` has the keys that the page marks as keys.
    pub(super) fn read(text: &str, named: &[String], kind: &Kind) -> Self {
        let pair = |pattern: &Regex| {
            let found = pattern.captures(text)?;
            let mut bounds = found.iter().skip(1).flatten();
            let bound = |found: regex::Match<'_>| found.as_str().to_owned();
            bounds.next().map(bound).zip(bounds.next().map(bound))
        };
        let single = |pattern: &Regex| Some(pattern.captures(text)?[1].to_owned());
        let number = |text: Option<String>| text.and_then(|text| text.parse::<Number>().ok());
        let length = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());

        let (minimum, maximum) = pair(&RANGE).unzip();
        let (min_length, max_length) = pair(&LENGTH).unzip();
        let mut wording = Self {
            unit: unit(text),
            minimum: number(minimum),
            maximum: number(maximum),
            min_length: length(min_length.or_else(|| single(&MIN_LENGTH))),
            max_length: length(max_length.or_else(|| single(&MAX_LENGTH))),
            default: number(single(&DEFAULT)),
            round_to: number(single(&ROUND_TO)),
            keys: distinct(named.iter().map(String::as_str)),
        };
        if wording.keys.is_empty() {
            wording.keys = keys(text, kind, &wording);
        }
        wording
    }
}

fn unit(text: &str) -> Option<&'static str> {
    let unit = UNIT.captures(text).map(|found| found[1].to_owned());
    let timestamp = || {
        let found = TIMESTAMP.captures(text)?;
        let unit = found.get(1).or_else(|| found.get(2))?;
        Some(unit.as_str().to_owned())
    };
    match unit.or_else(timestamp)?.to_lowercase().as_str() {
        "毫秒" | "ms" | "msec" | "milliseconds" => Some("milliseconds"),
        "微秒" | "microseconds" => Some("microseconds"),
        "秒" | "s" | "sec" | "seconds" => Some("seconds"),
        "分钟" | "minutes" => Some("minutes"),
        "小时" | "hours" => Some("hours"),
        "天" | "days" => Some("days"),
        _ => None,
    }
}

/// The values in the text. A single value is an example, not an enumeration.
fn keys(text: &str, kind: &Kind, wording: &Wording) -> Vec<String> {
    let items = match kind {
        Kind::List(items) => items,
        kind => kind,
    };
    let mut found = Vec::new();
    if let Some(announced) = ANNOUNCED.find(text) {
        found = captures(&BULLET, &text[announced.end()..]);
    }
    let is_integer = *items == Kind::Integer;
    if is_integer && found.len() < 2 {
        found = captures(&INLINE, text);
        found.retain(|key| key.parse::<i64>().is_ok());
    }
    if is_integer && found.len() < 2 {
        let bare = captures(&BARE, text);
        found = if covers_range(&bare, wording) {
            bare
        } else {
            Vec::new()
        };
    }
    if *items == Kind::String && found.len() < 2 {
        let listed = LISTED.captures(text);
        found = match listed {
            Some(listed) => captures(&WORD, &listed[1]),
            None => captures(&LOUD, text),
        };
    }
    if !matches!(items, Kind::Integer | Kind::String) || found.len() < 2 {
        return Vec::new();
    }
    found
}

/// The keys in a comment on a sample. Strings count only if the sampled value is one of them.
pub(super) fn keys_of_comment(text: &str, sampled: &Value) -> Vec<String> {
    let sampled = match sampled {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let keys = captures(&INLINE, text);
    if keys.len() >= 2 && keys.contains(&sampled) {
        keys
    } else {
        Vec::new()
    }
}

fn captures(pattern: &Regex, text: &str) -> Vec<String> {
    let found = pattern.captures_iter(text).filter_map(|found| {
        let key = found.get(1).or_else(|| found.get(2))?;
        Some(key.as_str().trim())
    });
    distinct(found)
}

fn distinct<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    keys.filter(|key| seen.insert(*key))
        .map(str::to_owned)
        .collect()
}

/// Whether the keys are exactly the values of the stated range.
fn covers_range(keys: &[String], wording: &Wording) -> bool {
    let bounds = [&wording.minimum, &wording.maximum].map(|bound| bound.as_ref()?.as_i64());
    let [Some(minimum), Some(maximum)] = bounds else {
        return false;
    };
    let mut keys: Vec<i64> = keys.iter().filter_map(|key| key.parse().ok()).collect();
    keys.sort_unstable();
    (minimum..=maximum).take(keys.len() + 1).eq(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, kind: &Kind) -> Wording {
        Wording::read(text, &[], kind)
    }

    #[test]
    fn a_range_is_told_from_a_list() {
        for (text, range) in [
            ("取值范围：`0` ～ `100`", Some((0, 100))),
            ("取值范围：0~1", Some((0, 1))),
            ("取值范围[1-730]）", Some((1, 730))),
            ("取值范围[0,86400]", Some((0, 86400))),
            ("取值范围：0，1，2", None),
            ("取值范围：0~1,000", None),
            ("取值范围：2024-01-01", None),
        ] {
            let wording = read(text, &Kind::Integer);
            let number = |number: Option<Number>| number.and_then(|number| number.as_i64());
            let found = number(wording.minimum).zip(number(wording.maximum));
            assert_eq!(found, range, "{text}");
        }
    }

    #[test]
    fn keys_are_found_in_whatever_form_they_are_listed() {
        for (text, kind, keys) in [
            (
                "可选值：\n- `a b`：x\n- c：y",
                Kind::String,
                &["a b", "c"][..],
            ),
            (
                "枚举值：INSERT / DELETE",
                Kind::String,
                &["INSERT", "DELETE"],
            ),
            (
                "可选值：\n\"task\"，\"user\"",
                Kind::String,
                &["task", "user"],
            ),
            ("NO(x)\nNOT_YET（y）", Kind::String, &["NO", "NOT_YET"]),
            ("0：off，1：on", Kind::Integer, &["0", "1"]),
            ("1 代表一，2 代表二", Kind::Integer, &["1", "2"]),
            ("【0（一），1（二）】", Kind::Integer, &["0", "1"]),
            (
                "0关闭，1打开\n取值范围：`0` ～ `1`",
                Kind::Integer,
                &["0", "1"],
            ),
            ("0关闭，1打开", Kind::Integer, &[]),
            ("例如：\n- a：x\n- b：y", Kind::String, &[]),
            ("单位：秒", Kind::Integer, &[]),
        ] {
            assert_eq!(read(text, &kind).keys, keys, "{text}");
        }
    }
}
