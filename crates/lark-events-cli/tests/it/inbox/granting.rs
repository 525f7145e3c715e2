//! `migrate` on PostgreSQL: one role that owns the tables, another one that works, and SQL for operators.

use std::sync::Arc;

use lark_events_inbox::Settled;
use lark_events_inbox_postgres::PostgresStore;
use serde_json::json;

use super::servers::{fails, on, server};
use super::{Filling, MESSAGE, Place, documents, ended, entry, wait_for};

#[test]
fn one_role_migrates_and_another_one_works() {
    let Some(server) = server() else {
        return;
    };
    server.create_database("roles");
    server
        .psql("CREATE ROLE \"the owner\" LOGIN; CREATE ROLE worker LOGIN; CREATE ROLE other LOGIN");
    server.psql("GRANT CREATE ON DATABASE roles TO \"the owner\"");
    let owner = server.url_of("roles", "the%20owner");
    let (worker, other) = (
        server.url_of("roles", "worker"),
        server.url_of("roles", "other"),
    );
    let why = "the schema lark_inbox has no tables of an inbox: run `lark-events inbox migrate`";
    fails(&worker, &["ls"], why);
    fails(
        &worker,
        &["migrate"],
        "the tables have to be migrated, and the role may not",
    );

    let ran = on(&owner, &["migrate", "--grant-to", "worker"])
        .run()
        .with_code(0);
    assert_eq!(ran.stdout, "migrated from version 0 to version 1\n");
    let ran = on(&owner, &["migrate", "--grant-to", "worker"])
        .run()
        .with_code(0);
    assert_eq!(ran.stdout, "the tables have version 1 already\n");
    fails(
        &owner,
        &["migrate", "--grant-to", "nobody"],
        "role \"nobody\" does not exist",
    );
    fails(
        &owner,
        &["migrate", "--grant-to", ""],
        "the name of the role is invalid",
    );
    works(&worker, "lark_inbox");
    on(&worker, &["migrate"]).run().with_code(0);
    for sql in [
        "DROP TABLE lark_inbox.task",
        "CREATE TABLE lark_inbox.more (a int)",
        "UPDATE lark_inbox.version SET number = 9",
    ] {
        let denied = server.try_psql_at(&worker, sql).unwrap_err();
        assert!(
            denied.contains("permission denied") || denied.contains("must be owner"),
            "{denied}"
        );
    }
    // What a later version adds is granted too.
    server.psql_at(&owner, "CREATE TABLE lark_inbox.more (a int)");
    server.psql_at(&worker, "INSERT INTO lark_inbox.more VALUES (1)");

    let grants = on(&owner, &["migrate", "--print", "--grant-to", "other"])
        .run()
        .with_code(0);
    assert_eq!(
        grants.stderr,
        "lark-events: the tables have version 1 already\n"
    );
    server.psql_at(&owner, &grants.stdout);
    on(&other, &["stats"]).run().with_code(0);
}

/// Receives and handles an event with the rights of a role, and runs each command.
#[track_caller]
fn works(url: &str, schema: &str) {
    wait_for(async {
        let store = PostgresStore::builder(url)
            .schema(schema)
            .without_migration();
        let store = store.connect().await.unwrap();
        let place = Place::File("".into());
        let store = Filling {
            store: Arc::new(store),
            place: &place,
        };
        ended(
            &store,
            entry(MESSAGE, "e-1"),
            Settled::Dead,
            Some("refused"),
        )
        .await;
    });
    for args in [
        &["ls"][..],
        &["show", "1"],
        &["stats", "--all"],
        &["retry", "--all"],
        &["drop", "--all"],
        &["replay", "--all"],
        &["prune", "--all"],
    ] {
        let ran = on(url, &[args, &["--schema", schema]].concat())
            .run()
            .with_code(0);
        assert_eq!(ran.stderr, "");
    }
    let ran = on(url, &["doctor", "--schema", schema]).run();
    assert!(
        ran.stdout
            .contains("\npass  schema            version 1 in "),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("\nskip  standbys          the role does not see "),
        "{ran:?}"
    );
}

#[test]
fn the_printed_sql_creates_tables_that_work() {
    let Some(server) = server() else {
        return;
    };
    let url = server.create_database("printed");
    let args = ["migrate", "--schema", "by_hand", "--print"];
    let printed = on(&url, &args).run().with_code(0).stdout;
    assert!(printed.starts_with("BEGIN;\n") && printed.ends_with("COMMIT;\n"));
    let steps = documents(
        &on(&url, &[&args[..], &["--json"]].concat())
            .run()
            .with_code(0),
    );
    assert_eq!((steps.len(), &steps[0]["version"]), (1, &json!(1)));
    let none = "SELECT count(*) FROM pg_namespace WHERE nspname = 'by_hand'";
    assert_eq!(
        server.psql_at(&url, none),
        "0",
        "nothing was changed so far"
    );
    server.psql_at(&url, &printed);
    server.psql("CREATE ROLE by_hand LOGIN");
    let args = [&args[..], &["--grant-to", "by_hand"]].concat();
    let ran = on(&url, &args).run().with_code(0);
    assert_eq!(
        ran.stderr,
        "lark-events: the tables have version 1 already\n"
    );
    server.psql_at(&url, &ran.stdout);
    works(&server.url_of("printed", "by_hand"), "by_hand");

    server.psql_at(
        &url,
        "UPDATE by_hand.version SET number = 99, usable_from = 99",
    );
    let options = ["--schema", "by_hand"];
    let why = "the schema by_hand has version 99 of the tables, which is newer";
    for args in [&["migrate"][..], &["ls"]] {
        fails(&url, &[args, &options].concat(), why);
    }
    let ran = on(&url, &["doctor", "--schema", "by_hand"])
        .run()
        .with_code(1);
    assert!(
        ran.stdout
            .contains("fail  schema            version 99 in by_hand, expected"),
        "{ran:?}"
    );
    server.psql_at(&url, "UPDATE by_hand.version SET usable_from = 1");
    on(&url, &["stats", "--schema", "by_hand"])
        .run()
        .with_code(0);
    let ran = on(&url, &["migrate", "--schema", "by_hand"])
        .run()
        .with_code(0);
    assert_eq!(ran.stdout, "the tables have version 99 already\n");
}
