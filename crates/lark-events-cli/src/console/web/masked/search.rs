//! Finds a secret in text, though some or all of its characters are escaped or encoded.

/// A secret to search for.
#[derive(Clone)]
pub(super) struct Secret(Vec<char>);

impl Secret {
    pub(super) fn new(secret: &str) -> Self {
        Self(secret.chars().collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The length of the secret at the start of a text, in the form in which it is there.
    pub(super) fn ends(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        let mut chars = self.0.as_slice();
        while let [char, later @ ..] = chars {
            chars = later;
            if *char == '\\' {
                // One backslash becomes two, four and so on, and the next character may begin with one.
                let own = 1 + later.iter().take_while(|char| **char == '\\').count();
                chars = &later[own - 1..];
                rest = backslashes(rest, own).or_else(|| strip_percent(rest, '\\'))?;
                continue;
            }
            if let Some(encoded) = rest.strip_prefix('%').filter(|_| *char == '%') {
                // One `%` becomes `%25`, `%2525` and so on, and the next characters may be `25`.
                let own = later.chunks(2).take_while(|pair| **pair == ['2', '5']);
                let own = 2 * own.count();
                chars = &later[own..];
                rest = encoded.trim_start_matches("25");
                if encoded.len() - rest.len() < own {
                    return None;
                }
                continue;
            }
            rest = strip(rest, *char)?;
        }
        Some(text.len() - rest.len())
    }
}

/// Removes as many backslashes as there are, at least `least`.
fn backslashes(text: &str, least: usize) -> Option<&str> {
    let rest = text.trim_start_matches('\\');
    (text.len() - rest.len() >= least).then_some(rest)
}

/// Removes a character in any of its forms from the start of a text.
fn strip(text: &str, char: char) -> Option<&str> {
    let plain = text.strip_prefix(char);
    let plus = || text.strip_prefix('+').filter(|_| char == ' ');
    plain
        .or_else(|| strip_escape(text, char))
        .or_else(|| strip_percent(text, char))
        .or_else(plus)
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
        while let Some(later) = rest.strip_prefix("25").filter(|_| byte != b'%') {
            rest = later;
        }
        let (digits, later) = rest.split_at_checked(2)?;
        if u8::from_str_radix(digits, 16).ok()? != byte {
            return None;
        }
        rest = later;
    }
    Some(rest)
}
