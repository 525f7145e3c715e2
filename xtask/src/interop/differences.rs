//! The allowed differences between our opening and that of the official SDK for Python, with the reason for
//! each. `docs/differences.md` has the table.

use super::openings::{Case, Verdict};

/// An allowed difference.
pub(super) struct Difference {
    pub(super) name: &'static str,
    /// The behaviour of the SDK.
    pub(super) theirs: &'static str,
    /// Our behaviour.
    pub(super) ours: &'static str,
    /// The reason for our behaviour.
    pub(super) why: &'static str,
    /// Whether this difference explains why the verdicts on a request differ.
    pub(super) explains: fn(&Case, &Verdict) -> bool,
}

impl Case {
    /// Whether the request has one of these oddities.
    pub(super) fn has(&self, odd: &[&str]) -> bool {
        self.odd.iter().any(|its| odd.contains(&&**its))
    }

    fn takes(&self) -> bool {
        !self.ours.is_refused()
    }

    /// Whether it is rejected for its body: malformed, with a wrong token, or wrongly unsigned.
    fn refuses_its_form(&self) -> bool {
        ["malformed", "token", "unsigned"]
            .iter()
            .any(|why| self.ours.says(why))
    }

    /// Whether it is rejected for the headers of its signature.
    fn refuses_its_signature(&self) -> bool {
        ["signature", "timestamp"]
            .iter()
            .any(|why| self.ours.says(why))
    }
}

/// Signatures with a time too far from now.
const OLD_OR_EARLY: &[&str] = &["stale", "of the future", "timestamp in ms"];

/// Signatures with headers in a form that the platform does not send.
const ODD_HEADERS: &[&str] = &[
    "header twice",
    "timestamp of letters",
    "empty timestamp",
    "long nonce",
    "empty nonce",
];

/// Signatures that are incomplete or do not match.
const WRONG_SIGNATURES: &[&str] = &[
    "no timestamp",
    "no nonce",
    "no signature",
    "signed with another key",
    "signature cut",
    "body changed",
];

/// Events without a type in their body, where version 1 has it.
const UNTYPED: &[&str] = &[
    "no type",
    "event absent",
    "event is a list",
    "event is a number",
];

