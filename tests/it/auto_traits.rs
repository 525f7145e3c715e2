//! Public types are `Send` and `Sync`: a server moves services to its connections, a program moves errors
//! to its log, and a runtime moves futures between threads. The compiler checks it here, so that a new
//! private field cannot change it unnoticed.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use lark_events::callback::{
    CallbackContext, CallbackOperator, CardAction, CardActionReply, CardActionTrigger,
    CardActionTriggerV1, InlinePreview, OldCardReply, PreviewUrl, ProfileViewGet, ReplyCard, Toast,
    ToastKind, UrlPreviewGet, UrlPreviewReply,
};
use lark_events::dispatch::{
    DispatchFuture, DispatcherBuilder, HasState, Manifest, ManifestEntry, NoState, Verdict,
};
use lark_events::error::{
    BuildError, BuildErrorKind, CipherError, CipherErrorKind, DecodeErrorKind, DispatchErrorKind,
    EncodeError, EncodeErrorKind, Rejection, RejectionKind, WebhookBuildError,
    WebhookBuildErrorKind,
};
use lark_events::event::{
    CloudEvent, DeliveryKind, KnownEvent, Schema, TypedBody, Violation, Violations,
};
use lark_events::testing::Delivered;
use lark_events::webhook::{Admission, Challenge, OldCardWebhook, WebhookBuilder};
use lark_events::{
    BoxError, DecodeError, Delivery, DispatchError, Dispatcher, EncryptKey, Event, EventHeader,
    EventInfo, LateHandler, Opened, Outcome, RawJson, RawReply, Reject, RetryAfter, Transport,
    UnhandledPolicy, UserId, VerificationToken, Webhook, Webhooks,
};
use lark_events_layers::key::DuplicateKeys;
use lark_events_layers::record::{
    Entry, ReadError, ReadErrorKind, RecordLayer, Recorded, RecordedRequest, RecordedResponse,
    Recorder, RecorderStats, Recording,
};
use lark_events_layers::run::{
    Begun, Called, Counter, Ended, NotStarted, Pending, Slot, Tasks, Terms,
};
use lark_events_layers::{
    AllowLayer, AllowList, AllowStats, Claim, Dedup, DedupLayer, DedupLayerBuilder, DedupStats,
    DedupStore, Filtered, InOrder, InOrderLayer, InOrderLayerBuilder, InOrderStats,
    LayerBuildError, LayerBuildErrorKind, LayerError, LayerErrorKind, Measured, MemoryStore,
    MentionLayer, MentionStats, MetricsLayer, OutcomeFuture, StaleLayer, StaleStats,
};
use lark_events_sim as sim;
use lark_events_tower::{
    DrainError, DrainErrorKind, EventLayer, EventService, EventServiceBuildError,
    EventServiceBuildErrorKind, EventServiceBuilder, LayerFuture, Never, OldCardService,
    ResponseBody, ResponseFuture, Stats, WithEvents,
};
use lark_events_ws as ws;

fn shared<T: Send + Sync + Unpin + 'static>() {}
fn shared_for_a_while<T: Send + Sync + Unpin>() {}
fn sent<T: Send + Unpin + 'static>() {}

macro_rules! shared {
    ($($public:ty),* $(,)?) => { $(shared::<$public>();)* };
}

#[test]
fn what_an_app_is_built_of_can_be_shared() {
    shared!(Dispatcher, DispatcherBuilder, UnhandledPolicy, LateHandler);
    shared!(NoState, HasState<()>, Reject, RetryAfter, Verdict);
    shared!(KnownEvent, DecodeErrorKind, EncodeErrorKind, BuildErrorKind);
    shared!(CipherErrorKind, WebhookBuildErrorKind);
    shared!(Manifest, ManifestEntry, EventInfo, TypedBody, Schema);
    shared!(EncryptKey, VerificationToken, Webhook, WebhookBuilder);
    shared!(Webhooks, OldCardWebhook, Opened, Challenge, Rejection);
    shared!(
        RejectionKind,
        Delivery,
        DeliveryKind,
        CloudEvent,
        Transport,
        Event<RawJson>
    );
    shared!(EventHeader, RawJson, UserId, Outcome, RawReply, Delivered);
    shared!(Violation, Violations, BoxError, BuildError, CipherError);
    shared!(DecodeError, DispatchError, DispatchErrorKind, EncodeError);
    shared!(WebhookBuildError);
    shared_for_a_while::<Admission<'_>>();
    // A handler's own future is asked to be `Send` and no more, and so is what runs it.
    sent::<DispatchFuture>();

    shared!(CallbackContext, CallbackOperator, CardAction, InlinePreview);
    shared!(CardActionReply, CardActionTrigger, CardActionTriggerV1);
    shared!(OldCardReply, PreviewUrl, ReplyCard, Toast, ToastKind);
    shared!(ProfileViewGet, UrlPreviewGet, UrlPreviewReply);
}

