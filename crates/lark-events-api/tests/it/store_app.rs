//! Store apps: tickets, and a token for each tenant.

use std::error::Error as _;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lark_events::dispatch::Verdict;
use lark_events::{BoxError, Delivery, Dispatcher, Outcome, Transport as By};
use lark_events_api::{Api, ApiError, ApiErrorKind, AppTicket, AppTicketEvent, TicketStore};
use serde_json::json;
use tokio::time::timeout;

use crate::platform::{Fault, ID, Platform};

fn store_app(platform: &Platform) -> Api {
    platform.builder().store_app().build().unwrap()
}

/// The event with a ticket, as the platform sends it.
fn ticket(app_id: &str, ticket: &str) -> Delivery {
    ticket_at(app_id, ticket, "1700000000.5")
}

fn ticket_at(app_id: &str, ticket: &str, ts: &str) -> Delivery {
    let document = json!({"uuid": "u", "ts": ts, "token": "t", "type": "event_callback",
        "event": {"type": "app_ticket", "app_id": app_id, "app_ticket": ticket}});
    Delivery::parse_unauthenticated(document.to_string(), By::Local, SystemTime::now()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_ticket_comes_as_an_event_and_buys_a_token_for_each_tenant() {
    let platform = Platform::new();
    platform.set_ticket("marked-ticket");
    let api = store_app(&platform);
    let dispatcher = Dispatcher::builder().on::<AppTicketEvent>(api.ticket_handler());
    let dispatcher = dispatcher.build().unwrap();
    let outcome = dispatcher.dispatch(ticket(ID, "marked-ticket")).await;
    assert!(matches!(outcome, Ok(Outcome::Handled)), "{outcome:?}");

    let (one, two) = (api.for_tenant("t-1"), api.for_tenant("t-2"));
    for _ in 0..2 {
        let (a, b) = tokio::join!(one.recall("om_1"), two.recall("om_1"));
        a.unwrap();
        b.unwrap();
    }
    assert_eq!(platform.to("/app_access_token"), 1);
    assert_eq!(platform.to("/tenant_access_token"), 2);
    let mut tokens: Vec<_> = platform
        .calls()
        .into_iter()
        .map(|seen| seen.token.unwrap())
        .collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 2, "tenants have tokens of their own");

    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::Invalid, "without a tenant");
}

