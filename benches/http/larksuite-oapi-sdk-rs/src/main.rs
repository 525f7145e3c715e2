//! A webhook with larksuite-oapi-sdk-rs in axum, whose handler does nothing but count.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::post;
use larksuite_oapi_sdk_rs::axum_handler::event_handler;
use larksuite_oapi_sdk_rs::event::EventDispatcher;
use larksuite_oapi_sdk_rs::events::vc::P2VcReserveConfigUpdatedV1;
use tokio::net::TcpListener;

static HANDLED: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = env::var("LARK_VERIFICATION_TOKEN")?;
    let dispatcher = EventDispatcher::new(token, env::var("LARK_ENCRYPT_KEY")?)
        .on_p2_vc_reserve_config_updated_v1(|_: P2VcReserveConfigUpdatedV1| async {
            HANDLED.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
    let app = Router::new()
        .route("/webhook/event", post(event_handler))
        .with_state(Arc::new(dispatcher));
    let listener = TcpListener::bind(env::var("LISTEN_ADDR")?).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
