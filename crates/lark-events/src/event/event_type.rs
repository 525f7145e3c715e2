//! The trait that ties a body type to its event type.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::info::EventInfo;

/// A body type and the event type it belongs to.
///
/// Generated crates implement it for the platform's catalogue. Implement it for your own type, in three
/// lines, if an event is not in the catalogue. `#[derive(EventType)]`, of the feature `derive`, writes
/// the implementation and decodes the type [leniently](crate::lenient).
///
/// ```
/// use lark_events::{Dispatcher, Event, EventType};
/// use serde::Deserialize;
///
/// #[derive(Debug, Deserialize)]
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
pub trait EventType: DeserializeOwned + Send + 'static {
    /// The platform's name of the event, such as `vc.reserve_config.updated_v1`.
    const EVENT_TYPE: &'static str;

    /// The documented facts of the event.
    const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE);

    /// The documented sample, either a whole document with its envelope or only the body. Only tests
    /// and tools use it, so it is not linked into an app.
    const SAMPLE: Option<&'static str> = None;

    /// The reply of a handler: `()` for notifications, the documented body for callbacks.
    type Reply: Serialize + Send + 'static;
}
