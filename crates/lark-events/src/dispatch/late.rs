//! What happens to handlers that take too long, on every transport.

/// What becomes of a handler that is still running when its ack deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LateHandler {
    /// It goes on to its end, and the redelivery starts another.
    #[default]
    Finish,
    /// It is dropped where it awaits, and the redelivery starts afresh.
    Cancel,
}
