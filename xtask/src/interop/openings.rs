//! Two thousand requests, opened by us and by the official SDK for Python. Each difference between the
//! verdicts must have a known reason.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

use super::differences::{DIFFERENCES, Difference};
use super::{APPS, printed};
use crate::cargo;

/// Some hundred requests have one oddity each. The others are random.
const COUNT: usize = 2_000;
/// The file of the requests, for the SDK and for people.
const REQUESTS: &str = "target/interop/openings.jsonl";
/// The most requests to print.
const MAX_UNEXPLAINED: usize = 5;

/// A request, its oddities, and our verdict.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) kind: String,
    pub(super) odd: Vec<String>,
    pub(super) key: String,
    pub(super) token: String,
    headers: Vec<(String, String)>,
    /// The beginning of its document, before encryption.
    document: String,
    pub(super) ours: Verdict,
}

/// The verdict on a request.
#[derive(Debug, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub(super) enum Verdict {
    Event {
        /// Usually a text: the SDK also accepts other values as a type.
        #[serde(rename = "type")]
        event_type: Value,
        /// The text of its body, if it can be compared.
        body: Option<String>,
    },
    Challenge {
        challenge: Value,
    },
    Refused {
        why: String,
    },
}

impl Verdict {
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    pub(super) fn is_event(&self) -> bool {
        matches!(self, Self::Event { .. })
    }

    pub(super) fn is_challenge(&self) -> bool {
        matches!(self, Self::Challenge { .. })
    }

    pub(super) fn is_event_of(&self, name: &str) -> bool {
        matches!(self, Self::Event { event_type, .. } if event_type == name)
    }

    /// Whether it is a rejection, and its reason contains this text.
    pub(super) fn says(&self, text: &str) -> bool {
        matches!(self, Self::Refused { why } if why.contains(text))
    }
}

impl Case {
    /// Whether both verdicts agree.
    fn agrees(&self, theirs: &Verdict) -> bool {
        match (&self.ours, theirs) {
            (
                Verdict::Event { event_type, body },
                Verdict::Event {
                    event_type: its_type,
                    body: its_body,
                },
            ) => {
                text(event_type) == text(its_type)
                    && self.same_body(body.as_deref(), its_body.as_deref())
            }
            (Verdict::Challenge { challenge }, Verdict::Challenge { challenge: its }) => {
                text(challenge) == text(its)
            }
            (Verdict::Refused { .. }, Verdict::Refused { .. }) => true,
            _ => false,
        }
    }

    /// Whether bodies are the same, as far as our JSON reader can read them.
    fn same_body(&self, ours: Option<&str>, theirs: Option<&str>) -> bool {
        let Some(theirs) = theirs else {
            return true;
        };
        let read = |body| serde_json::from_str::<Value>(body).ok();
        match ours.and_then(read) {
            Some(ours) => read(theirs) == Some(ours),
            None => self.has(UNREADABLE),
        }
    }
}

/// Oddities that our JSON reader rejects although they are JSON.
const UNREADABLE: &[&str] = &[
    "a number that no float holds",
    "a number of 5,000 digits",
    "half of a surrogate pair",
    "deep",
];

/// A type or challenge. Numbers stand for their texts in both openings.
fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Generates requests from a seed, opens them with both, and prints the differences.
pub(super) fn compare(root: &Path, python: &Path, seed: Option<u64>) -> Result<(), String> {
    let seed = seed.unwrap_or_else(some_seed);
    println!("\n{COUNT} requests, opened by the Python SDK and here; --seed {seed} repeats them");
    let mut command = cargo::command(root);
    command
        .args(["run", "--quiet", "--package", "lark-events-sim"])
        .args(["--features", "tls", "--example", "openings", "--"])
        .args([seed.to_string(), COUNT.to_string()]);
    let requests = printed(&mut command, "openings")?;
    let path = root.join(REQUESTS);
    fs::write(&path, &requests).map_err(|error| format!("{REQUESTS}: {error}"))?;
    let mut command = Command::new(python.join("bin/python"));
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(root.join(APPS).join("openings.py"))
        .arg(path);
    let verdicts = printed(&mut command, "openings.py")?;

    let cases: Vec<Case> = lines(&requests).ok_or("odd requests")?;
    let theirs: Vec<Verdict> = lines(&verdicts).ok_or("odd verdicts")?;
    if (cases.len(), theirs.len()) != (COUNT, COUNT) {
        return Err("not a verdict on each request".to_owned());
    }
    if Tally::of(&cases, &theirs).print() {
        Ok(())
    } else {
        Err("openings differ".to_owned())
    }
}

/// A seed from the clock.
fn some_seed() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.map_or(0, |time| u64::from(time.subsec_nanos()))
}

fn lines<'a, T: Deserialize<'a>>(text: &'a str) -> Option<Vec<T>> {
    let lines = text.lines().map(|line| serde_json::from_str(line).ok());
    lines.collect()
}

/// The number of requests with equal verdicts, and those with explained and unexplained differences.
struct Tally<'a> {
    events: usize,
    challenges: usize,
    refused: usize,
    /// How often each of the [`DIFFERENCES`] was seen.
    explained: [usize; DIFFERENCES.len()],
    unexplained: Vec<(&'a Case, &'a Verdict)>,
}

