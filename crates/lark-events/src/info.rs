//! What the platform documents about an event, as data: the source of rustdoc, tools and manifests.

/// The documented facts of one event type. Built by generated code, and by hand where it helps:
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
    /// What triggers it, in a line.
    pub title: &'static str,
    /// The documentation page.
    pub page: Option<&'static str>,
    /// The permissions of which the app needs any one to subscribe.
    pub scopes: &'static [&'static str],
    /// The permissions without which single fields of the body stay empty.
    pub field_scopes: &'static [&'static str],
    /// The kinds of app that can subscribe: `custom`, `isv`.
    pub app_types: &'static [&'static str],
    /// The ways of delivery that the page names: `webhook`.
    pub push_modes: &'static [&'static str],
    /// The documented sample: a whole document, envelope included where it has one.
    pub sample: Option<&'static str>,
}

impl EventInfo {
    /// Nothing but the event type.
    #[must_use]
    pub const fn new(event_type: &'static str) -> Self {
        Self {
            event_type,
            title: "",
            page: None,
            scopes: &[],
            field_scopes: &[],
            app_types: &[],
            push_modes: &[],
            sample: None,
        }
    }

    /// Sets what triggers the event.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    /// Sets the documentation page.
    #[must_use]
    pub const fn page(mut self, page: &'static str) -> Self {
        self.page = Some(page);
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

    /// Sets the ways of delivery.
    #[must_use]
    pub const fn push_modes(mut self, push_modes: &'static [&'static str]) -> Self {
        self.push_modes = push_modes;
        self
    }

    /// Sets the documented sample.
    #[must_use]
    pub const fn sample(mut self, sample: &'static str) -> Self {
        self.sample = Some(sample);
        self
    }
}
