//! Card callbacks whose work goes on after the answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lark_events::callback::{CardActionReply, CardActionTrigger, ReplyCard, Toast};
use lark_events::{BoxError, Event, EventHeader};
use lark_events_api::{ApiError, ApiErrorKind, Card, CardAnswer};
use serde_json::json;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};

use crate::platform::{Fault, Platform};

const UPDATE: &str = "/open-apis/interactive/v1/card/update";

fn press() -> Event<CardActionTrigger> {
    let mut body = CardActionTrigger::default();
    body.token = Some("marked-card-token".to_owned());
    Event::new(EventHeader::new("card.action.trigger"), body)
}

fn card(text: &str) -> Card {
    Card::v2().markdown(text)
}

fn shown(reply: &CardActionReply) -> serde_json::Value {
    serde_json::to_value(reply).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_update_comes_after_the_answer() {
    let platform = Platform::new();
    let api = platform.api();
    let handler = api.card_handler(async |_| {
        Ok::<_, BoxError>(
            CardAnswer::toast(Toast::info("working")).then(async |mut updates| {
                assert_eq!(updates.left(), 2);
                updates.update(card("done")).await
            }),
        )
    });
    let began = Instant::now();
    let reply = handler(press()).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(shown(&reply)["toast"]["content"], "working");
    assert_eq!(platform.calls().len(), 0);
    assert!(api.drain(Duration::from_secs(10)).await);
    let answered = Duration::from_millis(2 * 50);
    assert_eq!(began.elapsed(), Duration::from_secs(3) + answered);
    let [call] = &platform.calls()[..] else {
        panic!()
    };
    assert_eq!((&*call.method, &*call.path), ("POST", UPDATE));
    let expected = json!({"token": "marked-card-token", "card": card("done").into_json()});
    assert_eq!(call.json(), expected);
}

#[tokio::test(start_paused = true)]
async fn two_updates_within_half_an_hour_and_no_more() {
    let platform = Platform::new();
    let api = platform.api();
    let (done, results) = oneshot::channel();
    let done = Arc::new(Mutex::new(Some(done)));
    let handler = api.card_handler(move |_| {
        let done = Arc::clone(&done);
        async move {
            Ok::<_, BoxError>(CardAnswer::new().then(async move |mut updates| {
                let mut results = Vec::new();
                for text in ["one", "two", "three"] {
                    results.push(updates.update(card(text)).await);
                }
                done.lock().unwrap().take().unwrap().send(results).unwrap();
                Ok::<_, ApiError>(())
            }))
        }
    });
    // The one that the platform rejected does not count.
    platform.fault(Fault::code(400, 200_340));
    let _ = handler(press()).await.unwrap();
    let results = results.await.unwrap();
    assert_eq!(results[0].as_ref().unwrap_err().code(), Some(200_340));
    assert!(results[1].is_ok() && results[2].is_ok());
    assert_eq!(platform.calls().len(), 3);

    let late = api.card_handler(async |_| {
        Ok::<_, BoxError>(CardAnswer::new().then(async |mut updates| {
            sleep(Duration::from_mins(30)).await;
            let error = updates.update(card("late")).await.unwrap_err();
            assert_eq!(error.kind(), ApiErrorKind::Invalid);
            Err::<(), _>(error)
        }))
    });
    let _ = late(press()).await.unwrap();
    assert!(api.drain(Duration::from_hours(1)).await);
    assert_eq!(platform.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_third_update_is_not_sent_and_an_uncertain_one_counts() {
    let platform = Platform::new();
    let api = platform.api();
    let handler = api.card_handler(async |_| {
        Ok::<_, BoxError>(CardAnswer::new().then(async |mut updates| {
            assert!(updates.update(card("lost")).await.is_err());
            assert_eq!(updates.left(), 1);
            updates.update(card("two")).await?;
            let error = updates.update(card("three")).await.unwrap_err();
            assert_eq!((error.kind(), updates.left()), (ApiErrorKind::Invalid, 0));
            Ok::<_, ApiError>(())
        }))
    });
    platform.fault(Fault::Lost);
    let _ = handler(press()).await.unwrap();
    assert!(api.drain(Duration::from_secs(60)).await);
    assert_eq!(platform.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_handler_in_time_answers_itself_and_a_late_one_by_an_update() {
    for (takes, card_of_reply) in [
        (Duration::from_secs(1), ReplyCard::from(card("done"))),
        (Duration::from_secs(60), ReplyCard::from(card("done"))),
        (Duration::from_secs(60), ReplyCard::template("AAq1")),
    ] {
        let platform = Platform::new();
        let api = platform.api();
        let working = || CardActionReply::new().toast(Toast::info("working"));
        let reply = CardActionReply::new().card(card_of_reply.clone());
        let handler = api.card_handler_on_late(Duration::from_secs(2), working, move |_| {
            let reply = reply.clone();
            async move {
                sleep(takes).await;
                Ok::<_, BoxError>(CardAnswer::from(reply))
            }
        });
        let began = Instant::now();
        let reply = handler(press()).await.unwrap();
        let is_late = takes > Duration::from_secs(2);
        assert_eq!(began.elapsed(), takes.min(Duration::from_secs(2)));
        assert_eq!(shown(&reply).get("toast").is_some(), is_late);
        assert!(api.drain(Duration::from_secs(100)).await);
        assert_eq!(platform.calls().len(), usize::from(is_late));
        if is_late {
            let sent = platform.calls()[0].json();
            let wrapped = serde_json::to_value(&card_of_reply).unwrap();
            let expected = if wrapped["type"] == "raw" {
                &wrapped["data"]
            } else {
                &wrapped
            };
            assert_eq!(sent["card"], *expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_last_moment_has_a_second_to_arrive() {
    let platform = Platform::new();
    let api = platform.api();
    api.recall("om_1").await.unwrap();
    let handler = api.card_handler(async |_| {
        sleep(Duration::from_millis(2_500)).await;
        Ok::<_, BoxError>(
            CardAnswer::new().then(async |mut updates| updates.update(card("done")).await),
        )
    });
    let began = Instant::now();
    let _ = handler(press()).await.unwrap();
    assert!(api.drain(Duration::from_secs(10)).await);
    assert_eq!(began.elapsed(), Duration::from_millis(3_550));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_while_the_fallback_is_made_is_shown() {
    let platform = Platform::new();
    let api = platform.api();
    let proceed = Arc::new(Notify::new());
    let (fallback, proceeds) = (Arc::clone(&proceed), Arc::clone(&proceed));
    let fallback = move || {
        // The handler ends on the other thread meanwhile.
        let fallback = Arc::clone(&fallback);
        std::thread::spawn(move || fallback.notify_one());
        std::thread::sleep(Duration::from_millis(300));
        CardActionReply::new().toast(Toast::info("working"))
    };
    let handler = api.card_handler_on_late(Duration::from_millis(1), fallback, move |_| {
        let proceeds = Arc::clone(&proceeds);
        async move {
            proceeds.notified().await;
            Ok::<_, BoxError>(CardAnswer::card(card("done")))
        }
    });
    let reply = tokio::spawn(handler(press())).await.unwrap().unwrap();
    assert_eq!(shown(&reply)["toast"]["content"], "working");
    assert!(api.drain(Duration::from_secs(60)).await);
    let [call] = &platform.calls()[..] else {
        panic!("the answer is lost")
    };
    assert_eq!(call.json()["card"], card("done").into_json());
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_time_fails_the_callback_and_a_panic_too() {
    let platform = Platform::new();
    let api = platform.api();
    let failing = api.card_handler(async |_| Err::<CardAnswer, BoxError>("no".into()));
    assert_eq!(failing(press()).await.unwrap_err().to_string(), "no");
    let late = Duration::from_secs(2);
    let failing = api.card_handler_on_late(late, CardActionReply::new, async |_| {
        Err::<CardAnswer, BoxError>("no".into())
    });
    assert_eq!(failing(press()).await.unwrap_err().to_string(), "no");
    let panicking = api.card_handler_on_late(late, CardActionReply::new, |event| async move {
        assert!(event.body.token.is_none(), "a bug");
        Ok::<_, BoxError>(CardAnswer::new())
    });
    let error = panicking(press()).await.unwrap_err();
    assert!(error.to_string().contains("ended without an answer"));
    let no_token = api.card_handler(async |_| {
        Ok::<_, BoxError>(CardAnswer::new().then(async |_| Ok::<_, BoxError>(())))
    });
    let without = Event::new(
        EventHeader::new("card.action.trigger"),
        CardActionTrigger::default(),
    );
    assert!(no_token(without).await.is_err());
    assert!(api.drain(late).await);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cancels_what_takes_too_long() {
    let platform = Platform::new();
    let api = platform.api();
    let handler = api.card_handler(async |_| {
        Ok::<_, BoxError>(CardAnswer::new().then(async |_| {
            sleep(Duration::from_hours(1)).await;
            Ok::<_, BoxError>(())
        }))
    });
    let _ = handler(press()).await.unwrap();
    let began = Instant::now();
    assert!(!api.drain(Duration::from_secs(5)).await);
    assert_eq!(began.elapsed(), Duration::from_secs(5));
}
