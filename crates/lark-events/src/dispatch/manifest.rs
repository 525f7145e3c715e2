//! The subscriptions and permissions that an app needs in the developer console for its handlers, as
//! data and as a checklist.

use std::fmt;

use serde::Serialize;

use crate::event::{DeliveryKind, EventInfo, Schema};

/// The subscriptions and permissions that the handlers of a [`Dispatcher`](crate::Dispatcher) need in
/// the developer console. It serialises with these field names, and prints as a checklist:
///
/// ```
/// use lark_events::Dispatcher;
/// use lark_events::callback::{UrlPreviewGet, UrlPreviewReply};
///
/// let dispatcher = Dispatcher::builder()
///     .on::<UrlPreviewGet>(|_| async move { UrlPreviewReply::new() })
///     .on_raw("vc.something_new_v1", |_| async move {})
///     .build()?;
/// let manifest = dispatcher.manifest();
/// assert_eq!(manifest.callbacks[0].event_type, "url.preview.get");
/// assert_eq!(
///     manifest.to_string(),
///     "Events:\n\
///      - [ ] vc.something_new_v1\n      \
///      permissions: unknown\n\
///      Callbacks:\n\
///      - [ ] url.preview.get: The platform requests the preview of a posted link\n      \
///      permissions for single fields: contact:user.employee_id:readonly\n      \
///      app types: custom, isv\n      \
///      https://open.feishu.cn/document/development-link-preview/callback/pull-link-preview-data-callback-structure\n",
/// );
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The events to subscribe to, sorted by event type.
    pub events: Vec<ManifestEntry>,
    /// The callbacks to subscribe to, sorted by event type.
    pub callbacks: Vec<ManifestEntry>,
    /// Whether a fallback handles all other subscribed events.
    pub fallback: bool,
}

/// An event or callback in a [`Manifest`]. For an untyped handler only the event type is known. For an
/// event without a documentation page the permissions are unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ManifestEntry {
    /// The platform's name of the event.
    pub event_type: String,
    /// What triggers the event, in one line.
    pub title: &'static str,
    /// The documentation page.
    pub page: Option<&'static str>,
    /// Permissions; the app needs any one of them.
    pub scopes: &'static [&'static str],
    /// Permissions that only single fields need; without them these fields are empty.
    pub field_scopes: &'static [&'static str],
    /// The kinds of app that can subscribe.
    pub app_types: &'static [&'static str],
}

impl Manifest {
    pub(crate) fn new<'a>(
        handled: impl Iterator<Item = (&'a str, Option<&'static EventInfo>)>,
        fallback: bool,
    ) -> Self {
        let mut manifest = Self {
            events: Vec::new(),
            callbacks: Vec::new(),
            fallback,
        };
        let mut handled: Vec<_> = handled.collect();
        handled.sort_unstable_by_key(|(event_type, _)| *event_type);
        for (event_type, info) in handled {
            // Only version 2 event types have dots, except the card callback, which is listed as a
            // callback anyway.
            let schema = match info {
                Some(info) => info.schema,
                None if event_type.contains('.') => Schema::V2,
                None => Schema::V1,
            };
            let list = match DeliveryKind::of(event_type, schema) {
                DeliveryKind::Callback => &mut manifest.callbacks,
                DeliveryKind::Notification => &mut manifest.events,
            };
            let info = info.copied().unwrap_or(EventInfo::new(""));
            list.push(ManifestEntry {
                event_type: event_type.to_owned(),
                title: info.title,
                page: info.page,
                scopes: info.scopes,
                field_scopes: info.field_scopes,
                app_types: info.app_types,
            });
        }
        manifest
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (heading, entries) in [("Events", &self.events), ("Callbacks", &self.callbacks)] {
            if !entries.is_empty() {
                writeln!(f, "{heading}:")?;
            }
            for entry in entries {
                entry.fmt(f)?;
            }
        }
        if self.fallback {
            f.write_str("The fallback handles every other subscribed event.\n")?;
        }
        Ok(())
    }
}

impl fmt::Display for ManifestEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "- [ ] {}", self.event_type)?;
        if !self.title.is_empty() {
            write!(f, ": {}", self.title)?;
        }
        f.write_str("\n")?;
        for (what, list) in [
            ("permission (any one)", self.scopes),
            ("permissions for single fields", self.field_scopes),
            ("app types", self.app_types),
        ] {
            if !list.is_empty() {
                writeln!(f, "      {what}: {}", list.join(", "))?;
            }
        }
        // Every page with a table of facts lists the app types.
        if self.app_types.is_empty() && self.scopes.is_empty() {
            f.write_str("      permissions: unknown\n")?;
        }
        match self.page {
            Some(page) => writeln!(f, "      {page}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: EventInfo = EventInfo::new("b_v1")
        .title("Something happened")
        .page("https://x.test/b")
        .scopes(&["b", "b:readonly"])
        .field_scopes(&["c"])
        .app_types(&["custom", "isv"]);
    const OLD: EventInfo = EventInfo::new("message").schema(Schema::V1);

    fn manifest() -> Manifest {
        let handled = [
            ("message", Some(&OLD)),
            ("x.get", None),
            ("b_v1", Some(&KNOWN)),
            ("app_open", None),
            ("card.action.trigger_v1", None),
            ("a.b_v2", None),
        ];
        Manifest::new(handled.into_iter(), true)
    }

    #[test]
    fn events_and_callbacks_are_apart_and_sorted() {
        let manifest = manifest();
        let names = |list: &[ManifestEntry]| -> Vec<_> {
            list.iter().map(|entry| entry.event_type.clone()).collect()
        };
        assert_eq!(
            names(&manifest.events),
            ["a.b_v2", "app_open", "b_v1", "message"]
        );
        assert_eq!(
            names(&manifest.callbacks),
            ["card.action.trigger_v1", "x.get"]
        );
    }

    #[test]
    fn it_prints_as_a_checklist() {
        assert_eq!(
            manifest().to_string(),
            "Events:\n\
             - [ ] a.b_v2\n      \
             permissions: unknown\n\
             - [ ] app_open\n      \
             permissions: unknown\n\
             - [ ] b_v1: Something happened\n      \
             permission (any one): b, b:readonly\n      \
             permissions for single fields: c\n      \
             app types: custom, isv\n      \
             https://x.test/b\n\
             - [ ] message\n      \
             permissions: unknown\n\
             Callbacks:\n\
             - [ ] card.action.trigger_v1\n      \
             permissions: unknown\n\
             - [ ] x.get\n      \
             permissions: unknown\n\
             The fallback handles every other subscribed event.\n"
        );
    }

    #[test]
    fn it_serialises_as_it_stands() {
        let json = serde_json::to_value(manifest()).unwrap();
        assert_eq!(json["fallback"], true);
        assert_eq!(json["events"][2]["scopes"][1], "b:readonly");
        assert_eq!(json["callbacks"][1]["page"], serde_json::Value::Null);
    }
}
