//! The file of a recording, which its first bytes distinguish from other files.

use std::error::Error as _;
use std::io::{self, Cursor, Read as _};

use lark_events_layers::record::ReadError;

use crate::payload::Source;

/// The first bytes of a recording.
const START: &[u8] = br#"{"kind":"recording""#;

/// Whether the text is a recording, and the whole text.
pub(crate) fn is_recording(mut source: Source) -> io::Result<(bool, Source)> {
    let mut start = Vec::new();
    (&mut source)
        .take(START.len() as u64)
        .read_to_end(&mut start)?;
    let is_recording = start == START;
    Ok((is_recording, Box::new(Cursor::new(start).chain(source))))
}

/// The text of an error that ends the reading of a recording.
pub(crate) fn failed(name: &str, error: &ReadError) -> String {
    match error.source() {
        Some(cause) => format!("{name}: {error}: {cause}"),
        None => format!("{name}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_begins_with_its_header_and_nothing_is_lost() {
        for (text, expected) in [
            (r#"{"kind":"recording","version":1}"#, true),
            (r#"{"kind":"record"#, false),
            ("", false),
            (r#"{"header":{"event_type":"tea.ready_v1"}}"#, false),
        ] {
            let (is_recording, mut source) = is_recording(Box::new(text.as_bytes())).unwrap();
            assert_eq!(is_recording, expected, "{text}");
            assert_eq!(io::read_to_string(&mut source).unwrap(), text);
        }
    }
}
