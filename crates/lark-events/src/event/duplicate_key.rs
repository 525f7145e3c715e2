//! The key that the documentation of an event names for de-duplication.

use crate::generated::tables::DUPLICATE_KEYS;

/// The place of the key that an event's documentation names for de-duplication, as a JSON pointer (RFC
/// 6901) into the body. `None` for all other events: their duplicates have the same
/// [`event_id`](crate::EventHeader::event_id), which is the `uuid` in version 1.
///
/// ```
/// use lark_events::event::duplicate_key;
///
/// assert_eq!(duplicate_key("im.message.receive_v1"), Some("/message/message_id"));
/// assert_eq!(duplicate_key("im.message.recalled_v1"), None);
/// ```
#[must_use]
pub fn duplicate_key(event_type: &str) -> Option<&'static str> {
    let found = DUPLICATE_KEYS.binary_search_by_key(&event_type, |(known, _)| known);
    let (_, pointer) = DUPLICATE_KEYS.get(found.ok()?)?;
    Some(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_found() {
        assert!(!DUPLICATE_KEYS.is_empty());
        for (event_type, pointer) in DUPLICATE_KEYS {
            assert_eq!(duplicate_key(event_type), Some(*pointer), "{event_type}");
        }
        assert_eq!(duplicate_key(""), None);
    }
}
