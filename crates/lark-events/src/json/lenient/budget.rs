//! A memory limit for the lists, maps and free-form values of one body: an element that takes three
//! bytes of text, `{},`, can take a thousand bytes in memory.
//!
//! A thread-local holds the remaining budget while a body is decoded, because derived types pass
//! nothing to their fields.

use std::cell::Cell;

use crate::limits::MAX_EVENT_BYTES;

/// The maximum number of bytes for the list elements, map entries and free-form nodes of one body, not
/// counting their strings: sixteen times the [largest event](crate::limits::MAX_EVENT_BYTES). A list,
/// map or value beyond the limit counts as missing: [`Event::unread`](crate::Event::unread) lists it,
/// and [`Event::raw`](crate::Event::raw) still has it.
pub const MAX_NODE_BYTES: usize = 16 * MAX_EVENT_BYTES;

/// The number of map entries that pay for one node of the map's tree (a node has room for 11 and holds
/// at least this many), and the number of entries whose size equals that of a node with its share of
/// inner nodes.
const ENTRIES_BY_NODE: usize = 5;
const BYTES_OF_NODE: usize = 14;

thread_local! {
    /// The remaining part of [`MAX_NODE_BYTES`]. Unlimited while no body is decoded.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Decodes a body with a budget of [`MAX_NODE_BYTES`].
pub(crate) fn bounded<T>(decode: impl FnOnce() -> T) -> T {
    bounded_by(MAX_NODE_BYTES, decode)
}

pub(super) fn bounded_by<T>(bytes: usize, decode: impl FnOnce() -> T) -> T {
    let _outer = Left(LEFT.replace(Some(bytes)));
    decode()
}

/// A snapshot of the remaining budget. Dropping it returns what has been taken since.
pub(super) struct Left(Option<usize>);

impl Left {
    pub(super) fn now() -> Self {
        Self(LEFT.get())
    }

    /// Keeps what has been taken since.
    pub(super) fn keep(mut self) {
        self.0 = LEFT.get();
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

/// Reserves room for one more element, if the budget allows it. A growing list counts both its old and
/// its new memory.
#[must_use]
pub(super) fn grow_list<T>(list: &mut Vec<T>) -> bool {
    if list.len() < list.capacity() {
        return true;
    }
    // The growth of `Vec` itself.
    let least = if size_of::<T>() <= 1024 { 4 } else { 1 };
    let more = list.len().max(least);
    let bytes = more.saturating_mul(size_of::<T>());
    let moved = list.len().saturating_mul(size_of::<T>());
    let may_grow = has(bytes.saturating_add(moved)) && take(bytes);
    if may_grow {
        list.reserve_exact(more);
    }
    may_grow
}

/// Whether a map with this many entries of type `T` may have another.
#[must_use]
pub(super) fn grow_map<T>(entries: usize) -> bool {
    let is_paid_for = !entries.is_multiple_of(ENTRIES_BY_NODE);
    is_paid_for || take(size_of::<(String, T)>().saturating_mul(BYTES_OF_NODE))
}

/// Takes the whole remaining budget.
pub(super) fn exhaust() {
    LEFT.set(LEFT.get().map(|_| 0));
}

pub(super) fn is_exhausted() -> bool {
    LEFT.get() == Some(0)
}

fn has(bytes: usize) -> bool {
    LEFT.get().is_none_or(|left| bytes <= left)
}

fn take(bytes: usize) -> bool {
    let is_there = has(bytes);
    if is_there {
        LEFT.set(LEFT.get().map(|left| left.saturating_sub(bytes)));
    }
    is_there
}
