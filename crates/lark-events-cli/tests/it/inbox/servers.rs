//! Stores on a PostgreSQL server: schemas for the tests of all commands, and what only a server has.

use std::fs;
use std::sync::OnceLock;
use std::time::SystemTime;

use lark_events_inbox::{Entry, Settled};
use lark_events_inbox_postgres::PostgresStore;
use lark_events_test_servers::Postgres;

use super::{MESSAGE, Place, Stored, ended, entry};
use crate::port::Port;
use crate::{Run, lark_events};

pub(super) const WHAT: &str = "commands on PostgreSQL";

/// The server of these tests.
pub(super) fn server() -> Option<&'static Postgres> {
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
pub(super) fn on(url: &str, args: &[&str]) -> Run {
    lark_events(&[&["inbox"], args].concat()).env("LARK_EVENTS_STORE", url)
}

#[track_caller]
pub(super) fn fails(url: &str, args: &[&str], why: &str) {
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
    let port_of_none = Port::reserve();
    let closed = port_of_none.address;
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
    for schema in ["No", "limit"] {
        for command in ["ls", "migrate", "doctor"] {
            let args = [command, "--schema", schema];
            fails(
                &at("postgres", "postgres"),
                &args,
                "the name of the schema is invalid",
            );
        }
    }
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
fn a_clock_that_is_behind_hides_no_event_from_a_replay() {
    let Some(schema) = Schema::new("clock") else {
        return;
    };
    let server = schema.server;
    let stored = Stored::filled(Place::Schema(schema), async |store| {
        ended(store, entry(MESSAGE, "e-1"), Settled::Done, None).await;
    });
    server.psql("UPDATE cli_clock.event SET received_at = now() + interval '1 hour'");
    let ran = stored.run(&["replay", "--all"]).with_code(0);
    assert_eq!(ran.stdout, "put back into the queue: 1 event\n");
}
