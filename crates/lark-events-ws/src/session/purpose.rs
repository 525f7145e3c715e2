//! What a frame of the platform is for.

use crate::wire::frame::{Frame, Method, header};

/// The purpose of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Pong,
    Event,
}

impl Purpose {
    /// The error is the description of an unusable frame in the log.
    pub(super) fn of(frame: &Frame) -> Result<Self, &'static str> {
        match (frame.method(), frame.header(header::TYPE)) {
            (Some(Method::Control), Some(header::PONG)) => Ok(Self::Pong),
            (Some(Method::Data), Some(header::EVENT)) => Ok(Self::Event),
            (Some(Method::Data), Some(header::CARD)) => Err("a card callback of the old scheme"),
            _ => Err("a frame of an unknown type"),
        }
    }
}
