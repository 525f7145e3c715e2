//! Where the official SDK for Python opens a request in another way than we do, and why that is right.
//! `docs/differences.md` has the table.

use super::openings::{Case, Verdict};

/// A difference that is meant.
pub(super) struct Difference {
    pub(super) name: &'static str,
    /// What that SDK does.
    pub(super) theirs: &'static str,
    /// What is done here, and why.
    pub(super) ours: &'static str,
    /// Whether it is why the verdicts on a request differ.
    pub(super) explains: fn(&Case, &Verdict) -> bool,
}

impl Case {
    /// Whether one of these is odd about it.
    pub(super) fn has(&self, odd: &[&str]) -> bool {
        self.odd.iter().any(|its| odd.contains(&&**its))
    }

    fn takes(&self) -> bool {
        !self.ours.is_refused()
    }

    /// Whether it is refused as what an authentic sender does not send, or an unauthentic one might.
    fn refuses_its_form(&self) -> bool {
        ["malformed", "token", "unsigned"]
            .iter()
            .any(|why| self.ours.says(why))
    }

    /// Whether it is refused for the headers of its signature.
    fn refuses_its_signature(&self) -> bool {
        ["signature", "timestamp"]
            .iter()
            .any(|why| self.ours.says(why))
    }
}

/// Signatures of a time that is too far from now.
const OLD_OR_EARLY: &[&str] = &["stale", "of the future", "timestamp in ms"];

/// Signatures with something in their headers that the platform does not write.
const ODD_HEADERS: &[&str] = &[
    "header twice",
    "timestamp of letters",
    "empty timestamp",
    "long nonce",
    "empty nonce",
];

/// Signatures that are incomplete, or of something else.
const WRONG_SIGNATURES: &[&str] = &[
    "no timestamp",
    "no nonce",
    "no signature",
    "signed with another key",
    "signature cut",
    "body changed",
];

/// Events that say no type of their own where they are of version 1.
const UNTYPED: &[&str] = &[
    "no type",
    "event absent",
    "event is a list",
    "event is a number",
];

