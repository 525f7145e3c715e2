//! The event as serde derives it, without leniency: what decoding costs at least.

use serde::Deserialize;

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
pub(crate) struct Document {
    schema: String,
    header: Header,
    event: ReserveConfig,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
struct Header {
    event_id: String,
    event_type: String,
    create_time: String,
    token: String,
    app_id: String,
    tenant_key: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
pub(crate) struct ReserveConfig {
    scope_id: Option<String>,
    scope_type: Option<i64>,
    approve_config: Option<ApproveConfig>,
    time_config: Option<TimeConfig>,
    reserve_scope_config: Option<ReserveScopeConfig>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
struct ApproveConfig {
    approval_switch: Option<i64>,
    approval_condition: Option<i64>,
    meeting_duration: Option<f64>,
    approvers: Option<Vec<User>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
struct User {
    user_id: Option<UserId>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
#[expect(clippy::struct_field_names, reason = "the platform's names")]
struct UserId {
    union_id: Option<String>,
    user_id: Option<String>,
    open_id: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
struct TimeConfig {
    time_switch: Option<i64>,
    days_in_advance: Option<i64>,
    opening_hour: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    max_duration: Option<i64>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
struct ReserveScopeConfig {
    allow_all_users: Option<i64>,
    allow_users: Option<Vec<User>>,
    allow_depts: Option<Vec<Department>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded, and dropped")]
struct Department {
    department_id: Option<String>,
}
