//! Every way in, beside the reference.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::HeaderMap;
use lark_events::{Delivery, EncryptKey, Transport};
use proptest::prelude::*;

use super::document::{document, wrapper};
use super::reference::{self, Event, Verdict};
use crate::support::{KEY, TOKEN, builder, keyed, signed};

/// Encrypts a document with our key and puts it into a wrapper.
fn sealed(wrapper: &str, document: &[u8], iv: [u8; 16]) -> Bytes {
    let sealed = EncryptKey::new(KEY).seal(document, iv);
    wrapper.replace("CIPHERTEXT", &sealed).into()
}

proptest! {
    #![proptest_config(super::config(8))]

    #[test]
    fn any_document_is_what_the_rules_say(document in document()) {
        let parsed = Delivery::parse_unauthenticated(document.clone(), Transport::Local, UNIX_EPOCH);
        prop_assert_eq!(parsed.ok().map(Event::from), reference::event(&document));

        let plain = builder().verification_token(TOKEN).build().unwrap();
        let opened = plain.open(&HeaderMap::new(), document.clone());
        prop_assert_eq!(Verdict::from(opened), reference::plain(&document));

        let headers = signed(KEY, &document);
        let opened = keyed().open(&headers, document.clone());
        prop_assert_eq!(Verdict::from(opened), reference::signed(&document));
    }

    #[test]
    fn any_sealed_document_is_what_the_rules_say(
        document in document(),
        wrapper in wrapper(),
        iv in any::<[u8; 16]>(),
    ) {
        let body = sealed(&wrapper, &document, iv);
        let opened = keyed().open(&signed(KEY, &body), body.clone());
        prop_assert_eq!(Verdict::from(opened), reference::signed(&body));

        let opened = keyed().open(&HeaderMap::new(), body.clone());
        prop_assert_eq!(Verdict::from(opened), reference::unsigned(&body));
    }
}
