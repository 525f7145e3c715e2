//! Counts the bytes that are read of a text, in tests alone: what should take time linear in a text can be
//! seen to, without a clock.

/// Notes that so many bytes are read.
#[cfg(not(test))]
pub(crate) fn read(_: usize) {}

#[cfg(test)]
pub(crate) use counted::{count, read};

#[cfg(test)]
mod counted {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn read(bytes: usize) {
        BYTES.set(BYTES.get() + bytes);
    }

    /// The bytes that are read while `run` runs.
    pub(crate) fn count(run: impl FnOnce()) -> usize {
        let before = BYTES.get();
        run();
        BYTES.get() - before
    }
}
