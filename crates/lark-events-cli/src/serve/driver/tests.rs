//! The driver: what it leaves behind, what ends it, and what it is asked for.

use std::collections::BTreeSet;
use std::future::pending;

use clap::Parser as _;
use lark_events::{Dispatcher, Webhook as App};
use lark_events_sim::{Answer, Document, Missing, Mode};
use lark_events_tower::EventService;

use super::super::control::{AskError, Ids};
use super::super::fault::Named;
use super::super::history::{Delivery, MAX_RUNNING, Progress};
use super::super::pushable::Pushable;
use super::asks::MAX_FAULTS;
use super::*;

const LIMIT: Duration = Duration::from_secs(30);
const EVENT: &str = "im.message.receive_v1";

/// A driver of a platform whose app accepts every event, though no webhook is set for the driver.
async fn driver(script: &str, lines: Option<Lines>) -> Driver {
    let settings = Settings {
        webhook: None,
        forwards: false,
        streams: Vec::new(),
        script: Command::parse_script(script).unwrap(),
        redeliver_after: Vec::new(),
        ends: None,
        lines,
        secrets: Vec::new(),
        record: None,
        records_secrets: false,
    };
    let webhook = App::builder().verification_token("t").build().unwrap();
    let dispatcher = Dispatcher::builder().fallback(|_| std::future::ready(()));
    let app = EventService::new(webhook, dispatcher.build().unwrap());
    let platform = Platform::builder().verification_token("t");
    let platform = platform.webhook_service(app).start().await.unwrap();
    let output = crate::Cli::parse_from(["lark-events", "--json", "events"]).output;
    Driver::new(platform, settings, View::new(output, false))
}

/// The same driver with its webhook, which is set.
async fn driver_of_a_webhook(script: &str) -> Driver {
    let mut driver = driver(script, None).await;
    let url: WebhookUrl = "http://127.0.0.1:1/".parse().unwrap();
    driver.webhook = Some(url.clone());
    driver.history.set_webhook(Webhook::Set(url));
    driver
}

