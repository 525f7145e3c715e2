//! Open enums: the keys that have names, and one for all others.

use super::super::model::Enum;
use super::comment;

pub(super) fn text(each: &Enum) -> String {
    let name = &each.name;
    let (copy, unknown, macro_name) = if each.is_text {
        ("", "String", "open_string_enum")
    } else {
        ("Copy, ", "i64", "open_integer_enum")
    };
    let mut text = comment(&each.doc, 0);
    text += &format!("#[derive(Debug, Clone, {copy}PartialEq, Eq, Hash)]\n#[non_exhaustive]\n");
    text += &format!("pub enum {name} {{\n");
    for variant in &each.variants {
        text += &comment(&variant.doc_with_key, 4);
        text += &format!("{},\n", variant.name);
    }
    text += &comment("A value that has no variant in this version.", 4);
    text += &format!("Unknown({unknown}),\n}}\n\n");

    let keys = each.variants.iter();
    let keys = keys.map(|variant| format!("    {} = {},\n", variant.name, variant.key));
    let keys = keys.collect::<String>();
    text + &format!("lark_events::{macro_name}!({name} {{\n{keys}}});\n")
}