impl<'a> Tally<'a> {
    fn of(cases: &'a [Case], theirs: &'a [Verdict]) -> Self {
        let mut tally = Self {
            events: 0,
            challenges: 0,
            refused: 0,
            explained: [0; DIFFERENCES.len()],
            unexplained: Vec::new(),
        };
        for (case, theirs) in cases.iter().zip(theirs) {
            if case.agrees(theirs) {
                match theirs {
                    Verdict::Event { .. } => tally.events += 1,
                    Verdict::Challenge { .. } => tally.challenges += 1,
                    Verdict::Refused { .. } => tally.refused += 1,
                }
                continue;
            }
            let known = DIFFERENCES.iter().zip(&mut tally.explained);
            match known
                .into_iter()
                .find(|(known, _)| (known.explains)(case, theirs))
            {
                Some((_, count)) => *count += 1,
                None => tally.unexplained.push((case, theirs)),
            }
        }
        tally
    }

    /// Prints the tally, and returns whether every difference has a reason and every reason occurred.
    fn print(&self) -> bool {
        let Self {
            events,
            challenges,
            refused,
            explained,
            unexplained,
        } = self;
        let row =
            |verdict: &str, count: usize, what: &str| println!("{verdict:<8}{count:>5}  {what}");
        row(
            "same",
            *events,
            "events accepted, with the same type and body",
        );
        row(
            "same",
            *challenges,
            "URL checks answered with the same challenge",
        );
        row("same", *refused, "rejected");
        for (known, &count) in DIFFERENCES.iter().zip(explained) {
            let Difference {
                name,
                theirs,
                ours,
                why,
                ..
            } = known;
            let seen = if count > 0 { "known" } else { "NEVER" };
            row(
                seen,
                count,
                &format!("{name}: {theirs}; here: {ours}, because {why}"),
            );
        }
        if !unexplained.is_empty() {
            row("UNKNOWN", unexplained.len(), "of which the first ones are:");
        }
        for (case, theirs) in unexplained.iter().take(MAX_UNEXPLAINED) {
            let Case {
                kind,
                odd,
                key,
                token,
                headers,
                document,
                ours,
                ..
            } = case;
            println!("\n{kind}: {}", odd.join(", "));
            println!("key {key:?}, token {token:?}, headers {headers:?}");
            println!("{}", crate::terminal::shown(document));
            println!("ours: {ours:?}\ntheirs: {theirs:?}");
        }
        unexplained.is_empty() && !explained.contains(&0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(json: &str) -> Verdict {
        serde_json::from_str(json).unwrap()
    }

    const EVENT: &str = r#"{"verdict":"event","type":"a","body":"{\"a\": 1}"}"#;
    const CHALLENGE: &str = r#"{"verdict":"challenge","challenge":"c"}"#;
    const REFUSED: &str = r#"{"verdict":"refused","why":"for reasons"}"#;

    fn case(odd: &str, ours: &str) -> Case {
        let json = format!(
            r#"{{"kind":"event","odd":["{odd}"],"key":"k","token":"t",
                "headers":[],"document":"","ours":{ours}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn verdicts_agree_on_type_body_and_challenge() {
        for same in [EVENT, CHALLENGE, REFUSED] {
            assert!(case("", same).agrees(&verdict(same)), "{same}");
        }
        let untyped = r#"{"verdict":"event","type":"a"}"#;
        assert!(case("", EVENT).agrees(&verdict(untyped)));
        for other in [
            CHALLENGE,
            REFUSED,
            r#"{"verdict":"event","type":"a","body":"Infinity"}"#,
            r#"{"verdict":"event","type":"b","body":"{\"a\": 1}"}"#,
            r#"{"verdict":"event","type":"a","body":"{\"a\": 2}"}"#,
        ] {
            assert!(!case("", EVENT).agrees(&verdict(other)), "{other}");
        }
        let other = r#"{"verdict":"challenge","challenge":"d"}"#;
        assert!(!case("", CHALLENGE).agrees(&verdict(other)));
    }

    #[test]
    fn a_body_of_ours_that_cannot_be_read_is_the_same_only_where_it_is_known_why() {
        let unread = r#"{"verdict":"event","type":"a","body":"{\"a\": 1e400}"}"#;
        assert!(case("a number that no float holds", unread).agrees(&verdict(EVENT)));
        assert!(!case("", unread).agrees(&verdict(EVENT)));
    }

    #[test]
    fn a_difference_is_known_or_it_is_not_and_each_must_be_seen() {
        let cases = ["", "encrypt is a list", ""].map(|odd| case(odd, EVENT));
        let theirs = [verdict(EVENT), verdict(REFUSED), verdict(CHALLENGE)];
        let mut tally = Tally::of(&cases, &theirs);
        assert_eq!((tally.events, tally.challenges, tally.refused), (1, 0, 0));
        assert_eq!(tally.explained.iter().sum::<usize>(), 1);
        assert_eq!(tally.unexplained.len(), 1);

        tally.explained = [1; DIFFERENCES.len()];
        assert!(!tally.print(), "one is unknown");
        tally.unexplained.clear();
        assert!(tally.print());
        tally.explained[0] = 0;
        assert!(!tally.print(), "one is never seen");
    }
}