/// Turns until a condition holds.
async fn turn_until(driver: &mut Driver, is_over: impl Fn(&Driver) -> bool) {
    while !is_over(driver) {
        let turn = timeout(LIMIT, driver.turn(pending()));
        assert!(turn.await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn an_event_that_has_come_to_its_end_leaves_nothing_running() {
    let mut driver = driver(&format!("push {EVENT}"), None).await;
    turn_until(&mut driver, |driver| {
        driver.counts.given_up > 0 && driver.tasks.is_empty()
    })
    .await;
    assert_eq!(driver.history.running(), 0);
    let delivery = driver.history.delivery(1).unwrap();
    assert_eq!(delivery.progress(), Progress::GivenUp);
}

#[tokio::test]
async fn quit_at_a_terminal_ends_what_is_waited_for() {
    let (sender, lines) = Lines::typed();
    let driver = driver("wait 1h", Some(lines)).await;
    for line in ["stats", "quit"] {
        sender.send(Ok(line.to_owned())).await.unwrap();
    }
    timeout(LIMIT, driver.run(pending()))
        .await
        .unwrap()
        .unwrap();
}

/// A driver that runs on its own, which is asked during a wait of its script.
async fn asked() -> (Control, JoinSet<Result<ExitCode, Error>>) {
    let driver = driver_of_a_webhook("wait 1h").await;
    let control = driver.control();
    let mut tasks = JoinSet::new();
    tasks.spawn(driver.run(pending()));
    (control, tasks)
}

/// Waits until a delivery has ended.
async fn ended(control: &Control, number: usize) -> Delivery {
    let mut revisions = control.history.revisions();
    let waits = async {
        loop {
            let delivery = control.history.delivery(number).unwrap();
            if delivery.ended {
                return delivery;
            }
            revisions.changed().await.unwrap();
        }
    };
    timeout(LIMIT, waits).await.unwrap()
}

#[tokio::test]
async fn an_ask_pushes_during_a_wait_and_again_with_the_same_ids_or_new_ones() {
    let (control, _driver) = asked().await;
    let event = Pushable::parse(&[EVENT]).unwrap();
    assert_eq!(control.push(event, None).await, Ok(vec![1]));
    assert_eq!(control.resend(1, Ids::Same).await, Ok(2));
    assert_eq!(control.resend(1, Ids::New).await, Ok(3));
    assert_eq!(control.resend(3, Ids::New).await, Ok(4));
    let mut deliveries = Vec::new();
    for number in 1..=4 {
        deliveries.push(ended(&control, number).await);
    }
    for delivery in &deliveries {
        assert_eq!(delivery.progress(), Progress::Acknowledged);
        assert_eq!(delivery.event_type, EVENT);
        assert_eq!(delivery.mode, Mode::Webhook);
    }
    let replays: Vec<_> = deliveries.iter().map(|one| one.replay_of).collect();
    assert_eq!(replays, [None, Some(1), Some(1), Some(3)]);
    assert_eq!(deliveries[0].document, deliveries[1].document);
    assert_eq!(deliveries[0].event_id, deliveries[1].event_id);
    let message = |delivery: &Delivery| {
        let document: serde_json::Value = serde_json::from_slice(&delivery.document).unwrap();
        document["event"]["message"]["message_id"].to_string()
    };
    let ids: BTreeSet<_> = deliveries.iter().map(|one| &one.event_id).collect();
    let messages: BTreeSet<_> = deliveries.iter().map(message).collect();
    assert_eq!((ids.len(), messages.len()), (3, 3));
}

#[tokio::test]
async fn a_delivery_that_is_not_kept_is_an_error_with_the_kept_ones() {
    let (control, _driver) = asked().await;
    let none = control.resend(1, Ids::Same).await.unwrap_err();
    assert_eq!(
        none,
        AskError::Unknown("no delivery #1: push an event first".to_owned())
    );
    let event = Pushable::parse(&[EVENT]).unwrap();
    control.push(event, None).await.unwrap();
    let none = control.resend(7, Ids::New).await.unwrap_err();
    let none = none.to_string();
    assert_eq!(none, "expected the number of a delivery from 1 to 1, got 7");
}

#[tokio::test]
async fn a_callback_without_an_id_cannot_be_pushed_as_a_new_one() {
    let (control, _driver) = asked().await;
    let card = Pushable::parse(&["card.action.trigger_v1"]).unwrap();
    control.push(card, None).await.unwrap();
    let error = control.resend(1, Ids::New).await.unwrap_err();
    let expected = "expected an event with an id, got card.action.trigger_v1, whose document has none: \
                    resend it as the same one";
    assert_eq!(error, AskError::WithoutIds(expected.to_owned()));
    assert_eq!(control.resend(1, Ids::Same).await, Ok(2));
    let newer = Pushable::parse(&["card.action.trigger"]).unwrap();
    control.push(newer, None).await.unwrap();
    assert_eq!(control.resend(3, Ids::New).await, Ok(4));
}

#[tokio::test]
async fn faults_are_injected_and_removed_and_readers_wake() {
    let (control, _driver) = asked().await;
    let faults = || -> Vec<_> {
        let faults = control.platform.faults().into_iter();
        faults.map(|fault| fault.to_string()).collect()
    };
    let mut revisions = control.history.revisions();
    for name in ["lose-answer", "delay:2s@0.5", "lose-answer"] {
        revisions.mark_unchanged();
        let fault: Named = name.parse().unwrap();
        control.inject(fault).await.unwrap();
        assert!(revisions.has_changed().unwrap());
    }
    assert_eq!(faults(), ["lose-answer", "lose-answer", "delay:2s@0.5"]);
    let lasting = control.platform.faults()[2];
    assert_eq!(control.remove(&lasting).await, Ok(true));
    assert_eq!(control.remove(&lasting).await, Ok(false));
    assert_eq!(faults(), ["lose-answer", "lose-answer"]);
    control.calm().await.unwrap();
    assert_eq!(faults(), <[&str; 0]>::default());
}

#[tokio::test]
async fn an_ask_after_the_end_is_an_error() {
    let mut driver = driver("quit", None).await;
    let control = driver.control();
    let task = control.clone();
    driver.tasks.spawn(async move {
        let _control = task;
        pending::<()>().await;
    });
    timeout(LIMIT, driver.run(pending()))
        .await
        .unwrap()
        .unwrap();
    let error = control.calm().await.unwrap_err();
    assert_eq!(error, AskError::Stopped);
    assert!(error.to_string().contains("has stopped"), "{error}");
}

#[tokio::test]
async fn no_push_begins_while_too_many_have_not_ended() {
    let mut driver = driver(&format!("push {EVENT}"), None).await;
    driver.redeliver_after = vec![Duration::from_hours(1)];
    let event = Pushable::parse(&[EVENT]).unwrap();
    for number in 1..=MAX_RUNNING {
        assert_eq!(driver.push_on_each(&event).unwrap(), Ok(vec![number]));
    }
    let full = driver.push_on_each(&event).unwrap().unwrap_err();
    let text = full.to_string();
    assert!(
        text.contains("too many deliveries have not ended: 5000")
            && text.contains("--redeliver never"),
        "{text}"
    );
    assert_eq!(driver.resend(1, Ids::Same).unwrap(), Err(full.clone()));
    // A script goes on.
    assert!(driver.run_script().unwrap());
    // So does a stream, as soon as there is room.
    let url: WebhookUrl = "http://127.0.0.1:1/".parse().unwrap();
    driver.history.set_webhook(Webhook::Set(url));
    let stream: Stream = format!("{EVENT}@1000/s").parse().unwrap();
    let at = Instant::now();
    driver.streams.push(Due { stream, at });
    driver.push_due().unwrap();
    assert!(driver.has_skipped);
    assert_eq!(driver.history.running(), MAX_RUNNING);
    driver.history.ended(1);
    driver.streams[0].at = at;
    driver.push_due().unwrap();
    assert_eq!(driver.history.kept(), Some((1, MAX_RUNNING + 1)));
}

#[tokio::test]
async fn faults_in_effect_are_bounded() {
    let mut driver = driver("fault close\ncalm\nfault close", None).await;
    let fault: Named = "lose-answer".parse().unwrap();
    for _ in 0..MAX_FAULTS {
        driver.inject(fault).unwrap();
    }
    let full = driver.inject(fault).unwrap_err();
    let text = full.to_string();
    assert!(
        text.contains("at most 1000 can be in effect") && text.contains("remove some"),
        "{text}"
    );
    assert!(driver.run_script().unwrap());
    assert_eq!(driver.platform.faults().len(), 1);
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_lost_and_comes_back() {
    let driver = driver("", None).await;
    let url: WebhookUrl = "http://127.0.0.1:1/".parse().unwrap();
    let attempt = async |mode| {
        let mut push = driver.platform.push_by(mode, Document::from("{}"), []);
        push.next_attempt().await.unwrap()
    };
    let answered = attempt(Mode::Webhook).await;
    let mut lost = answered.clone();
    lost.answer = attempt(Mode::LongConnection).await.answer;
    let set = Webhook::Set(url.clone());
    assert_eq!(set.after(&answered), None);
    assert_eq!(set.after(&lost), None, "nowhere to send");
    lost.answer = Answer::Missing(Missing::Unreachable);
    lost.error = Some("Connection refused (os error 111)".to_owned());
    let why = "cannot connect to the webhook: Connection refused (os error 111)".to_owned();
    let is_lost = Webhook::Lost(url, why);
    assert_eq!(set.after(&lost), Some(is_lost.clone()));
    assert_eq!(is_lost.after(&lost), None);
    assert_eq!(is_lost.after(&answered), Some(set.clone()));
    assert!(set.is_set() && is_lost.is_set() && !Webhook::Unset.is_set());
    // An attempt on a long connection says nothing about the webhook.
    lost.mode = Mode::LongConnection;
    assert_eq!(set.after(&lost), None);
}
