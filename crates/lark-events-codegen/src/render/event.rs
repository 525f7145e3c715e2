//! Events: their bodies and documented facts.

use std::collections::BTreeSet;

use super::super::model::{Domain, Event};
use super::super::prose::wrap;
use super::structure::structure;
use super::validation::{self, validation};
use super::{WIDTH, comment, event_set, uses};

/// The file of a domain's events.
pub(super) fn file(domain: &Domain) -> String {
    let mut imports = BTreeSet::from(event_set::IMPORTS);
    for Event { body, info, .. } in &domain.events {
        imports.extend((!body.fields.is_empty()).then_some("lenient"));
        imports.extend(info.is_old.then_some("event::Schema"));
        imports.extend(validation::imports(body));
    }
    let mut siblings: Vec<_> = domain.used_by_events.iter().map(String::as_str).collect();
    siblings.extend(domain.has_samples().then_some("samples"));

    let mut text = uses("lark_events", imports);
    text += "use serde::{Deserialize, Serialize};\n\n";
    text += &uses("super", siblings);
    text += "\n";
    for each in &domain.events {
        text += &event(each);
        text += "\n";
    }
    text + &event_set::text(domain)
}

pub(super) fn event(event: &Event) -> String {
    let Event { body, raw, .. } = event;
    let mut text = comment(&event.doc, 0);
    text += "///\n";
    for fact in &event.facts {
        // Further lines of an item must be indented to belong to it.
        let mut lines = wrap(fact, WIDTH - "/// - ".len()).into_iter();
        text.extend(lines.next().map(|line| format!("/// - {line}\n")));
        text.extend(lines.map(|line| format!("///   {line}\n")));
    }
    if let Some(why) = raw {
        text += "///\n";
        text += &comment(why, 0);
        text += &raw_structure(&body.name);
    } else {
        text += &structure(body);
    }
    text += &event_impl(event);
    text += &validation(body);
    if raw.is_none() {
        text += &format!("\nlark_events::lenient_object!({});\n", body.name);
    }
    text
}

fn raw_structure(name: &str) -> String {
    format!(
        "#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct {name}(
            /// The body as it was sent.
            pub RawJson,
        );\n"
    )
}

fn event_impl(event: &Event) -> String {
    let facts = &event.info;
    // Formatted here, because rustfmt skips a chain that contains a long string.
    let mut info = format!(
        "EventInfo::new(Self::EVENT_TYPE)\n        .title({:?})",
        facts.title
    );
    if facts.is_old {
        info += "\n        .schema(Schema::V1)";
    }
    for (setter, text) in [("page", &facts.page), ("updated", &facts.updated)] {
        if let Some(text) = text {
            info += &format!("\n        .{setter}({text:?})");
        }
    }
    for (setter, names) in [
        ("scopes", &facts.scopes),
        ("field_scopes", &facts.field_scopes),
        ("app_types", &facts.app_types),
    ] {
        if !names.is_empty() {
            info += &format!("\n        .{setter}(&{names:?})");
        }
    }
    let sample = event.sample.as_ref().map_or_else(String::new, |sample| {
        let constant = &sample.constant;
        format!("const SAMPLE: Option<&'static str> = Some(samples::{constant});\n            ")
    });
    format!(
        "\nimpl EventType for {} {{
            const EVENT_TYPE: &'static str = {:?};
            const INFO: EventInfo = {info};
            {sample}type Reply = ();
        }}\n",
        event.body.name, event.event_type
    )
}
