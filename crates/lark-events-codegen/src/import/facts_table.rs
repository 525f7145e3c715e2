//! The facts of events in a page's table of facts, or in prose.

use serde_json::{Value, json};

use super::labels::Label;
use super::markup::{Permission, Row};
use super::page::{Block, Page, Refusal};

/// The facts in the table.
#[derive(Debug, Default)]
pub(super) struct FactsTable {
    pub(super) event_type: Option<String>,
    pub(super) app_types: Vec<String>,
    pub(super) scopes: Vec<Value>,
    pub(super) field_scopes: Vec<Value>,
}

impl FactsTable {
    pub(super) fn read(page: &Page) -> Result<Self, Refusal> {
        let mut facts = Self::default();
        for block in &page.blocks {
            if let Block::Facts(table) = block {
                table.rows.iter().try_for_each(|row| facts.take(row))?;
            }
        }
        if facts.event_type.is_none() {
            facts.event_type = event_type_in_prose(page);
        }
        Ok(facts)
    }

    fn take(&mut self, row: &Row) -> Result<(), Refusal> {
        let [label, cell, ..] = row.cells.as_slice() else {
            return Ok(());
        };
        match Label::of(&label.text) {
            Some(Label::EventType) if !cell.text.is_empty() => {
                let stated = cell.text.trim_matches('`');
                let known = self.event_type.get_or_insert_with(|| stated.to_owned());
                if known != stated {
                    // The permissions could belong to either event.
                    let rule = format!("facts of `{known:.100}` alone, not of `{stated:.100}` too");
                    return Err(Refusal::new(row.line, rule));
                }
            }
            Some(Label::AppTypes) => self.app_types.clone_from(&cell.app_types),
            Some(Label::Scopes) => self.scopes = cell.permissions.iter().map(scope).collect(),
            Some(Label::FieldScopes) => {
                self.field_scopes = cell.permissions.iter().map(scope).collect();
            }
            Some(Label::EventType) | None => {}
        }
        Ok(())
    }
}

fn scope(permission: &Permission) -> Value {
    let mut scope = json!({"name": permission.name});
    if !permission.app_types.is_empty() {
        scope["app_types"] = json!(permission.app_types);
    }
    if permission.is_retired {
        scope["retired"] = json!(true);
    }
    scope
}

/// `**事件类型**`, and below it the type as code.
fn event_type_in_prose(page: &Page) -> Option<String> {
    let mut prose = page.blocks.iter().filter_map(|block| match block {
        Block::Prose(text) => Some(text.as_str()),
        _ => None,
    });
    prose.find(|text| Label::of(text) == Some(Label::EventType))?;
    let code = prose.next()?.strip_prefix('`')?.strip_suffix('`')?;
    Some(code.to_owned())
}
