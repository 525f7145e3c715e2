//! A callback that is answered with a title.

use lark_events::callback::{UrlPreviewGet, UrlPreviewReply};
use lark_events::{BoxError, Dispatcher, Event};

async fn on_url_preview_get(event: Event<UrlPreviewGet>) -> Result<UrlPreviewReply, BoxError> {
    println!("{:?}", event.body);
    Ok(UrlPreviewReply::title("A page"))
}

pub(super) fn dispatcher() -> Result<Dispatcher, BoxError> {
    Ok(Dispatcher::builder()
        .on::<UrlPreviewGet>(on_url_preview_get)
        .build()?)
}
