//! The platform's API with the client of this project: each fault at each call, and a whole bot.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use http::Method;
use lark_events::callback::{CardActionReply, CardActionTrigger};
use lark_events::{BoxError, Dispatcher, Event, EventHeader, RawJson, Webhook};
use lark_events_api::{
    Api, ApiBuilder, ApiError, ApiErrorKind, AppTicketEvent, Card, CardAnswer, Domain, FileKind,
    Message, Once, Person, Receiver, ResourceKind,
};
use lark_events_sim::{APP_ID, APP_SECRET, Document, Fault, Platform, PlatformBuilder};
use lark_events_tower::EventService;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

const CHAT: &str = "oc_1";

async fn start(builder: PlatformBuilder) -> Arc<Platform> {
    let platform = builder.start().await.unwrap();
    platform.set_file("img_1", "png");
    platform.set_result("/open-apis/tea/v1/cups", json!({"cups": 2}));
    Arc::new(platform)
}

/// The API of its app, over streams in memory.
fn builder(platform: &Arc<Platform>) -> ApiBuilder {
    let dialed = Arc::clone(platform);
    Api::builder(APP_ID, APP_SECRET)
        .domain(Domain::custom(platform.base_url()))
        .connect_with(move |_| {
            let stream = dialed.dial();
            async move { Ok(stream) }
        })
}

type Done = Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send>>;

/// A call, by its name.
struct Named {
    name: &'static str,
    /// Whether it may be repeated after a lost connection.
    is_repeatable: bool,
    call: fn(Api) -> Done,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! calls {
    ($($name:literal, $is_repeatable:literal, |$api:ident| $call:expr;)*) => {
        [$(Named {
            name: $name,
            is_repeatable: $is_repeatable,
            call: |$api| Box::pin(async move { $call.await.map(drop) }),
        }),*]
    };
}

fn message() -> Message {
    Message::text("tea")
}

fn card() -> Card {
    Card::v2().markdown("tea")
}

/// The token of the card callback that the platform has sent.
const CARD_TOKEN: &str = "c-1";

/// A card callback.
fn press(token: &str) -> Document {
    let body = json!({"token": token, "operator": {"open_id": "ou_1"},
        "action": {"tag": "button", "value": {}}});
    Document::v2("card.action.trigger", &body).unwrap()
}

/// The call that updates the card of a callback, as it is.
async fn update(api: &Api, token: &str) -> Result<(), ApiError> {
    let body = json!({"token": token, "card": card().into_json()});
    let path = "/open-apis/interactive/v1/card/update";
    api.call(Method::POST, path, &body).await
}

/// An update by the work that goes on after the answer to a callback.
async fn update_later(api: Api) -> Result<(), ApiError> {
    let (done, mut results) = mpsc::channel(1);
    let handler = api.card_handler(move |_| {
        let done = done.clone();
        async move {
            Ok::<_, BoxError>(
                CardAnswer::new()
                    .then(async move |mut updates| done.send(updates.update(card()).await).await),
            )
        }
    });
    let mut body = CardActionTrigger::default();
    body.token = Some(CARD_TOKEN.to_owned());
    let press = Event::new(EventHeader::new("card.action.trigger"), body);
    let _ = handler(press).await.unwrap();
    results.recv().await.unwrap()
}

fn all_calls() -> Vec<Named> {
    calls![
        "send", false, |api| api.send(Receiver::chat(CHAT), message()).into_future();
        "send once", true, |api| api.send(Receiver::chat(CHAT), message()).once(Once::key("k")).into_future();
        "reply", false, |api| api.reply("om_user", message()).into_future();
        "reply once", true, |api| api.reply("om_user", card()).once(Once::key("k")).into_future();
        "update card", false, |api| api.update_card("om_1", card());
        "delayed update", false, |api| update_later(api);
        "react", false, |api| api.add_reaction("om_user", "OK");
        "recall", false, |api| api.recall("om_1");
        "upload image", false, |api| api.upload_image(b"png");
        "upload file", false, |api| api.upload_file(FileKind::Pdf, "a.pdf", b"%PDF");
        "download", true, |api| api.download("om_user", "img_1", ResourceKind::Image);
        "user", true, |api| async move { api.get_user(&Person::open_id("ou_1")).await };
        "bot", true, |api| api.bot_info();
        "get", true, |api| api.call::<_, Value>(Method::GET, "/open-apis/tea/v1/cups", &());
        "post", false, |api| api.call::<_, Value>(Method::POST, "/open-apis/tea/v1/cups", &());
    ]
    .into_iter()
    .collect()
}

/// What is left of a fault in the error of a call, if the call fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    /// A new token or a wait lets the call succeed.
    Nothing,
    /// An error with this kind, status and code.
    Error(ApiErrorKind, u16, Option<i64>),
    /// A connection without an answer: repeated where that is safe.
    Lost,
    /// The same, of a gateway with a status.
    Gateway(u16),
    Deadline,
}

