//! The content of a message: a typed view of `message.content`, whose form depends on `message_type`.
//!
//! Hand-written, because the platform describes these forms in prose and with samples, not as fields of
//! the event.

mod at_tag;
mod attachment;
mod calendar;
mod card_tag;
mod card_text;
mod command;
mod decode;
mod hongbao;
mod interactive;
mod location;
mod mention_index;
mod merge_forward;
mod message;
mod post;
mod post_element;
mod readable;
mod resource;
mod segment;
mod segments;
mod sent_post;
mod share;
mod system;
mod text;
mod todo;
mod video_chat;
mod vote;

pub use self::attachment::{AudioContent, FileContent, ImageContent, MediaContent, StickerContent};
pub use self::calendar::CalendarContent;
pub use self::command::Command;
pub use self::hongbao::HongbaoContent;
pub use self::interactive::InteractiveContent;
pub use self::location::LocationContent;
pub use self::merge_forward::MergeForwardContent;
pub use self::post::{PostContent, PostFile};
pub use self::post_element::{
    PostAt, PostCodeBlock, PostElement, PostEmotion, PostImage, PostLink, PostMarkdown, PostMedia,
    PostText,
};
pub use self::resource::{Resource, ResourceKind};
pub use self::segment::Segment;
pub use self::segments::Segments;
pub use self::share::{ShareChatContent, ShareUserContent};
pub use self::system::{DividerText, SystemContent};
pub use self::text::TextContent;
pub use self::todo::TodoContent;
pub use self::video_chat::VideoChatContent;
pub use self::vote::VoteContent;

use lark_events::RawJson;

use self::decode::decode;
use self::sent_post::{SentPost, SentTodo};
use crate::im::EventMessage;

/// The content of a message, by its `message_type`.
///
/// [`EventMessage::parsed_content`] creates it. The forms are documented at
/// <https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/im-v1/message/events/message_content>.
/// Every field is an `Option`, and an unexpected value leaves only its own field empty.
/// [`EventMessage::content`] keeps values that did not fit, and [`unread`](Self::unread) lists them.
///
/// ```
/// use lark_events_types::im::Content;
///
/// let content = Content::parse("audio", r#"{"file_key":"file_v2_1","duration":"2000"}"#);
/// let Content::Audio(audio) = content else {
///     panic!("an audio message has audio content");
/// };
/// assert_eq!(audio.duration, Some(2000));
///
/// let odd = Content::parse("audio", "no JSON");
/// assert!(matches!(odd, Content::Unknown { raw, .. } if raw == "no JSON"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// `text`: a text without formatting.
    Text(TextContent),
    /// `post`: a formatted text.
    Post(PostContent),
    /// `image`: a picture.
    Image(ImageContent),
    /// `file`: a file.
    File(FileContent),
    /// `folder`: a folder. It has a key, but no API downloads it.
    Folder(FileContent),
    /// `audio`: a voice message.
    Audio(AudioContent),
    /// `media`: a video. Some SDKs call it `video`.
    Media(MediaContent),
    /// `sticker`: a sticker.
    Sticker(StickerContent),
    /// `interactive`: a card.
    Interactive(InteractiveContent),
    /// `hongbao`: a red packet.
    Hongbao(HongbaoContent),
    /// `share_calendar_event`: a calendar event that was shared.
    ShareCalendarEvent(CalendarContent),
    /// `calendar`: an invitation to a calendar event.
    Calendar(CalendarContent),
    /// `general_calendar`: a calendar event that was transferred, commented on or moved.
    GeneralCalendar(CalendarContent),
    /// `share_chat`: a chat's card.
    ShareChat(ShareChatContent),
    /// `share_user`: a user's card.
    ShareUser(ShareUserContent),
    /// `system`: a notice of the platform.
    System(SystemContent),
    /// `location`: a place.
    Location(LocationContent),
    /// `video_chat`: a video call.
    VideoChat(VideoChatContent),
    /// `todo`: a task.
    Todo(TodoContent),
    /// `vote`: a vote.
    Vote(VoteContent),
    /// `merge_forward`: several messages that were forwarded as one.
    MergeForward(MergeForwardContent),
    /// Any other content: another type, invalid JSON, JSON without a member of its type, or a text or
    /// post that would be empty only because it could not be read.
    Unknown {
        /// The `message_type`, empty if none was sent.
        message_type: String,
        /// The content as received, empty if none was sent.
        raw: String,
    },
}

