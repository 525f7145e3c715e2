//! The rows of a field table as a tree of schemas.

use super::kind::Kind;
use super::markup::{Cell, Row, Table};
use super::page::Refusal;
use super::wording::Wording;

/// Deeper than any documented event, and shallow enough for recursion.
pub(super) const MAX_LEVEL: usize = 24;

/// Far more than any documented event has. It bounds the quadratic search among rows.
pub(super) const MAX_ROWS: usize = 4096;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) node: Node,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// JSON types that the sample has here and the table does not, by their JSON Schema names.
    pub(super) also: Vec<&'static str>,
    pub(super) wording: Wording,
    /// The value is sent only to apps with one of these permissions.
    pub(super) scopes: Vec<String>,
    /// The sample is outside of the stated bounds.
    pub(super) is_out_of_bounds: bool,
    /// Only the sample has the value, and not the table.
    pub(super) is_only_sampled: bool,
    /// The sample is a point in time, not a duration.
    pub(super) is_unix_time: bool,
    /// The SDKs that have the value, if other SDKs do not.
    pub(super) sdks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    String,
    Integer,
    Number,
    Boolean,
    Any,
    /// Not in the table. The sample decides.
    Unknown,
    List(Box<Node>),
    Map(Box<Node>),
    Object(Vec<Field>),
    /// One of the [`Types`].
    Named(String),
    /// Sources disagree: the value can have each of these forms.
    Either(Vec<Node>),
}

impl Shape {
    /// Whether its values are objects.
    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Named(_) | Self::Map(_))
    }
}

impl Node {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            also: Vec::new(),
            wording: Wording::default(),
            scopes: Vec::new(),
            is_out_of_bounds: false,
            is_only_sampled: false,
            is_unix_time: false,
            sdks: Vec::new(),
        }
    }
}

/// The named types of a page, in the order of the page.
pub(super) type Types = Vec<(String, Vec<Field>)>;

/// Types that a table names but does not describe, with their lines.
pub(super) type Undescribed = Vec<(usize, String)>;

/// Reads a table as a tree. Also returns the types that it does not describe.
pub(super) fn read(table: &Table, types: &mut Types) -> Result<(Vec<Field>, Undescribed), Refusal> {
    let columns = table.name_column().zip(table.type_column());
    let (name, kind) = columns.ok_or_else(|| table.unlabelled())?;
    let description = table.description_column();
    let mut reader = Reader {
        name,
        kind,
        description,
        types,
        mentioned: Vec::new(),
    };
    if let Some(row) = table.rows.get(MAX_ROWS) {
        return Err(Refusal::new(row.line, format!("at most {MAX_ROWS} rows")));
    }
    let mut rows = table.rows.as_slice();
    let fields = reader.siblings(&mut rows, 0)?;
    let Reader {
        types,
        mut mentioned,
        ..
    } = reader;
    mentioned.retain(|(_, name)| !types.iter().any(|(known, _)| known == name));
    Ok((fields, mentioned))
}

struct Reader<'a> {
    /// Columns.
    name: usize,
    kind: usize,
    description: Option<usize>,
    types: &'a mut Types,
    /// Types that a row names but does not describe, with its line.
    mentioned: Undescribed,
}

