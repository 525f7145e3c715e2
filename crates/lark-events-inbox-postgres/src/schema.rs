//! The tables, and the steps from one version of them to the next.

use lark_events_inbox::StoreErrorKind;
use tokio_postgres::Client;

use crate::failure::Failure;

/// A step leads from the version of its index to the next.
struct Step {
    sql: &'static str,
    /// The oldest version of this crate's tables whose programs work on those of this step.
    usable_from: u32,
}

const STEPS: [Step; 1] = [Step {
    sql: include_str!("sql/1.sql"),
    usable_from: 1,
}];

/// The version of the tables of this crate.
pub(crate) const VERSION: u32 = STEPS.len() as u32;

/// The schema in the steps, which stands for the one that is configured.
pub(crate) const DEFAULT: &str = "lark_inbox";
/// Its prefix in the steps.
const PREFIX: &str = "lark_inbox.";

/// The versions of tables that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) number: u32,
    pub(crate) usable_from: u32,
}

/// The version of the tables; `None` if there are none.
pub(crate) async fn version(client: &Client, schema: &str) -> Result<Option<Version>, Failure> {
    // Not `to_regclass`: the server remembers in a transaction that a table was missing, and does not notice that
    // another program has created it meanwhile.
    let there = format!(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = '{schema}' AND c.relname = 'version'),
            quote_ident('{schema}') = '{schema}'"
    );
    let there = client.query_typed(&there, &[]).await?;
    let there = there
        .first()
        .map(|row| Ok::<_, Failure>((row.try_get(0)?, row.try_get(1)?)));
    match there.transpose()? {
        Some((_, false)) => {
            let text = format!(
                "the name of the schema is invalid: `{schema}` is a reserved word of SQL, choose another one"
            );
            return Err(Failure::new(StoreErrorKind::Unsupported, text));
        }
        Some((true, _)) => {}
        _ => return Ok(None),
    }
    let sql = format!("SELECT number, usable_from FROM {schema}.version");
    let rows = client.query_typed(&sql, &[]).await?;
    let Some(row) = rows.first() else {
        let text = format!("the table {schema}.version is empty");
        return Err(Failure::new(StoreErrorKind::Corrupt, text));
    };
    let (number, usable_from): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Some(Version {
        number: number.unsigned_abs(),
        usable_from: usable_from.unsigned_abs(),
    }))
}

/// Fails unless a program of this version works with the tables.
pub(crate) async fn expect_usable(client: &Client, schema: &str) -> Result<(), Failure> {
    let found = version(client, schema).await?;
    let wrong = |text: String| Err(Failure::new(StoreErrorKind::Version, text));
    match found {
        Some(found) if found.usable_from > VERSION => wrong(format!(
            "the schema {schema} has version {} of the tables, which is newer than this program: update it",
            found.number
        )),
        Some(found) if found.number >= VERSION => Ok(()),
        Some(older) => wrong(format!(
            "the tables of the schema {schema} have version {}, expected version {VERSION}: run \
             `lark-events inbox migrate`",
            older.number
        )),
        None => wrong(format!(
            "the schema {schema} has no tables of an inbox: run `lark-events inbox migrate`"
        )),
    }
}

/// The SQL of the steps from a version, each a part of a transaction.
pub(crate) fn steps(from: u32, schema: &str) -> impl Iterator<Item = String> {
    let steps = STEPS.iter().zip(1_u32..);
    steps
        .filter(move |&(_, version)| version > from)
        .map(move |(step, version)| {
            let usable_from = step.usable_from;
            let begin = if version == 1 {
                begin(schema)
            } else {
                String::new()
            };
            let sql = step.sql.replace(PREFIX, &format!("{schema}."));
            let mark = format!(
                "UPDATE {schema}.version SET number = {version}, usable_from = {usable_from};\n"
            );
            format!("{begin}{sql}{mark}")
        })
}

/// Creates the schema, unless an administrator has done so for a role that may not, and its version.
fn begin(schema: &str) -> String {
    format!(
        "DO $$ BEGIN
    IF to_regnamespace('{schema}') IS NULL THEN CREATE SCHEMA {schema}; END IF;
END $$;
CREATE TABLE {schema}.version (number integer NOT NULL, usable_from integer NOT NULL);
INSERT INTO {schema}.version VALUES (0, 0);
"
    )
}

/// Programs that migrate at the same time take turns.
fn lock(schema: &str) -> String {
    format!("SELECT pg_advisory_xact_lock(hashtext('lark-events migrate {schema}'));\n")
}

/// The steps as a script for operators.
pub(crate) fn script(from: u32, schema: &str) -> Vec<String> {
    let transaction = |step| format!("BEGIN;\n{}{step}COMMIT;\n", lock(schema));
    steps(from, schema).map(transaction).collect()
}

/// Creates the tables, or brings them to the version of this crate. Several programs may do so at once.
pub(crate) async fn migrate(client: &Client, schema: &str) -> Result<(), Failure> {
    let encoding = client
        .query_typed("SELECT current_setting('server_encoding')", &[])
        .await?;
    let encoding: Option<String> = encoding.first().map(|row| row.try_get(0)).transpose()?;
    let encoding = encoding.unwrap_or_default();
    if encoding != "UTF8" {
        let text = format!("the database has the encoding {encoding}, expected UTF8");
        return Err(Failure::new(StoreErrorKind::Unsupported, text));
    }
    if version(client, schema)
        .await?
        .is_some_and(|found| found.number >= VERSION)
    {
        return Ok(());
    }
    client
        .batch_execute(&format!("BEGIN;\n{}", lock(schema)))
        .await?;
    let migrated = async {
        let from = version(client, schema)
            .await?
            .map_or(0, |found| found.number);
        for step in steps(from, schema) {
            client.batch_execute(&step).await?;
        }
        client.batch_execute("COMMIT").await?;
        Ok(())
    };
    let migrated = migrated.await;
    if migrated.is_err() {
        // The connection is closed next, which rolls back too.
        let _ = client.batch_execute("ROLLBACK").await;
    }
    migrated.map_err(|failure: Failure| {
        if !failure.is_forbidden() {
            return failure;
        }
        let text = format!(
            "the tables have to be migrated, and the role may not: run `lark-events inbox migrate` as their \
             owner: {failure}"
        );
        Failure::new(StoreErrorKind::Version, text)
    })
}
