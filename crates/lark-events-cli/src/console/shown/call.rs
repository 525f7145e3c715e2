//! A call of the API by the app.

use serde::Serialize;

use super::credential::without_credentials;
use super::{Content, Moment};
use crate::console::web::masked::{Masked, Masks};
use crate::serve::history::Call;

#[derive(Debug, Serialize)]
pub(crate) struct CallShown {
    pub(crate) number: usize,
    pub(crate) at: Moment,
    pub(crate) method: Masked,
    pub(crate) path: Masked,
    pub(crate) body: Content,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<i64>,
    pub(crate) answered: bool,
    pub(crate) message_id: Option<Masked>,
    /// The delivery whose event it answers.
    pub(crate) delivery: Option<usize>,
    pub(crate) revision: u64,
}

impl CallShown {
    pub(crate) fn new(call: &Call, masks: &Masks) -> Self {
        let Call {
            call,
            at,
            delivery,
            revision,
        } = call;
        let path = match call.path.split_once('?') {
            Some((path, query)) => format!("{path}?{}", without_credentials(path, query)),
            None => call.path.clone(),
        };
        Self {
            number: call.number,
            at: (*at).into(),
            method: masks.short(call.method.as_str()),
            path: masks.short(&path),
            body: Content::call(&call.path, &call.body, masks),
            status: call.status.map(|status| status.as_u16()),
            code: call.code,
            answered: call.is_answered,
            message_id: call.message_id.as_ref().map(|id| masks.short(id)),
            delivery: *delivery,
            revision: *revision,
        }
    }

    /// A text of the answer, also if there is none.
    pub(crate) fn answer(&self) -> String {
        match (self.answered, self.code, self.status) {
            (false, ..) => "no answer".to_owned(),
            (_, Some(code), Some(status)) => format!("status {status}, code {code}"),
            (_, Some(code), None) => format!("code {code}"),
            (_, None, Some(status)) => format!("status {status}"),
            (_, None, None) => "answered".to_owned(),
        }
    }
}
