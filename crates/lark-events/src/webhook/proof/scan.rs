//! Recognizing a URL check among unauthenticated plaintexts, in work that depends on nothing but their
//! length.
//!
//! CBC lets a sender shape the plaintext: of a captured event they choose the first block, and keep
//! as many of the following blocks as they like. A reader that stops at the first byte it does not
//! like would show by its time what that byte is, and with enough requests what the event says. So a
//! plaintext is scanned whole, without a branch on any of its bytes. Only one that has our token and
//! the type of a URL check among its top-level members is parsed.

use std::hint::black_box;

use zeroize::Zeroizing;

use crate::credentials::VerificationToken;
use crate::crypto::unpadded;
use crate::webhook::opened::Challenge;
use crate::webhook::settings::Settings;

/// The member that makes a document a URL check.
const TYPE: &[u8] = br#""type":"url_verification""#;

impl Settings {
    /// The challenge of an unauthenticated plaintext, if it is a URL check with one of our tokens.
    pub(super) fn unauthenticated_url_check(&self, plaintext: &[u8]) -> Option<Challenge> {
        if !is_candidate(plaintext, &self.verification_tokens) {
            return None;
        }
        self.url_check(unpadded(plaintext).unwrap_or(plaintext))
    }
}

/// Whether the type of a URL check and one of the tokens are members of the top-level object. The
/// scan may take what is no JSON for a candidate, never a URL check of the platform for none.
fn is_candidate(plaintext: &[u8], tokens: &[VerificationToken]) -> bool {
    let mut scan = Scan::default();
    let mut kind = Member::new(TYPE);
    let mut tokens: Vec<_> = tokens.iter().map(Member::token).collect();
    for byte in plaintext {
        let step = scan.step(*byte);
        kind.step(*byte, step);
        for token in &mut tokens {
            token.step(*byte, step);
        }
    }
    let token = tokens.iter().fold(0, |found, token| found | token.found);
    (kind.found & token) == 1
}

/// What a byte means to a scan, as the number of a bit.
#[derive(Clone, Copy)]
enum Class {
    Space,
    Quote,
    Backslash,
    Open,
    Close,
    BeforeMember,
}

/// The classes of every byte. The compiler would make branches of comparisons.
const CLASSES: [u32; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < classes.len() {
        let class = match byte as u8 {
            b' ' | b'\t' | b'\n' | b'\r' => 1 << Class::Space as u32,
            b'"' => 1 << Class::Quote as u32,
            b'\\' => 1 << Class::Backslash as u32,
            b'{' => 1 << Class::Open as u32 | 1 << Class::BeforeMember as u32,
            b'[' => 1 << Class::Open as u32,
            b'}' | b']' => 1 << Class::Close as u32,
            b',' => 1 << Class::BeforeMember as u32,
            _ => 0,
        };
        #[expect(clippy::indexing_slicing, reason = "at compile time")]
        {
            classes[byte] = class;
        }
        byte += 1;
    }
    classes
};

/// Where a scan is in a JSON text. Flags are 0 or 1, and set by arithmetic alone.
#[derive(Debug, Default)]
struct Scan {
    in_string: u32,
    escaped: u32,
    depth: u32,
    /// Whether a member of the top-level object may begin here.
    at_member: u32,
}

/// What one byte is to the members that are looked for.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// It is no white space between tokens.
    counts: u32,
    at_member: u32,
}

impl Scan {
    fn step(&mut self, byte: u8) -> Step {
        let class = CLASSES.get(usize::from(byte)).copied().unwrap_or_default();
        let is = |one: Class| (class >> one as u32) & 1;
        let outside = self.in_string ^ 1;
        let space = outside & is(Class::Space);
        let step = Step {
            // Or the compiler would make a branch of it.
            counts: black_box(space ^ 1),
            at_member: self.at_member,
        };

        let (opens, closes) = (outside & is(Class::Open), outside & is(Class::Close));
        self.depth = self.depth.wrapping_add(opens).wrapping_sub(closes);
        let begins = outside & is(Class::BeforeMember) & equal(self.depth, 1);
        self.at_member = (space & self.at_member) | (step.counts & begins);

        let ends_or_begins = is(Class::Quote) & (self.escaped ^ 1);
        self.escaped = self.in_string & is(Class::Backslash) & (self.escaped ^ 1);
        self.in_string ^= ends_or_begins;
        step
    }
}

/// A member that is looked for: its text, and how much of it the last bytes were.
#[derive(Debug)]
struct Member {
    text: Zeroizing<Vec<u8>>,
    length: u32,
    matched: u32,
    found: u32,
}

impl Member {
    fn new(text: impl Into<Vec<u8>>) -> Self {
        let text = Zeroizing::new(text.into());
        Self {
            length: u32::try_from(text.len()).unwrap_or(NEVER),
            text,
            matched: 0,
            found: 0,
        }
    }

