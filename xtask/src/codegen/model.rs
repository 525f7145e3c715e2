//! What is to be generated for one domain, with every name and every word decided.

use super::spec::Spec;

/// One crate's worth of generated code. Everything is sorted by Rust name, fields by the page.
#[derive(Debug)]
pub(crate) struct Domain<'a> {
    /// Such as `vc`.
    pub(crate) name: &'a str,
    pub(crate) events: Vec<Event<'a>>,
    pub(crate) types: Vec<Struct>,
    pub(crate) enums: Vec<Enum>,
}

#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) body: Struct,
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug)]
pub(crate) struct Field {
    /// On the wire.
    pub(crate) wire_name: String,
    pub(crate) name: String,
    pub(crate) doc: String,
    /// Without the `Option`.
    pub(crate) rust_type: String,
    /// The generated type or enum that it mentions.
    pub(crate) uses: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) variants: Vec<Variant>,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) key: i64,
    pub(crate) name: String,
    pub(crate) doc: String,
}
