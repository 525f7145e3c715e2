//! The format of a recording: a header for each run of a recorder, and a line for each delivery.

use std::fmt;
use std::io;

use lark_events::RawJson;
use lark_events::error::{BoxError, EncodeError};
use serde::{Deserialize, Serialize};

use super::entry::{Entry, KIND};

/// The name of the format, in the header of a recording.
pub const FORMAT: &str = "lark-events-recording";
/// The version of the format. It increases only with changes that older readers cannot read.
pub const VERSION: u32 = 1;
/// The longest line that is read: 64 MiB. A document, its request and the response have at most 4 MiB each, and
/// JSON and base64 make them longer.
pub const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// The longest header that is read: 4,096 bytes.
pub const MAX_HEADER_BYTES: usize = 4096;

/// The kind of lines that are headers.
const HEADER: &str = "recording";

/// A line, with its kind.
#[derive(Serialize)]
pub(super) struct Line<'a, T> {
    pub(super) kind: &'static str,
    #[serde(flatten)]
    pub(super) content: &'a T,
}

#[derive(Serialize)]
struct Header {
    format: String,
    version: u32,
    /// In Unix milliseconds.
    created: u64,
}

/// Writes a line. A document keeps its text, in which only white space can contain line breaks.
pub(super) fn line(line: &impl Serialize) -> Result<String, EncodeError> {
    let text = RawJson::encode(line)?;
    Ok(text.as_str().replace(['\n', '\r'], " "))
}

/// The header of a recording that begins now.
pub(super) fn header(created: u64) -> Result<String, EncodeError> {
    let content = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        created,
    };
    line(&Line {
        kind: HEADER,
        content: &content,
    })
}

/// A line that was read.
pub(super) enum ReadLine {
    Header,
    Entry(Entry),
    /// A kind of line that a later version adds.
    Other,
}

/// Reads a line.
pub(super) fn read(line: Vec<u8>) -> Result<ReadLine, ReadErrorKind> {
    let invalid = |_| ReadErrorKind::Invalid;
    let json = RawJson::parse(line).map_err(invalid)?;
    match &*kind(&json)? {
        KIND => json.decode().map(ReadLine::Entry).map_err(invalid),
        HEADER => match version(&json)? {
            newer if newer > VERSION => Err(ReadErrorKind::Newer(newer)),
            _ => Ok(ReadLine::Header),
        },
        _ => Ok(ReadLine::Other),
    }
}

/// Reads the version from the start of a recording: pass the first [`MAX_HEADER_BYTES`] of the file. Returns `None`
/// if they are not the header of a recording. The version may be later than [`VERSION`].
///
/// ```
/// use lark_events_layers::record::header_version;
///
/// let start = br#"{"kind": "recording", "format": "lark-events-recording", "version": 1, "created": 5}"#;
/// assert_eq!(header_version(start), Some(1));
/// assert_eq!(header_version(b"tea"), None);
/// ```
#[must_use]
pub fn header_version(start: &[u8]) -> Option<u32> {
    let line = start.split(|byte| *byte == b'\n').next()?;
    if line.len() > MAX_HEADER_BYTES {
        return None;
    }
    let json = RawJson::parse(line.to_vec()).ok()?;
    if kind(&json).ok()? != HEADER {
        return None;
    }
    version(&json).ok()
}

/// The kind of a line.
fn kind(json: &RawJson) -> Result<String, ReadErrorKind> {
    #[derive(Deserialize)]
    struct Kind {
        kind: String,
    }
    let Kind { kind } = json.decode().map_err(|_| ReadErrorKind::Invalid)?;
    Ok(kind)
}

/// The version in a header.
fn version(json: &RawJson) -> Result<u32, ReadErrorKind> {
    #[derive(Deserialize)]
    struct Version {
        format: String,
        version: u32,
    }
    let Version { format, version } = json.decode().map_err(|_| ReadErrorKind::Invalid)?;
    match format == FORMAT {
        true => Ok(version),
        false => Err(ReadErrorKind::NotARecording),
    }
}

/// The error of a line of a recording.
#[derive(Debug)]
pub struct ReadError {
    kind: ReadErrorKind,
    line: u64,
    source: Option<BoxError>,
}

/// The kinds of [`ReadError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The file does not begin with the header of a recording.
    NotARecording,
    /// The recording has this version, which is later than [`VERSION`].
    Newer(u32),
    /// The last line is incomplete: the recorder was stopped while it wrote, or the file was truncated.
    Cut,
    /// The line is not an entry.
    Invalid,
    /// The line is longer than [`MAX_LINE_BYTES`].
    TooLong,
    /// The file cannot be read.
    Io,
}

impl ReadError {
    pub(super) fn new(kind: ReadErrorKind, line: u64) -> Self {
        Self {
            kind,
            line,
            source: None,
        }
    }

    pub(super) fn io(line: u64, error: io::Error) -> Self {
        Self {
            kind: ReadErrorKind::Io,
            line,
            source: Some(error.into()),
        }
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ReadErrorKind {
        self.kind
    }

    /// The number of the line, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match self.kind {
            ReadErrorKind::NotARecording => f.write_str(
                "not a recording: expected a file that `--record` or `RecordLayer` has written",
            ),
            ReadErrorKind::Newer(version) => write!(
                f,
                "the recording has version {version}, and this program reads up to {VERSION}: update it"
            ),
            ReadErrorKind::Cut => {
                f.write_str("the line is cut: the file ends before the end of the line")
            }
            ReadErrorKind::Invalid => f.write_str("not an entry of a recording"),
            ReadErrorKind::TooLong => {
                write!(f, "the line is longer than {MAX_LINE_BYTES} bytes")
            }
            ReadErrorKind::Io => f.write_str("the file cannot be read"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
