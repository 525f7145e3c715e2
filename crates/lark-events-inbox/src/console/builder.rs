//! Settings of a console.

use std::fmt;
use std::sync::{Arc, Mutex};

use http::request::Parts;
use lark_events::{Delivery, RawJson};

use super::jobs::Jobs;
use super::{AccessOf, Audit, Audited, Console, Redact, Shared, WhoOf};
use crate::admin::Admin;

/// The settings of a [`Console`].
#[must_use]
pub struct ConsoleBuilder {
    store: Arc<dyn Admin>,
    access: AccessOf,
    who: WhoOf,
    audit: Audit,
    redact: Option<Redact>,
}

impl ConsoleBuilder {
    pub(super) fn new(store: Arc<dyn Admin>, access: AccessOf) -> Self {
        Self {
            store,
            access,
            who: Arc::new(|_| None),
            audit: Arc::new(|_| {}),
            redact: None,
        }
    }

    /// Calls `audit` at the end of each action. `who` names the operator of the request that started it.
    pub fn audit(
        mut self,
        who: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
        audit: impl Fn(&Audited) + Send + Sync + 'static,
    ) -> Self {
        self.who = Arc::new(who);
        self.audit = Arc::new(audit);
        self
    }

    /// Shows what `redact` returns in place of the body of an event. An event whose body it changes cannot be
    /// edited.
    ///
    /// Errors of attempts are texts of the app and are shown as they are.
    pub fn redact(mut self, redact: impl Fn(&Delivery) -> RawJson + Send + Sync + 'static) -> Self {
        self.redact = Some(Arc::new(redact));
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
            redact: self.redact,
            jobs: Mutex::new(Jobs::new()),
        }))
    }
}

impl fmt::Debug for ConsoleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleBuilder").finish_non_exhaustive()
    }
}
