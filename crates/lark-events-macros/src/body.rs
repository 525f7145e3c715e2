//! Decoding of a struct, each of whose fields is lenient.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Fields, FieldsNamed, Result};

/// `Deserialize` and `Lenient`.
///
/// serde's own derive does the work, on a copy of the struct in which each field has the attribute that
/// makes it lenient. The copy is a remote one, which gives the struct itself.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let fields = fields(input)?.named.iter().map(|field| {
        let attributes = field.attrs.iter().filter(is_of_serde);
        let (name, of_type) = (&field.ident, &field.ty);
        quote! {
            #(#attributes)*
            #[serde(default, deserialize_with = "::lark_events::lenient::member")]
            #name: #of_type
        }
    });
    let attributes = input.attrs.iter().filter(is_of_serde);
    let remote = name.to_string();
    Ok(quote! {
        const _: () = {
            #[allow(dead_code)]
            #[derive(::lark_events::__derive::serde::Deserialize)]
            #(#attributes)*
            #[serde(crate = "::lark_events::__derive::serde", remote = #remote)]
            struct __LarkEventsBody {
                #(#fields),*
            }

            #[automatically_derived]
            impl<'de> ::lark_events::__derive::serde::Deserialize<'de> for #name {
                fn deserialize<D>(deserializer: D) -> ::core::result::Result<Self, D::Error>
                where
                    D: ::lark_events::__derive::serde::Deserializer<'de>,
                {
                    __LarkEventsBody::deserialize(deserializer)
                }
            }

            ::lark_events::lenient_object!(#name);
        };
    })
}

fn fields(input: &DeriveInput) -> Result<&FieldsNamed> {
    if !input.generics.params.is_empty() {
        let rule = "the body of an event has no generic parameters";
        return Err(Error::new_spanned(&input.generics, rule));
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields),
            _ => Err(Error::new_spanned(&input.ident, NAMED)),
        },
        _ => Err(Error::new_spanned(&input.ident, NAMED)),
    }
}

const NAMED: &str = "the body of an event is a struct with named fields";

fn is_of_serde(attribute: &&Attribute) -> bool {
    attribute.path().is_ident("serde")
}
