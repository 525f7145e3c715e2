//! Opening webhooks, behind signatures and encryption that are made here, so that what the fuzzer
//! makes up arrives in the document; and everything behind it, to the types of the catalogue.
//!
//! An input is a byte that chooses the app, one for what is done to its request and two for where, two
//! that name an event of the catalogue, and the document.

mod app;
mod body;
mod damage;
mod expected;
mod seeds;

use std::str;

use bytes::Bytes;
use lark_events::error::Rejection;
use lark_events::{Delivery, Opened, RawJson};
use serde_json::Value;

use self::app::App;
use self::expected::Expected;
pub use self::seeds::{seeds, words};
use crate::input::Input;

/// The result of a request, to compare. The reason of a rejection depends on the form of the request.
#[derive(Debug, PartialEq)]
enum Seen {
    Refused,
    Challenge(String),
    Delivery {
        header: lark_events::EventHeader,
        raw: RawJson,
    },
}

impl Seen {
    fn of(result: &Result<Opened, Rejection>) -> Self {
        match result {
            Ok(Opened::Challenge(challenge)) => Self::Challenge(challenge.as_str().to_owned()),
            Ok(Opened::Delivery(Delivery { header, raw, .. })) => Self::Delivery {
                header: header.clone(),
                raw: raw.clone(),
            },
            Ok(other) => panic!("opened as {other:?}"),
            Err(_) => Self::Refused,
        }
    }
}

/// Opens a document in every dress, damages its request, and decodes what is in it.
pub fn open(data: &[u8]) {
    let mut input = Input::new(data);
    let app = App::chosen_by(input.byte());
    let (how, at) = (input.byte(), input.number());
    let chosen = body::known(input.number());
    let document = Bytes::copy_from_slice(input.rest());
    let value: Option<Value> = serde_json::from_slice(&document).ok();

    if let App::Card(_) = app {
        opens_card(app, &document, value.as_ref());
    } else {
        opens(app, &document, value.as_ref());
    }
    damage::is_refused(app, how, at.into(), &document);
    if let Ok(raw) = RawJson::parse(document) {
        body::decodes(chosen, &raw);
    }
}

/// All that an app can do with a document; it is the same in whatever dress it comes.
fn opens(app: &App, document: &Bytes, value: Option<&Value>) {
    let opened = app.open(&app.dressed(document));
    let seen = Seen::of(&opened);
    if seen != Seen::Refused {
        assert!(
            RawJson::parse(document.clone()).is_ok(),
            "no JSON is opened"
        );
    }
    if app.has_key() && !may_be_sealed(document, value) {
        for body in [document.clone(), app::sealed_loosely(document)] {
            let other = Seen::of(&app.open(&app.signed(body)));
            assert_eq!(other, seen, "in another dress");
        }
    }
    if app.has_key() {
        for body in [document.clone(), app::sealed(document)] {
            match Seen::of(&app.open(&app::unsigned(body))) {
                Seen::Refused => {}
                // What is accepted unsigned is a URL check, and is one when it is signed, too.
                check => assert!(
                    check == seen && matches!(seen, Seen::Challenge(_)),
                    "{check:?}"
                ),
            }
        }
    }
    if let Some(value) = value {
        agrees(app, &seen, value);
    }
    if let Ok(Opened::Delivery(delivery)) = opened {
        is_read_again(&delivery);
        body::handles(delivery);
    }
}

/// A delivery is read again from its document.
fn is_read_again(delivery: &Delivery) {
    let document = delivery.to_document();
    let (transport, received_at) = (delivery.transport, delivery.received_at);
    let again = Delivery::parse_unauthenticated(document, transport, received_at);
    let again = again.expect("a document is read again");
    assert_eq!(again.header, delivery.header);
    assert_eq!(again.raw, delivery.raw);
    assert_eq!(again.kind, delivery.kind);
}

/// Our reader agrees with another one on documents without duplicate members. Documents with
/// duplicates may only be rejected.
fn agrees(app: &App, seen: &Seen, value: &Value) {
    let expected = Expected::of(value, app);
    if *seen != Seen::Refused {
        expected.assert_is(seen, false);
    }
    let once = Bytes::from(value.to_string());
    if once.len() <= lark_events::limits::MAX_EVENT_BYTES / 2 {
        expected.assert_is(&Seen::of(&app.open(&app.dressed(&once))), true);
    }
}

fn opens_card(app: &App, document: &Bytes, value: Option<&Value>) {
    let opened = app.open(&app.signed(document.clone()));
    if let Seen::Delivery { header, raw } = Seen::of(&opened) {
        assert_eq!(raw.as_bytes(), document);
        assert_eq!(header.event_type, "card.action.trigger_v1");
        let tenant = value
            .map(|value| &value["tenant_key"])
            .filter(|tenant| tenant.is_string());
        if let Some(tenant) = tenant {
            assert_eq!(header.tenant_key.unwrap_or_default(), *tenant);
        }
    }
    match Seen::of(&app.open(&app::unsigned(document.clone()))) {
        Seen::Refused => {}
        check => {
            assert!(matches!(check, Seen::Challenge(_)), "{check:?}");
            assert_eq!(check, Seen::of(&opened));
        }
    }
    if let Ok(Opened::Delivery(delivery)) = opened {
        body::handles(delivery);
    }
}

/// Whether a plain document may be read as an encrypted one.
fn may_be_sealed(document: &[u8], value: Option<&Value>) -> bool {
    let Some(value) = value else {
        let text = str::from_utf8(document).unwrap_or_default();
        return text.contains("encrypt") || text.contains(r"\u");
    };
    value.get("encrypt").is_some()
}
