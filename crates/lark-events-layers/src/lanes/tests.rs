//! Lanes among threads: all that these can do to them is done under one lock, so that the orders in which
//! they may do it are all that there is to try. Each of them is tried, with tasks as a runtime has them.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use super::*;

type Scene = (&'static [&'static str], usize);

/// The keys of so many turns, and how many of them may wait: once so that some are rejected, once so that
/// there is an order among those that wait.
const SCENES: [Scene; 2] = [(&["a", "a", "b", "a"], 1), (&["a", "a", "a"], 2)];

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The next one takes its place, or is rejected.
    Enter,
    /// A runtime polls one, but only if it was woken.
    Poll(usize),
    /// One gives its turn back, or gives up waiting.
    Drop(usize),
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Holds its turn until it is dropped.
struct Task {
    key: &'static str,
    waiting: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
    granted: Rc<Cell<bool>>,
}

impl Task {
    fn new(key: &'static str, turn: Turn) -> Self {
        let granted = Rc::new(Cell::new(false));
        let grant = Rc::clone(&granted);
        let waiting = Box::pin(async move {
            turn.granted().await;
            grant.set(true);
            std::future::pending::<()>().await;
        });
        let woken = Arc::new(Woken(true.into()));
        Self {
            key,
            waiting,
            woken,
            granted,
        }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed)
    }
}

struct World {
    lanes: Arc<Lanes>,
    keys: &'static [&'static str],
    max_waiting: usize,
    /// In the order in which they entered; none where one was rejected or has left.
    tasks: Vec<Option<Task>>,
}

impl World {
    fn after(steps: &[Step], (keys, max_waiting): Scene) -> Self {
        let mut world = Self {
            lanes: Arc::default(),
            keys,
            max_waiting,
            tasks: Vec::new(),
        };
        for step in steps {
            world.take(*step);
        }
        world
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Enter => {
                let key = self.keys[self.tasks.len()];
                let is_free = self.lane(key).next().is_none();
                let is_taken = is_free || self.waiting() < self.max_waiting;
                let turn = self
                    .lanes
                    .enter(key, MaxWaiting::of_all(self.max_waiting))
                    .ok();
                assert_eq!(turn.is_some(), is_taken);
                self.tasks.push(turn.map(|turn| Task::new(key, turn)));
            }
            Step::Poll(number) => {
                let task = self.tasks[number].as_mut().unwrap();
                task.woken.0.store(false, Ordering::Relaxed);
                let waker = Waker::from(Arc::clone(&task.woken));
                let mut context = Context::from_waker(&waker);
                assert!(task.waiting.as_mut().poll(&mut context).is_pending());
            }
            Step::Drop(number) => self.tasks[number] = None,
        }
    }

    fn possible(&self) -> Vec<Step> {
        let enter = (self.tasks.len() < self.keys.len()).then_some(Step::Enter);
        let tasks = self.tasks.iter().enumerate();
        let others = tasks.filter_map(|(number, task)| {
            let poll = task.as_ref()?.is_woken().then_some(Step::Poll(number));
            Some(poll.into_iter().chain([Step::Drop(number)]))
        });
        enter.into_iter().chain(others.flatten()).collect()
    }

    fn lane(&self, key: &str) -> impl Iterator<Item = &Task> {
        let tasks = self.tasks.iter().flatten();
        tasks.filter(move |task| task.key == key)
    }

    fn waiting(&self) -> usize {
        let behind = |key| self.lane(key).skip(1).count();
        behind("a") + behind("b")
    }

    fn check(&self, steps: &[Step]) {
        let mut keys = 0;
        for key in ["a", "b"] {
            let mut lane = self.lane(key);
            let Some(first) = lane.next() else { continue };
            let is_known = first.granted.get() || first.is_woken();
            assert!(is_known, "a turn is lost after {steps:?}");
            let is_alone = lane.all(|other| !other.granted.get());
            assert!(is_alone, "two have a turn after {steps:?}");
            keys += 1;
        }
        let counts = (self.lanes.keys(), self.lanes.waiting());
        assert_eq!(counts, (keys, self.waiting()), "after {steps:?}");
    }
}

/// Tries every way to go on, and says how many ways there were to the end.
fn explore(steps: &mut Vec<Step>, scene: Scene) -> usize {
    let world = World::after(steps, scene);
    world.check(steps);
    let possible = world.possible();
    if possible.is_empty() {
        return 1;
    }
    let mut ends = 0;
    for step in possible {
        steps.push(step);
        ends += explore(steps, scene);
        steps.pop();
    }
    ends
}

#[test]
fn in_whatever_order_threads_enter_wait_and_leave_no_turn_is_lost_or_had_twice() {
    for scene in SCENES {
        let ends = explore(&mut Vec::new(), scene);
        println!("{ends} orders of {scene:?}");
        assert!(ends > 1_000, "{ends}");
    }
}
