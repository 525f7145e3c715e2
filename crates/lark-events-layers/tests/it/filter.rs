//! Events that are acknowledged and not handled, alone and on both transports.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson};
use lark_events_layers::{
    AllowLayer, AllowList, DedupLayer, LayerErrorKind, MentionLayer, StaleLayer,
};
use lark_events_sim::Document;
use serde_json::{Value, json};
use tower::{Layer as _, Service, ServiceBuilder};

use crate::passing::{pass, refusal};
use crate::support::watched;
use crate::transports::{BOTH, delivering};

const MESSAGE: &str = "im.message.receive_v1";

/// A service that handles each delivery.
fn handling()
-> impl Service<Delivery, Response = Outcome, Error = BoxError, Future: Send> + Clone + Send {
    tower::service_fn(async |_| Ok::<_, BoxError>(Outcome::Handled))
}

fn delivery(event_type: &str, body: &Value) -> Delivery {
    let raw = RawJson::parse(body.to_string()).unwrap();
    Delivery::new(EventHeader::new(event_type), raw)
}

fn message(chat: &str, chat_type: &str, user: &str, mentions: &Value) -> Delivery {
    let body = json!({
        "sender": {"sender_id": {"open_id": user}, "sender_type": "user"},
        "message": {"message_id": "om_1", "chat_id": chat, "chat_type": chat_type,
            "mentions": mentions},
    });
    delivery(MESSAGE, &body)
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[tokio::test]
async fn an_event_is_stale_by_its_own_time() {
    let now = Arc::new(Mutex::new(at(1_700_000_000)));
    let clock = Arc::clone(&now);
    let layer = StaleLayer::with_clock(Duration::from_secs(60), move || *clock.lock().unwrap());
    let service = layer.layer(handling());
    let of_age = |event_type: &str, seconds: i64| {
        let mut delivery = delivery(event_type, &json!({}));
        let created = 1_700_000_000_i64 - seconds;
        delivery.header.create_time = Some(format!("{}", created * 1000));
        delivery
    };
    for (age, expected) in [
        (0, Outcome::Handled),
        (60, Outcome::Handled),
        (61, Outcome::Unhandled),
        // A clock that is ahead.
        (-3600, Outcome::Handled),
    ] {
        let outcome = pass(&service, of_age(MESSAGE, age)).await.unwrap();
        assert_eq!(outcome, expected, "{age}");
    }
    // Without a time, and a callback.
    let timeless = pass(&service, delivery(MESSAGE, &json!({}))).await.unwrap();
    assert_eq!(timeless, Outcome::Handled);
    let callback = pass(&service, of_age("card.action.trigger", 3600))
        .await
        .unwrap();
    assert_eq!(callback, Outcome::Handled);

    layer.set_max_age(Duration::from_secs(10));
    let outcome = pass(&service, of_age(MESSAGE, 11)).await.unwrap();
    assert_eq!(outcome, Outcome::Unhandled);
    *now.lock().unwrap() = at(1_700_000_060);
    let outcome = pass(&service, of_age(MESSAGE, 0)).await.unwrap();
    assert_eq!(outcome, Outcome::Unhandled, "it has grown old");
    assert_eq!((layer.stats().passed, layer.stats().stale), (5, 3));
}

#[tokio::test]
async fn chats_and_users_are_allowed_by_a_list_that_can_change() {
    let list = AllowList::new().chats(["oc_1"]).users(["ou_1", "ou_2"]);
    let layer = AllowLayer::new(list.clone());
    let service = layer.layer(handling());
    let passes =
        async |delivery: Delivery| pass(&service, delivery).await.unwrap() == Outcome::Handled;
    let none = json!([]);
    assert!(passes(message("oc_1", "group", "ou_1", &none)).await);
    assert!(!passes(message("oc_2", "group", "ou_1", &none)).await);
    assert!(!passes(message("oc_1", "group", "ou_3", &none)).await);
    assert!(passes(message("oc_9", "p2p", "ou_2", &none)).await);
    // Neither a chat nor a user.
    assert!(passes(delivery("contact.scope.updated_v3", &json!({}))).await);
    let joined = json!({"chat_id": "oc_2", "operator_id": {"open_id": "ou_1"}});
    assert!(!passes(delivery("im.chat.member.bot.added_v1", &joined)).await);
    let joined = json!({"chat_id": "oc_1", "operator_id": {"open_id": "ou_9"}});
    assert!(!passes(delivery("im.chat.member.bot.added_v1", &joined)).await);

    layer.set(list.private_chats(false));
    assert!(!passes(message("oc_1", "p2p", "ou_1", &none)).await);
    layer.set(AllowList::new());
    assert!(passes(message("oc_2", "p2p", "ou_9", &none)).await);
    let stats = layer.stats();
    assert_eq!(
        (stats.passed, stats.chat, stats.private_chat, stats.user),
        (4, 2, 1, 2)
    );
}

#[tokio::test]
async fn chats_and_users_of_the_old_scheme_are_found_too() {
    let list = AllowList::new().chats(["oc_1"]).users(["ou_1"]);
    let layer = AllowLayer::new(list.clone());
    let service = layer.layer(handling());
    let old = |chat: &str, chat_type: &str, user: &str| {
        let body = json!({"type": "message", "open_chat_id": chat, "chat_type": chat_type,
            "open_id": user});
        delivery("message", &body)
    };
    let passes =
        async |delivery: Delivery| pass(&service, delivery).await.unwrap() == Outcome::Handled;
    assert!(passes(old("oc_1", "group", "ou_1")).await);
    assert!(!passes(old("oc_2", "group", "ou_1")).await);
    assert!(!passes(old("oc_1", "group", "ou_2")).await);
    assert!(passes(old("oc_9", "private", "ou_1")).await);
    assert!(!passes(old("oc_9", "private", "ou_2")).await);
    let press = |user: &str| {
        let body = json!({"open_id": user, "open_chat_id": "oc_1", "open_message_id": "om_1"});
        delivery("card.action.trigger_v1", &body)
    };
    assert!(passes(press("ou_1")).await);
    assert_eq!(
        refusal(pass(&service, press("ou_2")).await),
        LayerErrorKind::Denied
    );
    layer.set(list.private_chats(false));
    assert!(!passes(old("oc_1", "private", "ou_1")).await);
}

#[tokio::test]
async fn a_callback_that_is_not_allowed_fails() {
    let list = AllowList::new().chats(["oc_1"]).users(["ou_1"]);
    let layer = AllowLayer::new(list.clone().private_chats(false));
    let service = layer.layer(handling());
    let press = |chat: &str, user: &str| {
        let body = json!({"operator": {"open_id": user}, "context": {"open_chat_id": chat}});
        delivery("card.action.trigger", &body)
    };
    assert_eq!(
        pass(&service, press("oc_1", "ou_1")).await.unwrap(),
        Outcome::Handled
    );
    for denied in [press("oc_2", "ou_1"), press("oc_1", "ou_2")] {
        assert_eq!(
            refusal(pass(&service, denied).await),
            LayerErrorKind::Denied
        );
    }
    // Callbacks do not carry the type of the chat, so that any chat could be a private one.
    layer.set(list);
    assert_eq!(
        pass(&service, press("oc_2", "ou_1")).await.unwrap(),
        Outcome::Handled
    );
    assert_eq!(
        refusal(pass(&service, press("oc_2", "ou_2")).await),
        LayerErrorKind::Denied
    );
}

#[tokio::test]
async fn a_user_who_enters_the_chat_with_the_bot_is_in_a_private_chat() {
    let list = AllowList::new().chats(["oc_1"]);
    let layer = AllowLayer::new(list.clone());
    let service = layer.layer(handling());
    let entered = || {
        let body = json!({"chat_id": "oc_9", "operator_id": {"open_id": "ou_1"}});
        delivery("im.chat.access_event.bot_p2p_chat_entered_v1", &body)
    };
    let created = || {
        let body = json!({"chat_id": "oc_9", "operator": {"open_id": "ou_1"}});
        delivery("p2p_chat_create", &body)
    };
    for private in [entered(), created()] {
        let outcome = pass(&service, private).await.unwrap();
        assert_eq!(outcome, Outcome::Handled);
    }
    layer.set(list.private_chats(false));
    for private in [entered(), created()] {
        let outcome = pass(&service, private).await.unwrap();
        assert_eq!(outcome, Outcome::Unhandled);
    }
    assert_eq!((layer.stats().passed, layer.stats().private_chat), (2, 2));
}

#[tokio::test]
async fn a_message_in_a_group_passes_if_it_mentions_the_bot() {
    let layer = MentionLayer::new("ou_bot");
    let service = layer.layer(handling());
    let passes =
        async |delivery: Delivery| pass(&service, delivery).await.unwrap() == Outcome::Handled;
    let mention = |id: &str| json!([{"key": "@_user_1", "id": {"open_id": id}, "name": "Tea"}]);
    let everybody = json!([{"key": "@_all", "name": "all"}]);
    for kind in ["group", "topic_group", ""] {
        assert!(passes(message("oc_1", kind, "ou_1", &mention("ou_bot"))).await);
        for other in [
            mention("ou_2"),
            everybody.clone(),
            json!([]),
            json!(null),
            json!([7, {"id": 7}]),
        ] {
            assert!(
                !passes(message("oc_1", kind, "ou_1", &other)).await,
                "{kind} {other}"
            );
        }
    }
    assert!(passes(message("oc_1", "p2p", "ou_1", &json!(null))).await);
    // Not a message, or one that only the handler can judge.
    assert!(passes(delivery("im.message.recalled_v1", &json!({}))).await);
    assert!(passes(delivery(MESSAGE, &json!({}))).await);
    assert!(passes(delivery(MESSAGE, &json!("odd"))).await);

    layer.everybody(true);
    assert!(passes(message("oc_1", "group", "ou_1", &everybody)).await);
    layer.set_bot("ou_other");
    assert!(!passes(message("oc_1", "group", "ou_1", &mention("ou_bot"))).await);
    assert_eq!((layer.stats().passed, layer.stats().not_mentioned), (8, 16));
}

#[tokio::test]
async fn a_mention_of_everybody_is_in_the_content_of_a_message_without_mentions() {
    let layer = MentionLayer::new("ou_bot");
    let service = layer.layer(handling());
    let passes = async |content: &str, mentions: &Value| {
        let body = json!({"message": {"chat_id": "oc_1", "chat_type": "group",
            "content": content, "mentions": mentions}});
        pass(&service, delivery(MESSAGE, &body)).await.unwrap() == Outcome::Handled
    };
    let text = json!({"text": "@_all tea"}).to_string();
    let post = json!({"title": "", "content": [[{"tag": "at", "user_id": "@_all"}]]}).to_string();
    let other = json!({"text": "tea for all"}).to_string();
    for everybody in [false, true] {
        layer.everybody(everybody);
        for mentions in [json!([]), json!(null)] {
            assert_eq!(passes(&text, &mentions).await, everybody);
            assert_eq!(passes(&post, &mentions).await, everybody);
            assert!(!passes(&other, &mentions).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_out_is_acknowledged_on_both_transports_at_once() {
    for by in BOTH {
        let (dispatcher, seen) = watched();
        let layer = AllowLayer::new(AllowList::new().chats(["oc_1"]));
        let service = ServiceBuilder::new()
            .layer(layer.clone())
            .layer(DedupLayer::new())
            .service(dispatcher);
        let platform = delivering(by, service, []).await;
        for chat in ["oc_1", "oc_2"] {
            let document = Document::v2("quick_v1", &json!({"chat_id": chat})).unwrap();
            let report = platform.push(document).await;
            assert!(report.acknowledged(), "{by:?} {report:?}");
            assert_eq!(seen.started(), 1, "{by:?} {chat}");
        }
        assert_eq!((layer.stats().passed, layer.stats().chat), (1, 1));
    }
}
