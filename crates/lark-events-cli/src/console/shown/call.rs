//! A call of the API by the app.

use serde::Serialize;

use super::content::is_credential;
use super::{Content, Moment};
use crate::console::web::masked::{MASK, Masked, Masks};
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
        Self {
            number: call.number,
            at: (*at).into(),
            method: masks.text(call.method.as_str()),
            path: masks.text(&without_credentials(&call.path)),
            body: Content::call(&call.body, masks),
            status: call.status.map(|status| status.as_u16()),
            code: call.code,
            answered: call.is_answered,
            message_id: call.message_id.as_ref().map(|id| masks.text(id)),
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

/// The path, with the parameters masked that are credentials by their names.
fn without_credentials(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return path.to_owned();
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_credential(name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_no_credential() {
        for (path, shown) in [
            ("/a", "/a"),
            ("/a?b=c&access_token=t&d", "/a?b=c&access_token=***&d"),
        ] {
            assert_eq!(without_credentials(path), shown);
        }
    }
}
