//! A body without names for its fields.

use lark_events::lenient::Lenient;

#[derive(Lenient)]
struct Cup(Option<String>);
//~ the body of an event is a struct with named fields

fn main() {}
