//! Finds an event by its number or its id.

use lark_events_pages::query;

use super::event_url;
use crate::console::Shared;
use crate::console::answer::{Answer, Failure};
use crate::console::params::Params;

pub(in crate::console) async fn get(shared: &Shared, asked: &Params) -> Result<Answer, Failure> {
    let id = asked.get("id").unwrap_or_default().trim();
    if id.is_empty() {
        return Err(Failure::bad("expected the number or the id of an event"));
    }
    let number = id.strip_prefix('#').unwrap_or(id).parse();
    if let Ok(seq) = number
        && shared.store.show(seq).await?.is_some()
    {
        return Ok(Answer::SeeOther(event_url(seq)));
    }
    let list = query(&[("view", "events"), ("id", id)]);
    Ok(Answer::SeeOther(format!("?{list}")))
}
