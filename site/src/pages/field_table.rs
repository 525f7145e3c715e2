//! The fields of an event as a table, each below the object that it is in.

use lark_events_types::catalogue::{Field, KnownValue};
use maud::{Markup, html};

use super::prose::prose;

/// The deepest indentation, so that a narrow page has room for a name.
const MAX_DEPTH: usize = 6;

pub(super) fn table(fields: &[Field]) -> Markup {
    html! {
        table.fields {
            thead { tr { th scope="col" { "Field" } th scope="col" { "Type" } th scope="col" { "Description" } } }
            tbody { (rows(fields, "")) }
        }
    }
}

fn rows(fields: &[Field], within: &str) -> Markup {
    let depth = within.matches('.').count().min(MAX_DEPTH);
    html! {
        @for field in fields {
            tr.{ "depth-" (depth) } {
                th scope="row" {
                    // A screen reader does not see how far a name is indented.
                    @if !within.is_empty() { span.hidden { (within) } }
                    code { (field.name) }
                }
                td { code { (field.rust_type) } }
                td {
                    (prose(&field.doc))
                    @if !field.values.is_empty() { (values(&field.values)) }
                }
            }
            (rows(&field.fields, &format!("{within}{}.", field.name)))
        }
    }
}

fn values(values: &[KnownValue]) -> Markup {
    html! {
        ul.values {
            @for value in values {
                li { code { (value.key.as_str()) } " " b { (value.name) } " " (prose(&value.doc)) }
            }
        }
    }
}