impl Reader<'_> {
    /// Reads the rows of one level, with their children.
    fn siblings(&mut self, rows: &mut &[Row], level: usize) -> Result<Vec<Field>, Refusal> {
        let mut fields: Vec<Field> = Vec::new();
        while let Some((row, rest)) = rows.split_first() {
            if row.level < level {
                break;
            }
            if row.level > MAX_LEVEL {
                let rule = format!("at most {MAX_LEVEL} levels");
                return Err(Refusal::new(row.line, rule));
            }
            *rows = rest;
            let has_children = rest.first().is_some_and(|next| next.level > row.level);
            let children = if has_children {
                self.siblings(rows, row.level + 1)?
            } else {
                Vec::new()
            };
            let field = self.field(row, children)?;
            if fields.iter().any(|known| known.name == field.name) {
                let rule = format!("one row for `{}`, not two", field.name);
                return Err(Refusal::new(row.line, rule));
            }
            fields.push(field);
        }
        Ok(fields)
    }

    fn field(&mut self, row: &Row, children: Vec<Field>) -> Result<Field, Refusal> {
        let cell = |column: usize| {
            let cell = row.cells.get(column);
            cell.ok_or_else(|| Refusal::new(row.line, "a cell for each column"))
        };
        let name = cell(self.name)?;
        if !is_name(&name.text) {
            let rule = format!("the name of a field, not `{:.40}`", name.text);
            return Err(Refusal::new(row.line, rule));
        }
        let kind = cell(self.kind)?;
        let Some(kind) = Kind::parse(&kind.text) else {
            let rule = format!("a type, not `{:.40}`", kind.text);
            return Err(Refusal::new(row.line, rule));
        };
        let node = self.node(&kind, children, row.line);
        let mut node = node.map_err(|(kind, field)| {
            let rule = format!("`{field}` of `{kind:.40}` as in its other places");
            Refusal::new(row.line, rule)
        })?;
        if let Some(description) = self.description.and_then(|column| row.cells.get(column)) {
            describe(&mut node, description, &kind);
        }
        let wording = match &node.shape {
            Shape::List(items) => &items.wording,
            _ => &node.wording,
        };
        let bounds = [&wording.minimum, &wording.maximum].map(|bound| bound.as_ref()?.as_f64());
        if let [Some(minimum), Some(maximum)] = bounds
            && minimum > maximum
        {
            let rule = format!("a range from low to high, not `{minimum}` to `{maximum}`");
            return Err(Refusal::new(row.line, rule));
        }
        Ok(Field {
            name: name.text.clone(),
            node,
        })
    }

    /// The error names a type, and its field that differs in another place.
    fn node(
        &mut self,
        kind: &Kind,
        children: Vec<Field>,
        line: usize,
    ) -> Result<Node, (String, String)> {
        let shape = match kind {
            Kind::List(items) => Shape::List(Box::new(self.node(items, children, line)?)),
            Kind::Map(values) => {
                // The rows `key` and `value` describe all members.
                let is_member = |field: &Field| ["key", "value"].contains(&field.name.as_str());
                let is_fake = children.iter().all(is_member);
                let mut members = children
                    .iter()
                    .filter(|field| is_fake && field.name == "value");
                Shape::Map(Box::new(match members.next() {
                    Some(value) => value.node.clone(),
                    None if is_fake => self.node(values, Vec::new(), line)?,
                    None => self.node(values, children, line)?,
                }))
            }
            Kind::Named(name) if children.is_empty() => {
                self.mentioned.push((line, name.clone()));
                Shape::Named(name.clone())
            }
            Kind::Named(name) => {
                define(self.types, name, children).map_err(|field| (name.clone(), field))?;
                Shape::Named(name.clone())
            }
            _ if !children.is_empty() => Shape::Object(children),
            Kind::String => Shape::String,
            Kind::Integer => Shape::Integer,
            Kind::Number => Shape::Number,
            Kind::Boolean => Shape::Boolean,
            Kind::Any => Shape::Any,
            Kind::Object => Shape::Map(Box::new(Node::new(Shape::Unknown))),
            Kind::Unknown => Shape::Unknown,
        };
        Ok(Node::new(shape))
    }
}

/// Whether the text can be the name of a field.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
    !text.is_empty() && text.chars().all(is_part)
}

/// Defines a type. A type in several places gets the fields of all of them. The error is a field that
/// differs between two places.
fn define(types: &mut Types, name: &str, fields: Vec<Field>) -> Result<(), String> {
    let Some((_, known)) = types.iter_mut().find(|(known, _)| known == name) else {
        types.push((name.to_owned(), fields));
        return Ok(());
    };
    fields.into_iter().try_for_each(|field| add(known, field))
}

/// Adds a field, or merges it with the field of the same name.
fn add(known: &mut Vec<Field>, field: Field) -> Result<(), String> {
    let Some(same) = known.iter_mut().find(|known| known.name == field.name) else {
        known.push(field);
        return Ok(());
    };
    if unite(&mut same.node, &field.node) {
        Ok(())
    } else {
        Err(field.name)
    }
}

/// Merges two nodes, and returns whether that is possible. An unknown shape yields to a known one.
fn unite(known: &mut Node, other: &Node) -> bool {
    match (&mut known.shape, &other.shape) {
        (Shape::List(known), Shape::List(other)) | (Shape::Map(known), Shape::Map(other)) => {
            if !unite(known, other) {
                return false;
            }
        }
        // The members of an unnamed object can differ from place to place.
        (Shape::Object(known), Shape::Object(other)) => {
            if !other.iter().all(|field| add(known, field.clone()).is_ok()) {
                return false;
            }
        }
        (_, Shape::Unknown) => {}
        (Shape::Unknown, shape) => known.shape = shape.clone(),
        (known, other) if known == other => {}
        _ => return false,
    }
    if known.wording == Wording::default() {
        known.wording = other.wording.clone();
    }
    for scope in &other.scopes {
        if !known.scopes.contains(scope) {
            known.scopes.push(scope.clone());
        }
    }
    true
}

/// Adds the facts of a description. Those of a list apply to its elements, except for the length.
fn describe(node: &mut Node, description: &Cell, kind: &Kind) {
    let mut wording = Wording::read(&description.text, &description.keys, kind);
    let scopes = description.permissions.iter();
    node.scopes = scopes.map(|scope| scope.name.clone()).collect();
    if let Shape::List(items) = &mut node.shape {
        node.wording.min_length = wording.min_length.take();
        node.wording.max_length = wording.max_length.take();
        items.wording = wording;
    } else {
        node.wording = wording;
    }
}
