//! Measuring requests, through the `metrics` facade.

use http::StatusCode;
use metrics::{Unit, counter, describe_counter};

const ANSWERS: &str = "lark_events_answers_total";
const REJECTIONS: &str = "lark_events_rejections_total";

/// Tells the recorder that is installed now what the metrics mean.
pub(crate) fn describe() {
    describe_counter!(ANSWERS, Unit::Count, "answers to requests, by status");
    describe_counter!(REJECTIONS, Unit::Count, "requests that the webhook refused");
}

/// A request was answered.
pub(crate) fn answer(status: StatusCode) {
    counter!(ANSWERS, "status" => status.as_str().to_owned()).increment(1);
}

/// The webhook refused a request.
pub(crate) fn rejection(reason: &'static str) {
    counter!(REJECTIONS, "reason" => reason).increment(1);
}
