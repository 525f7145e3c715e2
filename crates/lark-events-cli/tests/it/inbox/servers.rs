//! Stores on a PostgreSQL server: schemas for the tests of all commands, and what only a server has.

use std::fs;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::SystemTime;

use lark_events_inbox::{Entry, Settled};
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;
use serde_json::json;

use super::files::verdicts;
use super::{MESSAGE, documents, ended, entry, wait_for};
use crate::{Ran, Run, lark_events};

const WHAT: &str = "commands on PostgreSQL";

/// The server of these tests.
fn server() -> Option<&'static Postgres> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Postgres::start_or_skip(WHAT));
    server.as_ref()
}

/// A schema of one test.
#[derive(Clone)]
pub(super) struct Schema {
    server: &'static Postgres,
    name: String,
}

impl Schema {
    pub(super) fn new(name: &str) -> Option<Self> {
        let name = format!("cli_{}", name.replace('-', "_"));
        server().map(|server| Self { server, name })
    }

    pub(super) async fn open(&self) -> PostgresStore {
        let store = PostgresStore::builder(self.server.url()).schema(&self.name);
        store.connect().await.unwrap()
    }

    pub(super) fn options(&self) -> Vec<String> {
        let url = self.server.url();
        let options = ["--store", &url, "--schema", &self.name];
        options.map(str::to_owned).to_vec()
    }

