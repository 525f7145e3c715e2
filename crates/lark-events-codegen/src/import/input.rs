//! The input of an import: a page as Markdown with a comment or front matter, the platform's JSON
//! of a page, or a model of an SDK.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::page::{Lines, Refusal};

/// The site of the platform's documentation.
const SITE: &str = "https://open.feishu.cn/document";

/// Far larger than any page of the platform's documentation.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) enum Input {
    Page(Saved),
    /// The fields of an event in SDKs.
    Model(Value),
}

/// A page before it is cut into blocks.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub(super) about: About,
    /// The text, with empty lines in the place of the comment or front matter.
    pub(super) text: String,
    /// The text is from the platform's answer, which is a single line.
    pub(super) is_answer: bool,
}

/// The metadata of a page.
#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) title: Option<String>,
    /// The address of the page.
    pub(super) url: Option<String>,
    /// The time of its last change, in milliseconds since 1970.
    pub(super) updated: Option<u64>,
    /// Whether the time of the last change is invalid.
    pub(super) is_misdated: bool,
}

/// The answer to a request for a page. Other members are ignored.
#[derive(Deserialize)]
struct Answer {
    code: i64,
    #[serde(default)]
    msg: String,
    data: Option<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    name: Option<String>,
    content: Option<String>,
    full_path: Option<String>,
    update_time: Option<Value>,
}

impl Input {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_BYTES {
            return Err(Refusal::new(1, format!("at most {MAX_BYTES} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let good = &bytes[..error.valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            Refusal::new(line, "UTF-8")
        })?;
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        if !text.trim_start().starts_with('{') {
            return Saved::with_front(text).map(Self::Page);
        }
        let document: Value = serde_json::from_str(&text)
            .map_err(|error| Refusal::new(error.line().max(1), format!("JSON: {error}")))?;
        if document.get("event_type").is_some() {
            return Ok(Self::Model(document));
        }
        let answer: Answer = serde_json::from_value(document).map_err(|_| {
            let rule = "a page, the platform's answer with one, or a model with its `event_type`";
            Refusal::new(1, rule)
        })?;
        Saved::answered(answer).map(Self::Page)
    }
}

impl Saved {
    /// Separates the text from its comment or front matter.
    fn with_front(text: String) -> Result<Self, Refusal> {
        let mut lines = Lines::new(&text);
        let first = lines.next().map_or("", |(_, line)| line.trim());
        let end = match first {
            "<!--" => "-->",
            "---" => "---",
            _ => {
                return Ok(Self {
                    text,
                    ..Self::default()
                });
            }
        };
        let front = lines.until(1, |line| line.trim() == end, end)?;
        let above = lines.number;
        let below = text.split_inclusive('\n').skip(above);
        Ok(Self {
            about: About::from_front(&front.text),
            text: "\n".repeat(above) + &below.collect::<String>(),
            is_answer: false,
        })
    }

    fn answered(answer: Answer) -> Result<Self, Refusal> {
        let Answer { code, msg, data } = answer;
        if code != 0 {
            let rule = format!("a page, not the platform's error {code}: {msg:.200}");
            return Err(Refusal::new(1, rule));
        }
        let detail = data.and_then(|data| data.content.clone().map(|content| (data, content)));
        let Some((detail, content)) = detail else {
            return Err(Refusal::new(1, "a page as `content` of `data`"));
        };
        let mut about = About::default();
        let updated = detail.update_time.map(|time| match time {
            Value::String(text) => text,
            other => other.to_string(),
        });
        for (key, value) in [
            ("title", detail.name),
            ("fullPath", detail.full_path),
            ("updateTime", updated),
        ] {
            about.take(key, &value.unwrap_or_default());
        }
        Ok(Self {
            about,
            text: content.replace("\r\n", "\n"),
            is_answer: true,
        })
    }

    /// Converts the line of a rejection into a line of the saved file.
    pub(super) fn refusal(&self, refusal: Refusal) -> Refusal {
        if !self.is_answer {
            return refusal;
        }
        let Refusal { line, expected } = refusal;
        Refusal::new(1, format!("{expected} in line {line} of the `content`"))
    }
}

impl About {
    /// Reads lines of `key: value`, and ignores others.
    fn from_front(text: &str) -> Self {
        let mut about = Self::default();
        let members = text.lines().filter_map(|line| line.split_once(':'));
        let members: BTreeMap<_, _> = members.map(|(key, value)| (key.trim(), value)).collect();
        // An address has precedence over a path.
        for key in [
            "title",
            "fullPath",
            "full_path",
            "source",
            "source_url",
            "url",
            "updatedAt",
            "updateTime",
            "updated_at",
            "updated",
        ] {
            about.take(key, members.get(key).unwrap_or(&""));
        }
        about
    }

    fn take(&mut self, key: &str, value: &str) {
        let value = value.trim();
        let quoted = |mark| value.strip_prefix(mark)?.strip_suffix(mark);
        let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
        if value.is_empty() {
            return;
        }
        match key {
            "title" => self.title = Some(value.to_owned()),
            "fullPath" | "full_path" => {
                self.url = address(format!("{SITE}{}", value.replace("//", "/")));
            }
            "source" | "source_url" | "url" => self.url = address(value.to_owned()),
            _ => {
                self.updated = millis(value);
                self.is_misdated = self.updated.is_none();
            }
        }
    }

    /// The day of the last change, in UTC.
    pub(super) fn day(&self) -> Option<String> {
        Some(time_of(self.updated?)?.date().to_string())
    }
}

/// The address of a page, if it is valid. It becomes a link in rustdoc, which ends at a space.
pub(super) fn address(text: String) -> Option<String> {
    let is_part = |char: char| !char.is_whitespace() && !char.is_control();
    Some(text).filter(|text| text.chars().all(is_part))
}

/// Parses a count of milliseconds, or a time such as `2021-05-28T08:52:34Z`.
fn millis(text: &str) -> Option<u64> {
    if let Ok(count) = text.parse() {
        return time_of(count).map(|_| count);
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

fn time_of(millis: u64) -> Option<OffsetDateTime> {
    let seconds = i64::try_from(millis / 1_000).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_count_or_a_date() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1709210096000", Some(1_709_210_096_000)),
            ("2024-02-29T12:34:56Z", Some(1_709_210_096_000)),
            ("2021-05-28T08:52:34Z", Some(1_622_191_954_000)),
            ("2023-02-29T00:00:00Z", None),
            ("2023-00-01T00:00:00Z", None),
            ("2023-13-01T00:00:00Z", None),
            ("1969-12-31T00:00:00Z", None),
            ("2023-01-01T24:00:00Z", None),
            ("2023-01-01", None),
            ("soon", None),
            ("99999999999999999999", None),
            ("18446744073709551615", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
