//! What a typed body does not have of the body as it was received.

use super::envelope::InnerHeader;
use super::header::Schema;
use crate::json::{self, RawJson};

/// The JSON pointers of what is in `raw` and not in `typed`, the typed body written as JSON, nor in the
/// header: an envelope of version 1 keeps some of the header inside the body.
pub(super) fn unread(raw: &RawJson, typed: &RawJson, schema: Schema) -> Vec<String> {
    let mut paths = json::unread(raw, typed);
    if schema == Schema::V1
        && let Ok(header) = InnerHeader::parse(raw.as_str())
    {
        paths.retain(|path| !header.has(path));
    }
    paths
}
