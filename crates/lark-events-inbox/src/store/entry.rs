//! One event on its way through a store.

use std::time::{Duration, SystemTime};

use lark_events::{Delivery, Transport};

use super::{StoreError, StoreErrorKind};

/// An event to append, and the same event when it is claimed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The event. A store that outlives the process keeps its [`to_document`](Delivery::to_document), `transport`
    /// and `received_at`, and restores it with [`from_document`](Self::from_document).
    pub delivery: Delivery,
    /// The de-duplication key. An event with a key that the store already knows is a duplicate. Events without a
    /// key are never duplicates.
    pub key: Option<String>,
    /// The minimum time for which the store must remember the key. A store with a longer retention may ignore it.
    pub kept: Duration,
    /// The lane: the events of one lane are handled one at a time, in the order of their appends.
    pub lane: Option<String>,
    /// The trace context in which the event was received, in the text form of the app's propagator.
    pub trace: Option<String>,
}

/// What an entry takes in memory besides its texts: headers of allocations, the places in the store's
/// tables. A measured value, rounded up.
const OVERHEAD_BYTES: usize = 512;

impl Entry {
    /// Creates an entry without a key, lane or trace context.
    #[must_use]
    pub fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            key: None,
            kept: Duration::ZERO,
            lane: None,
            trace: None,
        }
    }

    /// Restores an entry from the result of [`to_document`](Delivery::to_document), the [name](Transport::as_str)
    /// of the transport, and the time of arrival. For implementations of [`Store`](crate::Store).
    ///
    /// # Errors
    ///
    /// [`Corrupt`](StoreErrorKind::Corrupt) when the document is not an event. The error contains no part of the
    /// document.
    pub fn from_document(
        document: impl Into<bytes::Bytes>,
        transport: &str,
        received_at: SystemTime,
    ) -> Result<Self, StoreError> {
        let transport = Transport::from_name(transport).unwrap_or(Transport::Local);
        let delivery = Delivery::parse_unauthenticated(document.into(), transport, received_at);
        let delivery = delivery.map_err(|error| {
            StoreError::with_source(
                StoreErrorKind::Corrupt,
                format!("a row is not an event: {error}"),
            )
        })?;
        Ok(Self::new(delivery))
    }

    /// The estimated memory of this entry in bytes, with the overhead of storing it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let header = &self.delivery.header;
        let texts = [
            Some(&header.event_type),
            header.event_id.as_ref(),
            header.create_time.as_ref(),
            header.app_id.as_ref(),
            header.tenant_key.as_ref(),
            self.key.as_ref(),
            self.lane.as_ref(),
            self.trace.as_ref(),
        ];
        let texts = texts.into_iter().flatten().map(String::len);
        let extras = header.extras().map(|(name, value)| {
            let value = value.as_bytes().len();
            name.len().saturating_add(value).saturating_add(64)
        });
        let body = self.delivery.raw.as_bytes().len();
        let parts = texts.chain(extras).chain([body]);
        parts.fold(OVERHEAD_BYTES, usize::saturating_add)
    }
}
