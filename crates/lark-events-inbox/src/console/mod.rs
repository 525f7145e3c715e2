//! A web page for operators, as a service that an app mounts behind its own authentication.
//!
//! All URLs of the page are queries, such as `?view=events`, so that they hold at any path and behind a proxy
//! that strips a prefix. The path of a request is not read.

mod action;
mod answer;
mod body;
mod builder;
mod count;
mod jobs;
mod moment;
mod params;
mod post;
mod selection;
mod service;
mod view;

use std::fmt;
use std::sync::{Arc, Mutex};

use http::request::Parts;
use lark_events::{Delivery, RawJson};

pub use self::action::{Action, Audited};
pub use self::body::ConsoleBody;
pub use self::builder::ConsoleBuilder;
use self::jobs::Jobs;
use crate::admin::Admin;

/// A web page with the events of a store, for operators: a tower service.
///
/// It shows the queue, dead letters by error, and each event with its attempts and its body. Operators retry,
/// drop and replay events, one or all that match a filter.
///
/// Mount it at any path, such as `/admin/inbox`, behind the authentication of your app. It has none of its own:
/// the function given to [`builder`](Self::builder) decides for each request. Forms of other sites are
/// rejected. Bodies of events are shown in full unless [`redact`](ConsoleBuilder::redact) is set.
///
/// Its actions run in the process that started them. They end when the last clone is dropped.
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

/// What a request may do.
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
type Redact = Arc<dyn Fn(&Delivery) -> RawJson + Send + Sync>;

struct Shared {
    store: Arc<dyn Admin>,
    access: AccessOf,
    who: WhoOf,
    audit: Audit,
    redact: Option<Redact>,
    jobs: Mutex<Jobs>,
}

impl Console {
    /// A page for the events of a store. `access` decides for each request what it may do.
    pub fn builder(
        store: Arc<dyn Admin>,
        access: impl Fn(&Parts) -> Access + Send + Sync + 'static,
    ) -> ConsoleBuilder {
        ConsoleBuilder::new(store, Arc::new(access))
    }
}

impl Shared {
    /// The body of an event as it may be shown: the only place where a page gets one.
    fn shown_body(&self, delivery: &Delivery) -> RawJson {
        match &self.redact {
            Some(redact) => redact(delivery),
            None => delivery.raw.clone(),
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}
