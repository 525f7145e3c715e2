//! A required member of a scan.

use zeroize::Zeroizing;

use super::grammar::Step;
use super::{MOST, equal, select};
use crate::credentials::VerificationToken;

/// The text of a member, and how much of it the last bytes matched.
#[derive(Debug)]
pub(super) struct Member {
    text: Zeroizing<Vec<u8>>,
    length: u32,
    matched: u32,
    /// 1 once the whole member was found, else 0.
    pub(super) found: u32,
}

impl Member {
    pub(super) fn new(text: impl Into<Vec<u8>>) -> Self {
        let text = Zeroizing::new(text.into());
        Self {
            length: u32::try_from(text.len()).unwrap_or(MOST),
            text,
            matched: 0,
            found: 0,
        }
    }

    /// The member that carries `token`, as every JSON writer writes a token of letters and digits.
    pub(super) fn token(token: &VerificationToken) -> Self {
        Self::new([br#""token":""#, token.as_bytes(), b"\""].concat())
    }

    /// Takes a byte; returns 1 if it completes the member, else 0.
    pub(super) fn step(&mut self, byte: u8, step: Step) -> u32 {
        let next = self.text.get(self.matched as usize).copied();
        let expected = equal(u32::from(byte), next.unwrap_or_default().into());
        let may_begin = (equal(self.matched, 0) ^ 1) | step.at_member;
        let matched = expected & may_begin & step.counts;
        let longer = matched.wrapping_mul(self.matched.wrapping_add(1));
        let whole = equal(longer, self.length);
        self.found |= whole;
        // White space between tokens is skipped, and a completed member is not searched again.
        let longer = longer.wrapping_mul(whole ^ 1);
        self.matched = select(step.counts, longer, self.matched);
        whole
    }
}
