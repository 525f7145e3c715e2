//! Prints deliveries of all forms as CloudEvents, each as a line of JSON. `cargo xtask interop` has the
//! official CloudEvents SDKs read them.

use std::error::Error;
use std::io::{self, BufWriter, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lark_events::event::{CloudEvent, Schema};
use lark_events::{Delivery, EventHeader, RawJson};
use serde_json::{Value, json};

const SCHEMAS: [Schema; 2] = [Schema::V1, Schema::V2];

const IDS: [Option<&str>; 6] = [
    Some("5e3702a84e847582be8db7fb73283c02"),
    Some("with \"quotes\", 100% spaces and \\"),
    Some("茶 😀 é \u{fffd}"),
    Some("a\r\nce-type: forged"),
    Some(""),
    None,
];

const NAMES: [Option<&str>; 5] = [
    Some("cli_9f5343c580712544"),
    Some("a/b?c#d@e:f [g] %41"),
    Some("茶"),
    Some(".."),
    None,
];

const TYPES: [&str; 4] = ["im.message.receive_v1", "message", "a \"type\" 茶", "\u{7}"];

/// A time as the platform sends it, and the microseconds since the epoch. A time that is not one is that of
/// the arrival.
const TIMES: [(Option<&str>, i64); 8] = [
    (Some("1608725989"), 1_608_725_989_000_000),
    (Some("1608725989123"), 1_608_725_989_123_000),
    (Some("1603977298000001"), 1_603_977_298_000_001),
    (Some("1502199207.7171419"), 1_502_199_207_717_141),
    (Some("0"), 0),
    (Some("99999999999"), 99_999_999_999_000_000),
    (Some("yesterday"), RECEIVED_AT),
    (None, RECEIVED_AT),
];

/// Microseconds before the epoch.
const RECEIVED_AT: i64 = -1_000_001;

const BODIES: [&str; 5] = [
    "{}",
    r#"{"a": 1.50, "b": [18446744073709551616, -0, 1E2, 1e400], "c": null}"#,
    r#"{"a": "茶\ud83c\udf75\/\u0000\b", "b": "\ud800", "a": "twice"}"#,
    r#" { "type" : "of the body", "data_base64": "AA==", "specversion": "0.3" } "#,
    r#"[["a list"], true]"#,
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut count = 0_usize;
    for schema in SCHEMAS {
        for id in IDS {
            for app in NAMES {
                for (time, micros) in TIMES {
                    let mut header = EventHeader::new(TYPES[count % TYPES.len()]);
                    header.schema = schema;
                    header.event_id = id.map(str::to_owned);
                    header.create_time = time.map(str::to_owned);
                    header.app_id = app.map(str::to_owned);
                    header.tenant_key = NAMES[count / 2 % NAMES.len()].map(str::to_owned);
                    let body = RawJson::parse(BODIES[count / 3 % BODIES.len()])?;
                    let mut delivery = Delivery::new(header, body);
                    delivery.received_at = received_at();
                    writeln!(out, "{}", case(&delivery.to_cloud_event(), micros))?;
                    count += 1;
                }
            }
        }
    }
    Ok(out.flush()?)
}

fn received_at() -> SystemTime {
    UNIX_EPOCH - Duration::from_micros(RECEIVED_AT.unsigned_abs())
}

fn case(event: &CloudEvent, micros: i64) -> Value {
    let attributes: Vec<_> = event.attributes().collect();
    let http: Vec<_> = event.http_headers().collect();
    let nats: Vec<_> = event.nats_headers().collect();
    let structured = event.to_json();
    json!({
        "attributes": attributes,
        "micros": micros,
        "http": http,
        "nats": nats,
        "body": event.data.as_str(),
        "media_type": CloudEvent::MEDIA_TYPE,
        "structured": String::from_utf8_lossy(&structured),
    })
}
