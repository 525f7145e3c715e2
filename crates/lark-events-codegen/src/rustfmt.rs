//! Formats generated text with the workspace's own rustfmt settings, so that `cargo fmt --check`
//! and `cargo xtask codegen --check` agree.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fmt, fs, io};

use super::files::write;
use super::scratch::Scratch;
use super::{CodegenError, Texts};

/// Why the text could not be formatted.
#[derive(Debug)]
#[non_exhaustive]
pub enum FormatError {
    /// rustfmt is not installed, or cannot be started.
    NotRun(io::Error),
    /// rustfmt rejected the text, with this message.
    Refused(String),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRun(error) => write!(f, "cannot run rustfmt: {error}"),
            Self::Refused(reason) => write!(f, "rustfmt rejected the text: {reason}"),
        }
    }
}

/// Formats a Rust file for this folder, with the settings that apply there.
pub(crate) fn format(text: &str, folder: &Path) -> Result<String, FormatError> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024"]).current_dir(folder);
    rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = rustfmt
        .stderr(Stdio::piped())
        .spawn()
        .map_err(FormatError::NotRun)?;
    let mut stdin = child.stdin.take().into_iter();
    // If rustfmt fails early, it does not read its input, and its error has the reason.
    let written = stdin.try_for_each(|mut stdin| stdin.write_all(text.as_bytes()));
    drop(stdin);
    let output = child.wait_with_output().map_err(FormatError::NotRun)?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        return Err(FormatError::Refused(said(&output.stderr)));
    }
    written.map_err(FormatError::NotRun)?;
    String::from_utf8(output.stdout).map_err(|error| FormatError::Refused(error.to_string()))
}

/// Formats the Rust files among the texts, in a copy. One rustfmt for all of them is far faster than one
/// for each.
pub(crate) fn format_all(mut texts: Texts, root: &Path) -> Result<Texts, CodegenError> {
    let copy = Scratch::new();
    let mut paths = Vec::new();
    for (path, text) in &mut texts {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let path = copy.join(path.strip_prefix(root).unwrap_or(path));
            write(&path, text).map_err(|error| CodegenError::io(&path, error))?;
            paths.push((path, text));
        }
    }
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024", "--config-path"]);
    rustfmt.arg(root.join("rustfmt.toml"));
    rustfmt.args(paths.iter().map(|(path, _)| path));
    let output = rustfmt
        .output()
        .map_err(|error| CodegenError::Format(FormatError::NotRun(error)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().to_owned();
        return Err(CodegenError::Format(FormatError::Refused(said)));
    }
    for (path, text) in paths {
        *text = fs::read_to_string(&path).map_err(|error| CodegenError::io(&path, error))?;
    }
    Ok(texts)
}
