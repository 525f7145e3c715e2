//! Stores on NATS JetStream: all commands, and what only their servers have.

use std::sync::OnceLock;
use std::time::Duration;

use lark_events_inbox::{Settled, State};
use lark_events_inbox_nats::NatsStore;
use lark_events_test_servers::{Nats, NatsSettings};
use serde_json::json;

use super::files::verdicts;
use super::servers::on;
use super::{MEETING, MESSAGE, Place, Stored, ended, entry, seqs};
use crate::Ran;
use crate::port::Port;

const WHAT: &str = "commands on NATS";
const MAX_PAYLOAD: &str = "max_payload: 8MB";

/// The server of these tests.
fn server() -> Option<&'static Nats> {
    static SERVER: OnceLock<Option<Nats>> = OnceLock::new();
    let start = || {
        let program = Nats::installed_or_skip(WHAT)?;
        Some(program.start(&NatsSettings::new().line(MAX_PAYLOAD)))
    };
    SERVER.get_or_init(start).as_ref()
}

/// The streams of one test.
#[derive(Clone)]
pub(super) struct Streams {
    server: &'static Nats,
    prefix: String,
}

impl Streams {
    pub(super) fn new(prefix: &str) -> Option<Self> {
        let prefix = prefix.to_owned();
        server().map(|server| Self { server, prefix })
    }

    pub(super) async fn open(&self) -> NatsStore {
        let store = NatsStore::builder(self.server.url()).prefix(&self.prefix);
        store.partitions(4).connect().await.unwrap()
    }

    pub(super) fn options(&self) -> Vec<String> {
        let url = self.server.url();
        let options = ["--store", &url, "--prefix", &self.prefix];
        options.map(str::to_owned).to_vec()
    }
}

#[track_caller]
fn fails(url: &str, args: &[&str], why: &str) {
    let ran = on(url, args).run().with_code(2);
    assert_eq!(ran.stdout, "");
    let text = format!("lark-events: NATS: {why}");
    assert!(ran.stderr.starts_with(&text), "expected {why}: {ran:?}");
    assert!(!ran.stderr.contains("marked"), "{ran:?}");
}

#[test]
fn each_command_works_on_streams() {
    let Some(streams) = Streams::new("COMMANDS") else {
        return;
    };
    let refused = Some("connection refused");
    let stored = Stored::filled(Place::Streams(streams), async |store| {
        ended(store, entry(MESSAGE, "e-1"), Settled::Done, None).await;
        ended(store, entry(MESSAGE, "e-2"), Settled::Dead, refused).await;
        ended(store, entry(MEETING, "e-3"), Settled::Dead, refused).await;
        store.append(vec![entry(MEETING, "e-4")]).await.unwrap();
    });
    let all = [State::Done, State::Dead, State::Dead, State::Ready];
    let states = |stored: &Stored| -> Vec<_> {
        stored
            .states()
            .into_iter()
            .map(|(_, state)| state)
            .collect()
    };
    assert_eq!(states(&stored), all);
    assert_eq!(seqs(&stored.json(&["ls"])), [2, 3, 4]);
    assert_eq!(
        seqs(&stored.json(&["ls", "--all", "--type", MESSAGE])),
        [1, 2]
    );
    assert_eq!(seqs(&stored.json(&["ls", "--error", "refused"])), [2, 3]);
    let shown = stored.json(&["show", "--event-id", "e-2"]);
    assert_eq!(shown[0]["history"][0]["error"], "connection refused");
    let stats = stored.json(&["stats", "--all"]);
    for (name, count) in [("ready", 1), ("dead", 2), ("done", 1)] {
        assert_eq!(stats[0][name], count, "{name}: {stats:?}");
    }
    assert_eq!(stats[0]["dead_by_error"][0]["events"], 2);

    let wrong = stored.run(&["retry", "--state", "waiting"]).with_code(2);
    let why = "--state waiting: on NATS, only events in the state dead can be retried\n";
    assert_eq!(wrong.stderr, format!("lark-events: {why}"));
    let would = stored.run(&["retry", "--all", "--dry-run"]).with_code(0);
    assert!(
        would.stdout.starts_with("would retry 2 events\n"),
        "{would:?}"
    );
    let retried = stored.run(&["retry", "--seq", "2"]).with_code(0);
    assert_eq!(retried.stdout, "retried 1 event\n");
    // It is a new message, and the old one is finished.
    let retried = [
        State::Done,
        State::Done,
        State::Dead,
        State::Ready,
        State::Ready,
    ];
    assert_eq!(states(&stored), retried);
    let dropped = stored.run(&["drop", "--type", MEETING]).with_code(0);
    assert_eq!(dropped.stdout, "dropped 2 events\n");
    let replayed = stored.run(&["replay", "--event-id", "e-1"]).with_code(0);
    assert_eq!(replayed.stdout, "put back into the queue: 1 event\n");
    assert_eq!(stored.json(&["stats"])[0]["ready"], 2);
    let pruned = stored.run(&["prune", "--all"]).with_code(0);
    assert_eq!(pruned.stdout, "pruned 0 events\n");
    assert_eq!(stored.run(&["ls"]).with_code(0).stderr, "");
}

