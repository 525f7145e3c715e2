//! NATS servers, alone and in a cluster: their stores and their settings.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use lark_events_test_servers::{Nats, NatsCluster, NatsSettings};

use crate::postgres::{WHAT, is_listening};

/// A connection in the protocol of NATS, which is in lines.
struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Returns what the server says of itself, too.
    fn new(server: &Nats) -> io::Result<(Self, String)> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port()))?;
        stream.set_read_timeout(Some(Duration::from_secs(3)))?;
        let mut connection = Self(BufReader::new(stream));
        let info = connection.line()?;
        Ok((connection, info))
    }

    fn send(&mut self, text: &str) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes())
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }

    /// The answer to a message, if one comes in time.
    fn request(&mut self, subject: &str, payload: &str) -> io::Result<String> {
        let length = payload.len();
        self.send("CONNECT {\"verbose\":false}\r\nSUB answers 1\r\n")?;
        self.send(&format!("PUB {subject} answers {length}\r\n{payload}\r\n"))?;
        while !self.line()?.starts_with("MSG ") {}
        self.line()
    }
}

/// The answer to a message. A stream without a leader does not answer: the message is then sent again.
fn request(server: &Nats, subject: &str, payload: &str) -> String {
    let request = |_| Connection::new(server)?.0.request(subject, payload);
    let mut answers = (0..20).map(request);
    answers.find_map(Result::ok).expect("an answer")
}

fn create_stream(server: &Nats, replicas: usize) -> String {
    let stream = format!(r#"{{"name":"T","subjects":["t"],"num_replicas":{replicas}}}"#);
    request(server, "$JS.API.STREAM.CREATE.T", &stream)
}

fn stream_info(server: &Nats) -> String {
    request(server, "$JS.API.STREAM.INFO.T", "")
}

#[test]
fn a_killed_or_stopped_server_starts_again_with_its_store() {
    let Some(server) = Nats::start_or_skip(WHAT) else {
        return;
    };
    let created = create_stream(&server, 1);
    assert!(created.contains(r#""did_create":true"#), "{created}");
    assert!(request(&server, "t", "x").contains(r#""seq":1"#));
    let port = server.port();
    assert_eq!(server.url(), format!("nats://127.0.0.1:{port}"));
    server.kill();
    assert!(!is_listening(port));
    server.restart();
    assert_eq!(server.port(), port);
    assert!(stream_info(&server).contains(r#""messages":1,"#));
    server.stop();
    assert!(!is_listening(port));
    server.restart();
    assert!(stream_info(&server).contains(r#""messages":1,"#));
    assert!(server.folder().join("store").exists());
}

#[test]
fn a_nats_server_has_the_settings_of_its_test() {
    let Some(program) = Nats::installed_or_skip(WHAT) else {
        return;
    };
    let settings = NatsSettings::new().line("max_payload: 2000");
    let settings = settings.jetstream("max_file_store: 10MB");
    let server = program.start(&settings.clone().user("worker", "0secret"));
    let port = server.port();
    assert_eq!(
        server.url(),
        format!("nats://worker:0secret@127.0.0.1:{port}")
    );
    let (mut connection, info) = Connection::new(&server).unwrap();
    assert!(info.contains(r#""max_payload":2000"#), "{info}");
    assert!(info.contains(r#""jetstream":true"#), "{info}");
    let (major, minor) = program.version();
    let version = format!(r#""version":"{major}.{minor}."#);
    assert!(info.contains(&version), "{info}");
    let stores = server.monitor("/jsz").unwrap();
    assert!(stores.contains(r#""max_storage": 10485760"#), "{stores}");
    connection
        .send("CONNECT {\"user\":\"worker\",\"pass\":\"1secret\"}\r\n")
        .unwrap();
    assert_eq!(
        connection.line().unwrap(),
        "-ERR 'Authorization Violation'\r\n"
    );

    server.configure(&settings.token("0token").without_jetstream());
    server.restart();
    assert_eq!(server.url(), format!("nats://0token@127.0.0.1:{port}"));
    let (mut connection, info) = Connection::new(&server).unwrap();
    assert!(!info.contains("jetstream"), "{info}");
    connection
        .send("CONNECT {\"verbose\":true,\"auth_token\":\"0token\"}\r\n")
        .unwrap();
    assert_eq!(connection.line().unwrap(), "+OK\r\n");
}

#[test]
fn a_frozen_server_does_not_answer() {
    let Some(server) = Nats::start_or_skip(WHAT) else {
        return;
    };
    server.freeze();
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let answer = (&stream).read(&mut [0]);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::WouldBlock);
    server.thaw();
    stream.set_read_timeout(None).unwrap();
    assert_eq!((&stream).read(&mut [0]).unwrap(), 1);
    // Its end does not wait for a frozen process.
    server.freeze();
    let (port, folder) = (server.port(), server.folder().to_owned());
    drop(server);
    assert!(!is_listening(port) && !folder.exists());
}

#[test]
fn an_error_of_nats_shows_the_end_of_the_log() {
    let Some(program) = Nats::installed_or_skip(WHAT) else {
        return;
    };
    let failed = program.try_start(&NatsSettings::new().line("no_such_field: 1"));
    let error = failed.unwrap_err();
    assert!(error.contains("unknown field \"no_such_field\""), "{error}");
}

#[test]
fn a_cluster_survives_the_end_of_a_leader() {
    let Some(cluster) = NatsCluster::start_or_skip(WHAT, 3) else {
        return;
    };
    assert_eq!(cluster.url().split(',').count(), 3);
    let created = create_stream(cluster.node(0), 3);
    let (_, leader) = created.split_once(r#""leader":""#).expect(&created);
    let leader = cluster.node_by_name(leader.split_once('"').unwrap().0);
    assert!(request(leader, "t", "x").contains(r#""seq":1"#));

    leader.kill();
    let mut nodes = cluster.nodes().iter();
    let other = nodes.find(|it| it.name() != leader.name()).unwrap();
    cluster.wait_until_healthy();
    assert!(request(other, "t", "x").contains(r#""stream":"T""#));

    leader.restart();
    cluster.wait_until_healthy();
    let info = stream_info(leader);
    assert!(info.contains(r#""name":"T""#), "{info}");
}
