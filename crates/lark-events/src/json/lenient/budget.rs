//! What the lists, maps and free-form values of one body may take in memory: an element of a list can be
//! written in three bytes, `{},`, and take a thousand.
//!
//! Derived types pass nothing down to their fields, so a thread-local holds what is left while a body
//! is decoded.

use std::cell::Cell;

use crate::limits::MAX_EVENT_BYTES;

/// Most bytes that the elements of lists, the entries of maps and the nodes of free-form values of
/// one body take together, beside their texts: sixteen times the [largest
/// event](crate::limits::MAX_EVENT_BYTES). A list, map or value that would take more is as good as missing:
/// [`Event::unread`](crate::Event::unread) lists it, and [`Event::raw`](crate::Event::raw) has it.
pub const MAX_NODE_BYTES: usize = 16 * MAX_EVENT_BYTES;

/// Entries of a map that pay for a node of its tree, which has room for 11 of them and at least as many
/// as these; and how many such entries a node takes the bytes of, its share of the inner nodes included.
const ENTRIES_BY_NODE: usize = 5;
const BYTES_OF_NODE: usize = 14;

thread_local! {
    /// What is left of [`MAX_NODE_BYTES`]. Nothing is bounded where no body is decoded.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Decodes a body, which may take [`MAX_NODE_BYTES`].
pub(crate) fn bounded<T>(decode: impl FnOnce() -> T) -> T {
    bounded_by(MAX_NODE_BYTES, decode)
}

pub(super) fn bounded_by<T>(bytes: usize, decode: impl FnOnce() -> T) -> T {
    let _outer = Left(LEFT.replace(Some(bytes)));
    decode()
}

/// What is left at some time. What has been taken since is given back when it is dropped.
pub(super) struct Left(Option<usize>);

impl Left {
    pub(super) fn now() -> Self {
        Self(LEFT.get())
    }

    /// Leaves it at what has been taken since.
    pub(super) fn keep(mut self) {
        self.0 = LEFT.get();
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

/// Makes room for one more element, if there may be. While a list moves, both of its places count.
#[must_use]
pub(super) fn grow_list<T>(list: &mut Vec<T>) -> bool {
    if list.len() < list.capacity() {
        return true;
    }
    // As many as `Vec` itself makes room for.
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

/// Whether a map of so many entries of type `T` may have another.
#[must_use]
pub(super) fn grow_map<T>(entries: usize) -> bool {
    let is_paid_for = !entries.is_multiple_of(ENTRIES_BY_NODE);
    is_paid_for || take(size_of::<(String, T)>().saturating_mul(BYTES_OF_NODE))
}

/// Takes all that is left.
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
