//! Whether a test without its engine is skipped or fails.

use std::env;

/// Says that something is skipped because its engine is not installed.
///
/// # Panics
///
/// If `LARK_EVENTS_ENGINES` is `required`.
#[track_caller]
pub(crate) fn skip(what: &str, engine: &str, install: &str) {
    let needed = format!("{what}, which needs {engine}: {install}");
    let is_required = env::var_os("LARK_EVENTS_ENGINES").is_some_and(|it| it == "required");
    assert!(
        !is_required,
        "LARK_EVENTS_ENGINES=required, but an engine is not installed: {needed}"
    );
    println!("skipped: {needed}");
}
