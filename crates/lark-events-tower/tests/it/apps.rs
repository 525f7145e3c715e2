//! Several apps behind one service.

use axum::Router;
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use lark_events::{Webhook, Webhooks};
use lark_events_sim::{Document, Platform};
use lark_events_tower::EventService;

use crate::support::{PATH, event, send, status, watched};

const APPS: [&str; 2] = ["cli_a", "cli_b"];

fn webhooks() -> [Webhook; 2] {
    APPS.map(|app| {
        let webhook = Webhook::builder()
            .app_id(app)
            .encrypt_key(format!("key of {app}"))
            .verification_token(format!("token of {app}"));
        webhook.build().unwrap()
    })
}

/// What the platform posts for an app at a path.
fn post(path: &str, app: &str, document: Document) -> Request<Full<Bytes>> {
    let platform = Platform::builder()
        .app(app, "secret")
        .encrypt_key(format!("key of {app}"))
        .verification_token(format!("token of {app}"));
    let mut request = platform.request(document);
    *request.uri_mut() = path.parse::<Uri>().unwrap();
    request.map(Full::new)
}

#[tokio::test]
async fn the_apps_of_one_url_are_told_by_their_signatures() {
    let (dispatcher, seen) = watched();
    let webhooks = Webhooks::by_signature(webhooks()).unwrap();
    let service = EventService::new(webhooks, dispatcher);
    for app in APPS {
        let own = post(PATH, app, event("quick_v1"));
        assert_eq!(status(&service, own).await, 200);
        for other in ["cli_a", "cli_b", "cli_c"] {
            let foreign = event("quick_v1").header("app_id", other);
            let expected = if other == app { 200 } else { 401 };
            let request = post(PATH, app, foreign);
            assert_eq!(status(&service, request).await, expected, "{app} {other}");
        }
    }
    let unknown = post(PATH, "cli_c", event("quick_v1"));
    let unknown = send(&service, unknown).await;
    let foreign = event("quick_v1").header("app_id", "cli_b");
    let foreign = send(&service, post(PATH, "cli_a", foreign)).await;
    assert_eq!(unknown.status, 401);
    assert_eq!(unknown, foreign, "who asks learns nothing");
    assert_eq!((seen.finished(), service.stats().rejected_requests), (4, 6));
}

#[tokio::test]
async fn a_route_for_all_apps_takes_the_app_from_its_path() {
    let (dispatcher, seen) = watched();
    let webhooks = Webhooks::by_path(webhooks()).unwrap();
    let events = EventService::new(webhooks, dispatcher);
    let service = Router::new()
        .nest(
            "/hooks",
            Router::new().route_service("/{app}", events.clone()),
        )
        .route_service("/webhook/{app}", events);
    for (path, app, expected) in [
        ("/webhook/cli_a", "cli_a", 200),
        ("/webhook/cli_b?x=/cli_a", "cli_b", 200),
        ("/hooks/cli_a", "cli_a", 200),
        ("/webhook/cli_a", "cli_b", 401),
        ("/webhook/cli_c", "cli_c", 401),
        ("/webhook/cli_c", "cli_a", 401),
        ("/webhook/", "cli_a", 404),
    ] {
        let request = post(path, app, event("quick_v1"));
        assert_eq!(status(&service, request).await, expected, "{path} {app}");
    }
    assert_eq!(seen.finished(), 3);
    let unknown = post("/webhook/cli_c", "cli_a", event("quick_v1"));
    let forged = post("/webhook/cli_a", "cli_b", event("quick_v1"));
    assert_eq!(send(&service, unknown).await, send(&service, forged).await);
}
