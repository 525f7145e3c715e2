//! Commands in messages: `/name args`.

/// A command in a message: `/deploy staging now`.
///
/// Parse it from a text without mentions, so that a message that mentions the bot is a command too:
///
/// ```
/// use lark_events_types::im::{Command, EventMessage, MentionEvent};
/// # use lark_events::UserId;
/// # let mut id = UserId::default();
/// # id.open_id = Some("ou_bot".to_owned());
/// # let mut bot = MentionEvent::default();
/// # bot.key = Some("@_user_1".to_owned());
/// # bot.id = Some(id);
/// # let mut message = EventMessage::default();
/// # message.message_type = Some("text".to_owned());
/// # message.content = Some(r#"{"text":"@_user_1 /deploy staging now"}"#.to_owned());
/// # message.mentions = Some(vec![bot]);
///
/// // `@_user_1 /deploy staging now`
/// let text = message.text_without_mention_of("ou_bot").unwrap_or_default();
/// let command = Command::parse(&text).unwrap();
/// assert_eq!((command.name, command.args), ("deploy", "staging now"));
///
/// assert_eq!(Command::parse("deploy it"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command<'a> {
    /// The name, without the slash: letters and digits of any script, `_` and `-`.
    pub name: &'a str,
    /// The text after the name, without white space at both ends.
    pub args: &'a str,
}

impl<'a> Command<'a> {
    /// Parses a text as a command. White space may precede it. A name with any other character, such as
    /// a path, is not a command.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let command = text.trim().strip_prefix('/')?;
        let end = command.find(char::is_whitespace).unwrap_or(command.len());
        let (name, args) = command.split_at(end);
        let is_of_name = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
        let is_name = !name.is_empty() && name.chars().all(is_of_name);
        is_name.then(|| Self {
            name,
            args: args.trim_start(),
        })
    }
}
