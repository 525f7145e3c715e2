//! The readable text of a card: the texts of its elements in order, one per line.

use serde_json::{Map, Value};

use super::post_element::write_link;
use super::segments::Piece;

/// The maximum depth of elements. JSON readers accept no deeper nesting.
pub(super) const MAX_CARD_DEPTH: usize = 128;

/// The members of elements that are visible, or that hold visible elements, in display order.
const SHOWN: [&str; 18] = [
    "header",
    "title",
    "subtitle",
    "label",
    "text",
    "content",
    "default_value",
    "placeholder",
    "fields",
    "body",
    "elements",
    "columns",
    "actions",
    "options",
    "items",
    "extra",
    "property",
    "chart_spec",
];

/// Elements whose parts share one line.
const ONE_LINE: [&str; 3] = ["note", "action", "overflow"];

/// The text of a card while it is written.
#[derive(Default)]
pub(super) struct CardText<'a> {
    pieces: Vec<Piece<'a>>,
    /// The separator before the next piece.
    gap: Gap,
}

/// Separators in ascending order: a later one replaces an earlier one.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
}

impl<'a> CardText<'a> {
    /// Writes a text on separate lines.
    pub(super) fn line(&mut self, text: &'a str) {
        self.separate(Gap::Line);
        self.push(Piece::Card(text));
        self.separate(Gap::Line);
    }

    /// Writes an element, or a row of elements, on separate lines.
    pub(super) fn element(&mut self, element: &'a Value) {
        self.separate(Gap::Line);
        self.node(element, 0);
        self.separate(Gap::Line);
    }

    pub(super) fn into_pieces(self) -> Vec<Piece<'a>> {
        self.pieces
    }

    fn node(&mut self, node: &'a Value, depth: usize) {
        match node {
            _ if depth > MAX_CARD_DEPTH => {}
            Value::String(text) => self.push(Piece::Card(text)),
            Value::Array(row) => self.all(row, Gap::None, depth),
            Value::Object(element) => self.object(element, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(&mut self, element: &'a Map<String, Value>, depth: usize) {
        let text = |names: &[&str]| {
            let mut texts = names.iter().filter_map(|name| text_of(element.get(*name)?));
            texts.find(|text| !text.is_empty()).unwrap_or_default()
        };
        match text(&["tag"]) {
            "hr" => self.push(Piece::Verbatim("---")),
            "img" | "image" => self.brackets("image", text(&["title", "alt"])),
            "audio" => self.brackets("audio", ""),
            "video" | "media" => self.brackets("video", ""),
            "at" => self.mention(text(&["user_id", "open_id", "id"]), text(&["user_name"])),
            "at_all" => self.mention("all", ""),
            "person" | "avatar" => self.mention(text(&["user_id", "id"]), ""),
            "person_list" => {
                let persons = element.get("persons").and_then(Value::as_array);
                for person in persons.into_iter().flatten() {
                    self.separate(Gap::Space);
                    self.mention(person.get("id").and_then(text_of).unwrap_or_default(), "");
                }
            }
            "emotion" => self.brackets(text(&["emoji_type"]), ""),
            "a" | "link" => self.link(text(&["text", "content"]), address(element)),
            "button" => {
                let (label, address) = (text(&["text"]), address(element));
                if address.is_empty() {
                    self.brackets(label, "");
                } else {
                    self.link(label, address);
                }
            }
            "custom_icon" | "standard_icon" => {}
            "table" => self.table(element, depth),
            tag => {
                let gap = if ONE_LINE.contains(&tag) {
                    Gap::Space
                } else {
                    Gap::Line
                };
                let members = SHOWN.iter().filter_map(|name| element.get(*name));
                for (number, member) in members.enumerate() {
                    if number > 0 {
                        self.separate(gap);
                    }
                    match member {
                        Value::Array(parts) => self.all(parts, gap, depth),
                        member => self.node(member, depth.saturating_add(1)),
                    }
                }
            }
        }
    }

    /// Writes parts with a separator between them.
    fn all(&mut self, parts: &'a [Value], gap: Gap, depth: usize) {
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                self.separate(gap);
            }
            self.node(part, depth.saturating_add(1));
        }
    }

    /// Writes the column names of a table, and the cells of its rows in order.
    fn table(&mut self, table: &'a Map<String, Value>, depth: usize) {
        let list = |name: &str| {
            let list = table.get(name).and_then(Value::as_array);
            list.into_iter().flatten()
        };
        for column in list("columns") {
            self.separate(Gap::Space);
            let names = ["display_name", "name"];
            let mut names = names.iter().filter_map(|name| text_of(column.get(*name)?));
            self.push(Piece::Card(names.next().unwrap_or_default()));
        }
        for row in list("rows").filter_map(Value::as_object) {
            self.separate(Gap::Line);
            for cell in row.values() {
                match cell {
                    Value::Number(number) => self.push(Piece::Number(number)),
                    Value::Array(parts) => self.all(parts, Gap::Space, depth),
                    cell => self.node(cell, depth.saturating_add(1)),
                }
                self.separate(Gap::Space);
            }
        }
    }

    fn mention(&mut self, user_id: &'a str, name: &'a str) {
        self.push(Piece::At { user_id, name });
    }

    fn link(&mut self, text: &'a str, address: &'a str) {
        let mut link = Vec::new();
        write_link(text, address, &mut link);
        for piece in link {
            self.push(piece);
        }
    }

    /// Writes the kind of an element, and its name.
    fn brackets(&mut self, kind: &'a str, name: &'a str) {
        if kind.is_empty() {
            return;
        }
        let colon = if name.is_empty() { "" } else { ": " };
        for text in ["[", kind, colon, name, "]"] {
            self.push(Piece::Verbatim(text));
        }
    }

    fn separate(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn push(&mut self, piece: Piece<'a>) {
        if piece.is_empty() {
            return;
        }
        let gap = match std::mem::take(&mut self.gap) {
            _ if self.pieces.is_empty() => "",
            Gap::None => "",
            Gap::Space => " ",
            Gap::Line => "\n",
        };
        if !gap.is_empty() {
            self.pieces.push(Piece::Verbatim(gap));
        }
        self.pieces.push(piece);
    }
}

/// The text of a string, or of an object with a text.
pub(super) fn text_of(value: &Value) -> Option<&str> {
    let names = ["content", "text"];
    match value {
        Value::String(text) => Some(text),
        Value::Object(text) => {
            let inside = text
                .get("property")
                .and_then(Value::as_object)
                .unwrap_or(text);
            names.iter().find_map(|name| inside.get(*name)?.as_str())
        }
        _ => None,
    }
}

/// The link of an element, if it has one.
fn address(element: &Map<String, Value>) -> &str {
    let linked = ["href", "url"]
        .iter()
        .find_map(|name| element.get(*name)?.as_str());
    let nested = || {
        ["url", "multi_url"]
            .iter()
            .find_map(|name| element.get(*name)?.get("url")?.as_str())
    };
    let behaviours = || {
        let mut behaviours = element.get("behaviors")?.as_array()?.iter();
        behaviours.find_map(|behaviour| behaviour.get("default_url")?.as_str())
    };
    linked
        .or_else(nested)
        .or_else(behaviours)
        .unwrap_or_default()
}
