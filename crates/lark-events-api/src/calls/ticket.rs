//! The handler of the event `app_ticket`.

use std::pin::Pin;

use lark_events::Event;
use tracing::debug;

use crate::api::Api;
use crate::error::ApiError;
use crate::token::{AppTicket, AppTicketEvent};

type Kept = Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send>>;

impl Api {
    /// Returns a handler that stores the tickets of a store app:
    ///
    /// ```
    /// use lark_events::Dispatcher;
    /// use lark_events_api::{Api, AppTicketEvent};
    ///
    /// let api = Api::builder("cli_a1b2", "secret").store_app().build()?;
    /// let dispatcher = Dispatcher::builder().on::<AppTicketEvent>(api.ticket_handler()).build()?;
    /// # drop(dispatcher);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// It ignores a redelivered event that is older than the newest one of this process.
    ///
    /// It fails for the ticket of another app. With several store apps, write a handler that calls
    /// [`put_ticket`](Self::put_ticket) of the app that the event names.
    pub fn ticket_handler(
        &self,
    ) -> impl Fn(Event<AppTicketEvent>) -> Kept + Clone + Send + Sync + 'static {
        let api = self.clone();
        move |event| {
            let api = api.clone();
            Box::pin(async move {
                let issued = event.header.created_at();
                let AppTicketEvent { app_id, app_ticket } = event.body;
                let app_id = app_id.or(event.header.app_id);
                if app_id.is_some_and(|app_id| app_id != api.app_id()) {
                    let what = format!(
                        "expected the app_ticket of {}, got that of another app",
                        api.app_id()
                    );
                    return Err(ApiError::invalid(what));
                }
                let Some(ticket) = app_ticket.filter(|ticket| !ticket.is_empty()) else {
                    let what = "expected an app_ticket in the event, got none";
                    return Err(ApiError::invalid(what));
                };
                if issued.is_some_and(|issued| !api.is_newest_ticket(issued)) {
                    debug!("an older app_ticket was redelivered");
                    return Ok(());
                }
                api.put_ticket(&AppTicket::new(ticket)).await
            })
        }
    }
}
