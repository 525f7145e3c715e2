//! Events: their bodies, and what is documented of them.

use std::collections::BTreeSet;

use super::super::facts::{Envelope, EventFacts, Scope};
use super::super::model::{Domain, Event};
use super::super::names::constant_name;
use super::super::prose::{code_list, wrap};
use super::structure::structure;
use super::validation::{self, validation};
use super::{WIDTH, comment, event_set, join};

/// The file of a domain's events.
pub(super) fn file(domain: &Domain<'_>) -> String {
    let events = &domain.events;
    let mut imports = BTreeSet::from(event_set::IMPORTS);
    for Event { body, spec } in events {
        imports.extend((!body.fields.is_empty()).then_some("lenient"));
        imports.extend((spec.facts.schema != Envelope::V2).then_some("Schema"));
        imports.extend(validation::imports(body.is_validated));
    }
    let fields = events.iter().flat_map(|event| &event.body.fields);
    let mut uses: BTreeSet<_> = fields.filter_map(|field| field.uses.as_deref()).collect();
    uses.extend(domain.has_samples().then_some("samples"));

    let mut text = format!("use lark_events::{{{}}};\n", join(imports));
    text += "use serde::{Deserialize, Serialize};\n\n";
    if !uses.is_empty() {
        text += &format!("use super::{{{}}};\n\n", join(uses));
    }
    for each in events {
        text += &event(each);
        text += "\n";
    }
    text + &event_set::text(domain)
}

fn event(event: &Event<'_>) -> String {
    let Event { body, spec } = event;
    let facts = &spec.facts;
    let mut text = comment(&body.doc, 0);
    text += "///\n";
    for fact in event_facts(facts) {
        // The next lines of an item are indented, or they would be no part of it.
        let mut lines = wrap(&fact, WIDTH - "/// - ".len()).into_iter();
        text.extend(lines.next().map(|line| format!("/// - {line}\n")));
        text.extend(lines.map(|line| format!("///   {line}\n")));
    }
    if spec.is_raw {
        text += "///\n";
        text += &comment(UNDESCRIBED, 0);
        text += &raw_structure(&body.name);
    } else {
        text += &structure(body);
    }
    text += &event_impl(event);
    text += &validation(body);
    if !spec.is_raw {
        text += &format!("\nlark_events::lenient_object!({});\n", body.name);
    }
    text
}

/// What is said of an event that no page describes.
const UNDESCRIBED: &str =
    "No page that is known here describes its body, which is kept as it was sent.";

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

/// The facts of an event, an item of a list each.
fn event_facts(facts: &EventFacts) -> Vec<String> {
    let mut items = vec![format!(
        "Event type: `{}`, {}",
        facts.event_type,
        facts.schema.phrase()
    )];
    for (label, scopes) in [
        ("Permission, any one of", &facts.scopes),
        ("Permission for single fields", &facts.field_scopes),
    ] {
        let scopes: Vec<_> = scopes
            .iter()
            .map(|scope| scope_text(scope, facts))
            .collect();
        let label = match scopes.len() {
            1 => label.trim_end_matches(", any one of"),
            _ => label,
        };
        items.extend((!scopes.is_empty()).then(|| format!("{label}: {}", scopes.join(", "))));
    }
    if !facts.app_types.is_empty() {
        items.push(format!("App types: {}", code_list(&facts.app_types)));
    }
    if let Some(page) = &facts.page {
        let updated = facts.updated.iter().map(|day| format!(", as of {day}"));
        items.push(format!(
            "Documentation{}: <{page}>",
            updated.collect::<String>()
        ));
    }
    items
}

/// A permission, with the kinds of app that can have it where not all of the event's can.
fn scope_text(scope: &Scope, facts: &EventFacts) -> String {
    let mut limits = Vec::new();
    if !scope.app_types.is_empty() && scope.app_types != facts.app_types {
        limits.push(format!("only {} apps", code_list(&scope.app_types)));
    }
    if scope.retired {
        limits.push("no longer given".to_owned());
    }
    let name = &scope.name;
    if limits.is_empty() {
        return format!("`{name}`");
    }
    format!("`{name}` ({})", limits.join(", "))
}

fn event_impl(event: &Event<'_>) -> String {
    let Event { body, spec } = event;
    let name = &body.name;
    let facts = &spec.facts;
    // An app is only told to apply for what it can get.
    let names = |scopes: &[Scope]| -> Vec<String> {
        let all_retired = scopes.iter().all(|scope| scope.retired);
        let offered = scopes.iter().filter(|scope| all_retired || !scope.retired);
        offered.map(|scope| scope.name.clone()).collect()
    };
    let doc = body.doc.trim_end_matches('.');
    let title = doc.split_once(". ").map_or(doc, |(first, _)| first);
    // Laid out here, because rustfmt leaves a chain alone that has a long text in it.
    let mut info = format!("EventInfo::new(Self::EVENT_TYPE)\n        .title({title:?})");
    if facts.schema != Envelope::V2 {
        info += "\n        .schema(Schema::V1)";
    }
    for (setter, text) in [("page", &facts.page), ("updated", &facts.updated)] {
        if let Some(text) = text {
            info += &format!("\n        .{setter}({text:?})");
        }
    }
    for (setter, names) in [
        ("scopes", &names(&facts.scopes)),
        ("field_scopes", &names(&facts.field_scopes)),
        ("app_types", &facts.app_types),
        ("push_modes", &facts.push_modes),
    ] {
        if !names.is_empty() {
            info += &format!("\n        .{setter}(&{names:?})");
        }
    }
    if spec.sample.is_some() {
        info += &format!("\n        .sample(samples::{})", constant_name(name));
    }
    format!(
        "\nimpl EventType for {name} {{
            const EVENT_TYPE: &'static str = {:?};
            const INFO: EventInfo = {info};
            type Reply = ();
        }}\n",
        facts.event_type
    )
}
