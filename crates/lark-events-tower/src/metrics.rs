//! Measuring requests, through the `metrics` facade.

use http::StatusCode;
use lark_events::error::RejectionKind;
use metrics::{Unit, counter, describe_counter};

const ANSWERS: &str = "lark_events_answers_total";
const REJECTIONS: &str = "lark_events_rejections_total";

/// Describes the metrics to the recorder that is installed now. The counts of rejections begin at 0, so that
/// Prometheus sees the first rejection as an increase.
pub(crate) fn describe() {
    describe_counter!(ANSWERS, Unit::Count, "answers to requests, by status");
    describe_counter!(
        REJECTIONS,
        Unit::Count,
        "requests that the webhook rejected"
    );
    for reason in RejectionKind::ALL {
        counter!(REJECTIONS, "reason" => reason.as_str()).increment(0);
    }
}

/// Counts an answered request.
pub(crate) fn answer(status: StatusCode) {
    counter!(ANSWERS, "status" => status.as_str().to_owned()).increment(1);
}

/// Counts a request that the webhook rejected.
pub(crate) fn rejection(reason: &'static str) {
    counter!(REJECTIONS, "reason" => reason).increment(1);
}
