//! What bodies that are made to be expensive cost, beside usual ones of the same length.

use std::time::{Duration, Instant};

use super::kinds::{Kinds, decode};

/// The shortest of some times that each body takes, one after the other.
fn times(bodies: [&str; 2]) -> [Duration; 2] {
    let mut least = [Duration::MAX; 2];
    for _ in 0..7 {
        for (body, least) in bodies.iter().zip(&mut least) {
            let start = Instant::now();
            let event = decode::<Kinds>(body).unwrap();
            *least = start.elapsed().min(*least);
            assert_eq!(event.body.text.as_deref(), Some("1e300"));
        }
    }
    least
}

#[test]
fn numbers_between_two_floats_take_no_longer_than_others() {
    for between in [
        "2.4703282292062327208e-324",
        "1.7976931348623158079e+308",
        "9007199254740991.500000000",
    ] {
        let usual = &"0.1234567890123456789012345678"[..between.len()];
        let body = |number: &str| {
            let numbers = vec![number; 3_000].join(",");
            format!(r#"{{"text": 1e300, "later": [{numbers}]}}"#)
        };
        let [dear, cheap] = times([&body(between), &body(usual)]);
        assert!(dear < cheap * 3, "{between}: {dear:?}, others {cheap:?}");
    }
}
