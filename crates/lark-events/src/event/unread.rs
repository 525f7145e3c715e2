//! The parts of a received body that the typed body does not have.

use super::envelope::InnerHeader;
use super::header::Schema;
use crate::json::{self, RawJson};

/// The JSON pointers of values that are in `raw`, but neither in `typed`, the typed body serialised as
/// JSON, nor in the header: a version 1 envelope keeps some header fields inside the body.
pub(super) fn unread(raw: &RawJson, typed: &RawJson, schema: Schema) -> Vec<String> {
    let mut paths = json::unread(raw, typed);
    if schema == Schema::V1
        && let Ok(header) = InnerHeader::parse(raw.as_str())
    {
        paths.retain(|path| !header.has(path));
    }
    paths
}
