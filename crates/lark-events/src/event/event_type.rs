//! The trait that ties a body type to its event type.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::info::EventInfo;
use crate::error::DecodeError;
use crate::json::RawJson;

/// A body type and the event type it belongs to.
///
/// Generated crates implement it for the platform's catalogue. For an event that none of them has,
/// a type of your own and three lines do the same. `#[derive(EventType)]`, of the feature `derive`,
/// writes them, and decodes the type [leniently](crate::lenient).
///
/// ```
/// use lark_events::{Dispatcher, Event, EventType};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct TeaReadyV1 {
///     kind: String,
/// }
///
/// impl EventType for TeaReadyV1 {
///     const EVENT_TYPE: &'static str = "kitchen.tea.ready_v1";
///     type Reply = ();
/// }
///
/// async fn on_tea(event: Event<TeaReadyV1>) {
///     println!("{} is ready in {:?}", event.body.kind, event.header.tenant_key);
/// }
///
/// let dispatcher = Dispatcher::builder().on::<TeaReadyV1>(on_tea).build()?;
/// # use lark_events::{Delivery, EventHeader, Outcome, RawJson};
/// # use tower::{Service, ServiceExt};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let raw = RawJson::parse(r#"{"kind":"oolong"}"#)?;
/// # let delivery = Delivery::new(EventHeader::new("kitchen.tea.ready_v1"), raw);
/// # assert!(matches!(dispatcher.oneshot(delivery).await?, Outcome::Handled));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).unwrap();
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub trait EventType: DeserializeOwned + Serialize + Send + 'static {
    /// The platform's name of the event, such as `vc.reserve_config.updated_v1`.
    const EVENT_TYPE: &'static str;

    /// What the platform documents of the event. [`EventInfo::of`] gives it with the way into the type.
    const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE);

    /// What a handler answers: `()` for notifications, the documented body for callbacks.
    type Reply: Serialize + Send + 'static;
}

impl EventInfo {
    /// What [`EventType::INFO`] has, and the way into the body type for [`typed`](Self::typed). `INFO`
    /// is without, so that an app that only registers handlers links no code that writes bodies.
    #[must_use]
    pub const fn of<E: EventType>() -> Self {
        E::INFO.typed_by(retype::<E>)
    }
}

fn retype<E: EventType>(raw: &RawJson) -> Result<RawJson, DecodeError> {
    let body: E = raw.decode_leniently()?;
    RawJson::encode(&body).map_err(|_| DecodeError::unwritable())
}
