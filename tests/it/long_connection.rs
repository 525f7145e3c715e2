//! The example of a long connection as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use lark_events_sim::{Fault, Platform};

use crate::examples::{App, example, pushed_events_are_printed};

const APP_ID: &str = "cli_a1b2c3d4e5f60718";
const APP_SECRET: &str = "marked-app-secret";

/// The example with its settings, past any proxy of this machine.
fn long_connection(base_url: &str) -> Command {
    let mut command = example("long_connection");
    command
        .env("LARK_APP_ID", APP_ID)
        .env("LARK_APP_SECRET", APP_SECRET)
        .env("LARK_BASE_URL", base_url)
        .env("NO_PROXY", "127.0.0.1");
    command
}

/// The platform without a webhook.
async fn platform_of_connections() -> Platform {
    let platform = Platform::builder()
        .app(APP_ID, APP_SECRET)
        .redeliver_after([]);
    platform.start().await.unwrap()
}

/// Answers each CONNECT, and gives what went there and back once it is over.
fn proxy() -> (String, mpsc::Receiver<[Vec<u8>; 2]>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, tunnels) = mpsc::channel();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let sender = sender.clone();
            std::thread::spawn(move || sender.send(tunnel(&client.unwrap())));
        }
    });
    (url, tunnels)
}

fn tunnel(client: &TcpStream) -> [Vec<u8>; 2] {
    let mut head = String::new();
    let mut reader = BufReader::new(client);
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let platform = TcpStream::connect(head.split(' ').nth(1).unwrap()).unwrap();
    { client }.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    std::thread::scope(|scope| {
        let back = scope.spawn(|| relay(&platform, client));
        [relay(client, &platform), back.join().unwrap()]
    })
}

fn relay(mut from: &TcpStream, mut to: &TcpStream) -> Vec<u8> {
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = from.read(&mut some) {
        all.extend_from_slice(&some[..count]);
        if to.write_all(&some[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    all
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn long_connection_keeps_its_contract() {
    for signal in ["-TERM", "-INT"] {
        let platform = platform_of_connections().await;
        let (url, tunnels) = proxy();
        let mut command = long_connection(platform.base_url());
        let mut app = App::start(command.env("HTTP_PROXY", url).env("NO_PROXY", ""));
        platform.until(|stats| stats.connections == 1).await;
        pushed_events_are_printed(&platform, &mut app).await;
        let (rest, exited_with_0) = app.stop(signal);
        assert_eq!(rest, "", "nothing but events is printed");
        assert!(exited_with_0);

        let mut tunnels = tunnels.iter();
        let tunnel = tunnels.find(|[there, _]| there.starts_with(b"GET /ws"));
        let [there, back] = tunnel.unwrap();
        let (_, [head @ .., mask0, mask1, _, _, code0, code1]) =
            there.split_last_chunk::<8>().unwrap();
        assert_eq!(*head, [0x88, 0x82], "a Close with a code, masked");
        let going_away = 1001_u16.to_be_bytes();
        assert_eq!([code0 ^ mask0, code1 ^ mask1], going_away);
        let answer = [&[0x88, 2], &going_away[..]].concat();
        assert!(back.ends_with(&answer), "and the answer to it");
        platform.until(|stats| stats.connections == 0).await;
        assert_eq!(platform.violations(), []);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn long_connection_stops_at_once_also_while_it_cannot_connect() {
    let began = Instant::now();
    // While nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let app = App::start(&mut long_connection(&url));
    let _socket = silent.accept().unwrap();
    assert_eq!(app.stop("-TERM"), (String::new(), true));
    // While it waits to try again, which takes up to half a minute.
    let platform = platform_of_connections().await;
    platform.inject(Fault::EndpointStatus(502));
    let app = App::start(&mut long_connection(platform.base_url()));
    app.logged("reconnecting");
    assert_eq!(app.stop("-INT"), (String::new(), true));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_connection_exits_1_with_the_platforms_reason_and_no_secret() {
    let platform = platform_of_connections().await;
    let mut other_secret = long_connection(platform.base_url());
    other_secret.env("LARK_APP_SECRET", "marked-other-secret");
    let output = other_secret.output().unwrap();
    fails_with(&output, "code 1000040345, app_id or app_secret is invalid");
    assert_eq!(platform.stats().endpoint_calls, 1);

    for (fault, reason) in [
        (Fault::RefuseUpgrade(403, 0), "code 403, refused"),
        (
            Fault::RefuseUpgrade(514, 1_000_040_350),
            "code 1000040350, refused",
        ),
    ] {
        platform.inject(fault);
        let output = long_connection(platform.base_url()).output().unwrap();
        fails_with(&output, reason);
    }
}

fn fails_with(output: &Output, reason: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(output.stdout, b"");
    assert!(stderr.contains(reason), "no {reason} in {stderr}");
    for secret in ["marked", "ticket=", "access_key"] {
        assert!(!stderr.contains(secret), "{stderr}");
    }
}

#[test]
fn long_connection_says_which_setting_is_missing_and_exits_1() {
    for name in ["LARK_APP_ID", "LARK_APP_SECRET"] {
        let mut command = long_connection("http://127.0.0.1:9");
        let reason = format!("{name} is not set");
        fails_with(&command.env(name, "").output().unwrap(), &reason);
        fails_with(&command.env_remove(name).output().unwrap(), &reason);
    }
    let output = long_connection("127.0.0.1:9").output().unwrap();
    fails_with(&output, "base URL");
}
