//! A body without names for its fields.

use lark_events::lenient::Lenient;

#[derive(Lenient)]
struct Cup(Option<String>);
//~ an event body must be a struct with named fields

fn main() {}
