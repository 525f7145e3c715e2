//! The grammar of an unsigned URL check, as a table of byte classes and transitions. All flags are 0 or
//! 1, set by arithmetic without branches.

use std::hint::black_box;

use super::{at_most, equal, select};
use crate::limits::MAX_CHALLENGE;

/// Longest name, and longest string of any characters, in bytes: less than a block of the cipher.
const SHORT: u32 = 15;
/// Longest string of digits, lower-case a to f and `.-_:il`, for ids and times. The chance that 16
/// random bytes match is below 2⁻⁵⁶.
const LONG: u32 = 64;
/// Longest number.
const NUMBER: u32 = 20;
/// Longest of `true`, `false` and `null`.
const WORD: u32 = 5;
/// Longest challenge.
const CHALLENGE: u32 = MAX_CHALLENGE as u32;

// The states of a scan.
const START: u8 = 0;
const BEFORE_NAME: u8 = 1;
const NAME: u8 = 2;
const AFTER_NAME: u8 = 3;
const BEFORE_VALUE: u8 = 4;
const VALUE: u8 = 5;
const BARE: u8 = 6;
const AFTER_VALUE: u8 = 7;
const END: u8 = 8;
const WRONG: u8 = 9;

/// The bits of a byte's class.
const SPACE: u32 = 1;
/// Digits, a to f and `.-_:il`.
const OF_ID: u32 = 1 << 1;
/// Letters, digits and `.-_:`.
const OF_NAME: u32 = 1 << 2;
/// Letters, digits, `-` and `_`.
const OF_CHALLENGE: u32 = 1 << 3;
/// Digits and `+-.`.
const OF_NUMBER: u32 = 1 << 4;
/// Lower-case letters.
const OF_WORD: u32 = 1 << 5;

const STATES: usize = 10;

/// The class of each byte. A table, because the compiler would turn comparisons into branches.
static BITS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "at compile time")]
        {
            table[byte] = bits(byte as u8);
        }
        byte += 1;
    }
    table
};

/// The transition of each state and byte.
static NEXT: [[u8; 256]; STATES] = {
    let mut table = [[WRONG; 256]; STATES];
    let mut state = 0;
    while state < STATES {
        let mut byte = 0;
        while byte < 256 {
            #[expect(clippy::indexing_slicing, reason = "at compile time")]
            {
                table[state][byte] = next(state as u8, byte as u8);
            }
            byte += 1;
        }
        state += 1;
    }
    table
};

const fn bits(byte: u8) -> u32 {
    let letter = byte.is_ascii_alphabetic();
    let digit = byte.is_ascii_digit();
    let mut bits = 0;
    if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
        bits |= SPACE;
    }
    if digit || matches!(byte, b'a'..=b'f' | b'i' | b'l' | b'.' | b'-' | b'_' | b':') {
        bits |= OF_ID;
    }
    if letter || digit || matches!(byte, b'.' | b'-' | b'_' | b':') {
        bits |= OF_NAME;
    }
    if letter || digit || matches!(byte, b'-' | b'_') {
        bits |= OF_CHALLENGE;
    }
    if digit || matches!(byte, b'+' | b'-' | b'.') {
        bits |= OF_NUMBER;
    }
    if byte.is_ascii_lowercase() {
        bits |= OF_WORD;
    }
    bits
}

const fn next(state: u8, byte: u8) -> u8 {
    let is_space = bits(byte) & SPACE != 0;
    let is_bare = bits(byte) & (OF_NUMBER | OF_WORD) != 0;
    match (state, byte) {
        (NAME, b'"') => AFTER_NAME,
        (VALUE, b'"') => AFTER_VALUE,
        // A backslash would begin an escape.
        (NAME | VALUE, b' '..=b'~') if byte != b'\\' => state,
        (START | BEFORE_NAME | AFTER_NAME | BEFORE_VALUE | AFTER_VALUE | END, _) if is_space => {
            state
        }
        (START, b'{') => BEFORE_NAME,
        (BEFORE_NAME, b'"') => NAME,
        (AFTER_NAME, b':') => BEFORE_VALUE,
        (BEFORE_VALUE, b'"') => VALUE,
        (BEFORE_VALUE | BARE, _) if is_bare => BARE,
        (BARE, _) if is_space => AFTER_VALUE,
        (BARE | AFTER_VALUE, b',') => BEFORE_NAME,
        (BARE | AFTER_VALUE, b'}') => END,
        // Padding, which is not checked.
        (END, 1..=16) => END,
        _ => WRONG,
    }
}