#[test]
fn a_webhook_and_its_layers_can_be_shared() {
    shared!(
        Called<Vec<u8>>,
        Counter,
        Ended,
        NotStarted,
        Slot,
        Tasks,
        Terms
    );
    shared!(EventService<Dispatcher>, EventServiceBuilder<Dispatcher>);
    shared!(OldCardService<Dispatcher>, EventService<Dispatcher, Webhooks>);
    shared!(EventLayer<Dispatcher>, WithEvents<Dispatcher, Dispatcher>);
    shared!(
        DedupLayer,
        Dedup<Dispatcher>,
        DedupStats,
        Claim,
        MemoryStore
    );
    shared!(InOrderLayer, InOrder<Dispatcher>, InOrderStats);
    shared!(MetricsLayer, Measured<Dispatcher>);
    shared!(RecordLayer, Recorded<Dispatcher>, Recorder, RecorderStats);
    shared!(Entry, RecordedRequest, RecordedResponse);
    shared!(Recording<&[u8]>, ReadError, ReadErrorKind);
    shared!(AllowLayer, AllowList, AllowStats, Filtered<Dispatcher>);
    shared!(MentionLayer, MentionStats, StaleLayer, StaleStats);
    shared!(
        Stats,
        DrainError,
        DrainErrorKind,
        LayerError,
        LayerErrorKind
    );
    shared!(DedupLayerBuilder, InOrderLayerBuilder);
    shared!(LayerBuildError, LayerBuildErrorKind, DuplicateKeys);
    shared!(EventServiceBuildError, EventServiceBuildErrorKind);
    shared!(Never, ResponseBody, ResponseBody<Full<Bytes>>);
    shared::<Box<dyn DedupStore>>();
    sent::<OutcomeFuture>();
    sent::<Begun<'static>>();
    sent::<Pending<'static>>();
    sent::<ResponseFuture>();
    type Http = EventService<Dispatcher>;
    sent::<LayerFuture<Http, Request<Full<Bytes>>>>();
}

#[test]
fn a_long_connection_can_be_shared() {
    shared!(
        ws::LongConnection,
        ws::LongConnections,
        ws::LongConnectionBuilder
    );
    shared!(ws::Monitor, ws::State, ws::Stats, ws::LateHandler);
    shared!(
        ws::LongConnectionBuildError,
        ws::LongConnectionBuildErrorKind
    );
    shared!(
        ws::ConnectError,
        ws::ConnectErrorKind,
        ws::Domain,
        ws::Run<Dispatcher>
    );
    sent::<ws::RunFuture>();
    shared!(ws::frame::Frame, ws::frame::Header, ws::frame::Method);
    shared!(ws::frame::FrameError, ws::frame::FrameErrorKind);
}

#[test]
fn a_local_platform_can_be_shared() {
    shared!(
        sim::Platform,
        sim::PlatformBuilder,
        sim::Document,
        sim::Fault
    );
    shared!(sim::Push, sim::PushCallback, sim::Report, sim::Attempt);
    shared!(sim::Answer, sim::Missing, sim::Mode, sim::Ack, sim::AckFate);
    shared!(
        sim::ClientConfig,
        sim::Span,
        sim::PlatformStats,
        sim::ProtocolViolation,
        sim::ProtocolViolationKind
    );
    shared!(
        sim::ParseDocumentError,
        sim::ParseDocumentErrorKind,
        sim::ParseFaultError,
        sim::ParseFaultErrorKind,
        sim::ParseSpanError,
        sim::StartError,
        sim::StartErrorKind,
        sim::WebhookError
    );
    shared!(sim::Poster, sim::PostError, sim::PostErrorKind);
    shared!(
        sim::WebhookUrl,
        sim::WebhookUrlError,
        sim::WebhookUrlErrorKind
    );
    shared!(sim::WebhookErrorKind);
    sent::<sim::WebhookConnection>();
    shared!(sim::CallbackError, sim::ApiCall, sim::ApiMessage);
    shared!(
        sim::Sent,
        sim::InjectedFault,
        sim::Connection,
        sim::Attempts
    );
}

/// What async functions return has a type without a name. None of it is run.
#[test]
fn what_is_awaited_can_be_spawned() {
    let dispatcher = || Dispatcher::builder().build().unwrap();
    let webhook = Webhook::builder().encrypt_key("key").build().unwrap();
    let events = EventService::new(webhook, dispatcher());
    spawnable(events.drain(Duration::MAX));
    spawnable(DedupLayer::new().settled());

    let connection = || {
        ws::LongConnection::builder("cli_a", "secret")
            .build()
            .unwrap()
    };
    spawnable(connection().monitor().until(|_| true));
    spawnable(connection().run(dispatcher()).into_future());
    let several = ws::LongConnections::of([connection()]).unwrap();
    spawnable(several.run(dispatcher()).into_future());
    spawnable(sim::Platform::builder().start());
}

fn spawnable(_: impl Future + Send) {}

/// Nor a trait, which is a bound of other types: `Deliver`, `EventSet`, `EventType`, `Handler`,
/// `HandlerWith`, `IntoReply`, `Length`, `Number`, `Opener`, `SetHandler`, `SetHandlerWith`, `Validate`.
#[test]
fn no_public_type_is_forgotten() {
    let here = words(include_str!("auto_traits.rs"));
    for root in [
        include_str!("../../crates/lark-events/src/lib.rs"),
        include_str!("../../crates/lark-events/src/callback/mod.rs"),
        include_str!("../../crates/lark-events/src/dispatch/mod.rs"),
        include_str!("../../crates/lark-events/src/error.rs"),
        include_str!("../../crates/lark-events/src/event/mod.rs"),
        include_str!("../../crates/lark-events/src/webhook/mod.rs"),
        include_str!("../../crates/lark-events-sim/src/lib.rs"),
        include_str!("../../crates/lark-events-layers/src/lib.rs"),
        include_str!("../../crates/lark-events-layers/src/record/mod.rs"),
        include_str!("../../crates/lark-events-layers/src/run/mod.rs"),
        include_str!("../../crates/lark-events-tower/src/lib.rs"),
        include_str!("../../crates/lark-events-ws/src/lib.rs"),
    ] {
        let exports = root.split("\npub use ").skip(1);
        let names = exports.flat_map(|export| words(export.split(';').next().unwrap()));
        let types: Vec<_> = names.filter(|name| is_type(name)).collect();
        assert!(types.len() > 3, "{types:?}");
        for name in types {
            assert!(here.contains(&name), "{name}");
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .collect()
}

/// Whether it is a name in the form of types and traits.
fn is_type(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}
