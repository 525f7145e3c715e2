//! The labels of rows and columns of pages, in Chinese and English.

/// Columns of the tables of fields.
pub(super) const NAME: &[&str] = &["名称", "字段", "Name", "Parameter"];
pub(super) const TYPE: &[&str] = &["类型", "数据类型", "Type"];
pub(super) const DESCRIPTION: &[&str] = &["描述", "Description"];

/// A row of the table of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    EventType,
    AppTypes,
    Scopes,
    FieldScopes,
}

const LABELS: [(&str, Label); 10] = [
    ("事件类型", Label::EventType),
    ("回调类型", Label::EventType),
    ("Event type", Label::EventType),
    ("Callback type", Label::EventType),
    ("支持的应用类型", Label::AppTypes),
    ("Supported app types", Label::AppTypes),
    ("权限要求", Label::Scopes),
    ("Required scopes", Label::Scopes),
    ("字段权限要求", Label::FieldScopes),
    ("Required field scopes", Label::FieldScopes),
];

impl Label {
    /// The label at the start of a text. An explanation can follow it.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.lines().next()?.trim_matches([' ', '*', '#']);
        let (_, label) = LABELS.iter().find(|(known, _)| {
            let (said, rest) = text.split_at_checked(known.len()).unwrap_or_default();
            said.eq_ignore_ascii_case(known) && !rest.starts_with(|char: char| char != ' ')
        })?;
        Some(*label)
    }
}
