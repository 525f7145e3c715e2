//! An event between its bytes and its handler: its envelope, the delivery that a transport creates, and
//! the typed event with its header.

mod cloud_event;
mod delivery;
mod document;
mod duplicate_key;
mod envelope;
mod event_set;
mod event_type;
mod header;
mod info;
mod known;
mod percent;
mod typed;
mod unread;
mod user_id;
mod validate;

pub use self::cloud_event::CloudEvent;
#[cfg(feature = "old-card")]
pub(crate) use self::delivery::OLD_CARD_CALLBACK;
pub use self::delivery::{Delivery, DeliveryKind, Transport};
pub use self::duplicate_key::duplicate_key;
#[cfg(feature = "old-card")]
pub(crate) use self::envelope::Text;
pub(crate) use self::envelope::{Document, Kind, UrlCheck, Wrapper, sealed_in};
pub use self::event_set::EventSet;
pub use self::event_type::EventType;
pub use self::header::{EventHeader, Schema};
pub use self::info::EventInfo;
pub use self::known::{KnownEvent, TypedBody};
pub use self::typed::Event;
pub use self::user_id::UserId;
pub use self::validate::{Length, Number, Validate, Violation, Violations};