#[tokio::test(start_paused = true)]
async fn without_a_ticket_one_is_requested_and_an_inbox_waits() {
    let platform = Platform::new();
    let api = store_app(&platform).for_tenant("t-1");
    for _ in 0..3 {
        let error = api.recall("om_1").await.unwrap_err();
        assert_eq!(error.kind(), ApiErrorKind::NoTicket);
        let wait = Verdict::RetryAfter(Duration::from_secs(5));
        assert_eq!(Verdict::of(&error), Some(wait));
        let cause = error.source().unwrap().source().unwrap().to_string();
        assert_eq!(cause, "the app_ticket comes as an event");
    }
    assert_eq!(
        platform.to("/app_ticket/resend"),
        1,
        "at most once a minute"
    );
    tokio::time::advance(Duration::from_mins(1)).await;
    api.recall("om_1").await.unwrap_err();
    assert_eq!(platform.to("/app_ticket/resend"), 2);

    platform.set_ticket("marked-ticket");
    api.put_ticket(&AppTicket::new("marked-ticket"))
        .await
        .unwrap();
    api.recall("om_1").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_outdated_ticket_is_requested_again() {
    let platform = Platform::new();
    platform.set_ticket("marked-new");
    let api = store_app(&platform).for_tenant("t-1");
    api.put_ticket(&AppTicket::new("marked-old")).await.unwrap();
    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ApiErrorKind::NoTicket, Some(10_012))
    );
    assert_eq!(platform.to("/app_ticket/resend"), 1);
    api.put_ticket(&AppTicket::new("marked-new")).await.unwrap();
    api.recall("om_1").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_ticket_that_fails_is_the_error_and_is_made_again() {
    let platform = Platform::new();
    let api = store_app(&platform).for_tenant("t-1");
    platform.token_fault(Fault::code(400, 10_015));
    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ApiErrorKind::Refused, Some(10_015))
    );
    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::NoTicket);
    assert_eq!(platform.to("/app_ticket/resend"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_ticket_that_is_cancelled_is_made_again() {
    let platform = Platform::new();
    let api = store_app(&platform);
    platform.token_fault(Fault::Never);
    let cancelled = timeout(Duration::from_secs(1), api.resend_ticket()).await;
    assert!(cancelled.is_err());
    api.resend_ticket().await.unwrap();
    assert_eq!(platform.to("/app_ticket/resend"), 2);
    api.resend_ticket().await.unwrap();
    assert_eq!(platform.to("/app_ticket/resend"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_outdated_ticket_is_the_error_also_if_no_new_one_can_be_requested() {
    let platform = Platform::new();
    platform.set_ticket("marked-new");
    let api = store_app(&platform).for_tenant("t-1");
    api.put_ticket(&AppTicket::new("marked-old")).await.unwrap();
    platform.token_fault(Fault::code(200, 10_012));
    platform.token_fault(Fault::code(400, 10_015));
    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ApiErrorKind::NoTicket, Some(10_012))
    );
    let source = error.source().unwrap().downcast_ref::<ApiError>().unwrap();
    assert_eq!(source.code(), Some(10_015));
}

#[tokio::test(start_paused = true)]
async fn a_store_of_tickets_that_does_not_answer_does_not_block_later_calls() {
    struct Stuck(Mutex<bool>);

    #[async_trait]
    impl TicketStore for Stuck {
        async fn put(&self, _: &str, _: &AppTicket) -> Result<(), BoxError> {
            Ok(())
        }

        async fn get(&self, _: &str) -> Result<Option<AppTicket>, BoxError> {
            let is_first = std::mem::take(&mut *self.0.lock().unwrap());
            if is_first {
                std::future::pending::<()>().await;
            }
            Ok(Some(AppTicket::new("marked-ticket")))
        }
    }

    let platform = Platform::new();
    platform.set_ticket("marked-ticket");
    let tickets = Stuck(Mutex::new(true));
    let api = platform.builder().store_app_with(tickets).build().unwrap();
    let api = api.for_tenant("t-1");
    let error = api.recall("om_1").await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::NoTicket);
    api.recall("om_1").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_older_ticket_that_is_redelivered_does_not_replace_the_newest() {
    let platform = Platform::new();
    platform.set_ticket("marked-new");
    let api = store_app(&platform);
    let dispatcher = Dispatcher::builder().on::<AppTicketEvent>(api.ticket_handler());
    let dispatcher = dispatcher.build().unwrap();
    for (text, ts) in [
        ("marked-first", "1700000000.5"),
        ("marked-new", "1700003600.5"),
        ("marked-first", "1700000000.5"),
    ] {
        let outcome = dispatcher.dispatch(ticket_at(ID, text, ts)).await;
        assert!(matches!(outcome, Ok(Outcome::Handled)), "{outcome:?}");
    }
    api.for_tenant("t-1").recall("om_1").await.unwrap();
    assert_eq!(platform.to("/app_ticket/resend"), 0);
}

#[tokio::test(start_paused = true)]
async fn revoked_tokens_are_renewed_down_to_the_app_token() {
    let platform = Platform::new();
    platform.set_ticket("marked-ticket");
    let api = store_app(&platform).for_tenant("t-1");
    api.put_ticket(&AppTicket::new("marked-ticket"))
        .await
        .unwrap();
    api.recall("om_1").await.unwrap();
    platform.revoke();
    api.recall("om_1").await.unwrap();
    assert_eq!(platform.to("/app_access_token"), 2);
    assert_eq!(platform.to("/tenant_access_token"), 3);
    assert_eq!(platform.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_of_another_app_or_no_ticket_is_a_failure() {
    let platform = Platform::new();
    let api = store_app(&platform);
    let dispatcher = Dispatcher::builder().on::<AppTicketEvent>(api.ticket_handler());
    let dispatcher = dispatcher.build().unwrap();
    for odd in [ticket("cli_other", "marked-ticket"), ticket(ID, "")] {
        assert!(dispatcher.dispatch(odd).await.is_err());
    }
    let custom = platform.api();
    let error = custom.put_ticket(&AppTicket::new("x")).await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::Invalid);
}