    /// Makes appended events as old as they say.
    pub(super) fn backdate(&self, entries: &[Entry]) {
        let now = SystemTime::now();
        let rows = entries.iter().filter_map(|entry| {
            let delivery = &entry.delivery;
            let age = now.duration_since(delivery.received_at).ok()?;
            let id = delivery.header.event_id.as_deref()?.replace('\'', "''");
            Some(format!("('{id}', {})", age.as_secs()))
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            return;
        }
        self.server.psql(&format!(
            "UPDATE {}.event e SET received_at = now() - given.age * interval '1 s'
            FROM (VALUES {}) AS given (id, age) WHERE e.event_id = given.id",
            self.name,
            rows.join(", "),
        ));
    }
}

/// `lark-events inbox` on the store of a URL, which is not on the command line.
fn on(url: &str, args: &[&str]) -> Run {
    lark_events(&[&["inbox"], args].concat()).env("LARK_EVENTS_STORE", url)
}

#[track_caller]
fn fails(url: &str, args: &[&str], why: &str) {
    let ran = on(url, args).run().with_code(2);
    assert_eq!(ran.stdout, "");
    let text = format!("lark-events: PostgreSQL: {why}");
    assert!(ran.stderr.starts_with(&text), "expected {why}: {ran:?}");
}

#[test]
fn an_error_of_the_server_says_what_failed_without_the_password() {
    let Some(installation) = Postgres::installed_or_skip(WHAT) else {
        return;
    };
    let server = installation.start(&[]);
    server.psql("CREATE ROLE careful LOGIN PASSWORD 'right'; CREATE ROLE stranger LOGIN");
    let rules = server.folder().join("data/pg_hba.conf");
    let more = fs::read_to_string(&rules).unwrap();
    let rule = "host all careful 127.0.0.1/32 scram-sha-256\n";
    fs::write(&rules, format!("{rule}{more}")).unwrap();
    server.psql("SELECT pg_reload_conf()");
    let port = server.port();
    let at =
        |login: &str, database: &str| format!("postgres://{login}@127.0.0.1:{port}/{database}");
    on(&at("postgres", "postgres"), &["migrate"])
        .run()
        .with_code(0);
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (url, why) in [
        (
            at("careful:marked-password", "postgres"),
            "password authentication failed for user \"careful\" (SQLSTATE 28P01)",
        ),
        (
            at("careful", "postgres"),
            "invalid configuration: password missing: add the password",
        ),
        (
            at("postgres:marked-password", "absent"),
            "database \"absent\" does not exist (SQLSTATE 3D000)",
        ),
        (
            at("stranger:marked-password", "postgres"),
            "permission denied for schema lark_inbox (SQLSTATE 42501): let the owner",
        ),
        (
            format!("postgres://postgres:marked-password@{closed}/postgres"),
            "error connecting to server: Connection refused",
        ),
        (
            "postgres://u:marked-password@h:marked-port/d".to_owned(),
            "the URL is invalid: expected postgres://",
        ),
        (
            format!(
                "{}?sslmode=require",
                at("postgres:marked-password", "postgres")
            ),
            "error performing TLS handshake: server does not support TLS",
        ),
    ] {
        for args in [&["ls"][..], &["retry", "--all"], &["migrate"]] {
            fails(&url, args, why);
        }
    }
    let ran = on(&at("careful:marked-password", "postgres"), &["doctor"]).run();
    let shown = ran.with_code(1).stdout;
    assert!(
        shown.starts_with("fail  server            password authentication failed"),
        "{shown}"
    );
    assert!(
        shown.contains("skip  workers           the server did not answer\n"),
        "{shown}"
    );
    fails(
        "postgresql://u:marked-p@h:x/d",
        &["doctor"],
        "the URL is invalid",
    );
    fails(
        &at("postgres", "postgres"),
        &["ls", "--schema", "No"],
        "the name of the schema",
    );
}

#[test]
fn a_file_has_neither_a_schema_nor_roles() {
    let path = crate::file("inbox-no-schema.db", "");
    let store = format!("sqlite:{}", path.display());
    for (args, why) in [
        (
            &["ls", "--schema", "a"][..],
            "--schema: only a store on PostgreSQL has a schema\n",
        ),
        (
            &["migrate", "--grant-to", "a"],
            "--grant-to: only a store on PostgreSQL has roles\n",
        ),
    ] {
        let ran = on(&store, args).run().with_code(2);
        assert_eq!(ran.stderr, format!("lark-events: {why}"));
    }
}

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
    let why = "the tables of the schema lark_inbox have version 0, expected version 1: run \
        `lark-events inbox migrate`";
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
        let place = super::Place::File("".into());
        let store = super::Filling {
            store: std::sync::Arc::new(store),
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

#[test]
fn a_clock_that_is_behind_hides_no_event_from_a_replay() {
    let Some(schema) = Schema::new("clock") else {
        return;
    };
    let server = schema.server;
    let stored = super::Stored::filled(super::Place::Schema(schema), async |store| {
        ended(store, entry(MESSAGE, "e-1"), Settled::Done, None).await;
    });
    server.psql("UPDATE cli_clock.event SET received_at = now() + interval '1 hour'");
    let ran = stored.run(&["replay", "--all"]).with_code(0);
    assert_eq!(ran.stdout, "put back into the queue: 1 event\n");
}

#[track_caller]
fn shows(url: &str, code: i32, line: &str) {
    let ran = on(url, &["doctor"]).run().with_code(code);
    assert!(ran.stdout.contains(line), "expected {line}: {ran:?}");
}

fn set(server: &Postgres, name: &str, value: &str) {
    server.psql(&format!(
        "ALTER SYSTEM SET {name} = '{value}';\nSELECT pg_reload_conf()"
    ));
    // A reload takes a moment.
    while server.psql(&format!("SHOW {name}")) != value {}
}

#[test]
fn doctor_names_settings_that_lose_events() {
    let Some(installation) = Postgres::installed_or_skip(WHAT) else {
        return;
    };
    let timeout = "idle_in_transaction_session_timeout";
    let server = installation.start(&[(timeout, "1min")]);
    let url = server.url();
    shows(
        &url,
        1,
        "fail  schema            version 0 in lark_inbox, expected version 1\n",
    );
    on(&url, &["migrate"]).run().with_code(0);
    let ran: Ran = on(&url, &["doctor", "--json"]).run().with_code(0);
    let cases = [
        "server",
        "schema",
        "durability",
        "standbys",
        "transactions",
        "lanes",
        "clock",
        "vacuum",
        "workers",
        "lag",
        "oldest",
        "dead",
    ];
    let found = verdicts(&ran);
    assert!(
        found.iter().map(|(case, _)| case).eq(cases.iter()),
        "{found:?}"
    );
    let bad = found.iter().filter(|(_, verdict)| verdict != "pass");
    let bad: Vec<_> = bad.map(|(case, _)| case.as_str()).collect();
    assert_eq!(bad, ["workers"], "{ran:?}");

    for (name, value, back, line) in [
        ("fsync", "off", "on", "fail  durability        fsync is off"),
        (
            "full_page_writes",
            "off",
            "on",
            "warn  durability        full_page_writes is off",
        ),
        (
            "synchronous_commit",
            "off",
            "on",
            "warn  durability        synchronous_commit is off",
        ),
        (
            "autovacuum",
            "off",
            "on",
            "warn  vacuum            autovacuum is off",
        ),
        (
            timeout,
            "0",
            "1min",
            "warn  transactions      none is open; idle_in_transaction_session_timeout",
        ),
    ] {
        set(&server, name, value);
        shows(&url, i32::from(line.starts_with("fail")), line);
        set(&server, name, back);
    }

    server.psql("INSERT INTO lark_inbox.task (seq, lane, is_head, visible_at) VALUES (1, 'a', false, now())");
    shows(
        &url,
        1,
        "fail  lanes             1 with events, none of which can be claimed\n",
    );
    server.psql("SELECT lark_inbox.promote(array_agg(lane)) FROM lark_inbox.task");
    shows(&url, 1, "pass  lanes             none is stuck\n");
    server.psql("DELETE FROM lark_inbox.task");

    let standby = server.start_standby("second");
    let follows = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    while server.psql(follows) != "1" {}
    shows(
        &url,
        0,
        "warn  standbys          1 standby, none synchronous: a failover loses",
    );
    server.synchronous_standby("second");
    shows(&url, 0, "pass  standbys          1 of 1 synchronous\n");
    server.psql("ALTER ROLE postgres SET synchronous_commit = 'remote_write'");
    shows(
        &url,
        0,
        "warn  durability        synchronous_commit is remote_write: acknowledged events",
    );
    drop(standby);
    let is_gone = "SELECT count(*) FROM pg_stat_replication";
    while server.psql(is_gone) != "0" {}
    shows(
        &url,
        1,
        "fail  standbys          commits wait for a synchronous standby, and none is connected",
    );
}
