//! Finds a secret in text, though some or all of its characters are escaped or encoded. The time is in
//! proportion to the text, whatever the text repeats.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The shortest part of a secret in base64 that is searched for; a shorter one may be in any text.
const MIN_BASE64: usize = 8;
/// The hexadecimal digits of an access token or a ticket that the platform issues.
const TOKEN_DIGITS: usize = 32;

/// A secret to search for.
#[derive(Clone)]
pub(super) struct Secret(Vec<char>);

impl Secret {
    pub(super) fn new(secret: &str) -> Self {
        Self(secret.chars().collect())
    }

    /// What base64 has of the secret, wherever the secret is in the encoded text, such as
    /// `Authorization: Basic`.
    pub(super) fn in_base64(secret: &str) -> Vec<Self> {
        let mut all = Vec::new();
        for before in 0..3 {
            let bytes = [&[0; 2][..before], secret.as_bytes()].concat();
            // The first and the last character may have bits of others.
            let whole = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let text = engine.encode(&bytes);
                let text = text.get(whole.clone()).unwrap_or_default();
                let is_new = || {
                    all.iter()
                        .all(|Self(one)| !text.chars().eq(one.iter().copied()))
                };
                if text.len() >= MIN_BASE64 && is_new() {
                    all.push(Self::new(text));
                }
            }
        }
        all
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first byte of its plain form.
    pub(super) fn first_byte(&self) -> Option<u8> {
        let first = self.0.first()?;
        first.encode_utf8(&mut [0; 4]).bytes().next()
    }

    /// The length of the secret at the start of a text, in the form in which it is there.
    pub(super) fn ends(&self, text: &str) -> Option<usize> {
        let mut states = Vec::new();
        forms(text, &self.0, &mut states);
        // Some texts can be read in more than one way. No state is visited twice, so the states are few.
        let mut seen = Vec::new();
        while let Some((rest, chars)) = states.pop() {
            if chars.is_empty() {
                return Some(text.len() - rest.len());
            }
            if !states.is_empty() || !seen.is_empty() {
                let state = (rest.len(), chars.len());
                if seen.contains(&state) {
                    continue;
                }
                seen.push(state);
            }
            forms(rest, chars, &mut states);
        }
        None
    }
}

/// Bytes other than the first one of a secret with which a form of it may start.
pub(super) const MARKS: [u8; 4] = [b'\\', b'%', b'&', b'+'];

/// The rests of a text and of the characters, after each form of the next character that the text starts with.
fn forms<'a, 'b>(text: &'a str, chars: &'b [char], states: &mut Vec<(&'a str, &'b [char])>) {
    let [char, later @ ..] = chars else {
        return;
    };
    let plain = match char {
        // One backslash becomes two, four and so on, and the next character may begin with one.
        '\\' => {
            let own = 1 + later.iter().take_while(|char| **char == '\\').count();
            backslashes(text, own).map(|rest| (rest, &chars[own..]))
        }
        // One `%` becomes `%25`, `%2525` and so on, and the next characters may be `25`.
        '%' => repeated(text, "%", "25", later),
        '&' => repeated(text, "&", "amp;", later),
        char => text.strip_prefix(*char).map(|rest| (rest, later)),
    };
    let plus = text.strip_prefix('+').filter(|_| *char == ' ');
    let encoded = [
        plus,
        strip_escape(text, *char),
        strip_percent(text, *char),
        strip_entity(text, *char),
    ];
    states.extend(encoded.into_iter().flatten().map(|rest| (rest, later)));
    states.extend(plain);
}

/// Removes a character that is encoded as itself and a suffix, which repeats, and the suffixes that the secret
/// has itself.
fn repeated<'a, 'b>(
    text: &'a str,
    char: &str,
    suffix: &str,
    later: &'b [char],
) -> Option<(&'a str, &'b [char])> {
    let encoded = text.strip_prefix(char)?;
    let own = later.chunks(suffix.len());
    let own = own.take_while(|part| part.iter().copied().eq(suffix.chars()));
    let own = suffix.len() * own.count();
    let rest = encoded.trim_start_matches(suffix);
    (encoded.len() - rest.len() >= own).then_some((rest, &later[own..]))
}

/// The length of an access token or a ticket at the start of a text: `t-` and hexadecimal digits.
pub(super) fn token(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if !matches!(bytes, [b't' | b'u' | b'a' | b'g', b'-', ..]) {
        return None;
    }
    let end = 2 + TOKEN_DIGITS;
    let digits = bytes.get(2..end)?;
    let is_token = digits.iter().all(u8::is_ascii_hexdigit);
    let goes_on = bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (is_token && !goes_on).then_some(end)
}

/// Whether a word may start after a text, which may end with an escape such as `\n` or `%20`.
pub(super) fn starts_word(before: &str) -> bool {
    let bytes = before.as_bytes();
    match bytes {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', one, other] if one.is_ascii_hexdigit() && other.is_ascii_hexdigit() => true,
        _ => !before.ends_with(char::is_alphanumeric),
    }
}

/// Removes as many backslashes as there are, at least `least`.
fn backslashes(text: &str, least: usize) -> Option<&str> {
    let rest = text.trim_start_matches('\\');
    (text.len() - rest.len() >= least).then_some(rest)
}

/// Removes an escape of JSON, escaped again any number of times.
fn strip_escape(text: &str, char: char) -> Option<&str> {
    let mut rest = backslashes(text, 1)?;
    let short = match char {
        '"' | '/' => Some(char),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        '\u{8}' => Some('b'),
        '\u{c}' => Some('f'),
        _ => None,
    };
    if let Some(rest) = short.and_then(|short| rest.strip_prefix(short)) {
        return Some(rest);
    }
    let mut units = [0; 2];
    for (at, unit) in char.encode_utf16(&mut units).iter().enumerate() {
        if at > 0 {
            rest = backslashes(rest, 1)?;
        }
        let (digits, later) = rest.strip_prefix('u')?.split_at_checked(4)?;
        if u16::from_str_radix(digits, 16).ok()? != *unit {
            return None;
        }
        rest = later;
    }
    Some(rest)
}

/// Removes a percent-encoded character, encoded again any number of times.
fn strip_percent(text: &str, char: char) -> Option<&str> {
    let mut rest = text;
    for byte in char.encode_utf8(&mut [0; 4]).bytes() {
        rest = rest.strip_prefix('%')?;
        if byte != b'%' {
            rest = rest.trim_start_matches("25");
        }
        let (digits, later) = rest.split_at_checked(2)?;
        if u8::from_str_radix(digits, 16).ok()? != byte {
            return None;
        }
        rest = later;
    }
    Some(rest)
}

/// Removes a character of HTML, `&quot;` or `&#34;` or `&#x22;`, escaped again any number of times.
fn strip_entity(text: &str, char: char) -> Option<&str> {
    /// `#`, and digits with zeros in front.
    const MAX_NAME: usize = 10;
    let rest = text.strip_prefix('&')?.trim_start_matches("amp;");
    let end = rest.bytes().take(MAX_NAME).position(|byte| byte == b';')?;
    let name = &rest[..end];
    let code = match (name, name.strip_prefix('#')) {
        ("quot", _) => '"'.into(),
        ("apos", _) => '\''.into(),
        ("lt", _) => '<'.into(),
        ("gt", _) => '>'.into(),
        (_, Some(number)) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        },
        _ => return None,
    };
    (code == u32::from(char)).then_some(&rest[end + 1..])
}
