//! Counts the bytes read from a text, in tests only, to check for linear time without a clock.

/// Adds bytes to the count.
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

    /// The number of bytes read while `run` runs.
    pub(crate) fn count(run: impl FnOnce()) -> usize {
        let before = BYTES.get();
        run();
        BYTES.get() - before
    }
}
