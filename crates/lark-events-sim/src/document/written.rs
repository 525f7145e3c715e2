//! A document as it is pushed, and what the platform reads in it.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use lark_events::{Delivery, Transport};

use crate::api::card_token;

/// The text of a pushed document.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) json: Bytes,
    /// The event id in its header, if it can be read.
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    /// The token of a card callback, for updates.
    pub(crate) card_token: Option<String>,
}

impl Written {
    pub(super) fn new(json: Bytes) -> Self {
        let read = Delivery::parse_unauthenticated(json.clone(), Transport::Local, UNIX_EPOCH);
        let (event_id, event_type) = read.map_or_else(
            |_| <(String, String)>::default(),
            |read| {
                (
                    read.header.event_id.unwrap_or_default(),
                    read.header.event_type,
                )
            },
        );
        Self {
            card_token: card_token(&json),
            json,
            event_id,
            event_type,
        }
    }
}
