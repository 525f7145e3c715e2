//! The README of a domain's own crate: an example, and the table of its events.

use super::list::Entry;

pub(crate) fn text(
    name: &str,
    domain: &str,
    about: Option<&str>,
    entries: &[Entry],
    rust_version: &str,
) -> String {
    let about = about.map(|about| format!(": {about}")).unwrap_or_default();
    let mut text = format!(
        "# {name}\n\n\
         Typed `{domain}` events of Feishu/Lark{about}.\n\n\
         The types are generated from the platform's documentation. [`lark-events`](https://docs.rs/lark-events) decrypts, \
         verifies and\n\
         dispatches the events. They arrive by webhook with [`lark-events-tower`](https://docs.rs/lark-events-tower), or over a \
         long connection\n\
         with [`lark-events-ws`](https://docs.rs/lark-events-ws).\n"
    );
    let typed = entries.iter().find(|entry| !entry.is_raw);
    if let Some(Entry { module, name, .. }) = typed.or(entries.first()) {
        let mut uses = [
            "use lark_events::error::BuildError;\n".to_owned(),
            "use lark_events::{Dispatcher, Event};\n".to_owned(),
            format!("use {module}::{name};\n"),
        ];
        uses.sort();
        let uses = uses.concat();
        text += &format!(
            "\n```rust\n{uses}\n\
             async fn on_event(event: Event<{name}>) {{\n\
             \x20   println!(\"{{:?}}: {{:?}}\", event.header.tenant_key, event.body);\n\
             }}\n\n\
             fn dispatcher() -> Result<Dispatcher, BuildError> {{\n\
             \x20   Dispatcher::builder().on::<{name}>(on_event).build()\n\
             }}\n\
             ```\n"
        );
    }
    text += "\n| event | type | source: date of the page, or SDKs |\n| --- | --- | --- |\n";
    for entry in entries {
        let Entry {
            event_type,
            name,
            documented,
            ..
        } = entry;
        text += &format!("| `{event_type}` | `{name}` | {documented} |\n");
    }
    text + &format!(
        "\nRust {rust_version} or newer. Licensed under MIT or Apache-2.0, at your option.\n"
    )
}
