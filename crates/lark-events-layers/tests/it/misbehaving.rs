//! Handlers that do what they must not.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use lark_events::Dispatcher;
use lark_events::dispatch::DispatcherBuilder;
use tokio::task::yield_now;
use tokio::time::sleep;

/// What a handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Fails,
    PanicsAtCall,
    PanicsAfterAwait,
    PanicsWithANumber,
    /// With a payload that panics when it is dropped.
    PanicsTwice,
    /// A value in it panics when it is dropped at the end.
    PanicsAtItsEnd,
    Hangs,
    /// It hangs, and panics when it is dropped.
    HangsAndPanics,
    /// It leaves its work to a task and succeeds.
    Detaches,
}

pub(crate) const FAULTS: [Fault; 9] = [
    Fault::Fails,
    Fault::PanicsAtCall,
    Fault::PanicsAfterAwait,
    Fault::PanicsWithANumber,
    Fault::PanicsTwice,
    Fault::PanicsAtItsEnd,
    Fault::Hangs,
    Fault::HangsAndPanics,
    Fault::Detaches,
];

/// By then detached tasks have ended.
pub(crate) const DETACHED: Duration = Duration::from_secs(1);

/// Panics when it is dropped, unless that would abort the process.
pub(crate) struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        assert!(thread::panicking(), "a panic while dropping");
    }
}

/// The calls of handlers.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) faulty: AtomicUsize,
    pub(crate) detached: AtomicUsize,
    pub(crate) next: AtomicUsize,
}

/// The handler of `faulty_v1` has the fault, and that of `next_v1` succeeds.
pub(crate) fn dispatcher(fault: Fault) -> (Dispatcher, Arc<Ran>) {
    let ran = Arc::new(Ran::default());
    let (faulty, next) = (Arc::clone(&ran), Arc::clone(&ran));
    let dispatcher = Dispatcher::builder()
        .on_raw("faulty_v1", move |_| {
            faulty.faulty.fetch_add(1, Ordering::Relaxed);
            assert_ne!(fault, Fault::PanicsAtCall);
            misbehave(fault, Arc::clone(&faulty))
        })
        .on_raw("next_v1", move |_| {
            next.next.fetch_add(1, Ordering::Relaxed);
            async {}
        });
    (dispatcher.build().unwrap(), ran)
}

async fn misbehave(fault: Fault, ran: Arc<Ran>) -> Result<(), &'static str> {
    match fault {
        Fault::Fails => return Err("a failure's own text"),
        Fault::PanicsAtCall => unreachable!("it has panicked"),
        Fault::PanicsAfterAwait => {
            yield_now().await;
            panic!("a panic's own text");
        }
        Fault::PanicsWithANumber => panic_any(7),
        Fault::PanicsTwice => panic_any(Explosive),
        Fault::PanicsAtItsEnd => drop(Explosive),
        Fault::Hangs => std::future::pending().await,
        Fault::HangsAndPanics => {
            let _explosive = Explosive;
            std::future::pending::<()>().await;
        }
        Fault::Detaches => drop(tokio::spawn(async move {
            sleep(DETACHED / 2).await;
            ran.detached.fetch_add(1, Ordering::Relaxed);
        })),
    }
    Ok(())
}

/// Releases a blocked handler when it is dropped, also by an assertion that fails.
pub(crate) struct Release(Arc<AtomicBool>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The handler of `blocking_v1` blocks its thread until it is released.
pub(crate) fn blocking() -> (DispatcherBuilder, Release) {
    let is_released = Arc::new(AtomicBool::new(false));
    let release = Release(Arc::clone(&is_released));
    let dispatcher = Dispatcher::builder().on_raw("blocking_v1", move |_| {
        let released = Arc::clone(&is_released);
        async move {
            while !released.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(5));
            }
        }
    });
    (dispatcher, release)
}
