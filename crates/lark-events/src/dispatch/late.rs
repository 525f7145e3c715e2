//! What happens to handlers that miss their ack deadline, on every transport.

/// What to do with a handler that is still running when its ack deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LateHandler {
    /// The handler runs to completion, and the redelivery starts another. This is the default.
    #[default]
    Finish,
    /// The handler is dropped at its current await point, and the redelivery starts again from the
    /// beginning.
    Cancel,
}