/// All of them. The first that explains a difference counts, so what is about the whole request comes
/// before what is about something in it.
pub(super) const DIFFERENCES: [Difference; 25] = [
    Difference {
        name: "signature of a URL check",
        theirs: "never looks at it",
        ours: "refused if it is there and wrong: the platform signs none",
        explains: |case, theirs| {
            let odd = [OLD_OR_EARLY, ODD_HEADERS, WRONG_SIGNATURES].concat();
            theirs.is_challenge() && case.refuses_its_signature() && case.has(&odd)
        },
    },
    Difference {
        name: "URL check in the clear",
        theirs: "answered, although there is an Encrypt Key",
        ours: "refused: with a key the platform encrypts it, and what is unsigned is as little as can be",
        explains: |case, theirs| {
            theirs.is_challenge() && case.ours.says("unsigned") && case.has(&["in the clear"])
        },
    },
    Difference {
        name: "URL check without a token",
        theirs: "answered without a Verification Token configured, if the document has none or an empty one",
        ours: "refused: nothing else would show that an unsigned document is the platform's",
        explains: |case, theirs| {
            theirs.is_challenge() && case.ours.says("unsigned") && case.token.is_empty()
        },
    },
    Difference {
        name: "no token configured",
        theirs: "refuses every document that has a token, which those of the platform have",
        ours: "taken: the signature shows that it is the platform's",
        explains: |case, theirs| {
            case.takes() && case.token.is_empty() && theirs.says("invalid verification_token")
        },
    },
    Difference {
        name: "age of a signature",
        theirs: "any timestamp will do",
        ours: "refused when it is over 8 hours old or 10 minutes ahead: what somebody has seen could be sent again for ever",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("timestamp") && case.has(OLD_OR_EARLY)
        },
    },
    Difference {
        name: "form of the signature headers",
        theirs: "any text in them will do that the signature is over",
        ours: "refused unless the timestamp is digits and the nonce at most 128 characters: nothing separates what is signed",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("signature_headers") && case.has(ODD_HEADERS)
        },
    },
    Difference {
        name: "signature in upper case",
        theirs: "refused",
        ours: "taken: it is the same digest",
        explains: |case, theirs| {
            case.takes() && case.has(&["signature in upper case"]) && theirs.says("signature")
        },
    },
    Difference {
        name: "token left out",
        theirs: "a signed event without a token is taken",
        ours: "refused where one is configured: the platform sends it with each event",
        explains: |case, theirs| {
            theirs.is_event() && case.ours.says("token") && case.has(&["token absent"])
        },
    },
    Difference {
        name: "base64 with something between",
        theirs: "passes over characters that are not of its alphabet",
        ours: "refused: one text, one meaning",
        explains: |case, _| {
            let odd = ["base64 with a line break", "base64 with another character"];
            case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "wrapper in another encoding",
        theirs: "takes UTF-16, and a byte order mark",
        ours: "refused: JSON between programs is UTF-8 without one",
        explains: |case, _| {
            let odd = ["wrapper with a byte order mark", "wrapper in UTF-16"];
            case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "known member twice",
        theirs: "the last one counts",
        ours: "refused: two readers must not disagree on which token, type or event it is",
        explains: |case, theirs| {
            let odd = ["token twice", "type twice", "event twice", "wrapper twice"];
            !theirs.is_refused() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "NaN",
        theirs: "is read as a number",
        ours: "refused: it is no JSON",
        explains: |case, theirs| {
            !theirs.is_refused() && case.refuses_its_form() && case.has(&["not a number"])
        },
    },
    Difference {
        name: "empty `encrypt`",
        theirs: "is none, and the document plain",
        ours: "refused: nothing opens an empty text",
        explains: |case, theirs| {
            let odd = ["encrypt is empty"];
            !theirs.is_refused() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "`encrypt` that is no text",
        theirs: "refused",
        ours: "a plain document: an odd member costs itself alone",
        explains: |case, theirs| {
            case.takes() && case.has(&["encrypt is a list"]) && theirs.is_refused()
        },
    },
    Difference {
        name: "more than a URL check",
        theirs: "answered whatever else is in the document, however long",
        ours: "unsigned, at most 768 bytes, the known members once each and without escapes",
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
        theirs: "is put into the answer as it is, quotes and tags too; none at all is `None`",
        ours: "refused unless it is a text of 1 to 128 letters, digits, `-` and `_`: nothing is echoed that could mean something",
        explains: |case, theirs| {
            let odd = ["odd challenge", "challenge of another kind", "no challenge"];
            theirs.is_challenge() && case.refuses_its_form() && case.has(&odd)
        },
    },
    Difference {
        name: "event named like a URL check",
        theirs: "is one, whose challenge is asked for at the top, and whose signature is not",
        ours: "an event as any other: only an envelope of its own is a URL check",
        explains: |case, theirs| {
            theirs.is_challenge() && !case.ours.is_challenge() && case.has(&["type of a URL check"])
        },
    },
    Difference {
        name: "version 2 without `schema`",
        theirs: "is no event",
        ours: "taken: a header that names a type says it as well",
        explains: |case, theirs| case.takes() && case.has(&["no schema"]) && theirs.is_refused(),
    },
    Difference {
        name: "`schema` or `uuid` that is no text",
        theirs: "refused",
        ours: "taken: a number is its own text, and the header shows the version",
        explains: |case, theirs| {
            let odd = ["schema of another kind", "uuid of another kind"];
            case.takes() && case.has(&odd) && theirs.is_refused()
        },
    },
    Difference {
        name: "version 1 without `uuid`",
        theirs: "is an event of the type `event_callback`",
        ours: "an event of its own type, without an id",
        explains: |case, theirs| {
            let taken = case.ours.is_event() || (case.refuses_its_form() && case.has(UNTYPED));
            taken && theirs.is_event_of("event_callback") && case.has(&["no uuid"])
        },
    },
    Difference {
        name: "version 1 without `event_callback`",
        theirs: "taken, if it has a `uuid`",
        ours: "refused: the platform says so in each",
        explains: |case, theirs| {
            theirs.is_event() && case.refuses_its_form() && case.has(&["no event_callback"])
        },
    },
    Difference {
        name: "type that is no text",
        theirs: "a list is a type like any other",
        ours: "refused: no handler has that name",
        explains: |case, theirs| {
            theirs.is_event() && case.refuses_its_form() && case.has(&["type is a list"])
        },
    },
    Difference {
        name: "no `event`",
        theirs: "a body of nothing",
        ours: "a body of an empty object, as all fields of one may be absent",
        explains: |case, theirs| {
            case.ours.is_event() && theirs.is_event() && case.has(&["event absent"])
        },
    },
    Difference {
        name: "limits of its JSON reader",
        theirs: "refuses nesting of some thousands and integers of over 4,300 digits, and reads `-0` as 0",
        ours: "taken, and the body left as it is: opening does not read it",
        explains: |case, theirs| {
            let unread = theirs.says("recursion") || theirs.says("digits");
            let refused = case.has(&["deep", "a number of 5,000 digits"]) && unread;
            case.takes() && (refused || (theirs.is_event() && case.has(&["minus zero"])))
        },
    },
    Difference {
        name: "callback that is no object",
        theirs: "refused, as its body is read into its type first",
        ours: "opened; it is then the dispatcher that refuses it (400)",
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
