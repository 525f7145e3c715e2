//! The file of a recording, or stdin.

use std::error::Error as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use lark_events_layers::record::ReadError;

use crate::payload::{is_stdin, name};

pub(crate) type Source = Box<dyn BufRead + Send>;

/// Opens a file, or stdin for `-`.
pub(crate) fn open(path: &Path) -> Result<Source, String> {
    if is_stdin(path) {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).map_err(|error| format!("{}: {error}", name(path)))?;
    Ok(Box::new(BufReader::new(file)))
}

/// The text of an error that ends the reading of a recording.
pub(crate) fn failed(name: &str, error: &ReadError) -> String {
    match error.source() {
        Some(cause) => format!("{name}: {error}: {cause}"),
        None => format!("{name}: {error}"),
    }
}
