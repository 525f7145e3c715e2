//! Settings of a console.

use std::fmt;
use std::sync::{Arc, Mutex};

use http::request::Parts;
use lark_events::{Delivery, RawJson};

use super::jobs::Jobs;
use super::redaction::Redaction;
use super::{AccessOf, Audit, Audited, Console, Shared, WhoOf};
use crate::admin::Admin;

/// The settings of a [`Console`].
#[must_use]
pub struct ConsoleBuilder {
    store: Arc<dyn Admin>,
    access: AccessOf,
    who: WhoOf,
    audit: Audit,
    redaction: Redaction,
}

impl ConsoleBuilder {
    pub(super) fn new(store: Arc<dyn Admin>, access: AccessOf) -> Self {
        Self {
            store,
            access,
            who: Arc::new(|_| None),
            audit: Arc::new(|_| {}),
            redaction: Redaction::default(),
        }
    }

    /// Calls `audit` at the end of each action. `who` returns the name of the operator from the request that starts
    /// the action.
    pub fn audit(
        mut self,
        who: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
        audit: impl Fn(&Audited) + Send + Sync + 'static,
    ) -> Self {
        self.who = Arc::new(who);
        self.audit = Arc::new(audit);
        self
    }

    /// Shows the result of `redact` in place of the body of an event, in exports too. An event whose body it
    /// changes cannot be edited.
    pub fn redact(mut self, redact: impl Fn(&Delivery) -> RawJson + Send + Sync + 'static) -> Self {
        self.redaction.body = Some(Arc::new(redact));
        self
    }

    /// Shows the result of `redact` in place of each text of an event: the errors of its attempts, its lane, id,
    /// type, app, tenant and trace. `redact` must return the same result for the same text.
    ///
    /// A text that it changes appears in no link or form, and cannot be used as a filter. The page then does not
    /// search for parts of errors either. Both would disclose the hidden text.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use lark_events_inbox::console::{Access, Console};
    /// # use lark_events_inbox::VolatileStore;
    /// # let store = Arc::new(VolatileStore::new());
    /// let console = Console::builder(store, |_| Access::ReadOnly)
    ///     .redact_text(|text| text.split_once("token=").map_or(text, |(before, _)| before).to_owned())
    ///     .build();
    /// # drop(console);
    /// ```
    pub fn redact_text(mut self, redact: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.redaction.text = Some(Arc::new(redact));
        self
    }

    /// Builds the service.
    #[must_use]
    pub fn build(self) -> Console {
        Console(Arc::new(Shared {
            store: self.store,
            access: self.access,
            who: self.who,
            audit: self.audit,
            redaction: self.redaction,
            jobs: Mutex::new(Jobs::new()),
        }))
    }
}

impl fmt::Debug for ConsoleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleBuilder").finish_non_exhaustive()
    }
}
