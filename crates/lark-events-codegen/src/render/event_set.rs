//! The enum of all events of a domain.

use super::super::model::Domain;
use super::comment;

/// The imports from the core.
pub(super) const IMPORTS: [&str; 7] = [
    "DecodeError",
    "Event",
    "EventHeader",
    "EventInfo",
    "EventSet",
    "EventType",
    "RawJson",
];

pub(super) fn text(domain: &Domain) -> String {
    let set = &domain.event_set;
    let names = || domain.events.iter().map(|event| event.body.name.as_str());
    let mut text = format!(
        "/// Any `{}` event, for one handler of all events of the domain: see
        /// [`on_all`](lark_events::dispatch::DispatcherBuilder::on_all).
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum {set} {{\n",
        domain.name
    );
    for event in &domain.events {
        text += &comment(&event.doc, 4);
        text += &format!("{0}(Event<{0}>),\n", event.body.name);
    }
    text += &format!(
        "}}

        impl {set} {{
            /// The header of the event.
            #[must_use]
            pub fn header(&self) -> &EventHeader {{
                match self {{\n"
    );
    text.extend(names().map(|name| format!("Self::{name}(event) => &event.header,\n")));
    text += &format!(
        "}}
            }}
        }}

        impl EventSet for {set} {{
            const EVENTS: &'static [EventInfo] = &[{}];

            fn decode(event: Event<RawJson>) -> Result<Option<Self>, DecodeError> {{
                Ok(Some(match event.header.event_type.as_str() {{\n",
        names()
            .map(|name| format!("{name}::INFO, "))
            .collect::<String>()
    );
    for name in names() {
        text += &format!("{name}::EVENT_TYPE => Self::{name}(event.typed()?),\n");
    }
    text + "_ => return Ok(None),
                }))
            }
        }\n"
}
