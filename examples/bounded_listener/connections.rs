//! Tracks open connections, and chooses the one to close for a new one.
//!
//! A connection is busy from the first byte that arrives until an answer is written (also the interim
//! answer 100), and idle otherwise: before a request, and between two of them. Only idle connections are
//! closed to make room.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::sync::Notify;

/// The limits on connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) total: usize,
    /// Has no effect if it is not smaller than the limit of all.
    pub(crate) per_peer: usize,
}

/// All connections of a listener.
pub(crate) struct Connections {
    bounds: Bounds,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    table: Mutex<Table>,
    /// A connection has been dropped, or is idle now.
    changed: Notify,
}

#[derive(Default)]
struct Table {
    entries: HashMap<u64, Entry>,
    /// Numbers connections, and the moments at which they become idle.
    next: u64,
}

struct Entry {
    peer: IpAddr,
    state: State,
    /// The waker of its task.
    waker: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    IdleSince(u64),
    Busy,
    /// Its task has been woken to close it, and has not dropped it yet.
    Closing,
}

enum Admitted {
    As(u64),
    /// No place until another connection is dropped or idle.
    Later,
    Never,
}

impl Connections {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let shared = Arc::default();
        Self { bounds, shared }
    }

    /// Waits for a place for a connection from `address`, and closes idle connections to make one. `None`
    /// if its peer has as many connections as it may, and all of them are busy.
    pub(crate) async fn place(&self, address: IpAddr) -> Option<Place> {
        let peer = peer(address);
        loop {
            // A separate statement, so that the lock is not held during the wait.
            let admitted = self.shared.lock().admit(peer, self.bounds);
            match admitted {
                Admitted::As(id) => {
                    let shared = Arc::clone(&self.shared);
                    return Some(Place { id, shared });
                }
                Admitted::Later => self.shared.changed.notified().await,
                Admitted::Never => return None,
            }
        }
    }
}

impl Table {
    fn admit(&mut self, peer: IpAddr, bounds: Bounds) -> Admitted {
        let is_open = |entry: &&Entry| entry.state != State::Closing;
        let open = self.entries.values().filter(is_open);
        let of_peer = open.filter(|entry| entry.peer == peer).count();
        let has_all = bounds.per_peer < bounds.total && of_peer >= bounds.per_peer;
        if has_all && !self.close_one(|entry| entry.peer == peer) {
            return Admitted::Never;
        }
        if self.entries.len() >= bounds.total {
            // Closing one is enough, and it may be in progress.
            if self.entries.values().all(|entry| is_open(&entry)) {
                self.close_one(|_| true);
            }
            return Admitted::Later;
        }
        let (id, state) = (self.number(), State::IdleSince(self.number()));
        let waker = None;
        self.entries.insert(id, Entry { peer, state, waker });
        Admitted::As(id)
    }

    /// Closes the connection that has been idle for longest, of those that may be closed.
    fn close_one(&mut self, may_be: impl Fn(&Entry) -> bool) -> bool {
        let candidates = self.entries.values_mut().filter(|entry| may_be(entry));
        let idle = candidates.filter_map(|entry| match entry.state {
            State::IdleSince(moment) => Some((moment, entry)),
            State::Busy | State::Closing => None,
        });
        let Some((_, entry)) = idle.min_by_key(|(moment, _)| *moment) else {
            return false;
        };
        entry.state = State::Closing;
        if let Some(waker) = entry.waker.take() {
            waker.wake();
        }
        true
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, held until drop.
pub(crate) struct Place {
    id: u64,
    shared: Arc<Shared>,
}

impl Place {
    /// Whether the connection has to be closed; wakes the task when it has to be later.
    pub(crate) fn is_closing(&self, waker: &Waker) -> bool {
        self.with_entry(|_, entry| {
            entry.waker = Some(waker.clone());
            entry.state == State::Closing
        })
    }

    /// A part of a request has arrived, or a part of an answer waits to be sent.
    pub(crate) fn is_busy(&self) {
        self.with_entry(|_, entry| {
            if entry.state != State::Closing {
                entry.state = State::Busy;
            }
        });
    }

    /// An answer has been written.
    pub(crate) fn is_idle(&self) {
        self.with_entry(|moment, entry| {
            if entry.state != State::Closing {
                entry.state = State::IdleSince(moment);
            }
        });
        self.shared.changed.notify_one();
    }

    fn with_entry<T>(&self, with: impl FnOnce(u64, &mut Entry) -> T) -> T {
        let mut table = self.shared.lock();
        let moment = table.number();
        let entry = table.entries.get_mut(&self.id);
        with(moment, entry.expect("it is there until this is dropped"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.lock().entries.remove(&self.id);
        self.shared.changed.notify_one();
    }
}

/// A host with one IPv6 address has a whole /64 of them.
fn peer(address: IpAddr) -> IpAddr {
    const SUBNET: u128 = u128::MAX << 64;
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & SUBNET).into(),
        v4 => v4,
    }
}
