//! Decoding of structs with lenient fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Fields, FieldsNamed, Result};

/// `Deserialize` and `Lenient`.
///
/// serde's derive does the work, on a copy of the struct in which each field has the attribute that
/// makes it lenient. The copy is a serde remote type, so it decodes into the struct itself.
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
        let rule = "an event body cannot have generic parameters";
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

const NAMED: &str = "an event body must be a struct with named fields";

fn is_of_serde(attribute: &&Attribute) -> bool {
    attribute.path().is_ident("serde")
}
