//! The attributes of any delivery keep the rules of the CloudEvents specification 1.0.2, which are written
//! here once more.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderName, HeaderValue, Uri};
use lark_events::event::{CloudEvent, Schema};
use lark_events::{Delivery, EventHeader, RawJson, Transport};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::document;

/// A CloudEvent as a reader of another library sees it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Structured<'a> {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    time: Option<String>,
    datacontenttype: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn received_at() -> impl Strategy<Value = SystemTime> {
    (any::<bool>(), any::<u64>(), 0..1_000_000_000u32).prop_map(|(later, seconds, nanos)| {
        let distance = Duration::new(seconds >> 20, nanos);
        let time = if later {
            UNIX_EPOCH.checked_add(distance)
        } else {
            UNIX_EPOCH.checked_sub(distance)
        };
        time.unwrap_or(UNIX_EPOCH)
    })
}

fn parsed() -> impl Strategy<Value = Option<Delivery>> {
    (document(), received_at()).prop_map(|(document, at)| {
        Delivery::parse_unauthenticated(document, Transport::Local, at).ok()
    })
}

fn built() -> impl Strategy<Value = Option<Delivery>> {
    let text = || prop_oneof![any::<String>(), "[ -~]{0,9}", "[0-9]{9,17}"];
    let maybe = || proptest::option::of(text());
    let header = (any::<bool>(), text(), maybe(), maybe(), maybe(), maybe());
    (header, received_at()).prop_map(|((old, event_type, id, time, app, tenant), at)| {
        let mut header = EventHeader::new(event_type);
        header.schema = if old { Schema::V1 } else { Schema::V2 };
        header.event_id = id;
        header.create_time = time;
        header.app_id = app;
        header.tenant_key = tenant;
        let mut delivery = Delivery::new(header, RawJson::default());
        delivery.received_at = at;
        Some(delivery)
    })
}

/// Undoes percent-encoding. `None` if it is not well-formed.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [*rest.next()?, *rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Whether each character is allowed in a String of the specification.
fn is_string(text: &str) -> bool {
    text.chars().all(|char| {
        let allowed = !matches!(char, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{fdd0}'..='\u{fdef}');
        allowed && !matches!(u32::from(char) % 0x1_0000, 0xfffe | 0xffff)
    })
}

/// Whether it has the form of `date-time` in RFC 3339, in UTC and with a year from 1.
fn is_date_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00";
    let Some(rest) = text.strip_suffix('Z') else {
        return false;
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "000"));
    let in_form = |(byte, form): (u8, u8)| match form {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    };
    whole.len() == form.len()
        && whole.bytes().zip(form.bytes()).all(in_form)
        && !whole.starts_with("0000")
        && [3, 6, 9].contains(&fraction.len())
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

fn check(delivery: &Delivery) -> Result<(), TestCaseError> {
    let event = delivery.to_cloud_event();
    for (name, value) in event.attributes() {
        prop_assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()));
        prop_assert!(!value.is_empty() && is_string(value), "{name}: {value:?}");
    }

    let given = delivery.header.event_id.as_deref().unwrap_or_default();
    if event.id.starts_with("sha256:") {
        prop_assert!(given.is_empty() || !is_string(given) || given == event.id);
    } else {
        prop_assert_eq!(&event.id, given);
    }

    let source: Option<(_, _)> = event
        .source
        .strip_prefix("feishu://")
        .and_then(|parts| parts.split_once('/'));
    let (app, tenant) = source.expect("an app and a tenant");
    for (part, of) in [
        (app, &delivery.header.app_id),
        (tenant, &delivery.header.tenant_key),
    ] {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        prop_assert!(part.bytes().all(unreserved), "{part}");
        let decoded = decoded(part);
        prop_assert_eq!(decoded.as_deref(), Some(of.as_deref().unwrap_or_default()));
    }

    if let Some(time) = &event.time {
        prop_assert!(is_date_time(time), "{time}");
    }
    if delivery.header.created_at().is_some() {
        prop_assert!(event.time.is_some());
    }
    prop_assert_eq!(event.data.as_bytes(), &delivery.to_document()[..]);
    check_headers(&event)?;
    check_json(&event)
}

fn check_headers(event: &CloudEvent) -> Result<(), TestCaseError> {
    let attributes: Vec<_> = event.attributes().collect();
    let headers = event.nats_headers().zip(event.http_headers());
    prop_assert_eq!(headers.count(), attributes.len());
    let headers = event.nats_headers().zip(event.http_headers());
    for ((nats, http), (name, value)) in headers.zip(attributes) {
        prop_assert_eq!(nats.0, format!("ce-{name}"));
        prop_assert!(http.0 == nats.0 || http.0 == "content-type");
        prop_assert!(HeaderName::from_bytes(http.0.as_bytes()).is_ok());
        prop_assert_eq!(&nats.1, &http.1);

        let header = HeaderValue::from_str(&http.1);
        prop_assert!(header.is_ok_and(|header| header.to_str().is_ok()));
        prop_assert!(!http.1.contains([' ', '"']), "{}", http.1);
        let decoded = decoded(&http.1);
        prop_assert_eq!(decoded.as_deref(), Some(value));
    }
    Ok(())
}

fn check_json(event: &CloudEvent) -> Result<(), TestCaseError> {
    let json = event.to_json();
    let read = serde_json::from_slice::<Structured<'_>>(&json);
    prop_assert!(read.is_ok(), "{:?}", read.err());
    let read = read.unwrap();
    prop_assert_eq!(read.specversion, "1.0");
    prop_assert_eq!(&read.id, &event.id);
    prop_assert_eq!(&read.source, &event.source);
    prop_assert_eq!(&read.event_type, &event.event_type);
    prop_assert_eq!(&read.time, &event.time);
    prop_assert_eq!(read.datacontenttype, "application/json");
    prop_assert_eq!(read.data.get(), event.data.as_str());
    Ok(())
}

proptest! {
    #![proptest_config(super::config(4))]

    #[test]
    fn any_delivery_has_valid_attributes(
        delivery in prop_oneof![parsed(), built()],
    ) {
        if let Some(delivery) = delivery {
            check(&delivery)?;
        }
    }

    #[test]
    fn a_cloud_event_is_the_same_after_its_data_is_read_again(delivery in parsed()) {
        let Some(delivery) = delivery else {
            return Ok(());
        };
        let event = delivery.to_cloud_event();
        let again = Delivery::parse_unauthenticated(
            event.data.clone().into_bytes(),
            delivery.transport,
            delivery.received_at,
        );
        prop_assert_eq!(again.unwrap().to_cloud_event(), event);
    }
}

#[test]
fn a_source_is_a_uri_with_the_app_as_its_host() {
    for (app, tenant) in [(Some("cli_a"), Some("t")), (Some("cli_a"), None)] {
        let mut header = EventHeader::new("x_v1");
        header.app_id = app.map(str::to_owned);
        header.tenant_key = tenant.map(str::to_owned);
        let event = Delivery::new(header, RawJson::default()).to_cloud_event();
        let uri: Uri = event.source.parse().unwrap();
        assert_eq!(uri.scheme_str(), Some("feishu"));
        assert_eq!(uri.host(), app);
        assert_eq!(
            uri.path().trim_start_matches('/'),
            tenant.unwrap_or_default()
        );
    }
}
