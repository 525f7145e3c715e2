//! The root of a domain: its documentation, re-exports and the table of events.

use std::collections::BTreeMap;

use super::super::model::{Domain, Event, ModuleDoc, Struct};
use super::super::prose::wrap;
use super::{WIDTH, join};

pub(super) fn text(domain: &Domain) -> String {
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

    let doc = domain.module_doc.as_ref();
    let mut text = doc.map_or_else(String::new, |doc| documentation(doc, &domain.event_set));
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
        let Event {
            event_type,
            documented,
            body: Struct { name, .. },
            ..
        } = event;
        text += &format!("/// | `{event_type}` | [`{name}`] | {documented} |\n");
    }
    text += "pub const EVENTS: &[lark_events::event::KnownEvent] = &[\n";
    for event in events {
        text += &format!(
            "lark_events::event::KnownEvent::of::<{}>(),\n",
            event.body.name
        );
    }
    text + "];\n"
}

/// The documentation of a module.
fn documentation(doc: &ModuleDoc, set: &str) -> String {
    let ModuleDoc {
        summary,
        module,
        example: first,
    } = doc;
    let mut lines = Vec::new();
    let mut paragraph = |text: &str| {
        lines.extend(wrap(text, WIDTH - "//! ".len()));
        lines.push(String::new());
    };
    paragraph(summary);
    paragraph(
        "Every field is an `Option`, because the platform does not document which fields it always \
         sends. A value of an unexpected type leaves only its field empty (see \
         [`lark_events::lenient`]).",
    );
    let example = format!(
        "```
use lark_events::{{Dispatcher, Event}};
use {module}::{{{first}, {set}}};

// Handle one event …
async fn on_event(event: Event<{first}>) {{
    println!(\"{{:?}}: {{:?}}\", event.header.tenant_key, event.body);
}}
let dispatcher = Dispatcher::builder().on::<{first}>(on_event).build()?;

// … or every event of the domain with one handler.
let dispatcher = Dispatcher::builder()
    .on_all::<{set}>(|event| async move {{ println!(\"{{}}\", event.header().event_type) }})
    .build()?;
# Ok::<(), lark_events::error::BuildError>(())
```
"
    );
    lines.extend(example.lines().map(str::to_owned));
    lines.push(String::new());
    lines.push("[`EVENTS`] lists what the platform documents of each event.".to_owned());
    let line = |line: &String| format!("//! {line}").trim_end().to_owned() + "\n";
    lines.iter().map(line).collect::<String>() + "\n"
}
