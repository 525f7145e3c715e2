//! Every sample of the catalogue as it is pushed to one app or another; URL checks; and oddities.

use lark_events::event::Schema;
use lark_events_types::catalogue::events;
use serde_json::Value;

use super::app::{App, TOKEN};
use super::damage;

/// Members that no reader makes sense of, or not every one.
const ODD: [&str; 8] = [
    r#""\ud800":1"#,
    r#""odd":1e400"#,
    r#""odd":"\ud800""#,
    r#""odd":123456789012345678901234567890"#,
    r#""odd":{"a":1,"a":2}"#,
    r#""event_type":7"#,
    r#""odd":[[[[null]]],-0,1.5e-9]"#,
    r#""odd":"\u4f1a\"\\""#,
];

/// Inputs to begin with.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (index, known) in (0u16..).zip(events()) {
        let Some(sample) = known.sample else { continue };
        let [high, low] = index.to_be_bytes();
        let mut document: Value = serde_json::from_str(sample).expect("a sample is JSON");
        match known.info.schema {
            Schema::V1 => document["token"] = TOKEN.into(),
            _ if document.get("header").is_some() => document["header"]["token"] = TOKEN.into(),
            _ => {}
        }
        let app = if document.get("header").or(document.get("event")).is_some() {
            low % (App::COUNT - 1)
        } else {
            App::COUNT - 1
        };
        let odd = ODD[usize::from(index) % ODD.len()];
        let document = document.to_string();
        let odder = document.replacen('{', &format!("{{{odd},"), usize::from(index % 3));
        let choices = [app, low % damage::COUNT, high, low, high, low];
        seeds.push([&choices[..], document.as_bytes()].concat());
        seeds.push([&choices[..], odder.as_bytes()].concat());
    }
    for app in 0..App::COUNT {
        for document in [
            format!(r#"{{"type":"url_verification","token":"{TOKEN}","challenge":"a-1_B"}}"#),
            format!(r#"{{"challenge":7,"type":"url_verification","token":"{TOKEN}","odd":1}}"#),
            format!(r#"{{"type":"event_callback","token":"{TOKEN}","event":{{"type":"x"}}}}"#),
            format!(
                r#"{{"type":"event_callback","token":"{TOKEN}","header":{{"app_id":"cli_a"}},
                    "event":{{"type":"x"}}}}"#
            ),
            format!(r#"{{"header":{{"event_type":"x_v1","token":"{TOKEN}"}},"encrypt":"YQ=="}}"#),
            "[]".to_owned(),
        ] {
            seeds.push([&[app, app, 0, 3, 0, app], document.as_bytes()].concat());
        }
    }
    seeds
}

/// The types of events, the members of envelopes, and odd values.
#[must_use]
pub fn words() -> Vec<String> {
    let types = events().map(|known| format!("\"{}\"", known.info.event_type));
    let members = [
        "schema",
        "header",
        "event",
        "event_id",
        "event_type",
        "create_time",
        "token",
        "app_id",
        "tenant_key",
        "uuid",
        "ts",
        "type",
        "challenge",
        "encrypt",
        "event_callback",
        "url_verification",
        TOKEN,
        "cli_a",
    ];
    let members = members.iter().map(|name| format!("\"{name}\""));
    let odd = ODD.iter().map(|&odd| odd.to_owned());
    let values = ["null", "1e400", "\"\\ud800\"", "[]", "{}", "-0.0", ":", ","];
    let values = values.map(str::to_owned);
    types.chain(members).chain(odd).chain(values).collect()
}
