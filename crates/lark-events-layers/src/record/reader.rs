//! Reading a recording, a line at a time.

use std::fmt;
use std::io::{BufRead, Read as _};

use super::entry::Entry;
use super::format::{MAX_LINE_BYTES, ReadError, ReadErrorKind, ReadLine, header_version, read};

/// The entries of a recording, in the order of the file. Holds one line in memory.
///
/// A line that cannot be read is an error, and iteration continues with the next line. A truncated file ends with
/// an error of kind [`Cut`](ReadErrorKind::Cut). Iteration ends after an error of kind
/// [`NotARecording`](ReadErrorKind::NotARecording), [`Newer`](ReadErrorKind::Newer) or [`Io`](ReadErrorKind::Io).
///
/// ```no_run
/// use std::fs::File;
/// use std::io::BufReader;
///
/// use lark_events_layers::record::Recording;
///
/// for entry in Recording::new(BufReader::new(File::open("events.jsonl")?)) {
///     println!("{}", entry?.delivery()?.header.event_type);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recording<R> {
    input: R,
    line: u64,
    has_header: bool,
    is_over: bool,
}

impl<R: BufRead> Recording<R> {
    /// Reads a recording from `input`.
    pub fn new(input: R) -> Self {
        Self {
            input,
            line: 0,
            has_header: false,
            is_over: false,
        }
    }

    /// The number of the last line that was read, from 1; 0 before the first.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next line, without its end; `None` at the end of the file.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        self.line = self.line.saturating_add(1);
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64;
        let read = (&mut self.input).take(limit).read_until(b'\n', &mut line);
        if let Err(error) = read {
            self.is_over = true;
            return Err(ReadError::io(self.line, error));
        }
        if line.is_empty() {
            self.is_over = true;
            return Ok(None);
        }
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(Some(line));
        }
        if line.len() < MAX_LINE_BYTES {
            self.is_over = true;
            return Err(ReadError::new(ReadErrorKind::Cut, self.line));
        }
        drop(line);
        self.skip_line()?;
        Err(ReadError::new(ReadErrorKind::TooLong, self.line))
    }

    /// Skips the rest of a line.
    fn skip_line(&mut self) -> Result<(), ReadError> {
        if let Err(error) = self.input.skip_until(b'\n') {
            self.is_over = true;
            return Err(ReadError::io(self.line, error));
        }
        Ok(())
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        while let Some(line) = self.next_line()? {
            if !self.has_header {
                if header_version(&line).is_none() {
                    return Err(self.not_a_recording());
                }
                self.has_header = true;
            }
            // Between a cut line and the header of the next run.
            if line.trim_ascii().is_empty() {
                continue;
            }
            let entry = match read(line) {
                Ok(ReadLine::Header | ReadLine::Other) => continue,
                Ok(ReadLine::Entry(entry)) => Ok(entry),
                Err(kind) => Err(kind),
            };
            let ends =
                |kind| matches!(kind, ReadErrorKind::NotARecording | ReadErrorKind::Newer(_));
            self.is_over = matches!(entry, Err(kind) if ends(kind));
            let line = self.line;
            return entry.map(Some).map_err(|kind| ReadError::new(kind, line));
        }
        match self.has_header {
            true => Ok(None),
            false => Err(self.not_a_recording()),
        }
    }

    fn not_a_recording(&mut self) -> ReadError {
        self.is_over = true;
        ReadError::new(ReadErrorKind::NotARecording, self.line)
    }
}

impl<R: BufRead> Iterator for Recording<R> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        self.next_entry().transpose()
    }
}

impl<R> fmt::Debug for Recording<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}
