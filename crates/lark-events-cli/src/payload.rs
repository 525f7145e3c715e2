//! Reads a saved payload from a file or stdin, and decrypts it if it is encrypted.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use bytes::Bytes;
use lark_events::EncryptKey;
use lark_events::limits::MAX_EVENT_BYTES;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Error;
use crate::output::hint_if_typed;

/// Room for a head before a body that is too large.
const MAX_BYTES: u64 = 2 * MAX_EVENT_BYTES as u64;

/// A file that is open, or stdin.
pub(crate) type Source = Box<dyn BufRead + Send>;

/// Reads a file, or stdin for `-`.
pub(crate) fn read(path: &Path, what: &'static str) -> Result<Bytes, Error> {
    read_all(open(path, what)?, path, what)
}

/// Opens a file, or stdin for `-`.
pub(crate) fn open(path: &Path, what: &'static str) -> Result<Source, Error> {
    if is_stdin(path) {
        hint_if_typed(what);
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).map_err(|error| format!("{}: {error}", name(path)))?;
    Ok(Box::new(BufReader::new(file)))
}

/// Reads what [`open`] has opened.
pub(crate) fn read_all(source: Source, path: &Path, what: &'static str) -> Result<Bytes, Error> {
    let name = name(path);
    let bytes = bounded(source).map_err(|error| format!("{name}: {error}"))?;
    if bytes.is_empty() {
        return Err(format!("{name}: empty, expected {what}").into());
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("{name}: expected at most {MAX_BYTES} bytes, got more").into());
    }
    Ok(bytes.into())
}

/// The name of a file in error texts.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads everything, up to one byte over the limit.
fn bounded(from: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The encrypted text of an `{"encrypt": …}` wrapper.
pub(crate) fn sealed_text(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Wrapper {
        encrypt: String,
    }
    let wrapper: Wrapper = serde_json::from_slice(payload).ok()?;
    Some(wrapper.encrypt)
}

/// The document of a payload: decrypted with the key if it is encrypted, else the payload itself.
pub(crate) fn document(payload: &Bytes, key: Option<&EncryptKey>) -> Result<Bytes, Unopened> {
    let Some(sealed) = sealed_text(payload) else {
        return Ok(payload.clone());
    };
    let key = key.ok_or(Unopened::NoKey)?;
    let document = key.open(&*sealed).map_err(|_| Unopened::WrongKey)?;
    // A wrong key has good padding once in 256 times.
    is_json(&document)
        .then_some(document)
        .ok_or(Unopened::WrongKey)
}

/// Why an encrypted payload cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unopened {
    NoKey,
    WrongKey,
}

/// Whether a key decrypts an encrypted text to JSON.
pub(crate) fn opens(key: &EncryptKey, sealed: &str) -> bool {
    let document = key.open(sealed);
    document.is_ok_and(|document| is_json(&document))
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}