fn faults() -> Vec<(Fault, Left)> {
    let mut faults = vec![
        (Fault::ApiLimit(429, Some(7)), Left::Nothing),
        (Fault::ApiLimit(400, Some(7)), Left::Nothing),
        (Fault::ApiLimit(429, None), Left::Nothing),
        (
            Fault::ApiLimit(429, Some(9_999)),
            Left::Error(ApiErrorKind::RateLimited, 429, Some(99_991_400)),
        ),
        (Fault::Api(429, 1), Left::Nothing),
        (Fault::ApiStatus(502), Left::Gateway(502)),
        (Fault::ApiStatus(500), Left::Gateway(500)),
        (
            Fault::ApiStatus(404),
            Left::Error(ApiErrorKind::Unexpected, 404, None),
        ),
        (
            Fault::ApiStatus(302),
            Left::Error(ApiErrorKind::Unexpected, 302, None),
        ),
        (Fault::ApiReset, Left::Lost),
        (Fault::ApiLoseAnswer, Left::Lost),
        (Fault::ApiSilent, Left::Deadline),
    ];
    for status in [200, 400, 401] {
        for code in [99_991_661, 99_991_663, 99_991_664, 99_991_668] {
            faults.push((Fault::Api(status, code), Left::Nothing));
        }
        let refused = Left::Error(ApiErrorKind::Refused, status, Some(230_001));
        faults.push((Fault::Api(status, 230_001), refused));
    }
    faults
}

