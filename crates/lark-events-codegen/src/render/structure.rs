//! Structs: the bodies of events, and the types within them.

use std::collections::BTreeSet;

use super::super::model::{Domain, Field, Struct};
use super::validation::{self, validation};
use super::{comment, join};

/// How many events the documentation of a type names.
const MAX_PART_OF: usize = 3;

/// The file of a domain's types.
pub(super) fn types(domain: &Domain<'_>) -> String {
    let fields = || domain.types.iter().flat_map(|each| &each.fields);
    let uses: BTreeSet<_> = fields().filter_map(|field| field.uses.as_deref()).collect();
    // The other types are in this very file.
    let enums = domain.enums.iter().map(|each| each.name.as_str());
    let enums = join(enums.filter(|name| uses.contains(name)));

    let mut imports = BTreeSet::new();
    imports.extend(fields().next().map(|_| "lenient"));
    let is_validated = domain.types.iter().any(|each| each.is_validated);
    imports.extend(validation::imports(is_validated));
    let mut text = String::new();
    if !imports.is_empty() {
        text += &format!("use lark_events::{{{}}};\n", join(imports));
    }
    text += "use serde::{Deserialize, Serialize};\n\n";
    if !enums.is_empty() {
        text += &format!("use super::{{{enums}}};\n\n");
    }
    for each in &domain.types {
        if !each.doc.is_empty() {
            text += &comment(&each.doc, 0);
            text += "///\n";
        }
        text += &comment(&part_of(&each.part_of), 0);
        text += &structure(each);
        text += &validation(each);
        text += "\n";
    }
    let names = join(domain.types.iter().map(|each| each.name.as_str()));
    text + &format!("lark_events::lenient_object!({names});\n")
}

/// `Part of A, B and 3 more events.`
fn part_of(events: &[String]) -> String {
    let named = &events[..events.len().min(MAX_PART_OF)];
    let named: Vec<_> = named
        .iter()
        .map(|name| format!("[`{name}`](super::{name})"))
        .collect();
    let more = match events.len() - named.len() {
        0 => String::new(),
        1 => " and 1 more event".to_owned(),
        more => format!(" and {more} more events"),
    };
    format!("Part of {}{more}.", named.join(", "))
}

pub(super) fn structure(body: &Struct) -> String {
    let mut text = String::new();
    if body.fields.iter().any(|field| field.doc.is_empty()) {
        text += "#[expect(missing_docs, reason = \"the names say it\")]\n";
    }
    text += &format!(
        "#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct {} {{\n",
        body.name
    );
    for field in &body.fields {
        if !field.doc.is_empty() {
            text += &comment(&field.doc, 4);
        }
        text += &member(field);
    }
    text + "}\n"
}

fn member(field: &Field) -> String {
    let Field {
        wire_name,
        name,
        rust_type,
        ..
    } = field;
    let rename = if wire_name == name {
        String::new()
    } else {
        format!("rename = {wire_name:?}, ")
    };
    format!(
        "#[serde({rename}deserialize_with = \"lenient::field\", \
         skip_serializing_if = \"Option::is_none\")]
        pub {name}: Option<{rust_type}>,\n"
    )
}
