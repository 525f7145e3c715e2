//! Structs: the bodies of events, and the types within them.

use std::collections::BTreeSet;

use super::super::model::{Domain, Field, Struct};
use super::validation::{self, validation};
use super::{comment, join, uses};

/// The file of a domain's types.
pub(super) fn types(domain: &Domain) -> String {
    let mut imports = BTreeSet::new();
    for each in &domain.types {
        imports.extend((!each.fields.is_empty()).then_some("lenient"));
        imports.extend(validation::imports(each));
    }
    let mut text = uses("lark_events", imports);
    text += "use serde::{Deserialize, Serialize};\n\n";
    text += &uses("super", domain.used_by_types.iter().map(String::as_str));
    text += "\n";
    for each in &domain.types {
        text += &structure(each);
        text += &validation(each);
        text += "\n";
    }
    let names = join(domain.types.iter().map(|each| each.name.as_str()));
    text + &format!("lark_events::lenient_object!({names});\n")
}

pub(super) fn structure(body: &Struct) -> String {
    let docs: Vec<_> = body.docs.iter().map(|doc| comment(doc, 0)).collect();
    let mut text = docs.join("///\n");
    if body.has_undocumented {
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
