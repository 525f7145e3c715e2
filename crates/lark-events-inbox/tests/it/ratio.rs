//! The time of a call on two stores, compared within one run: this holds on a machine that does other things too.

use std::time::{Duration, Instant};

/// The maximum of each ratio.
const MAX_RATIO: f64 = 3.0;
/// The times of which the shortest counts: what else the machine does only adds to them.
pub(crate) const ROUNDS: usize = 21;

/// The shortest times of a call on two stores, in turns.
pub(crate) async fn times<S>(stores: [&S; 2], mut call: impl AsyncFnMut(&S)) -> [Duration; 2] {
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (store, shortest) in stores.into_iter().zip(&mut shortest) {
            let began = Instant::now();
            call(store).await;
            *shortest = began.elapsed().min(*shortest);
        }
    }
    shortest
}

pub(crate) fn assert_ratio(what: &str, [small, large]: [Duration; 2]) {
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!("{what}: {small:?}, {large:?}: {ratio:.2}");
    assert!(ratio <= MAX_RATIO, "{what}: {small:?}, {large:?}");
}
