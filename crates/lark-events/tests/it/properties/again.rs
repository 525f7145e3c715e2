//! A delivery that was parsed, written as a document, and parsed again.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use lark_events::error::DecodeError;
use lark_events::{Delivery, Transport};
use proptest::prelude::*;

use super::document::document;

fn parse(document: Bytes) -> Result<Delivery, DecodeError> {
    Delivery::parse_unauthenticated(document, Transport::Local, UNIX_EPOCH)
}

/// A document that names no app, so that the transport adds its own.
fn of_no_app(document: &[u8]) -> Bytes {
    let mut document = document.to_vec();
    let name = b"\"app_id\"";
    for at in 0..document.len().saturating_sub(name.len()) {
        if document[at..].starts_with(name) {
            document[at + 1] = b'z';
        }
    }
    document.into()
}

proptest! {
    #![proptest_config(super::config(8))]

    #[test]
    fn a_delivery_is_read_again_from_its_document(
        document in document(),
        added in proptest::option::of("[a-z\u{8336}\"\\\\]{1,5}"),
    ) {
        let document = match added {
            Some(_) => of_no_app(&document),
            None => document,
        };
        let Ok(mut delivery) = parse(document) else {
            return Ok(());
        };
        delivery.header.app_id = delivery.header.app_id.or(added);

        let again = parse(delivery.to_document());
        prop_assert!(again.is_ok(), "{:?}", again);
        let again = again.unwrap();
        prop_assert_eq!(&again.header, &delivery.header);
        prop_assert_eq!(again.raw.as_str(), delivery.raw.as_str());
        prop_assert_eq!(again.kind, delivery.kind);
        prop_assert_eq!(again.to_document(), delivery.to_document());
    }
}
