//! The type and id of a delivery, for log lines about it after it was passed on.

use lark_events::EventHeader;

/// Room for typical names: event types have up to 60 bytes, and ids 36.
const SHORT: usize = 112;

/// The type and id of a delivery, without an allocation if they are short.
#[derive(Debug)]
pub(crate) enum Name {
    Short {
        bytes: [u8; SHORT],
        /// Where the type ends.
        type_end: usize,
        /// Where the id ends, if there is one.
        id_end: Option<usize>,
    },
    Long(String, Option<String>),
}

impl Name {
    pub(crate) fn of(header: &EventHeader) -> Self {
        Self::short(header)
            .unwrap_or_else(|| Self::Long(header.event_type.clone(), header.event_id.clone()))
    }

    fn short(header: &EventHeader) -> Option<Self> {
        let event_type = header.event_type.as_bytes();
        let event_id = header.event_id.as_ref().map(String::as_bytes);
        let id = event_id.unwrap_or_default();
        let mut bytes = [0; SHORT];
        let (start, rest) = bytes.split_at_mut_checked(event_type.len())?;
        start.copy_from_slice(event_type);
        rest.get_mut(..id.len())?.copy_from_slice(id);
        let type_end = event_type.len();
        Some(Self::Short {
            bytes,
            type_end,
            id_end: event_id.map(|id| type_end.saturating_add(id.len())),
        })
    }

    pub(crate) fn event_type(&self) -> &str {
        match self {
            Self::Short {
                bytes, type_end, ..
            } => text(bytes, 0, *type_end),
            Self::Long(event_type, _) => event_type,
        }
    }

    pub(crate) fn event_id(&self) -> Option<&str> {
        match self {
            Self::Short {
                bytes,
                type_end,
                id_end,
            } => id_end.map(|id_end| text(bytes, *type_end, id_end)),
            Self::Long(_, event_id) => event_id.as_deref(),
        }
    }
}

fn text(bytes: &[u8], start: usize, end: usize) -> &str {
    let text = bytes.get(start..end).unwrap_or_default();
    str::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_its_header_at_each_length() {
        for id in [None, Some(0), Some(1), Some(40), Some(SHORT)] {
            for length in [0, 1, SHORT - 40, SHORT - 39, SHORT, SHORT + 1] {
                let mut header = EventHeader::new("t".repeat(length));
                header.event_id = id.map(|length| "i".repeat(length));
                let name = Name::of(&header);
                assert_eq!(name.event_type(), header.event_type);
                assert_eq!(name.event_id(), header.event_id.as_deref());
                let is_short = length + id.unwrap_or_default() <= SHORT;
                assert_eq!(matches!(name, Name::Short { .. }), is_short);
            }
        }
    }
}
