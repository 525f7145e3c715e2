//! The reply to a callback: what its user sees, and what is wrong with it.

use serde::Serialize;

use super::Content;
use crate::console::web::masked::{Masked, Masks};
use crate::serve::history::Delivery;
use crate::serve::reply::{Answered, Card, Preview, Reply, Toast};

#[derive(Debug, Serialize)]
pub(crate) struct ReplyShown {
    pub(crate) toast: Option<ToastShown>,
    pub(crate) card: Option<CardShown>,
    pub(crate) preview: Option<PreviewShown>,
    pub(crate) problems: Vec<Masked>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ToastShown {
    pub(crate) kind: Option<Masked>,
    pub(crate) text: Option<Masked>,
    pub(crate) i18n: Vec<(Masked, Masked)>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CardShown {
    pub(crate) kind: Option<Masked>,
    /// Its data.
    pub(crate) json: Content,
}

#[derive(Debug, Serialize)]
pub(crate) struct PreviewShown {
    pub(crate) title: Option<Masked>,
    pub(crate) i18n_title: Vec<(Masked, Masked)>,
    pub(crate) image_key: Option<Masked>,
    pub(crate) urls: Vec<(Masked, Masked)>,
}

impl ReplyShown {
    /// The reply to the last attempt that was answered; `None` for an event without a problem in its answer.
    pub(crate) fn of(delivery: &Delivery, masks: &Masks) -> Option<Self> {
        let mut attempts = delivery
            .attempts
            .iter()
            .rev()
            .filter(|attempt| !attempt.copy);
        let answered = attempts.find_map(|attempt| Answered::of(&attempt.answer))?;
        let reply = Reply::read(&delivery.event_type, answered);
        if !delivery.is_callback && reply.problems.is_empty() {
            return None;
        }
        Some(Self {
            toast: reply.toast.map(|toast| ToastShown::new(&toast, masks)),
            card: reply.card.map(|card| CardShown::new(&card, masks)),
            preview: reply
                .preview
                .map(|preview| PreviewShown::new(&preview, masks)),
            problems: reply
                .problems
                .iter()
                .map(|problem| masks.text(problem))
                .collect(),
        })
    }
}

impl ToastShown {
    fn new(toast: &Toast, masks: &Masks) -> Self {
        Self {
            kind: optional(toast.kind.as_ref(), masks),
            text: optional(toast.text.as_ref(), masks),
            i18n: pairs(&toast.i18n, masks),
        }
    }
}

impl CardShown {
    fn new(card: &Card, masks: &Masks) -> Self {
        Self {
            kind: optional(card.kind.as_ref(), masks),
            json: Content::any(card.json.as_bytes(), masks),
        }
    }
}

impl PreviewShown {
    fn new(preview: &Preview, masks: &Masks) -> Self {
        Self {
            title: optional(preview.title.as_ref(), masks),
            i18n_title: pairs(&preview.i18n_title, masks),
            image_key: optional(preview.image_key.as_ref(), masks),
            urls: pairs(&preview.urls, masks),
        }
    }
}

fn optional(text: Option<&String>, masks: &Masks) -> Option<Masked> {
    text.map(|text| masks.text(text))
}

fn pairs(pairs: &[(String, String)], masks: &Masks) -> Vec<(Masked, Masked)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, text)| (masks.text(name), masks.text(text)))
        .collect()
}
