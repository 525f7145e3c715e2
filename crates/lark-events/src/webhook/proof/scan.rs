//! Recognizing a URL check in unauthenticated plaintext, with work that depends only on its length.
//!
//! CBC lets an attacker shape the plaintext: choose the first block of a captured event, keep any
//! number of the following blocks, and continue with blocks of a captured URL check, token included, at
//! the price of one block of 16 random bytes between the two. Two rules follow from this:
//!
//! - A reader that stops at the first unexpected byte would reveal that byte through its time. So the
//!   scan covers the whole plaintext, without a branch on any of its bytes.
//! - A reader that accepts any further member would reveal spliced content through its answer. So the
//!   strings of further members are shorter than a block, or of too few characters for a random block,
//!   and nothing is nested or escaped.

mod grammar;
mod member;

use crate::credentials::VerificationToken;
use crate::crypto::unpadded;
use crate::webhook::opened::Challenge;
use crate::webhook::settings::Settings;
use grammar::Grammar;
use member::Member;

impl Settings {
    /// The challenge of an unauthenticated plaintext, if it is a URL check with one of the app's
    /// tokens.
    pub(super) fn unauthenticated_url_check(&self, plaintext: &[u8]) -> Option<Challenge> {
        if !is_url_check(plaintext, &self.verification_tokens) {
            return None;
        }
        // The remaining errors are a repeated member, or a word that is not JSON.
        self.url_check(unpadded(plaintext).unwrap_or(plaintext))
    }
}

