//! What a message says: a typed view of `message.content`, whose form follows from `message_type`.
//!
//! Written by hand: the platform describes these forms in prose and by samples, not as fields of the event.

mod at_tag;
mod attachment;
mod calendar;
mod decode;
mod hongbao;
mod interactive;
mod location;
mod mention_index;
mod merge_forward;
mod message;
mod post;
mod post_element;
mod segment;
mod segments;
mod share;
mod system;
mod text;
mod todo;
mod video_chat;
mod vote;

pub use self::attachment::{AudioContent, FileContent, ImageContent, MediaContent, StickerContent};
pub use self::calendar::CalendarContent;
pub use self::hongbao::HongbaoContent;
pub use self::interactive::InteractiveContent;
pub use self::location::LocationContent;
pub use self::merge_forward::MergeForwardContent;
pub use self::post::PostContent;
pub use self::post_element::{
    PostAt, PostCodeBlock, PostElement, PostEmotion, PostImage, PostLink, PostMarkdown, PostMedia,
    PostText,
};
pub use self::segment::Segment;
pub use self::segments::Segments;
pub use self::share::{ShareChatContent, ShareUserContent};
pub use self::system::{DividerText, SystemContent};
pub use self::text::TextContent;
pub use self::todo::TodoContent;
pub use self::video_chat::VideoChatContent;
pub use self::vote::VoteContent;

use self::decode::decode;
use crate::im::EventMessage;

/// What a message says, by its `message_type`.
///
/// Made by [`EventMessage::parsed_content`]. The forms are those of
/// <https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/im-v1/message/events/message_content>.
/// Every field is an `Option`, and an odd value costs its own field only; what no field takes is still
/// in [`EventMessage::content`].
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
    /// `folder`: a folder. Its key names it, but no API downloads it.
    Folder(FileContent),
    /// `audio`: a voice message.
    Audio(AudioContent),
    /// `media`: a video.
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
    /// `general_calendar`: a calendar event that was handed over, commented or moved.
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
    /// What is none of these: another type, no JSON, or JSON without a member that its type has.
    Unknown {
        /// The `message_type`, empty where none was sent.
        message_type: String,
        /// The content as it was sent, empty where none was.
        raw: String,
    },
}

impl Content {
    /// Reads a content in the form of its `message_type`. What is not understood is kept as
    /// [`Unknown`](Self::Unknown); what is nested deeper than JSON readers take is left out. Messages
    /// that an app asks the platform for have contents of the same forms.
    #[must_use]
    pub fn parse(message_type: &str, content: &str) -> Self {
        let known = match message_type {
            "text" => decode(content).map(Self::Text),
            "post" => PostContent::parse(content).map(Self::Post),
            "image" => decode(content).map(Self::Image),
            "file" => decode(content).map(Self::File),
            "folder" => decode(content).map(Self::Folder),
            "audio" => decode(content).map(Self::Audio),
            "media" => decode(content).map(Self::Media),
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

    /// The text of a [`Text`](Self::Text) or [`Post`](Self::Post) in parts, with the mentions of
    /// `message` told apart; nothing for other contents.
    #[must_use]
    pub fn segments<'a>(&'a self, message: &'a EventMessage) -> Segments<'a> {
        match self {
            Self::Text(text) => text.segments(message),
            Self::Post(post) => post.segments(message),
            _ => Segments::new(message, Vec::new()),
        }
    }
}
