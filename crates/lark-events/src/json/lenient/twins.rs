//! Random JSON with every kind of unexpected value, each text with its twin: the value that should
//! remain, and the places that are lost. Tests compare repair and `unread()` with the twin.

use serde_json::{Map, Value};

use super::{Held, MAX_DEPTH, is_exact, repair};
use crate::json::raw_json::RawJson;
use crate::json::unread::unread;

/// A text with unexpected values, and the expected result.
struct Twin {
    text: String,
    left: Value,
    /// JSON pointers from here.
    lost: Vec<String>,
}

struct Generator {
    seed: u64,
    is_held: fn(f64) -> bool,
}

impl Generator {
    /// A number below `end`, by splitmix64.
    fn below(&mut self, end: usize) -> usize {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % end
    }

    fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len())]
    }

    fn space(&mut self) -> &'static str {
        self.one_of(&["", "", " ", "\n\t\r "])
    }

    /// A string in its quotes, and what it says.
    fn string(&mut self) -> (String, Option<String>) {
        const PIECES: [&str; 13] = [
            "a",
            "b",
            "é",
            "会",
            r"\ud800",
            r"\udc00",
            r"\ud83d\ude00",
            r"\u0061",
            r#"\""#,
            r"\\",
            "]},:",
            "~/",
            "",
        ];
        let pieces: Vec<_> = (0..self.below(3)).map(|_| self.one_of(&PIECES)).collect();
        let text = format!("\"{}\"", pieces.concat());
        let said = serde_json::from_str(&text).ok();
        (text, said)
    }

    fn scalar(&mut self) -> Twin {
        const SCALARS: [&str; 12] = [
            "null",
            "true",
            "false",
            "0",
            "-1.5e-3",
            "1e400",
            "-1E400",
            "9007199254740993.0",
            "18446744073709551616",
            "18446744073709551615",
            "1e-20",
            "1e16",
        ];
        let text = self.one_of(&SCALARS);
        let is_held = match text.parse::<u64>() {
            Ok(_) => true,
            Err(_) => text.parse::<f64>().map_or(true, self.is_held),
        };
        let left = if is_held {
            serde_json::from_str(text).unwrap()
        } else {
            text.into()
        };
        Twin {
            text: text.to_owned(),
            left,
            lost: Vec::new(),
        }
    }

    /// A list inside some others, each with one element.
    fn list(&mut self, depth: usize) -> Twin {
        let wraps = 1 + self.below(4) * 40;
        let (mut texts, mut left, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..self.below(4) {
            let element = self.value(depth + wraps);
            texts.push(element.text);
            left.push(element.left);
            lost.extend(element.lost.iter().map(|path| format!("/{index}{path}")));
        }
        let text = format!(
            "{}{}{}",
            "[".repeat(wraps),
            texts.join(","),
            "]".repeat(wraps)
        );
        let mut left = Value::Array(left);
        let mut kept = wraps - 1;
        if depth + kept >= MAX_DEPTH {
            kept = MAX_DEPTH.saturating_sub(depth);
            (left, lost) = (Value::Null, vec![String::new()]);
        }
        for _ in 0..kept {
            left = Value::Array(vec![left]);
        }
        let outer = "/0".repeat(kept);
        let lost = lost.iter().map(|path| format!("{outer}{path}")).collect();
        Twin { text, left, lost }
    }

    fn object(&mut self, depth: usize) -> Twin {
        let mut texts = Vec::new();
        let mut members = Vec::new();
        for _ in 0..self.below(5) {
            let (key, name) = self.string();
            let value = self.value(depth + 1);
            let (before, after) = (self.space(), self.space());
            texts.push(format!("{before}{key}{after}:{}", value.text));
            members.push((key, name, value));
        }
        let text = format!("{{{}}}", texts.join(","));
        if depth >= MAX_DEPTH {
            let lost = vec![String::new()];
            let left = Value::Null;
            return Twin { text, left, lost };
        }
        let (mut left, mut lost) = (Map::new(), Vec::new());
        for (key, name, value) in &members {
            let copies = members.iter().filter(|(_, other, _)| other == name).count();
            let said = name.as_deref().unwrap_or(&key[1..key.len() - 1]);
            let step = format!("/{}", said.replace('~', "~0").replace('/', "~1"));
            match name {
                None if value.text.trim() == "null" => {}
                None => lost.push(step),
                Some(name) if copies == 1 => {
                    left.insert(name.clone(), value.left.clone());
                    lost.extend(value.lost.iter().map(|path| format!("{step}{path}")));
                }
                // Neither copy wins, and only the first is reported.
                Some(name) => {
                    let first = left.insert(name.clone(), Value::Null).is_none();
                    lost.extend(first.then_some(step));
                }
            }
        }
        let left = Value::Object(left);
        Twin { text, left, lost }
    }

    /// A value inside of `depth` lists and objects.
    fn value(&mut self, depth: usize) -> Twin {
        let mut twin = match self.below(10) {
            5 | 6 if depth < 300 => self.list(depth),
            7.. if depth < 300 => self.object(depth),
            4 => {
                let (text, said) = self.string();
                let lost = said.is_none().then(String::new);
                Twin {
                    text,
                    left: said.map_or(Value::Null, Value::from),
                    lost: Vec::from_iter(lost),
                }
            }
            _ => self.scalar(),
        };
        twin.text = format!("{}{}{}", self.space(), twin.text, self.space());
        twin
    }
}

#[test]
fn whatever_the_text_all_that_is_good_is_left_and_the_rest_is_told() {
    let (mut odd, mut lost) = (0, 0);
    for seed in 0..6_000 {
        let (held, is_held): (_, fn(f64) -> bool) = match seed % 2 {
            0 => (Held::Exact, is_exact),
            _ => (Held::Finite, f64::is_finite),
        };
        let twin = Generator { seed, is_held }.value(0);
        let text = &twin.text;
        odd += usize::from(serde_json::from_str::<Value>(text).is_err());

        let once = repair(text, held);
        assert!(once.len() <= text.len() * 2, "seed {seed}");
        assert_eq!(repair(&once, held), once, "seed {seed}");
        let left: Value = serde_json::from_str(&once).unwrap();
        assert_eq!(left, twin.left, "seed {seed}: {text}");

        let raw = RawJson::parse(text.clone()).unwrap();
        let typed = RawJson::encode(&left).unwrap();
        let mut unread = unread(&raw, &typed);
        // Digits are another matter.
        unread.retain(|path| is_exact_at(&left, path));
        assert_eq!(unread, twin.lost, "seed {seed}: {text}");
        lost += unread.len();
    }
    assert!(
        odd > 1_000 && lost > 2_000,
        "only {odd} texts are odd, {lost} places lost"
    );
}

/// Whether no remaining float at `path` has lost digits.
fn is_exact_at(left: &Value, path: &str) -> bool {
    let number = left.pointer(path).filter(|value| value.is_f64());
    number.and_then(Value::as_f64).is_none_or(is_exact)
}
