//! The `app_ticket` of a store app, which the platform sends as an event every hour.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lark_events::event::Schema;
use lark_events::{BoxError, EventInfo, EventType, lenient};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// An `app_ticket`. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct AppTicket(Zeroizing<String>);

impl AppTicket {
    /// Creates a ticket from the text in the event.
    pub fn new(ticket: impl Into<String>) -> Self {
        Self(Zeroizing::new(ticket.into()))
    }

    /// The secret text, for a [`TicketStore`].
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AppTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppTicket(..)")
    }
}

/// Keeps the ticket of a store app. If an app runs in several processes, implement this for a store that they
/// share: the platform sends each ticket to only one of them.
#[async_trait]
pub trait TicketStore: Send + Sync + 'static {
    /// Stores the newest ticket of an app.
    ///
    /// # Errors
    ///
    /// When the store fails. The event then fails, and the platform redelivers it.
    async fn put(&self, app_id: &str, ticket: &AppTicket) -> Result<(), BoxError>;

    /// The newest ticket of an app, if there is one.
    ///
    /// # Errors
    ///
    /// When the store fails. The call then fails.
    async fn get(&self, app_id: &str) -> Result<Option<AppTicket>, BoxError>;
}

/// Keeps tickets in memory. Clones share them. After a restart, the first call asks the platform for a new ticket.
#[derive(Debug, Clone, Default)]
pub struct MemoryTickets(Arc<Mutex<HashMap<String, AppTicket>>>);

impl MemoryTickets {
    /// A store without tickets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl TicketStore for MemoryTickets {
    async fn put(&self, app_id: &str, ticket: &AppTicket) -> Result<(), BoxError> {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.insert(app_id.to_owned(), ticket.clone());
        Ok(())
    }

    async fn get(&self, app_id: &str) -> Result<Option<AppTicket>, BoxError> {
        let tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tickets.get(app_id).cloned())
    }
}

/// The body of the event `app_ticket`, for [`Api::ticket_handler`](crate::Api::ticket_handler).
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AppTicketEvent {
    /// The id of the app.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The ticket, a secret.
    #[serde(deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub app_ticket: Option<String>,
}

lark_events::lenient_object!(AppTicketEvent);

/// Omits the ticket.
impl fmt::Debug for AppTicketEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppTicketEvent")
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

impl EventType for AppTicketEvent {
    const EVENT_TYPE: &'static str = "app_ticket";
    const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE)
        .title("The platform issued a store app its hourly ticket")
        .page("https://open.feishu.cn/document/server-docs/application-v6/event/app_ticket-events")
        .app_types(&["isv"])
        .schema(Schema::V1);
    type Reply = ();
}
