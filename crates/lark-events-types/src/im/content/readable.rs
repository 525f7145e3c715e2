//! Contents as readable text: text as it is, everything else described in brackets.

use std::borrow::Cow;
use std::collections::HashMap;

use super::post_element::Media;
use super::segments::Segments;
use super::{CalendarContent, Content, SystemContent, TodoContent, VideoChatContent, VoteContent};
use crate::im::EventMessage;

impl Content {
    /// The content as readable text, for logs, search and language models. It is not meant for parsing,
    /// and later versions may add details.
    ///
    /// - A text, a post or a card: its text, with the mentions of `message` as names and links as
    ///   `[text](address)`. Pictures, videos and files are named in brackets: `[image]`,
    ///   `[file: plan.xlsx]`.
    /// - Media, shares, forwarded messages and the rest: the kind and the known details, such as
    ///   `[video: tea.mp4]`, `[chat: oc_1]`, `[vote: Tea?]` with a line for each option. Times are in
    ///   UTC.
    /// - A notice of the platform: its template, filled in.
    /// - Unknown content: the content as received.
    ///
    /// The text of users appears unchanged: a user can write `[image]`. [`resources`](Self::resources)
    /// lists only real pictures and files.
    ///
    /// ```
    /// use lark_events_types::im::{Content, EventMessage};
    ///
    /// let message = EventMessage::default();
    /// for (message_type, content, readable) in [
    ///     ("text", r#"{"text":"@_all hello"}"#, "@all hello"),
    ///     ("image", r#"{"image_key":"img_1"}"#, "[image]"),
    ///     ("audio", r#"{"file_key":"file_1","duration":2500}"#, "[audio: 2.5 s]"),
    ///     ("share_user", r#"{"user_id":"ou_1"}"#, "[user: ou_1]"),
    ///     ("hologram", r#"{"key":1}"#, r#"{"key":1}"#),
    /// ] {
    ///     assert_eq!(Content::parse(message_type, content).readable(&message), readable);
    /// }
    /// ```
    #[must_use]
    pub fn readable(&self, message: &EventMessage) -> String {
        match self {
            Self::Text(text) => text.segments(message).collect(),
            Self::Post(post) => Segments::new(message, post.pieces(Media::Named)).into_text(),
            Self::Interactive(card) => {
                let text = Segments::new(message, card.pieces()).into_text();
                if text.is_empty() {
                    bracketed("card", [])
                } else {
                    text
                }
            }
            Self::Image(_) => bracketed("image", []),
            Self::File(file) => bracketed("file", [shown(&file.file_name)]),
            Self::Folder(folder) => bracketed("folder", [shown(&folder.file_name)]),
            Self::Audio(audio) => bracketed("audio", [duration(audio.duration)]),
            Self::Media(video) => {
                bracketed("video", [shown(&video.file_name), duration(video.duration)])
            }
            Self::Sticker(_) => bracketed("sticker", []),
            Self::Hongbao(packet) => match packet.text.as_deref() {
                Some(text) if !text.is_empty() => text.to_owned(),
                _ => bracketed("red packet", []),
            },
            Self::ShareCalendarEvent(event)
            | Self::Calendar(event)
            | Self::GeneralCalendar(event) => event.readable(),
            Self::ShareChat(chat) => bracketed("chat", [shown(&chat.chat_id)]),
            Self::ShareUser(user) => bracketed("user", [shown(&user.user_id)]),
            Self::System(notice) => notice.readable(),
            Self::Location(place) => {
                let place = [&place.name, &place.latitude, &place.longitude];
                bracketed("location", place.map(shown))
            }
            Self::VideoChat(call) => call.readable(),
            Self::Todo(task) => task.readable(message),
            Self::Vote(vote) => vote.readable(),
            Self::MergeForward(_) => bracketed("forwarded messages", []),
            Self::Unknown { raw, .. } => raw.clone(),
        }
    }
}

/// The kind of a content, and its known details.
fn bracketed<'a>(kind: &str, known: impl IntoIterator<Item = Option<Cow<'a, str>>>) -> String {
    let mut text = format!("[{kind}");
    for (number, known) in known.into_iter().flatten().enumerate() {
        text.push_str(if number == 0 { ": " } else { ", " });
        text.push_str(&known);
    }
    text.push(']');
    text
}

fn shown(text: &Option<String>) -> Option<Cow<'_, str>> {
    let text = text.as_deref().filter(|text| !text.is_empty());
    text.map(Cow::Borrowed)
}

