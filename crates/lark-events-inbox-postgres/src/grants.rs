//! The rights of a role that works with the tables and does not own them.

use lark_events_inbox::StoreErrorKind;

use crate::failure::Failure;

/// The longest name of PostgreSQL, which cuts longer ones: the rights would be those of another role.
const MAX_NAME: usize = 63;

/// The statements that let a role work, in one transaction. Everyone may call functions by default.
pub(crate) fn script(schema: &str, role: &str) -> Result<String, Failure> {
    let role = quoted(role)?;
    let tables = "SELECT, INSERT, UPDATE, DELETE ON";
    let later = format!("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT");
    Ok(format!(
        "BEGIN;
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT {tables} ALL TABLES IN SCHEMA {schema} TO {role};
REVOKE INSERT, UPDATE, DELETE ON {schema}.version FROM {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
{later} {tables} TABLES TO {role};
{later} USAGE ON SEQUENCES TO {role};
COMMIT;
"
    ))
}

/// A name between quotes, whatever characters it has.
fn quoted(role: &str) -> Result<String, Failure> {
    if role.is_empty() || role.len() > MAX_NAME || role.contains(char::is_control) {
        let text =
            "the name of the role is invalid: expected 1 to 63 bytes without control characters";
        return Err(Failure::new(StoreErrorKind::Unsupported, text));
    }
    Ok(format!("\"{}\"", role.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_role_is_quoted() {
        let sql = script("inbox", "a\"; DROP TABLE b; --").unwrap();
        let first = sql.lines().nth(1);
        let expected = "GRANT USAGE ON SCHEMA inbox TO \"a\"\"; DROP TABLE b; --\";";
        assert_eq!(first, Some(expected));
        for role in ["", "a\0", "a\nb", &"a".repeat(64)] {
            assert!(script("inbox", role).is_err(), "{role:?}");
        }
    }
}