/// A scan over a plaintext.
#[derive(Debug)]
pub(super) struct Grammar {
    before: u8,
    state: u8,
    /// The length of the current string or word, and the class bits that all its bytes share.
    length: u32,
    common: u32,
    in_challenge: u32,
    wrong: u32,
}

/// The meaning of one byte for the required members.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// The byte is not white space between tokens.
    pub(super) counts: u32,
    /// A member may begin with the byte.
    pub(super) at_member: u32,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            before: START,
            state: START,
            length: 0,
            common: 0,
            in_challenge: 0,
            wrong: 0,
        }
    }
}

impl Grammar {
    /// Takes a byte. [`end_step`](Self::end_step) checks the string that may end with it.
    pub(super) fn step(&mut self, byte: u8) -> Step {
        let before = usize::from(self.state);
        let next = NEXT.get(before).and_then(|row| row.get(usize::from(byte)));
        let bits = BITS.get(usize::from(byte)).copied().unwrap_or_default();
        self.before = self.state;
        self.state = next.copied().unwrap_or(WRONG);

        let is = |state: u8| equal(self.state.into(), state.into());
        let was = |state: u8| equal(self.before.into(), state.into());
        let goes_on = (is(NAME) & was(NAME)) | (is(VALUE) & was(VALUE)) | is(BARE);
        let begins = (is(NAME) | is(VALUE) | is(BARE)) & (was(BEFORE_NAME) | was(BEFORE_VALUE));
        self.length = select(begins, 0, self.length).wrapping_add(goes_on);
        let common = select(begins, u32::MAX, self.common);
        self.common = select(goes_on, common & bits, common);
        self.in_challenge = select(begins, 0, self.in_challenge);

        let in_string = was(NAME) | was(VALUE);
        let space = (bits & SPACE) & (in_string ^ 1);
        Step {
            // Prevents the compiler from making a branch.
            counts: black_box(space ^ 1),
            at_member: was(BEFORE_NAME),
        }
    }

    /// Checks the value that ended with the byte: a `known` value may be anything.
    pub(super) fn end_step(&mut self, known: u32, begins_challenge: u32) {
        let is = |state: u8| equal(self.state.into(), state.into());
        let was = |state: u8| equal(self.before.into(), state.into());
        let all = |bit: u32| equal(self.common & bit, bit);
        let none = equal(self.length, 0);

        let short = all(OF_NAME) & at_most(self.length, SHORT);
        let id = all(OF_ID) & at_most(self.length, LONG);
        let challenge =
            self.in_challenge & all(OF_CHALLENGE) & at_most(self.length, CHALLENGE) & (none ^ 1);
        let number = all(OF_NUMBER) & at_most(self.length, NUMBER);
        let word = all(OF_WORD) & at_most(self.length, WORD);

        let name_ends = was(NAME) & is(AFTER_NAME);
        let value_ends = was(VALUE) & is(AFTER_VALUE);
        let bare_ends = was(BARE) & (is(BARE) ^ 1);
        // For a required member only its own rule applies.
        let further = self.in_challenge ^ 1;
        self.wrong |= name_ends & ((short & (none ^ 1)) ^ 1);
        self.wrong |= value_ends & ((known | challenge | (further & (short | id))) ^ 1);
        self.wrong |= bare_ends & ((number | word) ^ 1);
        self.in_challenge |= begins_challenge;
    }

    pub(super) fn is_accepted(&self) -> u32 {
        equal(self.state.into(), END.into()) & (self.wrong ^ 1)
    }
}