impl Content {
    /// Parses a content in the form of its `message_type`. Content that cannot be read becomes
    /// [`Unknown`](Self::Unknown). Values that are nested deeper than JSON readers accept are left out.
    /// Messages that an app requests from the API have contents of the same forms.
    #[must_use]
    pub fn parse(message_type: &str, content: &str) -> Self {
        let known = match message_type {
            "text" => TextContent::parse(content).map(Self::Text),
            "post" => PostContent::parse(content).map(Self::Post),
            "image" => decode(content).map(Self::Image),
            "file" => decode(content).map(Self::File),
            "folder" => decode(content).map(Self::Folder),
            "audio" => decode(content).map(Self::Audio),
            "media" | "video" => decode(content).map(Self::Media),
            "sticker" => decode(content).map(Self::Sticker),
            "interactive" => decode(content).map(Self::Interactive),
            "hongbao" => decode(content).map(Self::Hongbao),
            "share_calendar_event" => decode(content).map(Self::ShareCalendarEvent),
            "calendar" => decode(content).map(Self::Calendar),
            "general_calendar" => decode(content).map(Self::GeneralCalendar),
            "share_chat" => decode(content).map(Self::ShareChat),
            "share_user" => decode(content).map(Self::ShareUser),
            "system" => decode(content).map(Self::System),
            "location" => decode(content).map(Self::Location),
            "video_chat" => decode(content).map(Self::VideoChat),
            "todo" => decode(content).map(Self::Todo),
            "vote" => decode(content).map(Self::Vote),
            "merge_forward" => MergeForwardContent::parse(content).map(Self::MergeForward),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Unknown {
            message_type: message_type.to_owned(),
            raw: content.to_owned(),
        })
    }

    /// The parts of `content`, the text that this was parsed from, that are missing here: members that
    /// the type does not know, and values that did not fit. Each is a JSON pointer (RFC 6901) into that
    /// text, like those of [`Event::unread`](lark_events::Event::unread). A content that is
    /// [`Unknown`](Self::Unknown) is unread as a whole: its path is empty.
    ///
    /// ```
    /// use lark_events_types::im::Content;
    ///
    /// let json = r#"{"title":"","content":[[{"tag":"text","text":"hi","size":1}]],"theme":"dark"}"#;
    /// let content = Content::parse("post", json);
    /// assert_eq!(content.unread(json), ["/content/0/0/size", "/theme"]);
    /// ```
    #[must_use]
    pub fn unread(&self, content: &str) -> Vec<String> {
        let all = || vec![String::new()];
        let raw = match (self, RawJson::parse(content.to_owned())) {
            (Self::Unknown { .. }, _) if content.is_empty() => return Vec::new(),
            (Self::Unknown { .. }, _) => return all(),
            (_, Ok(raw)) => raw,
            (Self::MergeForward(merged), Err(_)) if merged.is(content) => return Vec::new(),
            (_, Err(_)) => return all(),
        };
        match self {
            Self::Text(text) => raw.unread(text),
            Self::Post(_) => SentPost::read(&raw).map_or_else(all, |post| raw.unread(&post)),
            Self::Image(image) => raw.unread(image),
            Self::File(file) | Self::Folder(file) => raw.unread(file),
            Self::Audio(audio) => raw.unread(audio),
            Self::Media(video) => raw.unread(video),
            Self::Sticker(sticker) => raw.unread(sticker),
            Self::Interactive(card) => raw.unread(&card.card),
            Self::Hongbao(packet) => raw.unread(packet),
            Self::ShareCalendarEvent(event)
            | Self::Calendar(event)
            | Self::GeneralCalendar(event) => raw.unread(event),
            Self::ShareChat(chat) => raw.unread(chat),
            Self::ShareUser(user) => raw.unread(user),
            Self::System(notice) => raw.unread(notice),
            Self::Location(place) => raw.unread(place),
            Self::VideoChat(call) => raw.unread(call),
            Self::Todo(_) => {
                let task = raw.decode_leniently::<SentTodo>();
                task.map_or_else(|_| all(), |task| raw.unread(&task))
            }
            Self::Vote(vote) => raw.unread(vote),
            Self::MergeForward(merged) => raw.unread(merged),
            Self::Unknown { .. } => all(),
        }
    }

    /// The text of a [`Text`](Self::Text), [`Post`](Self::Post) or [card](Self::Interactive) as
    /// segments, which separate words from the mentions of `message`. Empty for other contents.
    #[must_use]
    pub fn segments<'a>(&'a self, message: &'a EventMessage) -> Segments<'a> {
        match self {
            Self::Text(text) => text.segments(message),
            Self::Post(post) => post.segments(message),
            Self::Interactive(card) => Segments::new(message, card.pieces()),
            _ => Segments::new(message, Vec::new()),
        }
    }
}
