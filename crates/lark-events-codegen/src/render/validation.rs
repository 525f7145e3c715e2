//! The checks of documented rules.

use super::super::facts::Facts;
use super::super::model::{Rule, Struct};

pub(super) fn imports(is_validated: bool) -> &'static [&'static str] {
    if is_validated {
        &["Validate", "Violations"]
    } else {
        &[]
    }
}

/// Nothing for a type without rules.
pub(super) fn validation(body: &Struct) -> String {
    if !body.is_validated {
        return String::new();
    }
    let checks = body.fields.iter().flat_map(|field| {
        let (name, wire) = (&field.name, &field.wire_name);
        field.rules.iter().map(move |rule| match rule {
            Rule::Nested => format!("found.nested({wire:?}, &self.{name});\n"),
            Rule::Range(facts) => {
                format!("found.range({wire:?}, &self.{name}, {});\n", range(facts))
            }
            Rule::Length(facts) => {
                format!("found.length({wire:?}, &self.{name}, {});\n", length(facts))
            }
        })
    });
    format!(
        "\nimpl Validate for {} {{
            fn check(&self, found: &mut Violations) {{
                {}
            }}
        }}\n",
        body.name,
        checks.collect::<String>()
    )
}

fn range(facts: &Facts) -> String {
    let bound = |bound: &Option<serde_json::Number>| {
        let bound = bound.as_ref()?.as_f64()?;
        Some(format!("{bound:?}"))
    };
    match (bound(&facts.minimum), bound(&facts.maximum)) {
        (minimum, Some(maximum)) => format!("{}..={maximum}", minimum.unwrap_or_default()),
        (minimum, None) => format!("{}..", minimum.unwrap_or_default()),
    }
}

fn length(facts: &Facts) -> String {
    let minimum = facts.min_length.filter(|minimum| *minimum > 0);
    let minimum = minimum.map_or_else(String::new, |minimum| minimum.to_string());
    match facts.max_length {
        Some(maximum) => format!("{minimum}..={maximum}"),
        None => format!("{minimum}.."),
    }
}