#[test]
fn a_replay_of_many_events_takes_each_once() {
    let Some(streams) = Streams::new("MANY") else {
        return;
    };
    let stored = Stored::filled(Place::Streams(streams), async |store| {
        for number in 0..20 {
            let id = format!("e-{number}");
            ended(store, entry(MESSAGE, &id), Settled::Done, None).await;
        }
    });
    let replayed = stored.run(&["replay", "--all"]).with_code(0);
    assert_eq!(replayed.stdout, "put back into the queue: 20 events\n");
}

#[test]
fn migrate_creates_streams_as_asked_for_and_later_checks_them() {
    let Some(server) = server() else {
        return;
    };
    let url = server.url();
    let migrate = |more: &[&str]| {
        let args = [&["migrate", "--prefix", "MIGRATE"], more].concat();
        on(&url, &args).run()
    };
    for command in ["ls", "stats"] {
        let why = "the stream MIGRATE_INBOX does not exist: run `lark-events inbox migrate`";
        fails(&url, &[command, "--prefix", "MIGRATE"], why);
    }
    let options = [
        "--partitions",
        "3",
        "--max-age",
        "3d",
        "--max-bytes",
        "1000000",
    ];
    let ran = migrate(&[&options[..], &["--sync-always"]].concat()).with_code(0);
    assert_eq!(ran.stdout, "created the streams and their consumers\n");
    let ran = migrate(&[]).with_code(0);
    assert_eq!(ran.stdout, "the streams exist already\n");
    let ran = migrate(&["--json"]).with_code(0);
    assert_eq!(super::documents(&ran), [json!({"from": 1, "to": 1})]);
    assert_eq!(
        seqs(&[]),
        seqs(&super::documents(
            &on(&url, &["ls", "--prefix", "MIGRATE", "--json"])
                .run()
                .with_code(1)
        ))
    );
    let streams = server.monitor("/jsz?streams=true&config=true").unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&streams).unwrap();
    let all = parsed["account_details"][0]["stream_detail"]
        .as_array()
        .unwrap();
    let config = all.iter().find(|it| it["name"] == "MIGRATE_INBOX").unwrap();
    let config = &config["config"];
    assert_eq!(config["max_bytes"], 1_000_000);
    assert_eq!(config["metadata"]["lark-events-partitions"], "3");
    assert_eq!(config["metadata"]["lark-events-sync-always"], "true");

    for (args, why) in [
        (
            &["migrate", "--print"][..],
            "--print: a store on NATS has no SQL\n",
        ),
        (
            &["migrate", "--grant-to", "a"],
            "--grant-to: only a store on PostgreSQL has roles\n",
        ),
        (
            &["ls", "--schema", "a"],
            "--schema: only a store on PostgreSQL has a schema\n",
        ),
    ] {
        let ran = on(&url, args).run().with_code(2);
        assert_eq!(ran.stderr, format!("lark-events: {why}"));
    }
}

