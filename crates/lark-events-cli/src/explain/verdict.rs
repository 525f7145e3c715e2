//! The result of a check, for machines and for people.

use lark_events::Opened;
use lark_events::error::Rejection;
use serde_json::{Map, Value, json};

use super::cause::Cause;
use crate::output::{BAD, GOOD, STRONG};
use crate::text::Text;

pub(super) enum Verdict {
    Accepted(Opened),
    Rejected(Rejection, Vec<Cause>),
}

impl Verdict {
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }

    pub(super) fn json(&self) -> Map<String, Value> {
        let json = match self {
            Self::Accepted(opened) => {
                let (is, header) = match opened {
                    Opened::Delivery(delivery) => ("event", Some(&delivery.header)),
                    _ => ("url_check", None),
                };
                json!({
                    "accepted": true,
                    "is": is,
                    "event_type": header.map(|header| &header.event_type),
                    "event_id": header.map(|header| &header.event_id),
                })
            }
            Self::Rejected(rejection, causes) => json!({
                "accepted": false, "reason": rejection.kind().as_str(),
                "status": rejection.status().as_u16(), "causes": causes,
            }),
        };
        match json {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    pub(super) fn text(&self) -> Text {
        match self {
            Self::Accepted(opened) => {
                let what = match opened {
                    Opened::Delivery(delivery) => {
                        let header = &delivery.header;
                        let id = header.event_id.as_deref().unwrap_or_default();
                        format!("{} {id}", header.event_type)
                    }
                    _ => "a URL check, answered with its challenge".to_owned(),
                };
                let what = format!(": {}", what.trim_end());
                Text::painted(GOOD, "accepted").then(what)
            }
            Self::Rejected(rejection, causes) => {
                let (reason, status) = (rejection.kind().as_str(), rejection.status().as_u16());
                let why = format!(": {rejection} ({reason}, answered {status})");
                let rejected = Text::painted(BAD, "rejected").then(why);
                let causes = causes.iter().flat_map(|Cause { name, found, fix }| {
                    let found = Text::painted(STRONG, name).then(format!(": {found}"));
                    [Text::default(), found, format!("  fix: {fix}").into()]
                });
                Text::below([rejected].into_iter().chain(causes))
            }
        }
    }
}