/// Formats milliseconds as seconds.
fn duration<'a>(millis: Option<i64>) -> Option<Cow<'a, str>> {
    let millis = u64::try_from(millis?).ok()?;
    let (seconds, rest) = (millis / 1000, millis % 1000);
    let text = match rest {
        0 => format!("{seconds} s"),
        _ => {
            format!("{seconds}.{rest:03}")
                .trim_end_matches('0')
                .to_owned()
                + " s"
        }
    };
    Some(Cow::Owned(text))
}

/// Formats milliseconds since 1970 as date and time. `None` if it is not a time, or one after the year
/// 9999.
fn time(millis: &Option<String>) -> Option<String> {
    let millis: u64 = millis.as_deref()?.parse().ok()?;
    let minutes = millis / 60_000;
    let (days, minute) = (minutes / 1440, minutes % 1440);
    let (mut year, mut day) = (1970, days);
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    loop {
        let days = if is_leap(year) { 366 } else { 365 };
        if day < days {
            break;
        }
        if year == 9999 {
            return None;
        }
        (year, day) = (year + 1, day - days);
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        (month, day) = (month + 1, day - days);
    }
    let (hour, minute, day) = (minute / 60, minute % 60, day + 1);
    Some(format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}"))
}

/// The start and end time, as far as known.
fn span<'a>(start: &Option<String>, end: &Option<String>) -> Option<Cow<'a, str>> {
    let text = match (time(start), time(end)) {
        (Some(start), Some(end)) => format!("{start} to {end} UTC"),
        (Some(start), None) => format!("from {start} UTC"),
        (None, Some(end)) => format!("until {end} UTC"),
        (None, None) => return None,
    };
    Some(Cow::Owned(text))
}

impl CalendarContent {
    fn readable(&self) -> String {
        let known = [shown(&self.summary), span(&self.start_time, &self.end_time)];
        bracketed("calendar event", known)
    }
}

impl VideoChatContent {
    fn readable(&self) -> String {
        let when = span(&self.start_time, &self.end_time);
        bracketed(
            "video call",
            [shown(&self.topic), shown(&self.meet_number), when],
        )
    }
}

impl TodoContent {
    fn readable(&self, message: &EventMessage) -> String {
        let summary = self.summary.as_ref().map(|summary| {
            let pieces = summary.pieces(Media::Named);
            Some(Segments::new(message, pieces).into_text())
        });
        let due = time(&self.due_time).map(|due| Cow::Owned(format!("due {due} UTC")));
        bracketed("task", [shown(&summary.flatten()), due])
    }
}

impl VoteContent {
    fn readable(&self) -> String {
        let mut text = bracketed("vote", [shown(&self.topic)]);
        for option in self.options.iter().flatten() {
            text.extend(["\n- ", option]);
        }
        text
    }
}

impl SystemContent {
    /// The template with its values filled in. Each value is used once, so that repeated names do not
    /// inflate the text.
    fn readable(&self) -> String {
        let Some(template) = self.template.as_deref().filter(|text| !text.is_empty()) else {
            return bracketed("notice", []);
        };
        let divider = self
            .divider_text
            .as_ref()
            .and_then(|divider| divider.text.clone());
        let names = |names: &Option<Vec<String>>| names.as_ref().map(|names| names.join(", "));
        let mut values = HashMap::from([
            ("from_user", names(&self.from_user)),
            ("to_chatters", names(&self.to_chatters)),
            ("divider_text", divider),
        ]);
        let mut text = String::new();
        let mut parts = template.split('{');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let filled = part.split_once('}').and_then(|(name, rest)| {
                let value = values.get_mut(name)?.take()?;
                Some((value, rest))
            });
            match filled {
                Some((value, rest)) => text.extend([&value, rest]),
                None => text.extend(["{", part]),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_of_the_calendar() {
        for (millis, expected) in [
            ("0", Some("1970-01-01 00:00")),
            ("951782399999", Some("2000-02-28 23:59")),
            ("951782400000", Some("2000-02-29 00:00")),
            ("951868800000", Some("2000-03-01 00:00")),
            ("1608265395000", Some("2020-12-18 04:23")),
            ("1735689599999", Some("2024-12-31 23:59")),
            ("4107542400000", Some("2100-03-01 00:00")),
            ("253402300799999", Some("9999-12-31 23:59")),
            ("253402300800000", None),
            ("18446744073709551615", None),
            ("-1", None),
            ("", None),
            ("soon", None),
        ] {
            let millis = Some(millis.to_owned());
            assert_eq!(time(&millis).as_deref(), expected, "{millis:?}");
        }
    }

    #[test]
    fn a_duration_is_in_seconds() {
        for (millis, expected) in [
            (0, Some("0 s")),
            (2000, Some("2 s")),
            (2500, Some("2.5 s")),
            (61_005, Some("61.005 s")),
            (-1, None),
        ] {
            assert_eq!(duration(Some(millis)).as_deref(), expected, "{millis}");
        }
    }
}
