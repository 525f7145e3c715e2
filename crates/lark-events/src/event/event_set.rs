//! The events of one domain as one type: an enum with a variant for each.

use super::info::EventInfo;
use super::typed::Event;
use crate::error::DecodeError;
use crate::json::RawJson;

/// Several notifications as one type, to handle all of them with one handler. Generated crates have an
/// enum for each domain. A hand-written set looks like this:
///
/// ```
/// use lark_events::{DecodeError, Dispatcher, Event, EventInfo, EventSet, EventType, RawJson};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Serialize, Deserialize)]
/// # struct TeaReadyV1 {}
/// # impl EventType for TeaReadyV1 {
/// #     const EVENT_TYPE: &'static str = "kitchen.tea.ready_v1";
/// #     type Reply = ();
/// # }
/// # #[derive(Debug, Serialize, Deserialize)]
/// # struct CupBrokenV1 {}
/// # impl EventType for CupBrokenV1 {
/// #     const EVENT_TYPE: &'static str = "kitchen.cup.broken_v1";
/// #     type Reply = ();
/// # }
///
/// enum KitchenEvent {
///     TeaReadyV1(Event<TeaReadyV1>),
///     CupBrokenV1(Event<CupBrokenV1>),
/// }
///
/// impl EventSet for KitchenEvent {
///     const EVENTS: &'static [EventInfo] = &[TeaReadyV1::INFO, CupBrokenV1::INFO];
///
///     fn decode(event: Event<RawJson>) -> Result<Option<Self>, DecodeError> {
///         Ok(Some(match event.header.event_type.as_str() {
///             TeaReadyV1::EVENT_TYPE => Self::TeaReadyV1(event.typed()?),
///             CupBrokenV1::EVENT_TYPE => Self::CupBrokenV1(event.typed()?),
///             _ => return Ok(None),
///         }))
///     }
/// }
///
/// let dispatcher = Dispatcher::builder()
///     .on_all::<KitchenEvent>(|event| async move {
///         match event {
///             KitchenEvent::TeaReadyV1(event) => println!("tea in {:?}", event.header.tenant_key),
///             KitchenEvent::CupBrokenV1(_) => println!("a cup less"),
///         }
///     })
///     .build()?;
/// assert_eq!(dispatcher.event_types().count(), 2);
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
pub trait EventSet: Sized + Send + 'static {
    /// The events of the set. A callback among them is a [`BuildError`](crate::error::BuildError).
    const EVENTS: &'static [EventInfo];

    /// Decodes an event of the set by its header's event type; returns `None` for any other type.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the body does not fit the event's type.
    fn decode(event: Event<RawJson>) -> Result<Option<Self>, DecodeError>;
}