#[tokio::test(start_paused = true)]
async fn no_fault_at_any_call_panics_or_sends_twice_or_loses_a_code() {
    for named in all_calls() {
        for (fault, left) in faults() {
            let platform = start(Platform::builder()).await;
            let api = builder(&platform)
                .deadline(Duration::from_secs(60))
                .build()
                .unwrap();
            // A card to update and to recall; and a token.
            api.send(Receiver::chat(CHAT), card()).await.unwrap();
            // A callback, although nobody receives it.
            let _ = platform.push_callback(press(CARD_TOKEN)).await;
            platform.inject(fault);
            let before = platform.messages().len();
            let result = (named.call)(api.clone()).await;
            let place = format!("{named:?} {fault:?}: {result:?}");

            assert_eq!(platform.clear_faults(), [], "{place}");
            let sends = named.name.starts_with("send") || named.name.starts_with("reply");
            let sent = platform.messages().len() - before;
            assert!(sent <= usize::from(sends), "{place}");
            let error = match (left, result) {
                (Left::Nothing, result) => {
                    assert!(result.is_ok(), "{place}");
                    assert_eq!(sent, usize::from(sends), "{place}");
                    continue;
                }
                (Left::Lost | Left::Gateway(_), result) if named.is_repeatable => {
                    assert!(result.is_ok(), "{place}");
                    assert_eq!(sent, usize::from(sends), "{place}");
                    continue;
                }
                // An image is a file whatever its bytes are.
                (_, Ok(())) => panic!("{place}"),
                (_, Err(error)) => error,
            };
            match left {
                Left::Nothing => unreachable!("{place}"),
                Left::Error(kind, status, code) => {
                    let status_of = error.status().map(|status| status.as_u16());
                    let got = (error.kind(), status_of, error.code());
                    assert_eq!(got, (kind, Some(status), code), "{place}");
                    assert_eq!(sent, 0, "{place}");
                }
                Left::Lost => {
                    assert_eq!(error.kind(), ApiErrorKind::Unreachable, "{place}");
                    assert!(error.may_have_happened(), "{place}");
                    let happened = fault == Fault::ApiLoseAnswer && sends;
                    assert_eq!(sent, usize::from(happened), "{place}");
                }
                Left::Gateway(status) => {
                    assert_eq!(error.kind(), ApiErrorKind::Unavailable, "{place}");
                    let got = error.status().map(|status| status.as_u16());
                    assert_eq!(got, Some(status), "{place}");
                    assert!(error.may_have_happened(), "{place}");
                    assert_eq!(sent, 0, "{place}");
                }
                Left::Deadline => {
                    assert_eq!(error.kind(), ApiErrorKind::TimedOut, "{place}");
                    assert!(error.may_have_happened(), "{place}");
                    assert_eq!(sent, 0, "{place}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_fault_at_a_reply_that_grows_sends_twice_or_loses_its_end() {
    for (fault, left) in faults() {
        for at_an_update in [false, true] {
            let platform = start(Platform::builder()).await;
            let api = builder(&platform).build().unwrap();
            api.bot_info().await.unwrap();
            if !at_an_update {
                platform.inject(fault);
            }
            let reply = api.reply_stream("om_user", Once::key("k"), "…").unwrap();
            if at_an_update {
                while platform.messages().is_empty() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                platform.inject(fault);
            }
            reply.push("tea").unwrap();
            let result = reply.finish().await;
            let place = format!("{fault:?} {at_an_update}: {result:?}");
            assert_eq!(platform.clear_faults(), [], "{place}");
            match (result, left) {
                (Ok(_), _) => {
                    let [message] = &platform.messages()[..] else {
                        panic!("{place}")
                    };
                    assert_eq!(message.content, card().into_json(), "{place}");
                }
                (Err(error), Left::Error(kind, _, code)) => {
                    assert_eq!((error.kind(), error.code()), (kind, code), "{place}");
                    assert_eq!(platform.messages().len(), usize::from(at_an_update));
                }
                (Err(_), _) => panic!("{place}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_callback_updates_its_card_twice_in_half_an_hour_after_the_answer() {
    let code = |result: Result<(), ApiError>| result.unwrap_err().code();
    let platform = start(Platform::builder()).await;
    let api = builder(&platform).build().unwrap();
    assert_eq!(code(update(&api, "c-unknown").await), Some(11_310));

    let calls = Arc::new(OnceLock::<Api>::new());
    let early = Arc::new(Mutex::new(None));
    let (api, result) = (Arc::clone(&calls), Arc::clone(&early));
    let on_press = move |event: Event<CardActionTrigger>| {
        let (api, result) = (Arc::clone(&api), Arc::clone(&result));
        async move {
            let token = event.body.token.as_deref().unwrap_or_default();
            if token == "c-2" {
                let early = update(api.get().unwrap(), token).await;
                *result.lock().unwrap() = Some(early);
            }
            Ok::<_, BoxError>(CardActionReply::new())
        }
    };
    let dispatcher = Dispatcher::builder().on::<CardActionTrigger>(on_press);
    let webhook = Webhook::builder().verification_token("v").build().unwrap();
    let app = EventService::new(webhook, dispatcher.build().unwrap());
    let platform = Platform::builder().verification_token("v");
    let platform = start(platform.webhook_service(app)).await;
    let api = calls.get_or_init(|| builder(&platform).build().unwrap());
    platform.push_callback(press("c-1")).await.unwrap();
    update(api, "c-1").await.unwrap();
    update(api, "c-1").await.unwrap();
    assert_eq!(code(update(api, "c-1").await), Some(11_310));

    platform.push_callback(press("c-2")).await.unwrap();
    let early = early.lock().unwrap().take().unwrap();
    assert_eq!(code(early), Some(11_310));
    update(api, "c-2").await.unwrap();
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(code(update(api, "c-2").await), Some(11_310));
}

#[tokio::test(start_paused = true)]
async fn no_fault_at_a_request_for_a_token_loses_a_code_or_sends_twice() {
    for (fault, left) in faults() {
        let platform = start(Platform::builder()).await;
        let api = builder(&platform).build().unwrap();
        platform.inject(fault);
        let sent = api.send(Receiver::chat(CHAT), message()).await;
        let place = format!("{fault:?}: {sent:?}");
        if let Err(error) = &sent {
            assert!(!error.may_have_happened(), "{place}");
        }
        match (left, sent) {
            (Left::Error(kind, status, code), Err(error)) => {
                let status_of = error.status().map(|status| status.as_u16());
                assert_eq!(
                    (error.kind(), status_of, error.code()),
                    (kind, Some(status), code)
                );
            }
            (Left::Deadline, Err(error)) => {
                assert_eq!(error.kind(), ApiErrorKind::TimedOut, "{place}");
            }
            (_, sent) => {
                assert!(sent.is_ok(), "{place}");
                assert_eq!(platform.messages().len(), 1, "{place}");
            }
        }
        assert!(platform.messages().len() <= 1, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_first_calls_request_one_token_which_expires() {
    let platform = start(Platform::builder().token_lifetime(Duration::from_mins(10))).await;
    let api = builder(&platform).build().unwrap();
    let calls = (0..100).map(|_| {
        let api = api.clone();
        tokio::spawn(async move { api.bot_info().await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    let tokens = || {
        let calls = platform.api_calls();
        calls.iter().filter(|call| call.is_for_token()).count()
    };
    assert_eq!((tokens(), platform.stats().api_calls), (1, 101));
    // It is renewed five minutes before its end.
    tokio::time::sleep(Duration::from_mins(5)).await;
    api.bot_info().await.unwrap();
    assert_eq!(tokens(), 2);
    // Revoked tokens are found by their rejection.
    platform.revoke_tokens();
    api.bot_info().await.unwrap();
    assert_eq!(tokens(), 3);
    let wrong = Api::builder(APP_ID, "wrong").domain(Domain::custom(platform.base_url()));
    let dialed = Arc::clone(&platform);
    let wrong = wrong.connect_with(move |_| {
        let stream = dialed.dial();
        async move { Ok(stream) }
    });
    let error = wrong.build().unwrap().bot_info().await.unwrap_err();
    assert_eq!(error.code(), Some(10_014));
    assert!(error.log_id().is_some());
}

#[tokio::test(start_paused = true)]
async fn what_the_app_sends_is_there_for_the_test() {
    let platform = start(Platform::builder()).await;
    let api = builder(&platform).build().unwrap();
    let sent = api
        .send(Receiver::chat(CHAT), card())
        .once(Once::key("a"))
        .await
        .unwrap();
    let again = api
        .send(Receiver::chat(CHAT), card())
        .once(Once::key("a"))
        .await
        .unwrap();
    assert_eq!(again, sent);
    assert_eq!(sent.chat_id.as_deref(), Some(CHAT));
    api.update_card(&sent.message_id, Card::v2().markdown("done"))
        .await
        .unwrap();
    api.add_reaction(&sent.message_id, "OK").await.unwrap();
    let reply = api.reply("om_user", message()).await.unwrap();
    api.recall(&reply.message_id).await.unwrap();
    let [card, text] = &platform.messages()[..] else {
        panic!()
    };
    assert_eq!((card.sent, card.updates, &*card.reactions[0]), (2, 1, "OK"));
    assert_eq!(card.content, Card::v2().markdown("done").into_json());
    assert_eq!(
        (text.text(), text.reply_to.as_deref()),
        (Some("tea"), Some("om_user"))
    );
    assert!(text.is_recalled && !card.is_recalled);
    // After an hour, the platform has forgotten the uuid.
    tokio::time::sleep(Duration::from_hours(1)).await;
    let later = api
        .send(Receiver::chat(CHAT), message())
        .once(Once::key("a"))
        .await
        .unwrap();
    assert_ne!(later.message_id, sent.message_id);

    let key = api.upload_image(b"\r\n--png").await.unwrap();
    let file = api
        .download("om_1", &key, ResourceKind::Image)
        .await
        .unwrap();
    assert_eq!(file, "\r\n--png");
    let gone = api.recall(&reply.message_id).await.unwrap_err();
    assert_eq!(
        (gone.kind(), gone.code()),
        (ApiErrorKind::Refused, Some(230_011))
    );
    let unknown: Result<Value, _> = api.call(Method::GET, "/open-apis/unknown", &()).await;
    assert_eq!(unknown.unwrap_err().status().unwrap().as_u16(), 404);
    let call = platform.api_calls().pop().unwrap();
    assert_eq!(
        (&*call.path, call.is_answered),
        ("/open-apis/unknown", true)
    );
}

/// A bot that sends a message about each event.
async fn on_tea(api: Api, event: Event<RawJson>) -> Result<(), ApiError> {
    let text = event.body.as_str().to_owned();
    api.send(Receiver::chat(CHAT), text).once(&event).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_redelivered_event_sends_one_message() {
    let platform = start(Platform::builder().verification_token("v")).await;
    let api = builder(&platform).build().unwrap();
    let dispatcher = Dispatcher::builder()
        .on_raw("kitchen.tea.ready_v1", move |event| {
            on_tea(api.clone(), event)
        })
        .build()
        .unwrap();
    let webhook = Webhook::builder().verification_token("v").build().unwrap();
    let app = EventService::new(webhook, dispatcher);
    let pusher = Platform::builder()
        .verification_token("v")
        .webhook_service(app);
    let pusher = pusher.start().await.unwrap();
    pusher.inject(Fault::LoseAnswer);
    // The platform redelivers after 15 seconds, and the answer of the API is lost too.
    platform.inject(Fault::ApiLoseAnswer);
    let report = pusher
        .push(Document::v2("kitchen.tea.ready_v1", &["green"]).unwrap())
        .await;
    assert_eq!(report.attempts.len(), 2);
    let [message] = &platform.messages()[..] else {
        panic!("{:?}", platform.messages())
    };
    assert!(message.sent >= 2, "{message:?}");
    assert_eq!(message.text(), Some(r#"["green"]"#));
}

#[tokio::test(start_paused = true)]
async fn a_store_app_gets_its_ticket_and_a_token_for_each_tenant() {
    // The platform of the API, and of the events, is one: the webhook needs the API, which needs the platform.
    let platform = start(Platform::builder().verification_token("v")).await;
    let api = builder(&platform).store_app().build().unwrap();
    let dispatcher = Dispatcher::builder()
        .on::<AppTicketEvent>(api.ticket_handler())
        .build()
        .unwrap();
    let tenant = api.for_tenant("t-1");
    let error = tenant.bot_info().await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::NoTicket);
    let resends = platform.api_calls();
    assert!(
        resends
            .iter()
            .any(|call| call.path.ends_with("/app_ticket/resend"))
    );

    let webhook = Webhook::builder().verification_token("v").build().unwrap();
    let request = {
        let ticket = platform.new_ticket();
        platform.request(ticket)
    };
    let app = EventService::new(webhook, dispatcher);
    let pusher = Platform::builder()
        .verification_token("v")
        .webhook_service(app);
    let pusher = pusher.start().await.unwrap();
    assert_eq!(pusher.post(request).await.status().unwrap(), 200);
    tenant.bot_info().await.unwrap();
    api.for_tenant("t-2").bot_info().await.unwrap();
    platform.revoke_tokens();
    tenant.bot_info().await.unwrap();
}

#[tokio::test]
async fn over_sockets_it_does_the_same() {
    let platform = start(Platform::builder()).await;
    let api = Api::builder(APP_ID, APP_SECRET)
        .domain(Domain::custom(platform.base_url()))
        .build()
        .unwrap();
    for _ in 0..3 {
        api.send(Receiver::chat(CHAT), message()).await.unwrap();
    }
    assert_eq!(platform.messages().len(), 3);
    drop(platform);
    let began = Instant::now();
    let error = api.send(Receiver::chat(CHAT), message()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ApiErrorKind::Unreachable,
        "{error} {:?}",
        began.elapsed()
    );
}

/// What a process does that has proxies in its environment: this test once more.
const CHILD: &str = "LARK_EVENTS_TEST_CHILD";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_proxy_of_the_environment_receives_a_secret_unencrypted() {
    if let Ok(base_url) = std::env::var(CHILD) {
        let api = Api::builder(APP_ID, APP_SECRET).domain(Domain::custom(base_url));
        api.build().unwrap().bot_info().await.unwrap();
        return;
    }
    let platform = start(Platform::builder()).await;
    for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child
            .env_clear()
            .env(CHILD, platform.base_url())
            .env(proxy, "http://127.0.0.1:1")
            .args(["--exact", "--nocapture"])
            .arg("api::no_proxy_of_the_environment_receives_a_secret_unencrypted");
        let output = tokio::task::spawn_blocking(move || child.output().unwrap());
        let said = String::from_utf8_lossy(&output.await.unwrap().stdout).into_owned();
        assert!(said.contains("1 passed"), "{proxy}: {said}");
    }
    assert_eq!(platform.stats().api_calls, 6);
}
