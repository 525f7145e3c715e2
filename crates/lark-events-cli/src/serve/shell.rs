//! Text as words of a shell, which expands nothing in it.

use crate::escape::is_control;

/// Quoted as one word of bash or zsh, or of any shell of POSIX if nothing in it is invisible. Control
/// characters are escaped, since a terminal would act on them when the text is pasted.
pub(super) fn quoted(value: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_./:-".contains(char);
    if value.contains(|char| char != '\n' && is_control(char)) {
        return escaped(value);
    }
    match !value.is_empty() && value.chars().all(is_plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', r"'\''")),
    }
}

/// In the form `$'…'`.
fn escaped(value: &str) -> String {
    let mut word = "$'".to_owned();
    for char in value.chars() {
        match char {
            '\'' | '\\' => word.extend(['\\', char]),
            _ if is_control(char) => {
                for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                    // Octal has at most three digits, so that a digit after it is not part of it.
                    word += &format!("\\{byte:03o}");
                }
            }
            _ => word.push(char),
        }
    }
    word + "'"
}

/// An option with its value, which is not taken for an option itself.
pub(super) fn option(name: &str, value: &str) -> String {
    match value.starts_with('-') {
        true => format!("{name}={}", quoted(value)),
        false => format!("{name} {}", quoted(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("http://127.0.0.1:7780"), "http://127.0.0.1:7780");
        assert_eq!(quoted("a b;$(c)"), "'a b;$(c)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("消息"), "'消息'");
        assert_eq!(quoted("a\nb"), "'a\nb'");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(quoted("a\u{1b}1'\\"), r"$'a\0331\'\\'");
        assert_eq!(quoted("\n\u{202e}"), r"$'\012\342\200\256'");
    }

    #[test]
    fn the_value_of_an_option_is_not_an_option() {
        assert_eq!(option("--event-id", "e 1"), "--event-id 'e 1'");
        assert_eq!(option("--event-id", "-e"), "--event-id=-e");
    }
}
