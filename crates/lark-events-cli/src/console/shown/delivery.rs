//! One delivery with all its attempts.

use serde::Serialize;

use super::{AttemptShown, CallShown, CommandsShown, Content, ReplyShown, RowShown};
use crate::console::web::masked::Masks;
use crate::serve::history::{Call, Delivery};

#[derive(Debug, Serialize)]
pub(crate) struct DeliveryShown {
    #[serde(flatten)]
    pub(crate) row: RowShown,
    /// The plain document, without the Verification Token.
    pub(crate) document: Content,
    pub(crate) attempts: Vec<AttemptShown>,
    /// The reply to a callback.
    pub(crate) reply: Option<ReplyShown>,
    pub(crate) commands: CommandsShown,
    /// The calls of the API that belong to it.
    pub(crate) calls: Vec<CallShown>,
}

impl DeliveryShown {
    pub(crate) fn new(delivery: &Delivery, calls: &[Call], masks: &Masks) -> Self {
        let attempts = delivery.attempts.iter();
        let calls = calls
            .iter()
            .filter(|call| call.delivery == Some(delivery.number));
        Self {
            row: RowShown::new(delivery, masks),
            reply: ReplyShown::of(delivery, masks),
            commands: CommandsShown::new(delivery, masks),
            document: Content::document(&delivery.document, masks),
            attempts: attempts
                .map(|attempt| AttemptShown::new(attempt, delivery, masks))
                .collect(),
            calls: calls.map(|call| CallShown::new(call, masks)).collect(),
        }
    }
}
