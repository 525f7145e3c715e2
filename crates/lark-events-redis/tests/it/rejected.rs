//! Servers that answer with an error: the text says what to do, and has no secret.

use lark_events::Outcome;
use lark_events_layers::{Claim, DedupStore as _};
use lark_events_redis::{RedisStore, RedisStoreErrorKind};
use lark_events_test_servers::Redis;
use tokio::time::{Instant, timeout};

use crate::server::{MINUTE, claim, claim_again, failure, patient, prefix, server};

/// The text of the error of a check.
async fn rejected(store: &RedisStore) -> String {
    let error = store.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Rejected);
    error.to_string()
}

#[tokio::test]
async fn a_wrong_password_is_not_in_the_error() {
    let Some(program) = Redis::installed_or_skip("passwords of Redis") else {
        return;
    };
    let server = program.start(&[("requirepass", "0secret")]);
    let url = |login: &str| server.url().replace("//", &format!("//{login}"));
    let builder = patient(url(":1secret@"));
    let store = builder.clone().build().unwrap();
    let text = rejected(&store).await;
    let expected = "the server rejects the login: correct the user and the password of the URL";
    assert_eq!(text, expected);
    for text in [format!("{store:?}"), format!("{builder:?}")] {
        assert!(!text.contains("secret"), "{text}");
    }
    let text = rejected(&patient(server.url()).build().unwrap()).await;
    assert!(text.starts_with("the server requires a password"), "{text}");
    assert!(text.contains("(NOAUTH: "), "{text}");
    let store = patient(url(":0secret@")).build().unwrap();
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_user_needs_only_the_commands_of_the_documentation() {
    let Some(server) = Redis::start_or_skip("users of Redis") else {
        return;
    };
    let user = "bot on >password ~lark-events:dedup:* +eval +evalsha +get +set +del +pttl";
    let documented = include_str!("../../src/lib.rs");
    assert!(documented.contains(&format!("ACL SETUSER {user}\n")));
    let set: Vec<_> = ["ACL", "SETUSER"]
        .into_iter()
        .chain(user.split(' '))
        .collect();
    server.command(&set);
    let url = server.url().replace("//", "//bot:password@");
    let store = patient(&*url).build().unwrap();
    store.check().await.unwrap();
    store.done("key", Outcome::Handled, MINUTE).await.unwrap();
    store.done("key", Outcome::Handled, MINUTE).await.unwrap();
    let text = rejected(&patient(url).prefix("other:").build().unwrap()).await;
    assert!(text.starts_with("the user lacks a permission"), "{text}");
    server.command(&["ACL", "SETUSER", "bot", "-evalsha"]);
    let text = rejected(&store).await;
    assert!(text.starts_with("the user lacks a permission"), "{text}");
    assert!(!text.contains("password"), "{text}");
}

#[tokio::test]
async fn a_full_server_rejects_claims_and_frees_keys() {
    let Some(server) = Redis::start_or_skip("a full server of Redis") else {
        return;
    };
    let store = patient(server.url()).build().unwrap();
    assert_eq!(claim(&store, "before", 1).await, Claim::Granted);
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let full = store.claim("key", 1, MINUTE).await.unwrap_err();
    let (kind, text) = failure(&full);
    assert_eq!(kind, RedisStoreErrorKind::Rejected);
    assert!(
        text.starts_with("the memory of the server is full: raise `maxmemory`"),
        "{text}"
    );
    let full = store.done("before", Outcome::Handled, MINUTE).await;
    assert!(failure(&full.unwrap_err()).1.contains("(OOM: "));
    store.release("before", 1).await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(claim(&store, "before", 2).await, Claim::Granted);
}

#[tokio::test]
async fn a_replica_rejects_claims_until_it_is_the_primary() {
    let Some(primary) = server("a replica of Redis") else {
        return;
    };
    let Some(replica) = Redis::start_or_skip("a replica of Redis") else {
        return;
    };
    let store = patient(replica.url()).prefix(prefix()).build().unwrap();
    assert_eq!(claim(&store, "key", 1).await, Claim::Granted);
    let connections = || {
        let stats = replica.command(&["INFO", "stats"]);
        let (_, number) = stats.split_once("total_connections_received:").unwrap();
        number.lines().next().unwrap().parse::<u32>().unwrap()
    };
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let text = rejected(&store).await;
    let expected = "the server is a read-only replica: expected the URL of the primary (READONLY: ";
    assert!(text.starts_with(expected), "{text}");
    // The name of the server may be that of another one by now, but it is not asked by each call.
    let (before, began) = (connections(), Instant::now());
    for _ in 0..100 {
        rejected(&store).await;
    }
    // One in 250 ms.
    let most = u32::try_from(began.elapsed().as_millis() / 250).unwrap() + 2;
    assert!(connections() <= before + most, "{most}");
    let (before, mut own) = (connections(), 0);
    let connected = timeout(MINUTE, async {
        while connections() <= before + own + 1 {
            own += 1;
            rejected(&store).await;
        }
    });
    connected.await.unwrap();
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(claim_again(&store, "new", 1).await, Claim::Granted);
}

#[tokio::test]
async fn a_key_of_another_program_is_not_overwritten() {
    let Some(server) = server("keys of other programs on Redis") else {
        return;
    };
    let prefix = prefix();
    let store = patient(server.url()).prefix(&*prefix).build().unwrap();
    let key = format!("{prefix}check");
    server.command(&["LPUSH", &key, "x"]);
    let text = rejected(&store).await;
    assert!(
        text.starts_with("the key belongs to another program"),
        "{text}"
    );
    assert_eq!(server.command(&["LLEN", &key]), "1");
}

#[tokio::test]
async fn a_database_that_does_not_exist() {
    let Some(server) = server("databases of Redis") else {
        return;
    };
    let text = rejected(&patient(format!("{}/999", server.url())).build().unwrap()).await;
    assert!(text.contains("DB index is out of range"), "{text}");
}

#[test]
fn settings_that_no_server_could_have() {
    let error = RedisStore::builder("redis://h").time_limit(std::time::Duration::ZERO);
    let error = error.build().unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Invalid);
    assert_eq!(error.to_string(), "`time_limit` must be greater than 0");
    let error = RedisStore::builder("http://0secret@h").build().unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Invalid);
    assert!(!error.to_string().contains("0secret"), "{error}");
}