#[test]
fn only_a_store_on_nats_has_a_prefix_credentials_and_streams() {
    let path = crate::file("inbox-no-streams.db", "");
    let file = format!("sqlite:{}", path.display());
    for store in [&*file, "postgres://marked@h/d"] {
        for (args, why) in [
            (
                &["ls", "--prefix", "A"][..],
                "--prefix: only a store on NATS has a prefix\n",
            ),
            (
                &["ls", "--credentials", "a"],
                "--credentials: only a store on NATS has a credentials file\n",
            ),
            (
                &["migrate", "--replicas", "3"],
                "the options for streams need a store on NATS\n",
            ),
        ] {
            let ran = on(store, args).run().with_code(2);
            assert_eq!(ran.stderr, format!("lark-events: {why}"));
        }
    }
}

#[test]
fn an_error_of_nats_says_what_failed_without_the_password() {
    let Some(program) = Nats::installed_or_skip(WHAT) else {
        return;
    };
    let settings = NatsSettings::new().line(MAX_PAYLOAD);
    let server = program.start(&settings.clone().user("careful", "right"));
    on(&server.url(), &["migrate"]).run().with_code(0);
    let port = server.port();
    let port_of_none = Port::reserve();
    let closed = port_of_none.address;
    let no_jetstream = program.start(&NatsSettings::new().without_jetstream().line(MAX_PAYLOAD));
    let small = program.start(&NatsSettings::new());
    let denied = "authorization violation: nats: authorization violation: check the user";
    for (url, why) in [
        (format!("nats://careful:marked@127.0.0.1:{port}"), denied),
        (format!("nats://marked@127.0.0.1:{port}"), denied),
        (format!("nats://127.0.0.1:{port}"), denied),
        (
            format!("nats://u:marked@{closed}"),
            "IO error: Connection refused",
        ),
        (
            "nats://u:marked@h:marked".to_owned(),
            "expected URLs such as `nats://host:4222`",
        ),
        (
            no_jetstream.url(),
            "the server has no JetStream for this account",
        ),
        (
            small.url(),
            "the server takes messages of 1048576 bytes, expected at least",
        ),
        (format!("tls://u:marked@127.0.0.1:{port}"), ""),
    ] {
        for args in [&["ls"][..], &["retry", "--all"], &["migrate"]] {
            fails(&url, args, why);
        }
    }
    let absent = ["ls", "--credentials", "/absent/user.creds"];
    fails(&server.url(), &absent, "/absent/user.creds: No such file");
    let file = crate::file("inbox-invalid.creds", "marked");
    let invalid = ["ls", "--credentials", file.to_str().unwrap()];
    fails(&server.url(), &invalid, file.to_str().unwrap());
    fails(
        &server.url(),
        &["ls", "--prefix", "a.b"],
        "expected a prefix of letters",
    );
    fails(
        &server.url(),
        &["doctor", "--prefix", "a.b"],
        "expected a prefix of letters",
    );
    fails(
        "nats://u:marked@h:marked",
        &["doctor"],
        "expected URLs such as",
    );

    let ran = on(
        &format!("nats://careful:marked@127.0.0.1:{port}"),
        &["doctor"],
    )
    .run();
    let shown = ran.with_code(1).stdout;
    assert!(
        shown.starts_with("fail  server            authorization violation"),
        "{shown}"
    );
    assert!(
        shown.contains("skip  workers           the server did not answer\n"),
        "{shown}"
    );
    let shown = on(&no_jetstream.url(), &["doctor"])
        .run()
        .with_code(1)
        .stdout;
    assert!(
        shown.starts_with("fail  server            the server has no JetStream"),
        "{shown}"
    );
    let shown = on(&small.url(), &["doctor"]).run().with_code(1).stdout;
    assert!(
        shown.contains("fail  payload           max_payload is 1048576"),
        "{shown}"
    );
}

#[track_caller]
fn shows(ran: &Ran, line: &str) {
    assert!(ran.stdout.contains(line), "expected {line}: {ran:?}");
}

