//! An action is known to the process that started it only.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http::Request;
use tower::ServiceExt as _;

use crate::gate::Gate;
use crate::page::{load, open, wait_for_text};
use crate::site::serve;
use crate::stored::{InAFile, dead, open_to_all};

#[tokio::test]
async fn the_page_of_an_action_ends_with_its_process() {
    let Some(tab) = open("an action of an earlier process").await else {
        return;
    };
    let file = InAFile::new().await;
    dead(&*file.store, 0..5, "refused").await;
    let gate = Arc::new(Gate::closed(file.store.clone()));
    let console = Arc::new(Mutex::new(open_to_all(gate.clone())));
    let current = Arc::clone(&console);
    let app = tower::service_fn(move |request: Request<Body>| {
        let console = current.lock().unwrap().clone();
        console.oneshot(request)
    });
    let address = serve(Router::new().fallback_service(app)).await;
    let confirm = "?view=confirm&action=retry&scope=all&state=dead";
    load(&tab, &format!("http://{address}/{confirm}")).await;
    tab.click("main button").await;
    wait_for_text(&tab, "#progress", "0 of 5 events").await;
    *console.lock().unwrap() = open_to_all(gate);
    wait_for_text(&tab, "#connection", "no longer there").await;
    assert_eq!(tab.eval("document.body.dataset.poll").await, "");
}
