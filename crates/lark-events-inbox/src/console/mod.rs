//! A web page for operators, as a service that an app mounts behind its own authentication.
//!
//! All URLs of the page are queries, such as `?view=events`, so that they work at any path and behind a proxy that
//! strips a prefix. The path of a request is not read.

mod action;
mod answer;
mod body;
mod builder;
mod count;
mod export;
mod jobs;
mod moment;
mod params;
mod post;
mod reading;
mod redaction;
mod running;
mod selection;
mod service;
mod view;

use std::fmt;
use std::sync::{Arc, Mutex};

use http::request::Parts;

pub use self::action::{Action, Audited};
pub use self::body::ConsoleBody;
pub use self::builder::ConsoleBuilder;
use self::jobs::Jobs;
use self::redaction::Redaction;
use crate::admin::Admin;

/// A web page with the events of a store, for operators: a tower service.
///
/// It shows the queue, its lanes, dead letters by error, and each event with its attempts and its body, and exports
/// them as JSON. Operators retry, drop and replay events, one or all that match a filter. Each page takes about as
/// long for many events as for few: numbers and groups stop at 10,000 events, and say so.
///
/// Mount it at any path, such as `/admin/inbox`, behind the authentication of your app. It has no authentication of
/// its own: the function `access` of [`builder`](Self::builder) decides for each request. Forms of other sites are
/// rejected.
///
/// It shows and exports events in full, unless [`redact`](ConsoleBuilder::redact) and
/// [`redact_text`](ConsoleBuilder::redact_text) are set. Errors of the store itself are logged with their
/// causes; the page shows only their kind.
///
/// Actions run in the process that started them. Dropping the last clone aborts them. [`stop`](Self::stop) ends
/// them between two batches, so that the number of changed events is known.
///
/// ```
/// use std::sync::Arc;
///
/// use http::request::Parts;
/// use lark_events_inbox::console::{Access, Console};
/// use lark_events_inbox::VolatileStore;
///
/// /// What the authentication of the app has found.
/// #[derive(Clone)]
/// struct User {
///     name: String,
///     is_operator: bool,
/// }
///
/// let console = Console::builder(Arc::new(VolatileStore::new()), |request: &Parts| {
///     match request.extensions.get::<User>() {
///         Some(user) if user.is_operator => Access::All,
///         Some(_) => Access::ReadOnly,
///         None => Access::Deny,
///     }
/// })
/// .audit(
///     |request| request.extensions.get::<User>().map(|user| user.name.clone()),
///     |audited| println!("{audited:?}"),
/// )
/// .build();
/// # drop(console);
/// ```
#[derive(Clone)]
pub struct Console(Arc<Shared>);

/// The access that a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// See and change everything.
    All,
    /// See everything.
    ReadOnly,
    /// Nothing: the response has the status 403 and shows nothing of the store.
    Deny,
}

type AccessOf = Arc<dyn Fn(&Parts) -> Access + Send + Sync>;
type WhoOf = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;
type Audit = Arc<dyn Fn(&Audited) + Send + Sync>;

struct Shared {
    store: Arc<dyn Admin>,
    access: AccessOf,
    who: WhoOf,
    audit: Audit,
    redaction: Redaction,
    jobs: Mutex<Jobs>,
}

impl Console {
    /// Starts configuring a page for the events of a store. `access` decides for each request.
    pub fn builder(
        store: Arc<dyn Admin>,
        access: impl Fn(&Parts) -> Access + Send + Sync + 'static,
    ) -> ConsoleBuilder {
        ConsoleBuilder::new(store, Arc::new(access))
    }

    /// Ends each running action after its current batch, with its audit. No new action begins. Call it before the
    /// process ends.
    pub async fn stop(&self) {
        let stopping = self.0.jobs().stop();
        stopping.closed().await;
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}
