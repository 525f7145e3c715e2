//! `#[derive(EventType)]` and `#[derive(Lenient)]`, for events that no crate has.

use lark_events::event::Schema;
use lark_events::lenient::Lenient;
use lark_events::{Delivery, Dispatcher, Event, EventHeader, EventType, Outcome, RawJson};
use serde::Serialize;
use tower::ServiceExt as _;

#[derive(Debug, Default, PartialEq, Serialize, EventType)]
#[event("kitchen.tea.ready_v1")]
struct TeaReadyV1 {
    kind: Option<String>,
    amount: Option<u32>,
    #[serde(rename = "isHot")]
    hot: bool,
    cups: Vec<Cup>,
    best: Option<Cup>,
}

#[derive(Debug, Default, PartialEq, Serialize, Lenient)]
#[serde(rename_all = "camelCase")]
struct Cup {
    r#type: Option<String>,
    holds_tea: Option<bool>,
}

#[derive(Debug, Serialize, EventType)]
#[event("tea_added", schema = "1.0", reply = TeaReply)]
struct TeaAdded {}

#[derive(Debug, Serialize, PartialEq)]
struct TeaReply {
    sugar: bool,
}

fn read(json: &str) -> TeaReadyV1 {
    RawJson::parse(json.to_owned())
        .unwrap()
        .decode_leniently()
        .unwrap()
}

#[test]
fn a_body_has_what_was_sent() {
    let sent = r#"{"kind": "green", "amount": 2, "isHot": true,
        "cups": [{"type": "mug", "holdsTea": true}], "best": {"type": "bowl"}}"#;
    let cup = |name: &str, holds_tea| Cup {
        r#type: Some(name.to_owned()),
        holds_tea,
    };
    let expected = TeaReadyV1 {
        kind: Some("green".to_owned()),
        amount: Some(2),
        hot: true,
        cups: vec![cup("mug", Some(true))],
        best: Some(cup("bowl", None)),
    };
    assert_eq!(read(sent), expected);
}

#[test]
fn an_odd_member_costs_itself_alone() {
    assert_eq!(read("{}"), TeaReadyV1::default());
    let odd = r#"{"kind": 7, "amount": -1, "isHot": [], "more": {},
        "cups": [null, {"type": {}, "holdsTea": "1"}, 3], "best": "none"}"#;
    let tea = read(odd);
    assert_eq!(tea.kind.as_deref(), Some("7"));
    assert_eq!((tea.amount, tea.hot, &tea.best), (None, false, &None));
    assert_eq!(tea.cups.len(), 1);
    assert_eq!(tea.cups[0].r#type, None);
    assert_eq!(tea.cups[0].holds_tea, Some(true));
    // JSON that no decoder takes whole.
    let twice =
        r#"{"kind": "a", "kind": "b", "amount": 3, "best": {"type": "\ud800", "holdsTea": true}}"#;
    let tea = read(twice);
    assert_eq!((tea.kind, tea.amount), (None, Some(3)));
    assert_eq!(tea.best.unwrap().holds_tea, Some(true));
}

#[test]
fn the_attribute_says_which_event_it_is() {
    assert_eq!(TeaReadyV1::EVENT_TYPE, "kitchen.tea.ready_v1");
    assert_eq!(TeaReadyV1::INFO.schema, Schema::V2);
    assert_eq!(TeaAdded::EVENT_TYPE, "tea_added");
    assert_eq!(TeaAdded::INFO.event_type, "tea_added");
    assert_eq!(TeaAdded::INFO.schema, Schema::V1);
}

#[tokio::test]
async fn a_handler_is_given_the_body_and_gives_the_reply() {
    async fn on_tea(event: Event<TeaReadyV1>) -> Result<(), String> {
        event.body.kind.map(drop).ok_or("no tea".to_owned())
    }
    let dispatcher = Dispatcher::builder()
        .on::<TeaReadyV1>(on_tea)
        .on::<TeaAdded>(|_| async { TeaReply { sugar: false } })
        .build()
        .unwrap();
    let deliver = |event_type: &str, json: &'static str| {
        let raw = RawJson::parse(json).unwrap();
        let delivery = Delivery::new(EventHeader::new(event_type), raw);
        dispatcher.clone().oneshot(delivery)
    };
    let ready = deliver(TeaReadyV1::EVENT_TYPE, r#"{"kind": "green", "cups": {}}"#);
    assert!(matches!(ready.await.unwrap(), Outcome::Handled));
    let none = deliver(TeaReadyV1::EVENT_TYPE, r#"{"kind": {}}"#);
    assert!(none.await.is_err());
    let Outcome::Replied(reply) = deliver(TeaAdded::EVENT_TYPE, "{}").await.unwrap() else {
        panic!("a callback is replied to");
    };
    assert_eq!(reply.as_str(), r#"{"sugar":false}"#);
}

/// The derives where every name of the prelude means something else.
#[expect(dead_code, reason = "these names are only in the way")]
mod shadowed {
    struct Result;
    struct Option;
    struct String;
    struct Ok;
    struct Some;
    struct None;
    struct Default;

    #[derive(lark_events::lenient::Lenient)]
    pub(super) struct Pot {
        pub(super) size: std::option::Option<i64>,
    }
}

#[test]
fn the_derives_need_no_name_of_the_prelude_and_no_default() {
    let pot: shadowed::Pot = serde_json::from_str(r#"{"size": "7"}"#).unwrap();
    assert_eq!(pot.size, Some(7));
}