/// The first entry that explains a difference counts. Entries about the whole request therefore come
/// before entries about a part of it.
pub(super) const DIFFERENCES: [Difference; 25] = [
    Difference {
        name: "signature of a URL check",
        theirs: "ignored",
        ours: "rejected if there is a signature and it is invalid",
        why: "the platform does not sign URL checks, so a request with an invalid signature is not from it",
        explains: |case, theirs| {
            let odd = [OLD_OR_EARLY, ODD_HEADERS, WRONG_SIGNATURES].concat();
            theirs.is_challenge() && case.refuses_its_signature() && case.has(&odd)
        },
    },
    Difference {
        name: "plain URL check",
        theirs: "answered, even if an Encrypt Key is configured",
        ours: "rejected if an Encrypt Key is configured",
        why: "the platform then encrypts URL checks",
        explains: |case, theirs| {
            theirs.is_challenge() && case.ours.says("unsigned") && case.has(&["in the clear"])
        },
    },
    Difference {
        name: "URL check, no token configured",
        theirs: "answered if the token of the request is missing or empty",
        ours: "rejected",
        why: "only the token can show that an unsigned request is from the platform",
        explains: |case, theirs| {
            theirs.is_challenge() && case.ours.says("unsigned") && case.token.is_empty()
        },
    },
    Difference {
        name: "event, no token configured",
        theirs: "rejected if it has a token, as every event of the platform does",
        ours: "accepted",
        why: "the signature already authenticates the event",
        explains: |case, theirs| {
            case.takes() && case.token.is_empty() && theirs.says("invalid verification_token")
        },
    },
    Difference {
        name: "age of a signature",
        theirs: "not checked",
        ours: "rejected if the timestamp is more than 8 hours old or 10 minutes ahead",
        why: "a captured request could otherwise be replayed forever",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("timestamp") && case.has(OLD_OR_EARLY)
        },
    },
    Difference {
        name: "form of the signature headers",
        theirs: "any values that match the signature are accepted",
        ours: "rejected unless the timestamp consists of digits and the nonce has at most 128 characters",
        why: "the signed string joins timestamp, nonce, key and body without a separator, so characters could move from one to the next",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("signature_headers") && case.has(ODD_HEADERS)
        },
    },
    Difference {
        name: "signature in upper case",
        theirs: "rejected",
        ours: "accepted",
        why: "it is the same digest",
        explains: |case, theirs| {
            case.takes() && case.has(&["signature in upper case"]) && theirs.says("signature")
        },
    },
    Difference {
        name: "signed event without a token",
        theirs: "accepted",
        ours: "rejected if a Verification Token is configured",
        why: "the platform sends the token with every event",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("token") && case.has(&["token absent"])
        },
    },
    Difference {
        name: "base64 with other characters",
        theirs: "characters outside the alphabet are skipped",
        ours: "rejected",
        why: "a ciphertext has only one accepted encoding",
        explains: |case, _| {
            let odd = ["base64 with a line break", "base64 with another character"];
            case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "outer JSON not in plain UTF-8",
        theirs: "UTF-16 and a byte order mark are accepted",
        ours: "rejected",
        why: "JSON between systems is UTF-8 without a byte order mark",
        explains: |case, _| {
            let odd = ["wrapper with a byte order mark", "wrapper in UTF-16"];
            case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "duplicate field of the envelope",
        theirs: "the last value is used",
        ours: "rejected",
        why: "two JSON parsers could otherwise read different tokens, types or bodies",
        explains: |case, theirs| {
            let odd = ["token twice", "type twice", "event twice", "wrapper twice"];
            !theirs.is_refused() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "`NaN`",
        theirs: "parsed as a number",
        ours: "rejected",
        why: "it is not valid JSON",
        explains: |case, theirs| {
            !theirs.is_refused() && case.refuses_its_form() && case.has(&["not a number"])
        },
    },
    Difference {
        name: "empty `encrypt`",
        theirs: "ignored; the request counts as unencrypted",
        ours: "rejected",
        why: "an empty string cannot be decrypted",
        explains: |case, theirs| {
            let odd = ["encrypt is empty"];
            !theirs.is_refused() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "`encrypt` that is a list",
        theirs: "rejected",
        ours: "ignored; the request counts as unencrypted",
        why: "only a string can be a ciphertext; the signature or the token still authenticates the request",
        explains: |case, theirs| {
            case.takes() && case.has(&["encrypt is a list"]) && theirs.is_refused()
        },
    },
    Difference {
        name: "long URL check, or one with escapes or nested values",
        theirs: "answered, with any fields and of any length",
        ours: "with an Encrypt Key, rejected if it is longer than 768 bytes or contains escapes or nested values",
        why: "an attacker can insert encrypted blocks of a captured event into an unsigned request; the answer must not reveal their content",
        explains: |case, theirs| {
            let odd = [
                "more than a URL check",
                "unknown member",
                "token escaped",
                "encrypt is a list",
                "5,000 spaces",
            ];
            theirs.is_challenge() && case.ours.says("unsigned") && case.has(&odd)
        },
    },
    Difference {
        name: "missing challenge, or one with characters such as quotes",
        theirs: "copied into the answer without escaping, including quotes and tags; a missing challenge becomes `None`",
        ours: "rejected unless it is a string of 1 to 128 letters, digits, `-` and `_`",
        why: "the answer must not carry markup",
        explains: |case, theirs| {
            let odd = ["odd challenge", "challenge of another kind", "no challenge"];
            theirs.is_challenge() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "event with the type `url_verification`",
        theirs: "treated as a URL check, without a check of its signature",
        ours: "treated as an event",
        why: "a URL check has its `type` at the top level, not in the header",
        explains: |case, theirs| {
            theirs.is_challenge() && !case.ours.is_challenge() && case.has(&["type of a URL check"])
        },
    },
    Difference {
        name: "version 2 without `schema`",
        theirs: "rejected",
        ours: "accepted",
        why: "a header with an event type already shows the version",
        explains: |case, theirs| case.takes() && case.has(&["no schema"]) && theirs.is_refused(),
    },
    Difference {
        name: "number as `schema` or `uuid`",
        theirs: "rejected",
        ours: "accepted",
        why: "a numeric id is read as a string, and the header shows the version",
        explains: |case, theirs| {
            let odd = ["schema of another kind", "uuid of another kind"];
            case.takes() && case.has(&odd) && theirs.is_refused()
        },
    },
    Difference {
        name: "version 1 without `uuid`",
        theirs: "its event type is `event_callback`",
        ours: "its event type is `event.type`; it has no id",
        why: "`event.type` is the event type, with or without an id",
        explains: |case, theirs| {
            let taken = case.ours.is_event() || (case.refuses_its_form() && case.has(UNTYPED));
            taken && theirs.is_event_of("event_callback") && case.has(&["no uuid"])
        },
    },
    Difference {
        name: "version 1 without `event_callback`",
        theirs: "accepted if it has a `uuid`",
        ours: "rejected",
        why: "the top-level `type` of every version 1 event is `event_callback`",
        explains: |case, theirs| {
            theirs.is_event() && case.refuses_its_form() && case.has(&["no event_callback"])
        },
    },
    Difference {
        name: "list as event type",
        theirs: "accepted",
        ours: "rejected",
        why: "no handler can have such a type",
        explains: |case, theirs| {
            theirs.is_event() && case.refuses_its_form() && case.has(&["type is a list"])
        },
    },
    Difference {
        name: "no `event`",
        theirs: "the body is `None`",
        ours: "the body is an empty object",
        why: "all fields of a body are optional",
        explains: |case, theirs| {
            case.ours.is_event() && theirs.is_event() && case.has(&["event absent"])
        },
    },
    Difference {
        name: "limits of the JSON parser",
        theirs: "rejects a nesting of several thousand levels and integers of over 4,300 digits; reads `-0` as `0`",
        ours: "accepted, with the body unchanged",
        why: "`Webhook` does not decode the body",
        explains: |case, theirs| {
            let unread = theirs.says("recursion") || theirs.says("digits");
            let refused = case.has(&["deep", "a number of 5,000 digits"]) && unread;
            case.takes() && (refused || (theirs.is_event() && case.has(&["minus zero"])))
        },
    },
    Difference {
        name: "callback whose body is not an object",
        theirs: "rejected",
        ours: "accepted; the dispatcher then answers 400",
        why: "`Webhook` does not decode the body",
        explains: |case, theirs| {
            let odd = ["event is a list", "event is a number"];
            case.kind == "callback" && case.takes() && case.has(&odd) && theirs.is_refused()
        },
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The document groups the rows by topic, so their order differs from that of the array.
    #[test]
    fn the_documentation_has_each_difference_and_no_other() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/differences.md");
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("| "));
        let is_row = |line: &&str| !line.starts_with("| case |") && !line.starts_with("| --- |");
        let mut rows: Vec<_> = lines.filter(is_row).map(str::to_owned).collect();
        rows.sort_unstable();
        let row = |it: &Difference| {
            let Difference {
                name,
                theirs,
                ours,
                why,
                ..
            } = it;
            format!("| {name} | {theirs} | {ours} | {why} |")
        };
        let mut expected: Vec<_> = DIFFERENCES.iter().map(row).collect();
        expected.sort_unstable();
        assert!(
            rows == expected,
            "expected these rows, in any order:\n{}",
            expected.join("\n")
        );
    }

    #[test]
    fn no_two_differences_have_one_name() {
        let names: BTreeSet<_> = DIFFERENCES.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), DIFFERENCES.len());
    }
}
