//! The derive macros of `lark-events`. Its feature `derive` re-exports and documents them.
//!
//! The generated code refers to everything through `::lark_events`, so that an app needs no dependency
//! on serde.

mod body;
mod event;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Code;
use syn::{DeriveInput, parse_macro_input};

/// Implements `EventType` for a struct, and decodes it leniently.
#[proc_macro_derive(EventType, attributes(event, serde))]
pub fn derive_event_type(input: TokenStream) -> TokenStream {
    derive(&parse_macro_input!(input), event::derive)
}

/// Implements `Lenient` for a struct within the body of an event, and decodes it leniently.
#[proc_macro_derive(Lenient, attributes(serde))]
pub fn derive_lenient(input: TokenStream) -> TokenStream {
    derive(&parse_macro_input!(input), body::derive)
}

fn derive(input: &DeriveInput, write: fn(&DeriveInput) -> syn::Result<Code>) -> TokenStream {
    let code = write(input);
    code.unwrap_or_else(|error| error.to_compile_error()).into()
}
