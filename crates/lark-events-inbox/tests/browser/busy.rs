//! A store on which much has happened.

use std::time::Duration;

use lark_events::{Delivery, EventHeader, RawJson};
use lark_events_inbox::{AttemptOutcome, Entry, Settled, Settlement, Store, WorkerId, WorkerState};
use serde_json::json;

use crate::stored::InAFile;

pub(crate) const REFUSED: &str =
    "the order was not saved: connection refused: orders-db.internal:5432 (os error 111)";
const TIMED_OUT: &str = "数据库连接超时：等待 30 秒后没有可用的连接";
const BAD_GATEWAY: &str = "expected status 200 from https://warehouse.example.com/api/v2/orders/\
    b3a1f0c2d4e5f60718293a4b5c6d7e8f/reservations?trace=4bf92f3577b34da6a3ce929d0e0e4736, but got 502: \
    <html><body>Bad Gateway</body></html>";
const PANIC: &str = "the handler panicked: index out of bounds: the len is 3 but the index is 7";

const MESSAGE: &str = "im.message.receive_v1";
const APPROVAL: &str = "approval.approval.updated_v4";

/// An event as platforms send it, without spaces.
fn entry(number: usize, event_type: &str, lane: &str) -> Entry {
    let mut header = EventHeader::new(event_type);
    header.event_id = Some(format!("f7984f25108f8137722bb63cee{number:06}"));
    header.tenant_key = Some("2ed263bf32cf1651".to_owned());
    header.app_id = Some("cli_9f5343c580712544".to_owned());
    let content = json!({ "text": "请在 17:00 前确认订单 \"#4711\"" }).to_string();
    let body = json!({
        "message": {
            "chat_id": lane,
            "content": content,
            "create_time": "1609073151345",
            "mentions": [{ "id": { "open_id": "ou_84aad35d084aa403a838cf73ee18467" }, "name": "Tom" }],
            "message_id": format!("om_5ce6d572455d361153b7cb51da{number:06}"),
        },
        "sender": { "sender_type": "user", "tenant_key": "2ed263bf32cf1651" },
    });
    let body = RawJson::parse(body.to_string()).unwrap();
    let mut entry = Entry::new(Delivery::new(header, body));
    entry.lane = Some(lane.to_owned());
    entry.trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    entry
}

/// The only event that is visible, after attempts with these errors.
async fn attempts(store: &dyn Store, entry: Entry, errors: &[&str], end: Settled) {
    store.append(vec![entry]).await.unwrap();
    let attempts = errors.len();
    for (at, error) in errors.iter().enumerate() {
        let claimed = store.claim(1, Duration::from_secs(60)).await.unwrap();
        let settled = match at + 1 == attempts {
            true => end,
            false => Settled::RetryIn(Duration::ZERO),
        };
        let outcome = match *error {
            "" => AttemptOutcome::Handled,
            PANIC => AttemptOutcome::Panicked,
            _ => AttemptOutcome::Failed,
        };
        let mut settlement = Settlement::new(claimed[0].fence, settled, outcome);
        settlement.error = Some((*error).to_owned()).filter(|error| !error.is_empty());
        settlement.took = Duration::from_millis(340 + 7_900 * u64::try_from(at).unwrap());
        store.settle(vec![settlement]).await.unwrap();
    }
}

/// Dead letters by many errors, events that wait, are ready and are finished. Event 1 is a dead letter.
pub(crate) async fn busy() -> InAFile {
    let file = InAFile::new().await;
    let store = &*file.store;
    let worker = WorkerId::draw();
    store.heartbeat(worker, WorkerState::Running).await.unwrap();
    let mut number = 0..;
    let mut next = |event_type, lane| entry(number.next().unwrap(), event_type, lane);
    for at in 0..14 {
        let errors: &[&str] = match at % 7 {
            0..3 => &[TIMED_OUT, REFUSED, REFUSED],
            3 | 4 => &[REFUSED, TIMED_OUT],
            5 => &[BAD_GATEWAY],
            _ => &[PANIC],
        };
        let event_type = if at % 3 == 0 { APPROVAL } else { MESSAGE };
        let entry = next(event_type, "oc_5ad11d72b830411d72b836c20");
        attempts(store, entry, errors, Settled::Dead).await;
    }
    for errors in [&["", ""][..1], &[REFUSED, ""]] {
        let entry = next(MESSAGE, "oc_84d6f2a9");
        attempts(store, entry, errors, Settled::Done).await;
    }
    let hour = Settled::RetryIn(Duration::from_secs(3_700));
    let entry = next(MESSAGE, "oc_5ad11d72b830411d72b836c20");
    attempts(store, entry, &[REFUSED], hour).await;
    for lane in [
        "oc_5ad11d72b830411d72b836c20",
        "oc_5ad11d72b830411d72b836c20",
        "oc_订单",
    ] {
        store.append(vec![next(MESSAGE, lane)]).await.unwrap();
    }
    file
}