    /// The member that carries `token`, as every JSON writer writes a token of letters and digits.
    fn token(token: &VerificationToken) -> Self {
        Self::new([br#""token":""#, token.as_bytes(), b"\""].concat())
    }

    fn step(&mut self, byte: u8, step: Step) {
        let next = self.text.get(self.matched as usize).copied();
        let expected = equal(u32::from(byte), next.unwrap_or_default().into());
        let may_begin = (equal(self.matched, 0) ^ 1) | step.at_member;
        let matched = expected & may_begin & step.counts;
        let longer = matched.wrapping_mul(self.matched.wrapping_add(1));
        let whole = equal(longer, self.length);
        self.found |= whole;
        // White space between tokens changes nothing; a whole member is not looked for further.
        let longer = longer.wrapping_mul(whole ^ 1);
        self.matched = select(step.counts, longer, self.matched);
    }
}

/// A length that no plaintext has.
const NEVER: u32 = u32::MAX >> 1;

/// 1 if they are equal, else 0. Both are at most [`NEVER`].
fn equal(one: u32, other: u32) -> u32 {
    (one ^ other).wrapping_sub(1) >> 31
}

/// `one` where `flag` is 1, and `other` where it is 0.
fn select(flag: u32, one: u32, other: u32) -> u32 {
    let mask = flag.wrapping_neg();
    (one & mask) | (other & !mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(text: &str, tokens: &[&str]) -> bool {
        let tokens = tokens.iter().map(|token| VerificationToken::from(*token));
        is_candidate(text.as_bytes(), &tokens.collect::<Vec<_>>())
    }

    #[test]
    fn a_url_check_is_found_in_any_order_and_layout_among_other_members() {
        for check in [
            r#"{"challenge":"c","token":"t","type":"url_verification"}"#,
            r#"{"type":"url_verification","token":"t","challenge":"c"}"#,
            "{ \"type\" : \"url_verification\" ,\r\n\t\"token\" :\t\"t\", \"challenge\": \"c\" }",
            r#"{"ts":1,"token":"t","type":"url_verification","challenge":"c"}"#,
            r#"{"a":{"token":["}","{\"",{}]},"token":"t","b":"\\","type":"url_verification"}"#,
            r#"{"challenge":"c","token":"t","type":"url_verification"}  "#,
        ] {
            assert!(candidate(check, &["t"]), "{check}");
            assert!(candidate(check, &["other", "t"]), "{check}");
            assert!(!candidate(check, &["other"]), "{check}");
            assert!(!candidate(check, &[]), "{check}");
        }
    }

    #[test]
    fn nothing_counts_but_whole_members_of_the_top_level_object() {
        for other in [
            "",
            r#"{"token":"t"}"#,
            r#"{"type":"url_verification"}"#,
            r#"{"type":"url_verification","token":"tt"}"#,
            r#"{"type":"url_verification","token":"t "}"#,
            r#"{"type":"url_verification","token": "t"#,
            r#"{"type":"url_verification","a":"token","t":0}"#,
            r#"{"type":"url_verification","a":{"token":"t"}}"#,
            r#"{"type":"url_verification","a":["token":"t"]}"#,
            r#"{"type":"url_verification","a":"\"token\":\"t\""}"#,
            r#"{"type":"url_verification","a":",\"token\":\"t\""}"#,
            r#"{"header":{"token":"t"},"event":{"type":"url_verification"}}"#,
            r#"{"a":"type":"url_verification","token":"t"}"#,
            r#""type":"url_verification","token":"t""#,
        ] {
            assert!(!candidate(other, &["t"]), "{other}");
        }
    }

    #[test]
    fn nothing_ends_a_scan_before_its_end() {
        for byte in (0..=255).filter(|byte| !b"\"{}[]".contains(byte)) {
            let text = [
                b"{",
                &[byte][..],
                br#","type":"url_verification","token":"t""#,
            ]
            .concat();
            let tokens = [VerificationToken::from("t")];
            assert!(
                is_candidate(&text, &tokens),
                "{byte:#x} is no JSON, and no parser goes past it"
            );
        }
    }

    #[test]
    fn a_broken_beginning_of_a_member_is_no_member() {
        for broken in [
            "\"to",
            "\"token\"",
            "\"token\":",
            "\"token\":\"",
            "\"token\":\"x\"",
        ] {
            let text = format!(r#"{{"type":"url_verification",{broken},"token":"t"}}"#);
            // After an open string the rest is inside of another.
            let open = broken.matches('"').count() % 2 == 1;
            assert_eq!(candidate(&text, &["t"]), !open, "{text}");
        }
    }
}
