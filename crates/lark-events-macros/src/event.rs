//! The event type of a body: `#[event("kitchen.tea.ready_v1", reply = Tea)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{DeriveInput, Error, Ident, LitStr, Result, Token, Type};

use super::body;

/// Implements `EventType`, and the traits of every body.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let body = body::derive(input)?;
    let name = &input.ident;
    let mut attributes = input
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("event"));
    let Some(attribute) = attributes.next() else {
        let rule = "add the event type, as in #[event(\"kitchen.tea.ready_v1\")]";
        return Err(Error::new_spanned(name, rule));
    };
    if let Some(second) = attributes.next() {
        return Err(Error::new_spanned(
            second,
            "expected one `#[event(…)]` attribute",
        ));
    }
    let Facts {
        event_type,
        reply,
        is_old,
    } = attribute.parse_args()?;
    let reply = reply.map_or_else(|| quote!(()), |reply| quote!(#reply));
    let info = is_old.then(|| {
        quote! {
            const INFO: ::lark_events::__derive::EventInfo =
                ::lark_events::__derive::EventInfo::new(#event_type)
                    .schema(::lark_events::__derive::Schema::V1);
        }
    });
    Ok(quote! {
        #body

        #[automatically_derived]
        impl ::lark_events::__derive::EventType for #name {
            const EVENT_TYPE: &'static str = #event_type;
            #info
            type Reply = #reply;
        }
    })
}

/// The contents of the attribute.
struct Facts {
    event_type: LitStr,
    reply: Option<Type>,
    /// Whether the event has a version 1 envelope.
    is_old: bool,
}

impl Parse for Facts {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut facts = Self {
            event_type: input.parse()?,
            reply: None,
            is_old: false,
        };
        if facts.event_type.value().is_empty() {
            let rule = "the event type must not be empty";
            return Err(Error::new_spanned(&facts.event_type, rule));
        }
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            match name.to_string().as_str() {
                "reply" => facts.reply = Some(input.parse()?),
                "schema" => facts.is_old = is_old(&input.parse()?)?,
                _ => return Err(Error::new_spanned(name, "expected `reply` or `schema`")),
            }
        }
        Ok(facts)
    }
}

fn is_old(schema: &LitStr) -> Result<bool> {
    match schema.value().as_str() {
        "1.0" => Ok(true),
        "2.0" => Ok(false),
        _ => Err(Error::new_spanned(schema, "expected \"1.0\" or \"2.0\"")),
    }
}
