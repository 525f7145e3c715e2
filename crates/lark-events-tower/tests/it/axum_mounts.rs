//! Mounted in axum: as a route, as a layer, and what axum does with a layer. An event that some
//! fallback answers with 200 is an event lost, so each such place is shown here.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post as on_post};
use http::StatusCode;
use lark_events::Dispatcher;
use lark_events_tower::{EventLayer, EventService};
use tokio::net::TcpListener;
use tower::Layer as _;

use crate::support::{PATH, SUCCESS, event, platform, post, send, watched, webhook};

fn layer() -> EventLayer<Dispatcher> {
    EventLayer::new(PATH, webhook(), watched().0)
}

fn event_to(path: &str) -> Request {
    let mut request = post("quick_v1");
    *request.uri_mut() = path.parse().unwrap();
    request.map(Body::new)
}

async fn answered(app: &Router, path: &str) -> String {
    let answered = send(app, event_to(path)).await;
    format!("{} {}", answered.status.as_u16(), answered.body)
}

fn page() -> axum::routing::MethodRouter {
    on_post("a page")
}

fn handled() -> String {
    format!("200 {SUCCESS}")
}

#[tokio::test]
async fn as_a_route_it_is_a_route_like_any_other() {
    let events = EventService::new(webhook(), watched().0);
    let app: Router = Router::new().route_service(PATH, events.clone());
    let app = app.route("/page", page()).fallback("a fallback");
    assert_eq!(answered(&app, PATH).await, handled());
    assert_eq!(answered(&app, "/page").await, "200 a page");
    assert_eq!(answered(&app, "/other").await, "200 a fallback");

    let nested = Router::new()
        .nest("/hooks", app.clone())
        .fallback("an outer fallback");
    assert_eq!(answered(&nested, "/hooks/webhook/event").await, handled());
    let merged = Router::new().route("/x", get("x")).merge(app);
    assert_eq!(answered(&merged, PATH).await, handled());
}

#[tokio::test]
async fn as_a_layer_it_answers_its_path_and_leaves_the_rest_untouched() {
    async fn echo(body: String) -> (StatusCode, String) {
        (StatusCode::CREATED, body)
    }
    let app = Router::new().route("/echo", on_post(echo)).layer(layer());
    assert_eq!(answered(&app, PATH).await, handled());
    let echoed = Request::post("/echo")
        .body(Body::from("as it was"))
        .unwrap();
    let echoed = send(&app, echoed).await;
    assert_eq!(
        (echoed.status, echoed.body.as_str()),
        (StatusCode::CREATED, "as it was")
    );
    assert_eq!(answered(&app, "/other").await, "404 ");
    for near in [
        "/webhook/event/",
        "/webhook/even",
        "/webhook/event/x",
        "/Webhook/event",
    ] {
        assert_eq!(answered(&app, near).await, "404 ", "{near}");
    }
    assert_eq!(answered(&app, "/webhook/event?x=1").await, handled());
}

#[tokio::test]
async fn a_fallback_before_the_layer_leaves_it_its_path() {
    let app = Router::new()
        .route("/page", page())
        .fallback("a fallback")
        .layer(layer());
    assert_eq!(answered(&app, PATH).await, handled());
    assert_eq!(answered(&app, "/other").await, "200 a fallback");
}

#[tokio::test]
async fn a_fallback_after_the_layer_takes_the_events() {
    let app = Router::new()
        .route("/page", page())
        .layer(layer())
        .fallback("a fallback");
    assert_eq!(
        answered(&app, PATH).await,
        "200 a fallback",
        "an event lost"
    );
}

#[tokio::test]
async fn a_merge_with_a_router_that_has_a_fallback_takes_the_events() {
    let layered = Router::new().route("/page", page()).layer(layer());
    let other = Router::new().route("/x", get("x")).fallback("a fallback");
    let app = other.clone().merge(layered.clone());
    assert_eq!(
        answered(&app, PATH).await,
        "200 a fallback",
        "an event lost"
    );
    let app = layered.merge(other);
    assert_eq!(
        answered(&app, PATH).await,
        "200 a fallback",
        "an event lost"
    );
}

#[tokio::test]
async fn the_merged_router_can_be_layered() {
    let one = Router::new().route("/page", page());
    let other = Router::new().route("/x", get("x")).fallback("a fallback");
    let app = one.merge(other).layer(layer());
    assert_eq!(answered(&app, PATH).await, handled());
}

#[tokio::test]
async fn a_layer_in_a_nested_router_is_not_reached() {
    let inner = |path: &'static str| {
        let layer = EventLayer::new(path, webhook(), watched().0);
        Router::new().route("/page", page()).layer(layer)
    };
    for path in ["/event", "/hooks/event"] {
        let app = Router::new().nest("/hooks", inner(path));
        assert_eq!(answered(&app, "/hooks/event").await, "404 ");
        let app = app.fallback("a fallback");
        assert_eq!(
            answered(&app, "/hooks/event").await,
            "200 a fallback",
            "an event lost"
        );
    }
}

#[tokio::test]
async fn a_layer_over_a_nested_fallback_sees_the_path_without_its_prefix() {
    let app = |path: &'static str| {
        let layer = EventLayer::new(path, webhook(), watched().0);
        let inner = Router::new().fallback("an inner fallback").layer(layer);
        Router::new().nest("/hooks", inner)
    };
    assert_eq!(answered(&app("/event"), "/hooks/event").await, handled());
    let whole_path = answered(&app("/hooks/event"), "/hooks/event").await;
    assert_eq!(whole_path, "200 an inner fallback", "an event lost");
}

#[tokio::test]
async fn around_the_whole_app_it_sees_every_request() {
    let app = Router::new().route("/page", page()).fallback("a fallback");
    let app = Router::new().fallback_service(layer().layer(app));
    assert_eq!(answered(&app, PATH).await, handled());
    assert_eq!(answered(&app, "/page").await, "200 a page");
    assert_eq!(answered(&app, "/other").await, "200 a fallback");
}

#[tokio::test]
async fn an_event_does_not_wait_for_the_service_below() {
    let never_ready = tower::ServiceBuilder::new()
        .concurrency_limit(0)
        .service(Router::new().route("/page", page()));
    let stack = layer().layer(never_ready);
    let answer = send(&stack, event_to(PATH)).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::OK, SUCCESS)
    );
}

#[tokio::test]
async fn the_platform_saves_the_url_of_a_mount_that_gets_the_events_and_of_no_other() {
    let events = EventService::new(webhook(), watched().0);
    let routed: Router = Router::new().route_service(PATH, events);
    let nested = Router::new().nest("/hooks", routed.clone());
    let layered = Router::new().route("/page", page()).layer(layer());
    let hidden = layered.clone().fallback("a fallback");
    for (app, path, saved) in [
        (routed, PATH, true),
        (nested, "/hooks/webhook/event", true),
        (layered.clone(), PATH, true),
        (layered, "/page", false),
        (hidden, PATH, false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let platform = platform().webhook(&url).start().await;
        assert_eq!(platform.is_ok(), saved, "{path}: {platform:?}");
        if let Ok(platform) = platform {
            let report = platform.push(event("quick_v1")).await;
            assert!(report.acknowledged(), "{path}: {report:?}");
        }
    }
}

#[test]
#[should_panic(expected = "the path must begin with `/`")]
fn a_path_that_could_never_match_is_refused() {
    EventLayer::new("webhook/event", webhook(), watched().0);
}
