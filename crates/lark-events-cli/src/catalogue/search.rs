//! Search for events by words in English and Chinese, the same for the command, `serve` and its console.

use lark_events::event::Schema;

use super::{Known, all};

/// The words of a search. An event matches if each word is a part of its event type, its Rust type, one
/// of its titles or its domain, ignoring case. No word matches every event.
#[derive(Debug, Clone)]
pub(crate) struct Search(Vec<String>);

/// The best matches of a search.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Better matches first.
    pub(crate) events: Vec<Known>,
    /// How many events match in addition.
    pub(crate) more: usize,
}

/// How well a word matches a text: a better match is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The text is the word.
    Whole,
    /// The text begins with the word.
    Head,
    /// The word is one of the text's words. A word in Chinese always is, as Chinese has no spaces.
    Word,
    /// One of the text's words begins with it.
    Prefix,
    Part,
}

impl Search {
    pub(crate) fn new(text: &str) -> Self {
        let words = text.to_lowercase();
        Self(words.split_whitespace().map(str::to_owned).collect())
    }

    pub(crate) fn matches(&self, known: &Known) -> bool {
        self.cost(known).is_some()
    }

    /// Whether each word is a part of a text in lower case, such as an event type that is not known.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.0.iter().all(|word| text.contains(word))
    }

    /// The best `limit` matches. Of equally good ones those in the old envelope come last, and a shorter
    /// event type, of which the words are more, comes first. Without a word the order is that of the
    /// catalogue.
    pub(crate) fn best(&self, limit: usize) -> Found {
        let costs = all().filter_map(|known| Some((self.cost(&known)?, known)));
        let mut found: Vec<_> = costs.collect();
        if !self.0.is_empty() {
            found.sort_by_key(|(cost, known)| {
                let info = known.info;
                (*cost, info.schema == Schema::V1, info.event_type.len())
            });
        }
        let more = found.len().saturating_sub(limit);
        let events = found.into_iter().take(limit).map(|(_, known)| known);
        Found {
            events: events.collect(),
            more,
        }
    }

    /// The sum over the words: a better match costs less, and one in a name less than the same in a
    /// title. `None` if a word does not match.
    fn cost(&self, known: &Known) -> Option<usize> {
        let titles = [Some(known.info.title), known.origin.title];
        let names = [known.info.event_type, known.name].into_iter();
        let texts = names.chain(titles.into_iter().flatten());
        let texts: Vec<_> = texts
            .chain([known.domain.name])
            .map(str::to_lowercase)
            .collect();
        let cost = |word: &String| {
            let fits = texts.iter().enumerate();
            let costs = fits.filter_map(|(at, text)| {
                let fit = fit(word, text)? as usize;
                Some(fit * texts.len() + at)
            });
            costs.min()
        };
        self.0.iter().map(cost).sum()
    }
}

fn fit(word: &str, text: &str) -> Option<Fit> {
    if !text.contains(word) {
        return None;
    }
    let mut words = text.split(|char: char| !char.is_alphanumeric());
    Some(if text == word {
        Fit::Whole
    } else if text.starts_with(word) {
        Fit::Head
    } else if !word.is_ascii() || words.clone().any(|part| part == word) {
        Fit::Word
    } else if words.any(|part| part.starts_with(word)) {
        Fit::Prefix
    } else {
        Fit::Part
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(text: &str, limit: usize) -> Vec<&'static str> {
        let found = Search::new(text).best(limit);
        let types = found.events.iter().map(|known| known.info.event_type);
        types.collect()
    }

    #[test]
    fn an_event_is_found_by_words_of_its_names_and_of_its_titles_in_two_languages() {
        for text in [
            "message",
            "消息",
            "接收消息",
            "接收\u{3000}消息",
            "Receive MESSAGE",
            "im receive",
            "MessageReceive",
            "im.message.receive_v1",
        ] {
            let found = types(text, 20);
            assert!(
                found.contains(&"im.message.receive_v1"),
                "{text}: {found:?}"
            );
        }
        assert_eq!(types("receive 会议", 20), [""; 0]);
        assert_eq!(types("tea pot", 20), [""; 0]);
    }

    #[test]
    fn a_better_match_comes_first() {
        for (text, first) in [
            ("im.message.receive_v1", "im.message.receive_v1"),
            ("im.message.recei", "im.message.receive_v1"),
            ("message", "message"),
            ("接收消息", "im.message.receive_v1"),
            ("MeetingStartedV1", "vc.meeting.meeting_started_v1"),
            ("card.action.trigger", "card.action.trigger"),
        ] {
            assert_eq!(types(text, 1), [first], "{text}");
        }
    }

    #[test]
    fn a_word_fits_better_the_more_of_the_text_it_is() {
        for (word, text, expected) in [
            ("tea", "tea", Some(Fit::Whole)),
            ("tea", "teapot", Some(Fit::Head)),
            ("tea", "a_tea", Some(Fit::Word)),
            ("tea", "a.teapot", Some(Fit::Prefix)),
            ("tea", "steam", Some(Fit::Part)),
            ("茶", "绿茶", Some(Fit::Word)),
            ("tea", "te a", None),
        ] {
            assert_eq!(fit(word, text), expected, "{word} in {text}");
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let all = all().count();
        let found = Search::new(" \t").best(10);
        assert_eq!((found.events.len(), found.more), (10, all - 10));
        let found = Search::new("message").best(0);
        assert!(found.events.is_empty() && found.more > 5);
        assert_eq!(Search::new("message").best(all).more, 0);
    }
}
