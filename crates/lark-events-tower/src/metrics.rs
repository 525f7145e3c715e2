//! Measuring requests, through the `metrics` facade.

use http::StatusCode;
use metrics::{Unit, counter, describe_counter};

const ANSWERS: &str = "lark_events_answers_total";
const REJECTIONS: &str = "lark_events_rejections_total";

/// Describes the metrics to the recorder that is installed now.
pub(crate) fn describe() {
    describe_counter!(ANSWERS, Unit::Count, "answers to requests, by status");
    describe_counter!(
        REJECTIONS,
        Unit::Count,
        "requests that the webhook rejected"
    );
}

/// Counts an answered request.
pub(crate) fn answer(status: StatusCode) {
    counter!(ANSWERS, "status" => status.as_str().to_owned()).increment(1);
}

/// Counts a request that the webhook rejected.
pub(crate) fn rejection(reason: &'static str) {
    counter!(REJECTIONS, "reason" => reason).increment(1);
}
