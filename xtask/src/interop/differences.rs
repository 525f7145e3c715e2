//! The allowed differences between our opening and that of the official SDK for Python, with the reason for
//! each. `docs/differences.md` has the table.

use super::openings::{Case, Verdict};

/// An allowed difference.
pub(super) struct Difference {
    pub(super) name: &'static str,
    /// The behaviour of the SDK.
    pub(super) theirs: &'static str,
    /// Our behaviour, with the reason.
    pub(super) ours: &'static str,
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
        theirs: "ignores it",
        ours: "rejected if it is present and wrong: the platform signs no URL check",
        explains: |case, theirs| {
            let odd = [OLD_OR_EARLY, ODD_HEADERS, WRONG_SIGNATURES].concat();
            theirs.is_challenge() && case.refuses_its_signature() && case.has(&odd)
        },
    },
    Difference {
        name: "URL check in the clear",
        theirs: "answers it, although an Encrypt Key is set",
        ours: "rejected: with a key, the platform encrypts its URL checks",
        explains: |case, theirs| {
            theirs.is_challenge() && case.ours.says("unsigned") && case.has(&["in the clear"])
        },
    },
    Difference {
        name: "URL check without a token",
        theirs: "answers it if no Verification Token is set and the document has none or an empty one",
        ours: "rejected: nothing else proves that an unsigned document is from the platform",
        explains: |case, theirs| {
            theirs.is_challenge() && case.ours.says("unsigned") && case.token.is_empty()
        },
    },
    Difference {
        name: "no token configured",
        theirs: "rejects every document with a token, which includes all documents of the platform",
        ours: "accepted: the signature proves that it is from the platform",
        explains: |case, theirs| {
            case.takes() && case.token.is_empty() && theirs.says("invalid verification_token")
        },
    },
    Difference {
        name: "age of a signature",
        theirs: "accepts any timestamp",
        ours: "rejected if it is over 8 hours old or 10 minutes ahead: otherwise, a captured request could be replayed forever",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("timestamp") && case.has(OLD_OR_EARLY)
        },
    },
    Difference {
        name: "form of the signature headers",
        theirs: "accepts any text that matches the signature",
        ours: "rejected unless the timestamp consists of digits and the nonce has at most 128 characters: the signature covers them without a separator",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("signature_headers") && case.has(ODD_HEADERS)
        },
    },
    Difference {
        name: "signature in upper case",
        theirs: "rejects it",
        ours: "accepted: it is the same digest",
        explains: |case, theirs| {
            case.takes() && case.has(&["signature in upper case"]) && theirs.says("signature")
        },
    },
    Difference {
        name: "token left out",
        theirs: "accepts a signed event without a token",
        ours: "rejected if a token is set: the platform sends it with each event",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("token") && case.has(&["token absent"])
        },
    },
    Difference {
        name: "base64 with something between",
        theirs: "skips characters outside of the alphabet",
        ours: "rejected: a text has one base64 form",
        explains: |case, _| {
            let odd = ["base64 with a line break", "base64 with another character"];
            case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "wrapper in another encoding",
        theirs: "accepts UTF-16 and a byte order mark",
        ours: "rejected: JSON between programs is UTF-8 without a byte order mark",
        explains: |case, _| {
            let odd = ["wrapper with a byte order mark", "wrapper in UTF-16"];
            case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "known member twice",
        theirs: "uses the last one",
        ours: "rejected: two readers must not disagree on the token, type or event",
        explains: |case, theirs| {
            let odd = ["token twice", "type twice", "event twice", "wrapper twice"];
            !theirs.is_refused() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "NaN",
        theirs: "reads it as a number",
        ours: "rejected: it is not JSON",
        explains: |case, theirs| {
            !theirs.is_refused() && case.refuses_its_form() && case.has(&["not a number"])
        },
    },
    Difference {
        name: "empty `encrypt`",
        theirs: "ignores it and reads a plain document",
        ours: "rejected: an empty text cannot be decrypted",
        explains: |case, theirs| {
            let odd = ["encrypt is empty"];
            !theirs.is_refused() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "`encrypt` that is no text",
        theirs: "rejects it",
        ours: "a plain document: an odd member affects only itself",
        explains: |case, theirs| {
            case.takes() && case.has(&["encrypt is a list"]) && theirs.is_refused()
        },
    },
    Difference {
        name: "more than a URL check",
        theirs: "answers it, with any other members and of any length",
        ours: "an unsigned URL check has at most 768 bytes, and the known members once each without escapes",
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
        name: "odd challenge",
        theirs: "copies it into the answer, with quotes and tags; a missing one becomes `None`",
        ours: "rejected unless it is a text of 1 to 128 letters, digits, `-` and `_`: the answer must not carry markup",
        explains: |case, theirs| {
            let odd = ["odd challenge", "challenge of another kind", "no challenge"];
            theirs.is_challenge() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "event named like a URL check",
        theirs: "treats it as a URL check: takes the challenge from the top, and ignores the signature",
        ours: "an ordinary event: a URL check has an envelope of its own",
        explains: |case, theirs| {
            theirs.is_challenge() && !case.ours.is_challenge() && case.has(&["type of a URL check"])
        },
    },
    Difference {
        name: "version 2 without `schema`",
        theirs: "finds no event",
        ours: "accepted: a header with a type shows the version as well",
        explains: |case, theirs| case.takes() && case.has(&["no schema"]) && theirs.is_refused(),
    },
    Difference {
        name: "`schema` or `uuid` that is no text",
        theirs: "rejects it",
        ours: "accepted: a number counts as its text, and the header shows the version",
        explains: |case, theirs| {
            let odd = ["schema of another kind", "uuid of another kind"];
            case.takes() && case.has(&odd) && theirs.is_refused()
        },
    },
    Difference {
        name: "version 1 without `uuid`",
        theirs: "an event of the type `event_callback`",
        ours: "an event of its own type, without an id",
        explains: |case, theirs| {
            let taken = case.ours.is_event() || (case.refuses_its_form() && case.has(UNTYPED));
            taken && theirs.is_event_of("event_callback") && case.has(&["no uuid"])
        },
    },
    Difference {
        name: "version 1 without `event_callback`",
        theirs: "accepts it if it has a `uuid`",
        ours: "rejected: the platform sends it with each event of version 1",
        explains: |case, theirs| {
            theirs.is_event() && case.refuses_its_form() && case.has(&["no event_callback"])
        },
    },
    Difference {
        name: "type that is no text",
        theirs: "accepts a list as a type",
        ours: "rejected: no handler can have that name",
        explains: |case, theirs| {
            theirs.is_event() && case.refuses_its_form() && case.has(&["type is a list"])
        },
    },
    Difference {
        name: "no `event`",
        theirs: "an event without a body",
        ours: "an event with an empty object as its body, as all fields of an event may be absent",
        explains: |case, theirs| {
            case.ours.is_event() && theirs.is_event() && case.has(&["event absent"])
        },
    },
    Difference {
        name: "limits of its JSON reader",
        theirs: "rejects nesting of some thousands and integers of over 4,300 digits, and reads `-0` as 0",
        ours: "accepted with the body unchanged: opening does not read the body",
        explains: |case, theirs| {
            let unread = theirs.says("recursion") || theirs.says("digits");
            let refused = case.has(&["deep", "a number of 5,000 digits"]) && unread;
            case.takes() && (refused || (theirs.is_event() && case.has(&["minus zero"])))
        },
    },
    Difference {
        name: "callback that is no object",
        theirs: "rejects it, as it reads the body into its type first",
        ours: "opened; the dispatcher then rejects it (400)",
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

    #[test]
    fn the_documentation_has_each_difference_and_no_other() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/differences.md");
        let text = fs::read_to_string(path).unwrap();
        let (_, rows) = text.split_once("| --- | --- | --- |\n").unwrap();
        let (rows, _) = rows.split_once("\n\n").unwrap();
        let row = |it: &Difference| format!("| {} | {} | {} |", it.name, it.theirs, it.ours);
        let expected = DIFFERENCES.iter().map(row).collect::<Vec<_>>().join("\n");
        assert!(rows == expected, "the rows are to be\n{expected}");
    }

    #[test]
    fn no_two_differences_have_one_name() {
        let names: BTreeSet<_> = DIFFERENCES.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), DIFFERENCES.len());
    }
}
