//! The long connection's session, given frames, time and handlers' ends in any order. What it has to do
//! is in its crate, in the model that the property tests play too.
//!
//! An input is a byte for each of the three limits, then steps: a byte that says which, and what it
//! takes.

mod step;

use std::time::Duration;

use lark_events_ws::internals::model::World;

pub use self::step::{seeds, words};
use crate::input::Input;

/// More steps than are needed to find anything, in less time than is noticed.
const MAX_STEPS: usize = 200;

/// Plays what the input says, to its end; every other one twice, and it is the same.
pub fn open(data: &[u8]) {
    let first = play(data);
    if data.len().is_multiple_of(2) {
        assert_eq!(play(data), first, "not the same again");
    }
}

/// Everything that was sent and started.
fn play(data: &[u8]) -> Vec<String> {
    let mut input = Input::new(data);
    let max_running = usize::from(input.byte() % 8);
    let max_bytes = match input.byte() {
        small @ 0..=127 => usize::from(small) * 16,
        _ => usize::MAX,
    };
    let deadlines = [2500, 0, 1, 100, 30_000];
    let deadline = deadlines[usize::from(input.byte()) % deadlines.len()];
    let mut world = World::new(max_running, max_bytes, Duration::from_millis(deadline));
    for _ in 0..MAX_STEPS {
        let Some(step) = step::read(&mut input) else {
            break;
        };
        world.step(step);
    }
    world.finish()
}
