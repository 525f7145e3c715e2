//! Measuring connections, through the `metrics` facade.

use metrics::{counter, gauge};

use crate::monitor::State;

/// Records that a connection goes from one state to another.
pub(crate) fn state(app_id: &str, before: &State, after: &State) {
    let app_id = app_id.to_owned();
    let open = gauge!("lark_events_connections", "app_id" => app_id.clone());
    match (before.is_connected(), after.is_connected()) {
        (false, true) => open.increment(1.0),
        (true, false) => open.decrement(1.0),
        _ => {}
    }
    if let State::Reconnecting { why, .. } | State::Failed(why) = after {
        let reason = why.kind().as_str();
        let name = "lark_events_connection_failures_total";
        counter!(name, "app_id" => app_id, "reason" => reason).increment(1);
    }
}
