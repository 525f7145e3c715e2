//! The documented facts of an event, as data for rustdoc, tools and manifests.

use super::header::Schema;

/// The documented facts of one event type. Generated code builds it; build your own where it helps:
///
/// ```
/// use lark_events::EventInfo;
///
/// const INFO: EventInfo = EventInfo::new("kitchen.tea.ready_v1")
///     .title("Tea is ready")
///     .scopes(&["kitchen:tea:readonly"]);
/// assert_eq!(INFO.scopes, ["kitchen:tea:readonly"]);
/// assert_eq!(INFO.page, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventInfo {
    /// The platform's name of the event.
    pub event_type: &'static str,
    /// What triggers the event, in one line.
    pub title: &'static str,
    /// The version of the envelope.
    pub schema: Schema,
    /// The documentation page.
    pub page: Option<&'static str>,
    /// The date of the documentation page, as `YYYY-MM-DD`.
    pub updated: Option<&'static str>,
    /// Permissions to subscribe; the app needs any one of them.
    pub scopes: &'static [&'static str],
    /// Permissions that only single fields of the body need; without them these fields are empty.
    pub field_scopes: &'static [&'static str],
    /// The kinds of app that can subscribe: `custom`, `isv`.
    pub app_types: &'static [&'static str],
}

impl EventInfo {
    /// An info with only the event type.
    #[must_use]
    pub const fn new(event_type: &'static str) -> Self {
        Self {
            event_type,
            title: "",
            schema: Schema::V2,
            page: None,
            updated: None,
            scopes: &[],
            field_scopes: &[],
            app_types: &[],
        }
    }

    /// Sets what triggers the event.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    /// Sets the version of the envelope: version 2 by default.
    #[must_use]
    pub const fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Sets the documentation page.
    #[must_use]
    pub const fn page(mut self, page: &'static str) -> Self {
        self.page = Some(page);
        self
    }

    /// Sets the date of the documentation page, as `YYYY-MM-DD`.
    #[must_use]
    pub const fn updated(mut self, updated: &'static str) -> Self {
        self.updated = Some(updated);
        self
    }

    /// Sets the permissions of which the app needs any one.
    #[must_use]
    pub const fn scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = scopes;
        self
    }

    /// Sets the permissions that single fields need.
    #[must_use]
    pub const fn field_scopes(mut self, field_scopes: &'static [&'static str]) -> Self {
        self.field_scopes = field_scopes;
        self
    }

    /// Sets the kinds of app that can subscribe.
    #[must_use]
    pub const fn app_types(mut self, app_types: &'static [&'static str]) -> Self {
        self.app_types = app_types;
        self
    }
}
