//! Whether a test without its engine is skipped or fails.

use std::env;
use std::fmt::Display;
use std::io::{self, Write as _};

/// Returns what is installed. If nothing is, prints that something is skipped because its engine is not installed.
///
/// The engines of this crate have functions of their own that call it. It is for the programs of others.
///
/// # Panics
///
/// If nothing is installed and `LARK_EVENTS_ENGINES` is `required`.
#[must_use]
#[track_caller]
pub fn or_skip<T>(installed: Option<T>, what: &str, engine: &str, install: &str) -> Option<T> {
    if installed.is_some() {
        return installed;
    }
    let needed = format!("{what}, which needs {engine}: {install}");
    let is_required = env::var_os("LARK_EVENTS_ENGINES").is_some_and(|it| it == "required");
    assert!(
        !is_required,
        "LARK_EVENTS_ENGINES=required, but an engine is not installed: {needed}"
    );
    skipped(needed);
    None
}

/// Prints that something is skipped to stderr, past the capture of `cargo test`.
///
/// # Panics
///
/// If stderr cannot be written.
pub fn skipped(what: impl Display) {
    // `eprintln!` is captured.
    writeln!(io::stderr(), "skipped: {what}").expect("stderr");
}
