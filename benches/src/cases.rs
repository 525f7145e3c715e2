//! The cases: an operation and its input.

use std::hint::black_box;

use bytes::Bytes;
use futures_util::FutureExt as _;
use lark_events::dispatch::DispatcherBuilder;
use lark_events::{
    Delivery, Dispatcher, Event, Opened, Outcome, RawJson, Transport, UnhandledPolicy, Webhook,
};
use lark_events_ws::frame::{Frame, header};
use lark_events_ws::internals::Socketless;
use tower::Service as _;
use vc_events::ReserveConfigUpdatedV1;

use crate::event::{self, Post, Size, VERIFICATION_TOKEN};
use crate::floor::Floor;
use crate::strict::ReserveConfig;

/// An operation on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// The lower bound for a signed and encrypted event.
    Floor,
    /// Opening and dispatching a signed and encrypted event.
    Encrypted,
    /// The same without an Encrypt Key.
    Plain,
    /// A signed and encrypted event without a handler.
    Unrouted,
    /// Like [`Encrypted`](Self::Encrypted), with 250 handlers.
    Of250,
    /// Rejecting a forged signature.
    Forged,
    /// Hashing a body.
    Hash,
    /// A frame of the long connection, and the frame that answers it.
    LongConnection,
    /// Decoding the body into types as serde derives them.
    Strict,
    /// Decoding the body into our types.
    Lenient,
}

/// The operation to measure: each call runs it once.
pub type Workload = Box<dyn FnMut()>;

impl Case {
    /// All cases. Compared ones are adjacent, as the speed of a machine changes.
    pub const ALL: [Self; 10] = [
        Self::Floor,
        Self::Encrypted,
        Self::Of250,
        Self::Unrouted,
        Self::Lenient,
        Self::Strict,
        Self::Hash,
        Self::Forged,
        Self::Plain,
        Self::LongConnection,
    ];

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Encrypted => "encrypted",
            Self::Plain => "plain",
            Self::Unrouted => "unrouted",
            Self::Of250 => "of_250",
            Self::Forged => "forged",
            Self::Hash => "hash",
            Self::LongConnection => "long_connection",
            Self::Strict => "strict",
            Self::Lenient => "lenient",
        }
    }

    /// The case of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.name() == name)
    }

    /// Prepares the input, so that the workload does only the named operation.
    #[must_use]
    pub fn workload(self, size: Size) -> Workload {
        let document = event::document("5e3702a84e847582be8db7fb73283c02", size);
        let post = Post::encrypted(&document);
        match self {
            Self::Floor => {
                let floor = Floor::new(&post);
                Box::new(move || drop(black_box(floor.run())))
            }
            Self::Hash => {
                let floor = Floor::new(&post);
                Box::new(move || {
                    black_box(floor.hash());
                })
            }
            Self::Encrypted => {
                receive(event::webhook(), handling().build(), post, Outcome::Handled)
            }
            Self::Of250 => {
                let others = (1..250).map(|n| format!("vc.bench_{n}.updated_v1"));
                let ignore = |_: Event<RawJson>| async {};
                let all = others.fold(handling(), |all, name| all.on_raw(name, ignore));
                receive(event::webhook(), all.build(), post, Outcome::Handled)
            }
            Self::Unrouted => {
                let none = Dispatcher::builder();
                let none = none.unhandled(UnhandledPolicy::Acknowledge).build();
                receive(event::webhook(), none, post, Outcome::Unhandled)
            }
            Self::Plain => {
                let webhook = Webhook::builder().verification_token(VERIFICATION_TOKEN);
                let webhook = webhook.build().expect("a webhook with a token");
                let post = Post::plain(&document);
                receive(webhook, handling().build(), post, Outcome::Handled)
            }
            Self::Forged => {
                let (webhook, post) = (event::webhook(), post.forged());
                Box::new(move || {
                    let opened = webhook.open(&post.headers, post.body.clone());
                    assert!(black_box(opened).is_err());
                })
            }
            Self::LongConnection => long_connection(&document),
            Self::Strict => {
                let body = body(&document);
                Box::new(move || {
                    let decoded: serde_json::Result<ReserveConfig> =
                        serde_json::from_str(body.as_str());
                    black_box(decoded).expect("a documented body");
                })
            }
            Self::Lenient => {
                let body = body(&document);
                Box::new(move || {
                    let decoded = body.decode_leniently::<ReserveConfigUpdatedV1>();
                    black_box(decoded).expect("a documented body");
                })
            }
        }
    }
}

fn handling() -> DispatcherBuilder {
    Dispatcher::builder().on::<ReserveConfigUpdatedV1>(|event| async move {
        black_box(event.body);
    })
}

fn receive(
    webhook: Webhook,
    dispatcher: Result<Dispatcher, lark_events::error::BuildError>,
    post: Post,
    expected: Outcome,
) -> Workload {
    let mut dispatcher = dispatcher.expect("handlers that do not overlap");
    Box::new(move || {
        let opened = webhook.open(&post.headers, post.body.clone());
        let Ok(Opened::Delivery(delivery)) = opened else {
            panic!("the event is opened: {opened:?}");
        };
        let outcome = dispatcher.call(delivery).now_or_never();
        let outcome = outcome.expect("a handler that waits for nothing");
        assert_eq!(outcome.expect("a handler that does not fail"), expected);
    })
}

fn long_connection(document: &str) -> Workload {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().expect("a runtime");
    let dispatcher = handling().build().expect("one handler");
    let entered = runtime.enter();
    let mut connection = Socketless::new(dispatcher);
    drop(entered);
    let message: Bytes = Frame::data(1)
        .with_header(header::TYPE, header::EVENT)
        .with_header(header::MESSAGE_ID, "2b8f6f9c-0f2b-4d4b-9a8e-3c2b6b4c5d10")
        .with_header(header::TRACE_ID, "6e0a1f5d9b2c4e7f8a3b5c6d7e8f9a0b")
        .with_header(header::SUM, "1")
        .with_header(header::SEQ, "0")
        .with_payload(document.to_owned())
        .encode();
    Box::new(move || {
        let answer = runtime.block_on(connection.exchange(message.clone()));
        let answer = black_box(answer).expect("an answer");
        assert!(answer.ends_with(br#"{"code":200}"#));
    })
}

fn body(document: &str) -> RawJson {
    let delivery = Delivery::parse_unauthenticated(
        document.to_owned(),
        Transport::Local,
        std::time::SystemTime::UNIX_EPOCH,
    );
    delivery.expect("a documented event").raw
}
