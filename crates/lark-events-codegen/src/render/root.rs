//! The root of a domain: its documentation, re-exports and the table of events.

use std::collections::BTreeMap;

use super::super::facts::EventFacts;
use super::super::model::Domain;
use super::super::place::Place;
use super::super::prose::wrap;
use super::{WIDTH, join};

pub(super) fn text(domain: &Domain<'_>) -> String {
    let Domain {
        events,
        types,
        enums,
        ..
    } = domain;
    let names = events.iter().map(|event| event.body.name.as_str());
    let names = join(names.chain([domain.event_set.as_str()]));
    let mut exports = BTreeMap::from([("events", names)]);
    if !types.is_empty() {
        exports.insert("types", join(types.iter().map(|each| each.name.as_str())));
    }
    if !enums.is_empty() {
        exports.insert("enums", join(enums.iter().map(|each| each.name.as_str())));
    }
    let mut modules: Vec<_> = exports.keys().copied().collect();
    modules.extend(domain.has_samples().then_some("samples"));

    let mut text = match domain.place {
        Place::Module(_) => documentation(domain),
        Place::Crate(_) | Place::ByHand(_) => String::new(),
    };
    text.extend(modules.iter().map(|module| format!("mod {module};\n")));
    text += "\n";
    for (module, names) in &exports {
        text += &format!("pub use self::{module}::{{{names}}};\n");
    }
    text += &format!(
        "\n/// Every `{}` event, for manifests and tools.\n",
        domain.name
    );
    text += "///\n/// | event | type | documentation as of |\n/// | --- | --- | --- |\n";
    for event in events {
        let EventFacts {
            event_type,
            page,
            updated,
            ..
        } = &event.spec.facts;
        let documented = match (page, updated) {
            (Some(page), Some(updated)) => format!("[{updated}]({page})"),
            (Some(page), None) => format!("[undated]({page})"),
            (None, _) => "none: a raw body".to_owned(),
        };
        let name = &event.body.name;
        text += &format!("/// | `{event_type}` | [`{name}`] | {documented} |\n");
    }
    text += "pub const EVENTS: &[lark_events::EventInfo] = &[\n";
    for event in events {
        text += &format!("lark_events::EventInfo::of::<{}>(),\n", event.body.name);
    }
    text + "];\n"
}

/// What a module says of itself; a crate has its own words.
fn documentation(domain: &Domain<'_>) -> String {
    let Domain { name, events, .. } = domain;
    let about = domain
        .about
        .map(|about| format!(": {about}"))
        .unwrap_or_default();
    let module = domain.place.module();
    let set = &domain.event_set;
    let typed = events.iter().find(|event| !event.spec.is_raw);
    let first = typed
        .or(events.first())
        .map_or("", |event| &event.body.name);
    let mut lines = Vec::new();
    let mut paragraph = |text: &str| {
        lines.extend(wrap(text, WIDTH - "//! ".len()));
        lines.push(String::new());
    };
    paragraph(&format!("Typed `{name}` events{about}."));
    paragraph(
        "Every field is an `Option`, because the platform does not document which it always sends, \
         and an odd value costs its own field only (see [`lark_events::lenient`]).",
    );
    let example = format!(
        "```
use lark_events::{{Dispatcher, Event}};
use {module}::{{{first}, {set}}};

// A handler of one event …
async fn on_event(event: Event<{first}>) {{
    println!(\"{{:?}}: {{:?}}\", event.header.tenant_key, event.body);
}}
let dispatcher = Dispatcher::builder().on::<{first}>(on_event).build()?;

// … or one of them all.
let dispatcher = Dispatcher::builder()
    .on_all::<{set}>(|event| async move {{ println!(\"{{}}\", event.header().event_type) }})
    .build()?;
# Ok::<(), lark_events::BuildError>(())
```
"
    );
    lines.extend(example.lines().map(str::to_owned));
    lines.push(String::new());
    lines.push("[`EVENTS`] lists what the platform documents of each event.".to_owned());
    let line = |line: &String| format!("//! {line}").trim_end().to_owned() + "\n";
    lines.iter().map(line).collect::<String>() + "\n"
}