#[test]
fn doctor_names_settings_of_a_single_server_that_lose_events() {
    let Some(program) = Nats::installed_or_skip(WHAT) else {
        return;
    };
    let settings = NatsSettings::new().line(MAX_PAYLOAD);
    let server = program.start(&settings.jetstream("max_file_store: 100MB"));
    let url = server.url();
    let doctor = |prefix: &str, code| {
        on(&url, &["doctor", "--prefix", prefix])
            .run()
            .with_code(code)
    };
    let none = doctor("ONE", 1);
    shows(
        &none,
        "fail  streams           the stream ONE_INBOX and 2 more do not exist\n",
    );
    shows(&none, "skip  durability        no stream\n");

    on(&url, &["migrate", "--prefix", "ONE"]).run().with_code(0);
    let ran = on(&url, &["doctor", "--prefix", "ONE", "--json"])
        .run()
        .with_code(0);
    let cases = [
        "server",
        "payload",
        "streams",
        "durability",
        "replicas",
        "duplicates",
        "space",
        "ack wait",
        "age",
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
    assert_eq!(bad, ["durability", "workers"], "{ran:?}");
    shows(
        &doctor("ONE", 0),
        "warn  durability        1 replica, and no sync_interval: always",
    );

    let options = ["--sync-always", "--ack-wait", "3s", "--max-bytes", "20000"];
    let args = [&["migrate", "--prefix", "TWO"], &options[..]].concat();
    on(&url, &args).run().with_code(0);
    let ran = doctor("TWO", 0);
    shows(
        &ran,
        "warn  durability        1 replica: the loss of its disk",
    );
    shows(
        &ran,
        "warn  ack wait          3s, and a failover takes as long",
    );
    shows(&ran, "pass  space             0 % of max_bytes of TWO_");
    super::wait_for(async {
        let store = NatsStore::builder(&url)
            .prefix("TWO")
            .connect()
            .await
            .unwrap();
        for number in 0.. {
            use lark_events_inbox::Store as _;
            let appended = store
                .append(vec![entry(MESSAGE, &format!("e-{number}"))])
                .await;
            if appended.is_err() {
                break;
            }
        }
    });
    shows(
        &doctor("TWO", 1),
        " % of max_bytes of TWO_INBOX: a full stream takes no events\n",
    );

    let args = ["migrate", "--prefix", "OTHER"];
    on(&url, &args).run().with_code(0);
    super::wait_for(async {
        let client = async_nats::connect(&url).await.unwrap();
        let context = async_nats::jetstream::new(client);
        let stream = context.get_stream("OTHER_INBOX").await.unwrap();
        let mut config = stream.cached_info().config.clone();
        config.duplicate_window = Duration::from_mins(2);
        context.update_stream(config).await.unwrap();
    });
    let ran = doctor("OTHER", 1);
    shows(
        &ran,
        "fail  streams           the stream OTHER_INBOX has a different configuration: expected `duplicate_window`",
    );
    shows(
        &ran,
        "fail  duplicates        duplicate_window is 2m, expected at least 8h",
    );
}

#[test]
fn doctor_names_what_a_cluster_lacks() {
    let Some(program) = Nats::installed_or_skip(WHAT) else {
        return;
    };
    let cluster = program.start_cluster(3, &NatsSettings::new().line(MAX_PAYLOAD));
    let url = cluster.url();
    // The servers need a moment to notice each other, and a server that is gone.
    let repeated = |args: &[&str], wanted: &dyn Fn(&Ran) -> bool| {
        let mut ran = on(&url, args).run();
        for _ in 0..200 {
            if wanted(&ran) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            ran = on(&url, args).run();
        }
        ran
    };
    let migrate = |args: &[&str]| {
        let args = [&["migrate", "--partitions", "2"], args].concat();
        repeated(&args, &|ran| ran.code == 0).with_code(0);
    };
    let doctor = |args: &[&str], shown: &str| {
        let args = [&["doctor"], args].concat();
        repeated(&args, &|ran| ran.stdout.contains(shown))
    };
    migrate(&["--replicas", "3"]);
    let ran = doctor(&[], "all are current").with_code(0);
    shows(
        &ran,
        "warn  durability        3 replicas on one host, and no sync_interval: always",
    );
    shows(&ran, "pass  replicas          all are current, n");
    let pair = ["--prefix", "PAIR"];
    migrate(&[&["--replicas", "2", "--sync-always"], &pair[..]].concat());
    let ran = doctor(&pair, "with two replicas").with_code(0);
    shows(
        &ran,
        "pass  durability        2 replicas, each event flushed to their disks\n",
    );
    shows(
        &ran,
        "warn  replicas          with two replicas, no event is acknowledged while",
    );
    cluster.node(2).kill();
    let gone = "warn  replicas          n3 is ";
    shows(&doctor(&[], gone), gone);
}
