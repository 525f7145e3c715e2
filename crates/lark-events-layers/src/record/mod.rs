//! Recordings of deliveries in a file, one JSON document a line, to look at and to send again.

mod entry;
mod format;
mod layer;
mod reader;
mod recorder;

pub use self::entry::{Entry, RecordedRequest, RecordedResponse};
pub use self::format::{
    FORMAT, MAX_HEADER_BYTES, MAX_LINE_BYTES, ReadError, ReadErrorKind, VERSION, header_version,
};
pub use self::layer::{RecordLayer, Recorded};
pub use self::reader::Recording;
pub use self::recorder::{MAX_QUEUED, MAX_QUEUED_BYTES, Recorder, RecorderStats};
