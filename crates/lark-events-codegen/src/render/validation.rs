//! The checks of documented rules.

use super::super::model::{Check, Rule, Struct};

pub(super) fn imports(body: &Struct) -> &'static [&'static str] {
    if body.checks.is_empty() {
        &[]
    } else {
        &["Validate", "event::Violations"]
    }
}

/// The `impl` of a type. Empty for a type without rules.
pub(super) fn validation(body: &Struct) -> String {
    if body.checks.is_empty() {
        return String::new();
    }
    let checks = body.checks.iter().map(|check| {
        let Check {
            field,
            wire_name,
            rule,
        } = check;
        match rule {
            Rule::Nested => format!("found.nested({wire_name:?}, &self.{field});\n"),
            Rule::Range(range) => format!("found.range({wire_name:?}, &self.{field}, {range});\n"),
            Rule::Length(range) => {
                format!("found.length({wire_name:?}, &self.{field}, {range});\n")
            }
        }
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
