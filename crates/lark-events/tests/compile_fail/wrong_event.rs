//! A handler of one event registered for another.

use lark_events::callback::{CardActionTrigger, UrlPreviewGet, UrlPreviewReply};
use lark_events::{Dispatcher, Event};

async fn on_preview(_: Event<UrlPreviewGet>) -> UrlPreviewReply {
    UrlPreviewReply::title("a link")
}

fn main() {
    //~ type mismatch in function arguments
    //~ expected function signature `fn(Event<CardActionTrigger>) -> _`
    //~ found function signature `fn(Event<UrlPreviewGet>) -> _`
    let _ = Dispatcher::builder().on::<CardActionTrigger>(on_preview).build();
}
