//! The file of a recording, which its first line distinguishes from other files.

use std::error::Error as _;
use std::io::{self, BufRead as _, Cursor, Read as _};

use lark_events_layers::record::{MAX_HEADER_BYTES, ReadError, header_version};

use crate::payload::Source;

/// Whether the text is a recording, and the whole text.
pub(crate) fn is_recording(mut source: Source) -> io::Result<(bool, Source)> {
    let mut start = Vec::new();
    (&mut source)
        .take(MAX_HEADER_BYTES as u64)
        .read_until(b'\n', &mut start)?;
    let is_recording = header_version(&start).is_some();
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
            (
                "{\"kind\": \"recording\", \"format\": \"lark-events-recording\", \"version\": 2}\n{}",
                true,
            ),
            (r#"{"kind":"recording","format":"tea","version":1}"#, false),
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
