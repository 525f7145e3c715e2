//! Formats generated text with the workspace's own rustfmt settings, so that `cargo fmt --check`
//! and `cargo xtask codegen --check` agree.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Why there is no formatted text.
#[derive(Debug)]
pub(crate) enum FormatError {
    /// There is no rustfmt, or it cannot be started.
    NotRun(io::Error),
    /// What it said of the text.
    Refused(String),
}

/// Pipes a text through rustfmt.
pub(crate) fn format(text: &str, config: &Path) -> Result<String, FormatError> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(FormatError::NotRun)?;
    // Taken, so that it closes: rustfmt reads to the end before it writes.
    let mut stdin = rustfmt.stdin.take().expect("stdin is piped");
    let sent = stdin.write_all(text.as_bytes());
    drop(stdin);
    let output = rustfmt.wait_with_output().map_err(FormatError::NotRun)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(FormatError::Refused(said.trim().to_owned()));
    }
    sent.map_err(FormatError::NotRun)?;
    String::from_utf8(output.stdout).map_err(|error| FormatError::Refused(error.to_string()))
}