/// Whether a plaintext is a flat object with the type of a URL check, one of the tokens, and a challenge.
fn is_url_check(plaintext: &[u8], tokens: &[VerificationToken]) -> bool {
    let mut grammar = Grammar::default();
    let mut kind = Member::new(br#""type":"url_verification""#);
    let mut challenge = Member::new(br#""challenge":""#);
    let mut tokens: Vec<_> = tokens.iter().map(Member::token).collect();
    for byte in plaintext {
        let step = grammar.step(*byte);
        let mut known = kind.step(*byte, step);
        for token in &mut tokens {
            known |= token.step(*byte, step);
        }
        let begins_challenge = challenge.step(*byte, step);
        grammar.end_step(known, begins_challenge);
    }
    let token = tokens.iter().fold(0, |found, token| found | token.found);
    (grammar.is_accepted() & kind.found & token & challenge.found) == 1
}

/// 1 if they are equal, else 0. Both are at most [`MOST`].
fn equal(one: u32, other: u32) -> u32 {
    (one ^ other).wrapping_sub(1) >> 31
}

/// 1 if `one` is at most `other`, else 0. Both are at most [`MOST`].
fn at_most(one: u32, other: u32) -> u32 {
    (other.wrapping_sub(one) >> 31) ^ 1
}

/// `one` where `flag` is 1, and `other` where it is 0.
fn select(flag: u32, one: u32, other: u32) -> u32 {
    let mask = flag.wrapping_neg();
    (one & mask) | (other & !mask)
}

/// The greatest number compared.
const MOST: u32 = u32::MAX >> 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: impl AsRef<[u8]>, tokens: &[&str]) -> bool {
        let tokens = tokens.iter().map(|token| VerificationToken::from(*token));
        is_url_check(text.as_ref(), &tokens.collect::<Vec<_>>())
    }

    fn with(members: &str) -> String {
        format!(r#"{{"type":"url_verification",{members},"token":"t","challenge":"c"}}"#)
    }

    #[test]
    fn a_url_check_is_found_in_any_order_and_layout_among_other_members() {
        for check in [
            r#"{"challenge":"c","token":"t","type":"url_verification"}"#,
            r#"{"type":"url_verification","token":"t","challenge":"c"}"#,
            "{ \"type\" : \"url_verification\" ,\r\n\t\"token\" :\t\"t\", \"challenge\": \"c\" }",
            "{\"challenge\":\"c\",\"token\":\"t\",\"type\":\"url_verification\"} \t\r\n\u{3}\u{3}\u{3}",
            &with(r#""ts":"1502199207.7171419""#),
            &with(r#""uuid":"41b5f371-157d-4341-b38b-a137ad674807""#),
            &with(r#""app_id":"cli_a1b2c3d4e5f60718","tenant_key":"736588c9260f175d""#),
            &with(r#""schema":"2.0","n":1608725989000,"x":-1.5,"a":true,"b":false,"c":null"#),
            &with(r#""app_type":"custom","empty":"""#),
        ] {
            assert!(accepted(check, &["t"]), "{check}");
            assert!(accepted(check, &["other", "t"]), "{check}");
            assert!(!accepted(check, &["other"]), "{check}");
            assert!(!accepted(check, &[]), "{check}");
        }
        let longest = with(r#""a":1"#).replace(r#""c""#, &format!("\"{}\"", "c".repeat(128)));
        assert!(accepted(&longest, &["t"]));
        assert!(!accepted(longest.replace("cccc", "ccccc"), &["t"]));
        // A token may contain any printable character that JSON writes without an escape.
        assert!(accepted(
            with(r#""a":1"#).replace(r#""t""#, r#""~ {t}:,[]""#),
            &["~ {t}:,[]"]
        ));
    }

    #[test]
    fn nothing_else_is_one() {
        for other in [
            "",
            "{}",
            r#"{"challenge":"c","token":"t"}"#,
            r#"{"challenge":"c","type":"url_verification"}"#,
            r#"{"token":"t","type":"url_verification"}"#,
            r#"{"challenge":"","token":"t","type":"url_verification"}"#,
            r#"{"challenge":"c c","token":"t","type":"url_verification"}"#,
            r#"{"challenge":"c","token":"tt","type":"url_verification"}"#,
            r#"{"challenge":"c","token":"t ","type":"url_verification"}"#,
            r#"{"challenge":"c","token":"t","type":"url_verification"#,
            r#"{"challenge":"c","token":"t","type":"url_verification","#,
            r#"{"challenge":"c","token":"t","type":"url_verification"}}"#,
            r#"{"challenge":"c","token":"t","type":"url_verification"},"a":1"#,
            r#"["challenge":"c","token":"t","type":"url_verification"]"#,
            r#""challenge":"c","token":"t","type":"url_verification""#,
            r#"{"a":"challenge":"c","token":"t","type":"url_verification"}"#,
            r#"{"a","challenge":"c","token":"t","type":"url_verification"}"#,
            r#"{"challenge":"c","token":"t","type":"url_verification","a":}"#,
            r#"{"challenge":"c","token":"t","type":"url_verification",}"#,
            r#"{"challenge":"c" "token":"t","type":"url_verification"}"#,
            r#"{"header":{"token":"t","challenge":"c","type":"url_verification"}}"#,
            r#"{"challenge":"c","to\u006ben":"t","type":"url_verification"}"#,
        ] {
            assert!(!accepted(other, &["t"]), "{other}");
        }
    }

    #[test]
    fn a_further_member_has_no_room_for_a_block_of_an_event() {
        // 16 bytes of neither ids nor times.
        for members in [
            r#""a":"abcdefghijklmnop""#,
            r#""abcdefghijklmnop":1"#,
            r#""":1"#,
            r#""a":"b c""#,
            r#""a":"é""#,
            r#""a":"\u0062""#,
            r#""a":{"b":1}"#,
            r#""a":[1]"#,
            r#""a":abcdefghijklmnop"#,
            r#""a":123456789012345678901"#,
            r#""\u0061":1"#,
            &format!("\"a\":\"{}\"", "0".repeat(65)),
        ] {
            assert!(!accepted(with(members), &["t"]), "{members}");
        }
        for members in [
            r#""a":"abcdefghijklmno""#,
            r#""abcdefghijklmno":1"#,
            r#""a":12345678901234567890"#,
            &format!("\"a\":\"{}\"", "0".repeat(64)),
        ] {
            assert!(accepted(with(members), &["t"]), "{members}");
        }
    }
}
