//! What is pushed: its envelope, and what is made up for it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use lark_events::callback::CardActionTrigger;
use lark_events::event::Schema;
use lark_events::{Delivery, EventInfo, EventType, RawJson, Transport};
use lark_events_sim::{Document, Mode, ParseDocumentErrorKind, Platform, VERIFICATION_TOKEN};
use serde::Deserialize;
use serde_json::{Value, json};
use vc_events::ReserveConfigUpdatedV1;

use crate::client::ID;

/// A plain document as the app `ID` gets it.
async fn sent(document: impl Into<Document>) -> Value {
    let platform = Platform::builder()
        .app(ID, "")
        .verification_token("v-token");
    let platform = platform.start().await.unwrap();
    serde_json::from_slice(platform.request(document).body()).unwrap()
}

fn parsed(document: &Value) -> Delivery {
    let text = document.to_string();
    let parsed = Delivery::parse_unauthenticated(text, Transport::Local, SystemTime::now());
    parsed.unwrap()
}

#[tokio::test]
async fn a_sample_is_a_new_event_of_the_app() {
    let page: Value = serde_json::from_str(ReserveConfigUpdatedV1::SAMPLE.unwrap()).unwrap();
    let document = sent(Document::sample::<ReserveConfigUpdatedV1>()).await;
    assert_eq!(document["event"], page["event"]);
    let (new, old) = (&document["header"], &page["header"]);
    for same in ["event_type", "tenant_key"] {
        assert_eq!(new[same], old[same]);
    }
    assert_eq!(
        (&new["app_id"], &new["token"]),
        (&json!(ID), &json!("v-token"))
    );
    assert_ne!(new["event_id"], old["event_id"]);
    let age = SystemTime::now().duration_since(parsed(&document).header.created_at().unwrap());
    assert!(age.unwrap() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_sample_of_the_old_envelope_stays_in_it() {
    let sample = Document::like(
        r#"{"ts":"1502199207.7171419","uuid":"old","token":"old","type":"event_callback",
            "event":{"type":"message_read","app_id":"cli_old","tenant_key":"t","n":1e400}}"#,
    );
    let platform = Platform::builder().app(ID, "").start().await.unwrap();
    let request = platform.request(sample);
    let text = std::str::from_utf8(request.body()).unwrap();
    assert!(
        text.contains(r#""n":1e400"#),
        "numbers keep their text: {text}"
    );
    let delivery =
        Delivery::parse_unauthenticated(text.to_owned(), Transport::Local, SystemTime::now());
    let header = delivery.unwrap().header;
    assert_eq!(
        (header.schema, &*header.event_type),
        (Schema::V1, "message_read")
    );
    assert_eq!(header.app_id.as_deref(), Some(ID));
    assert_eq!(header.tenant_key.as_deref(), Some("t"));
    assert_ne!(header.event_id.as_deref(), Some("old"));
    assert!(text.contains(r#""token":"verification-token""#), "{text}");
    assert!(header.created_at().unwrap() > SystemTime::now() - Duration::from_secs(60));
}

#[tokio::test]
async fn a_typed_body_gets_a_header_for_it() {
    let mut body = ReserveConfigUpdatedV1::default();
    body.scope_id = Some("omm_1".to_owned());
    let document = sent(Document::of(&body).unwrap()).await;
    let delivery = parsed(&document);
    assert_eq!(
        delivery.header.event_type,
        ReserveConfigUpdatedV1::EVENT_TYPE
    );
    assert_eq!(delivery.header.event_id.unwrap().len(), 32);
    let decoded: ReserveConfigUpdatedV1 = delivery.raw.decode().unwrap();
    assert_eq!(decoded.scope_id.as_deref(), Some("omm_1"));
}

#[tokio::test]
async fn what_is_set_in_a_header_is_not_made_up() {
    let document = Document::v2("a.b_v1", &json!({})).unwrap();
    let document = document.event_id("e").tenant_key("t").create_time("5");
    let document = sent(
        document
            .header("token", "forged")
            .header("resource_id", "r"),
    )
    .await;
    let header = json!({"event_type": "a.b_v1", "event_id": "e", "tenant_key": "t",
        "create_time": "5", "token": "forged", "resource_id": "r", "app_id": ID});
    assert_eq!(
        document,
        json!({"schema": "2.0", "header": header, "event": {}})
    );

    let document = Document::v1("ab", &json!({"x": 1})).unwrap();
    let document = document
        .event_id("e")
        .tenant_key("t")
        .create_time("5")
        .header("app_id", "a");
    let document = sent(document.header("token", "forged")).await;
    let event = json!({"type": "ab", "x": 1, "tenant_key": "t", "app_id": "a"});
    assert_eq!(
        document,
        json!({"uuid": "e", "ts": "5", "token": "forged", "type": "event_callback", "event": event})
    );
}

macro_rules! sampled {
    ($name:ident, $event_type:literal, $schema:expr, $sample:expr) => {
        #[derive(Deserialize)]
        struct $name {}

        impl EventType for $name {
            const EVENT_TYPE: &'static str = $event_type;
            const INFO: EventInfo = EventInfo::new(Self::EVENT_TYPE).schema($schema);
            const SAMPLE: Option<&'static str> = $sample;
            type Reply = ();
        }
    };
}
sampled!(NoSample, "a.b_v1", Schema::V2, None);
sampled!(OldWithoutSample, "ab", Schema::V1, None);
sampled!(
    Flat,
    "card.action.trigger_v1",
    Schema::V2,
    Some(r#"{"open_id":"ou_1"}"#)
);
sampled!(Message, "im.message.receive_v1", Schema::V2, Some(MESSAGE));

#[tokio::test]
async fn an_event_without_a_sample_has_an_empty_body_and_odd_samples_go_as_they_are() {
    let document = sent(Document::sample::<NoSample>()).await;
    assert_eq!(
        (&document["header"]["event_type"], &document["event"]),
        (&json!("a.b_v1"), &json!({}))
    );
    let document = sent(Document::sample::<OldWithoutSample>()).await;
    assert_eq!(document["event"], json!({"type": "ab", "app_id": ID}));
    assert_eq!(
        sent(Document::sample::<Flat>()).await,
        json!({"open_id": "ou_1"})
    );
    let callback = sent(Document::sample::<CardActionTrigger>()).await;
    assert_eq!(callback["header"]["app_id"], ID);
}

/// An event like the page's of a message, whose duplicates have the same `message_id`.
const MESSAGE: &str = r#"{"schema":"2.0","header":{"event_id":"old","token":"old","create_time":"1",
    "event_type":"im.message.receive_v1","tenant_key":"t","app_id":"cli_old"},
    "event":{"message":{"message_id":"om_old","root_id":"om_root","n":1e400}}}"#;

fn message_id(document: &Delivery) -> String {
    type Members = BTreeMap<String, RawJson>;
    let body: Members = document.raw.decode().unwrap();
    let message: Members = body["message"].decode().unwrap();
    message["message_id"].decode().unwrap()
}

#[tokio::test]
async fn what_duplicates_are_known_by_is_new_in_every_push() {
    let message = |document: Document| async {
        let platform = Platform::builder().app(ID, "").start().await.unwrap();
        let request = platform.request(document);
        let body = request.into_body();
        Delivery::parse_unauthenticated(body, Transport::Local, SystemTime::now()).unwrap()
    };
    for document in [Document::sample::<Message>(), Document::like(MESSAGE)] {
        let [one, other] = [
            message(document.clone()).await,
            message(document.clone()).await,
        ];
        assert_ne!(one.header.event_id, other.header.event_id);
        assert_ne!(message_id(&one), message_id(&other));
        for sent in [&one, &other] {
            assert_eq!(
                message_id(sent),
                format!("om_{}", sent.header.event_id.as_deref().unwrap())
            );
            assert!(sent.raw.as_str().contains(r#""root_id":"om_root""#));
            assert!(
                sent.raw.as_str().contains(r#""n":1e400"#),
                "to the last digit"
            );
        }

        // One event, pushed twice, and two events of one message.
        let same = document.clone().event_id("e-1");
        for _ in 0..2 {
            assert_eq!(message_id(&message(same.clone()).await), "om_e-1");
        }
        let kept = message(document.keep_duplicate_key()).await;
        assert_eq!(message_id(&kept), "om_old");
        assert_ne!(kept.header.event_id.as_deref(), Some("old"));
    }
}

#[tokio::test]
async fn a_key_keeps_its_form_and_is_not_made_up_where_there_is_none() {
    let approved = |body: Value| {
        let header = json!({"event_type": "payroll.payment_activity.approved_v1"});
        Document::like(json!({"header": header, "event": body}).to_string()).event_id("e-1")
    };
    for (old, number) in [
        (json!("7202076988667019308"), true),
        (json!(7), true),
        (json!("a"), false),
    ] {
        let new = &sent(approved(json!({"activity_id": old}))).await["event"]["activity_id"];
        assert_eq!(new.is_string(), old.is_string(), "{old} {new}");
        let digits = new.to_string().replace('"', "");
        assert_eq!(digits.parse::<u64>().is_ok(), number, "{old} {new}");
        assert_ne!(*new, old);
    }
    for body in [
        json!({}),
        json!({"activity_id": null}),
        json!([]),
        json!({"activity_id": {}}),
    ] {
        assert_eq!(sent(approved(body.clone())).await["event"], body);
    }
    // A body that is typed or built is its author's.
    let built = Document::v2(
        "payroll.payment_activity.approved_v1",
        &json!({"activity_id": "1"}),
    );
    assert_eq!(sent(built.unwrap()).await["event"]["activity_id"], "1");
}

#[tokio::test]
async fn text_is_pushed_as_it_is() {
    let platform = Platform::builder().start().await.unwrap();
    for text in ["{", "", " {\"a\" :1e400}", "\u{0}"] {
        assert_eq!(platform.request(text).body(), text);
    }
    assert_eq!(platform.request(json!({"a": 1})).body(), r#"{"a":1}"#);
}

#[test]
#[should_panic(expected = "cannot set event_id of a document that is pushed unchanged")]
fn text_takes_no_header() {
    let _ = Document::from("{}").event_id("e");
}

#[test]
#[should_panic(expected = "a body of version 1 is an object")]
fn a_body_of_version_1_is_an_object() {
    let _ = Document::v1("ab", &RawJson::parse("[]").unwrap());
}

#[tokio::test]
async fn a_parsed_document_is_a_new_event_of_the_app() {
    let document = Document::parse(MESSAGE).unwrap();
    assert_eq!(
        document.event_type().as_deref(),
        Some("im.message.receive_v1")
    );
    let body = document.body().unwrap();
    assert!(body.as_str().contains(r#""n":1e400"#), "to the last digit");
    // No reader of JSON values takes that number.
    let document = document.with_body(RawJson::parse(body.as_str().replace("1e400", "1")).unwrap());
    let sent = sent(document.event_id("e-1")).await;
    assert_eq!(sent["header"]["event_id"], "e-1");
    assert_eq!(sent["header"]["app_id"], ID);
    assert_eq!(sent["event"]["message"]["message_id"], "om_e-1");
}

#[tokio::test]
async fn a_body_can_be_replaced() {
    let json = |text: &'static str| RawJson::parse(text).unwrap();
    let document = Document::parse(r#"{"header": {"event_type": "a.b_v1"}, "event": null}"#);
    let document = document.unwrap();
    assert_eq!(document.body().unwrap().as_str(), "{}");
    let replaced = sent(document.with_body(json("[1]"))).await;
    assert_eq!(replaced["event"], json!([1]));

    let old = r#"{"type": "event_callback", "event": {"type": "ab", "app_id": "cli_old", "x": 1}}"#;
    let document = Document::parse(old).unwrap();
    assert_eq!(document.body().unwrap().as_str(), r#"{"type":"ab","x":1}"#);
    let replaced = sent(document.with_body(json(r#"{"type":"ab","x":2}"#))).await;
    assert_eq!(
        replaced["event"],
        json!({"type": "ab", "x": 2, "app_id": ID})
    );
    assert!(Document::from("{}").body().is_none());
    assert!(Document::from("{}").event_type().is_none());
}

#[tokio::test]
async fn a_built_body_has_a_new_key_of_duplicates_on_demand() {
    let body = json!({"message": {"message_id": "om_old"}});
    for (event_type, key) in [("im.message.receive_v1", "om_e-1"), ("a.b_v1", "om_old")] {
        let document = Document::v2(event_type, &body).unwrap();
        let sent = sent(document.new_duplicate_key().event_id("e-1")).await;
        assert_eq!(sent["event"]["message"]["message_id"], key);
    }
}

#[tokio::test]
async fn a_document_is_pushed_again_as_the_same_event_or_as_a_new_one() {
    let platform = Platform::builder().start().await.unwrap();
    let by = |document: Document| platform.push_by(Mode::Webhook, document, []);
    let body = json!({"message": {"message_id": "om_old"}});
    let document = Document::v2("im.message.receive_v1", &body).unwrap();
    let document = document.event_id("e-1").create_time("1").tenant_key("t-1");
    let push = by(document.clone());
    let plain: Value = serde_json::from_slice(push.document()).unwrap();
    assert_eq!(plain["header"]["token"], VERIFICATION_TOKEN);

    let same = by(push.document().clone().into());
    assert_eq!(same.document(), push.document());
    for document in [document, Document::like(push.document().clone())] {
        let new = document.as_new();
        let pushes = [by(new.clone()), by(new)];
        let ids = pushes.each_ref().map(|push| {
            let new: Value = serde_json::from_slice(push.document()).unwrap();
            assert_eq!(new["header"]["event_id"], push.event_id());
            assert_ne!(new["header"]["create_time"], "1");
            assert_eq!(new["header"]["tenant_key"], "t-1");
            let key = format!("om_{}", push.event_id());
            assert_eq!(new["event"]["message"]["message_id"], key);
            push.event_id().to_owned()
        });
        assert_ne!(ids[0], ids[1]);
        assert!(!ids.contains(&"e-1".to_owned()));
    }

    let old = Document::v1("message_read", &json!({"open_id": "ou_1"})).unwrap();
    let old = old.event_id("u-1").create_time("1").as_new();
    let push = by(old);
    let plain: Value = serde_json::from_slice(push.document()).unwrap();
    assert_eq!(plain["uuid"], push.event_id());
    assert!(plain["uuid"] != "u-1" && plain["ts"] != "1", "{plain}");
    let verbatim = by(Document::from("{").as_new());
    assert_eq!(verbatim.document(), "{");
}

#[test]
fn what_is_no_document_is_an_error_that_says_what_is_wrong_and_where() {
    use ParseDocumentErrorKind::{Member, NoEnvelope, NotJson};
    for (text, kind, says) in [
        ("", NotJson, "at line 1 column 0"),
        ("{", NotJson, "at line 1 column 1"),
        ("{\"a\":\n1,}", NotJson, "at line 2 column 3"),
        ("{} {}", NotJson, "at line 1 column 4"),
        ("[]", NoEnvelope, "the document is not an object"),
        ("\"x\"", NoEnvelope, "the document is not an object"),
        ("{}", NoEnvelope, "/header/event_type"),
        (r#"{"header": []}"#, NoEnvelope, "/header/event_type"),
        (
            r#"{"header": {"event_type": 1}}"#,
            NoEnvelope,
            "/header/event_type",
        ),
        (
            r#"{"type": "url_verification", "challenge": "c"}"#,
            NoEnvelope,
            "or event_callback at /type",
        ),
        (
            r#"{"header": {"event_type": "a.b_v1"}, "header": {}}"#,
            Member,
            "duplicate member `header` in the document",
        ),
        (
            r#"{"header": {"event_type": "a.b_v1", "event_type": "c.d_v1"}}"#,
            Member,
            "duplicate member `event_type` in /header",
        ),
        (r#"{"type": "event_callback"}"#, Member, "/event is missing"),
        (
            r#"{"type": "event_callback", "event": []}"#,
            Member,
            "/event is not an object",
        ),
        (
            r#"{"type": "event_callback", "event": {"type": 1}}"#,
            Member,
            "/event/type is not a string",
        ),
        (
            r#"{"type": "event_callback", "event": {"type": "a", "type": "b"}}"#,
            Member,
            "duplicate member `type` in /event",
        ),
    ] {
        let error = Document::parse(text).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}
