//! Redis servers: their files and their settings.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use lark_events_test_servers::Redis;

use crate::postgres::{WHAT, is_listening};

#[test]
fn a_killed_or_stopped_server_starts_again_with_its_files() {
    let Some(program) = Redis::installed_or_skip(WHAT) else {
        return;
    };
    let server = program.start(&[("appendonly", "yes"), ("appendfsync", "always")]);
    let port = server.port();
    assert_eq!(server.url(), format!("redis://127.0.0.1:{port}"));
    assert_eq!(server.command(&["SET", "k", "a value"]), "OK");
    server.kill();
    assert!(!is_listening(port));
    server.restart();
    assert_eq!(server.command(&["GET", "k"]), "a value");
    server.stop();
    assert!(!is_listening(port));
    server.restart();
    assert_eq!(server.command(&["MGET", "k", "none"]), "a value\n");

    // Without files.
    server.configure(&[]);
    server.restart();
    assert_eq!(server.command(&["DBSIZE"]), "0");
}

#[test]
fn a_redis_server_has_the_settings_of_its_test() {
    let Some(program) = Redis::installed_or_skip(WHAT) else {
        return;
    };
    let server = program.start(&[("requirepass", "0secret"), ("maxmemory", "9mb")]);
    assert_eq!(
        server.command(&["CONFIG", "GET", "maxmemory"]),
        "maxmemory\n9437184"
    );
    let info = server.command(&["INFO", "server"]);
    let (major, minor) = program.version();
    let version = format!("_version:{major}.{minor}.");
    assert!(info.contains(&version), "{info}");
    let error = server.try_command(&["NONE"]).unwrap_err();
    assert!(error.starts_with("ERR unknown command"), "{error}");

    let error = program.try_start(&[("no-such-setting", "1")]).unwrap_err();
    assert!(error.contains("no-such-setting"), "{error}");
}

#[test]
fn a_frozen_server_does_not_answer() {
    let Some(server) = Redis::start_or_skip(WHAT) else {
        return;
    };
    server.freeze();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    let answer = stream.read(&mut [0]);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::WouldBlock);
    server.thaw();
    stream.set_read_timeout(None).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 1);
    // Its end does not wait for a frozen process.
    server.freeze();
    let (port, folder) = (server.port(), server.folder().to_owned());
    drop(server);
    assert!(!is_listening(port) && !folder.exists());
}
