//! What the platform documents about an event, as data: the source of rustdoc, tools and manifests.

use std::fmt;

use super::header::Schema;
use super::unread::unread;
use crate::error::DecodeError;
use crate::json::RawJson;

/// The documented facts of one event type, and the way into its body type for tools that know the
/// type by name alone. Built by generated code, and by hand where it helps:
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
    /// The version of the envelope that it comes in.
    pub schema: Schema,
    /// The documentation page.
    pub page: Option<&'static str>,
    /// The day of the documentation page, as `YYYY-MM-DD`.
    pub updated: Option<&'static str>,
    /// The permissions of which the app needs any one to subscribe.
    pub scopes: &'static [&'static str],
    /// The permissions without which single fields of the body stay empty.
    pub field_scopes: &'static [&'static str],
    /// The kinds of app that can subscribe: `custom`, `isv`.
    pub app_types: &'static [&'static str],
    /// The ways of delivery that the page names: `webhook`.
    pub push_modes: &'static [&'static str],
    /// The documented sample: a whole document, envelope included where it has one. Its body is what
    /// [`typed`](Self::typed) takes.
    pub sample: Option<&'static str>,
    typing: Typing,
}

impl EventInfo {
    /// Nothing but the event type. There is no body type: [`typed`](Self::typed) hands the body on.
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
            push_modes: &[],
            sample: None,
            typing: Typing(None),
        }
    }

    /// Decodes a body into the event's type, as a handler of it would be given it, and writes it as
    /// JSON again: tools see what is typed of an event without a list of types of their own.
    ///
    /// ```
    /// use lark_events::callback::UrlPreviewGet;
    /// use lark_events::{EventInfo, RawJson};
    ///
    /// let events = [EventInfo::of::<UrlPreviewGet>()];
    /// let raw = RawJson::parse(r#"{"host": "im_message", "later": [1]}"#)?;
    /// let typed = events[0].typed(&raw)?;
    /// assert_eq!(typed.json.as_str(), r#"{"host":"im_message"}"#);
    /// assert_eq!(typed.unread, ["/later"]);
    /// # Ok::<(), lark_events::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the type does not take the body, or cannot be written.
    pub fn typed(&self, raw: &RawJson) -> Result<TypedBody, DecodeError> {
        let Typing(Some(retype)) = self.typing else {
            let json = raw.clone();
            let unread = Vec::new();
            return Ok(TypedBody { json, unread });
        };
        let json = retype(raw)?;
        let unread = unread(raw, &json, self.schema);
        Ok(TypedBody { json, unread })
    }

    /// Sets the way into the body type.
    pub(super) const fn typed_by(mut self, retype: Retype) -> Self {
        self.typing = Typing(Some(retype));
        self
    }

    /// Sets what triggers the event.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    /// Sets the version of the envelope. It is version 2 unless set.
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

    /// Sets the day of the documentation page, as `YYYY-MM-DD`.
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

/// A body as its type has it; see [`EventInfo::typed`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypedBody {
    /// The typed body, written as JSON again. For an event without a body type, the body itself.
    pub json: RawJson,
    /// What the type did not take, as [`Event::unread`](crate::Event::unread) lists it.
    pub unread: Vec<String>,
}

/// The way from a body into its type and back. Two facts are equal whatever this is: a function has
/// no address of its own.
#[derive(Clone, Copy)]
struct Typing(Option<Retype>);

pub(super) type Retype = fn(&RawJson) -> Result<RawJson, DecodeError>;

impl fmt::Debug for Typing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "typed" } else { "untyped" })
    }
}

impl PartialEq for Typing {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Typing {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventType;
    use crate::callback::{ProfileViewGet, UrlPreviewGet};

    #[test]
    fn facts_are_compared_without_their_types() {
        let untyped = EventInfo::new(ProfileViewGet::EVENT_TYPE);
        let info = EventInfo::of::<ProfileViewGet>();
        assert_eq!(info, ProfileViewGet::INFO);
        assert_eq!(info, untyped.title(info.title));
        assert_ne!(info, untyped);
    }

    #[test]
    fn the_way_into_the_type_is_in_of_alone_and_debug_shows_no_address() {
        let debug = |info: EventInfo| format!("{info:?}");
        assert!(debug(UrlPreviewGet::INFO).ends_with("typing: untyped }"));
        assert!(debug(EventInfo::of::<UrlPreviewGet>()).ends_with("typing: typed }"));
    }

    #[test]
    fn a_body_without_a_type_is_handed_on() {
        let raw = RawJson::parse(r#"{"a": 1e400}"#).unwrap();
        let typed = EventInfo::new("x_v1").typed(&raw).unwrap();
        assert_eq!(typed.json, raw);
        assert!(typed.unread.is_empty());
    }

    #[test]
    fn a_body_with_a_type_is_decoded_leniently_and_never_from_a_list() {
        let info = EventInfo::of::<UrlPreviewGet>();
        let raw = RawJson::parse(r#"{"host": 7, "context": {"url": "\ud800"}}"#).unwrap();
        let typed = info.typed(&raw).unwrap();
        assert_eq!(typed.json.as_str(), r#"{"host":"7","context":{}}"#);
        assert_eq!(typed.unread, ["/context/url"]);
        assert!(info.typed(&RawJson::parse("[]").unwrap()).is_err());
    }

    #[test]
    fn what_the_header_of_version_1_has_is_not_lost() {
        let raw = RawJson::parse(r#"{"type": "x", "app_id": "a", "tenant_key": "t", "b": 1}"#);
        let info = EventInfo::of::<UrlPreviewGet>();
        let raw = raw.unwrap();
        assert_eq!(info.typed(&raw).unwrap().unread.len(), 4);
        let info = info.schema(Schema::V1);
        assert_eq!(info.typed(&raw).unwrap().unread, ["/b"]);
    }

    #[test]
    fn a_type_that_cannot_be_written_is_an_error_that_says_so() {
        #[derive(serde::Deserialize)]
        struct Odd {}
        impl serde::Serialize for Odd {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("odd"))
            }
        }
        impl EventType for Odd {
            const EVENT_TYPE: &'static str = "odd_v1";
            type Reply = ();
        }
        let error = EventInfo::of::<Odd>()
            .typed(&RawJson::default())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the typed body cannot be written as JSON"
        );
    }
}
