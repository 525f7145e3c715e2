//! Recordings: what a layer writes, and what a reader makes of damaged files.

use std::fs;
use std::io::{BufRead as _, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lark_events::{BoxError, Delivery, EventHeader, Outcome, RawJson, Transport};
use lark_events_layers::record::{
    Entry, MAX_LINE_BYTES, ReadErrorKind, RecordLayer, Recorder, Recording, header_version,
};
use lark_events_sim::Document;
use serde_json::json;
use tower::{Layer as _, Service, ServiceExt as _};

use crate::transports::{BOTH, delivering};

/// A file that is removed with it.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(name: &str) -> Self {
        let name = format!("lark-events-record-{}-{name}.jsonl", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn entries(&self) -> Vec<Result<Entry, ReadErrorKind>> {
        entries(fs::read(&self.0).unwrap())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn entries(file: impl AsRef<[u8]>) -> Vec<Result<Entry, ReadErrorKind>> {
    let entries = Recording::new(Cursor::new(file));
    entries
        .map(|entry| entry.map_err(|error| error.kind()))
        .collect()
}

fn header() -> String {
    r#"{"kind":"recording","format":"lark-events-recording","version":1,"created":1}"#.to_owned()
        + "\n"
}

fn entry(event_id: &str) -> Entry {
    let document = json!({
        "schema": "2.0", "header": {"event_type": "tea.ready_v1", "event_id": event_id},
        "event": {"kind": "green"},
    });
    let mut entry = Entry::new(UNIX_EPOCH + Duration::from_secs(5), Transport::Local);
    entry.document = Some(RawJson::parse(document.to_string()).unwrap());
    entry.with_outcome("handled", Duration::from_millis(1))
}

fn line(event_id: &str) -> String {
    entry(event_id).to_line().unwrap() + "\n"
}

fn delivery(event_type: &str, raw: &str) -> Delivery {
    Delivery::new(
        EventHeader::new(event_type),
        RawJson::parse(raw.to_owned()).unwrap(),
    )
}

async fn recorded<S>(file: &TemporaryFile, service: S, deliveries: Vec<Delivery>)
where
    S: Service<Delivery, Response = Outcome, Error = BoxError, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
{
    let recorder = Recorder::create(&file.0).unwrap();
    let service = RecordLayer::new(recorder.clone()).layer(service);
    for delivery in deliveries {
        let _ = service.clone().oneshot(delivery).await;
    }
    recorder.flush().await.unwrap();
}

#[tokio::test]
async fn the_entries_have_what_arrived_on_both_transports_and_its_outcome() {
    for (mode, transport) in BOTH.into_iter().zip(["webhook", "long_connection"]) {
        let file = TemporaryFile::new(transport);
        let recorder = Recorder::create(&file.0).unwrap();
        let app =
            RecordLayer::new(recorder.clone()).layer(tower::service_fn(async |_: Delivery| {
                Ok::<_, BoxError>(Outcome::Handled)
            }));
        let platform = delivering(mode, app, []).await;
        let document = Document::v2("tea.ready_v1", &json!({"kind": "green"})).unwrap();
        let report = platform.push(document.event_id("e-1")).await;
        assert!(report.acknowledged());
        recorder.flush().await.unwrap();
        let [Ok(entry)] = &file.entries()[..] else {
            panic!("{:?}", file.entries());
        };
        assert_eq!(entry.transport, transport);
        assert_eq!((&*entry.outcome, &entry.error), ("handled", &None));
        let delivery = entry.delivery().unwrap();
        assert_eq!(delivery.header.event_id.as_deref(), Some("e-1"));
        assert_eq!(delivery.raw.as_str(), r#"{"kind":"green"}"#);
        assert!(entry.time() > UNIX_EPOCH && entry.took >= 0.0);
        // The platform sent its Verification Token.
        assert!(!fs::read_to_string(&file.0).unwrap().contains("token"));
    }
}

#[tokio::test]
async fn failures_and_replies_are_recorded_with_their_text() {
    let file = TemporaryFile::new("outcomes");
    let service =
        tower::service_fn(
            async |delivery: Delivery| match &*delivery.header.event_type {
                "reply_v1" => Ok(Outcome::Replied(RawJson::parse(r#"{"toast":{}}"#)?)),
                "reject_v1" => Ok(Outcome::Rejected("not tea".to_owned())),
                _ => Err("the kettle is cold".into()),
            },
        );
    let deliveries = ["reply_v1", "reject_v1", "fail_v1"].map(|kind| delivery(kind, "{}"));
    recorded(&file, service, deliveries.into()).await;
    let entries: Vec<_> = file.entries().into_iter().map(Result::unwrap).collect();
    let outcomes: Vec<_> = entries
        .iter()
        .map(|entry| {
            let reply = entry.reply.as_ref().map(RawJson::as_str);
            (&*entry.outcome, reply, entry.error.as_deref())
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("replied", Some(r#"{"toast":{}}"#), None),
            ("rejected", None, Some("not tea")),
            ("failed", None, Some("the kettle is cold")),
        ]
    );
}

#[tokio::test]
async fn a_delivery_that_is_dropped_is_recorded_as_cancelled() {
    let file = TemporaryFile::new("cancelled");
    let recorder = Recorder::create(&file.0).unwrap();
    let never = tower::service_fn(async |_: Delivery| std::future::pending().await);
    let mut service = RecordLayer::new(recorder.clone()).layer(tower::util::BoxCloneService::<
        _,
        Outcome,
        BoxError,
    >::new(never));
    drop(service.call(delivery("tea.ready_v1", "{}")));
    recorder.flush().await.unwrap();
    assert_eq!(file.entries()[0].as_ref().unwrap().outcome, "cancelled");
    assert_eq!(recorder.stats().written, 1);
}

#[tokio::test]
async fn an_entry_is_one_line_and_keeps_every_digit() {
    let file = TemporaryFile::new("lines");
    let raw = "{\n \"n\": 12345678901234567890.10,\r\n \"text\": \"a\\nb\"\n}";
    let service = tower::service_fn(async |_: Delivery| Ok::<_, BoxError>(Outcome::Handled));
    recorded(&file, service, vec![delivery("tea.ready_v1", raw)]).await;
    assert_eq!(fs::read(&file.0).unwrap().lines().count(), 2);
    let entries = file.entries();
    let read = entries[0].as_ref().unwrap().delivery().unwrap().raw;
    assert!(read.as_str().contains("12345678901234567890.10"), "{read}");
    assert!(read.as_str().contains(r#""a\nb""#), "{read}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_a_recording_also_one_that_was_open_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = TemporaryFile::new("mode");
    let mode = || fs::metadata(&file.0).unwrap().permissions().mode() & 0o777;
    drop(Recorder::create(&file.0).unwrap());
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&file.0, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Recorder::create(&file.0).unwrap());
    assert_eq!(mode(), 0o600);
}

#[tokio::test]
async fn a_second_run_appends_also_after_a_cut() {
    let file = TemporaryFile::new("append");
    for (event_id, cut) in [("e-1", 0), ("e-2", 10), ("e-3", 0)] {
        let recorder = Recorder::create(&file.0).unwrap();
        assert!(recorder.record(entry(event_id)));
        // The last clone waits until the entry is written.
        drop(recorder);
        let written = fs::read(&file.0).unwrap();
        fs::write(&file.0, &written[..written.len() - cut]).unwrap();
    }
    let found: Vec<_> = file
        .entries()
        .into_iter()
        .map(|entry| entry.map(|entry| entry.delivery().unwrap().header.event_id.unwrap()))
        .collect();
    let expected = [
        Ok("e-1".to_owned()),
        Err(ReadErrorKind::Invalid),
        Ok("e-3".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn another_file_is_not_overwritten() {
    let file = TemporaryFile::new("other");
    fs::write(&file.0, "{\"precious\": true}\n").unwrap();
    #[cfg(unix)]
    let mode = || {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(&file.0).unwrap().permissions().mode()
    };
    #[cfg(unix)]
    let before = mode();
    let error = Recorder::create(&file.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file exists and is not a recording: choose another name"
    );
    assert_eq!(
        fs::read_to_string(&file.0).unwrap(),
        "{\"precious\": true}\n"
    );
    #[cfg(unix)]
    assert_eq!(mode(), before);
}

#[test]
fn a_damaged_recording_gives_the_entries_that_can_be_read() {
    let (one, two) = (line("e-1"), line("e-2"));
    let whole = header() + &one + &two;
    let kinds = |file: &str| -> Vec<_> {
        let entries = entries(file).into_iter();
        entries.map(Result::err).collect()
    };
    assert_eq!(kinds(&whole), [None, None]);
    // Every cut is noticed, and gives no entry that is not whole.
    for end in 1..whole.len() {
        let found = kinds(&whole[..end]);
        let lines = whole[..end].matches('\n').count();
        let is_cut = !whole[..end].ends_with('\n');
        let mut expected = vec![None; lines.saturating_sub(1)];
        expected.extend(is_cut.then_some(Some(ReadErrorKind::Cut)));
        assert_eq!(found, expected, "cut at {end}");
    }
    let broken = header() + "{\"kind\":\"delivery\"}\n" + "\n" + "{\"kind\":\"note\"}\n" + &two;
    assert_eq!(kinds(&broken), [Some(ReadErrorKind::Invalid), None]);
}

#[test]
fn a_file_of_a_later_version_or_of_another_kind_is_not_read() {
    let newer = header().replace("\"version\":1", "\"version\":2") + &line("e-1");
    assert_eq!(entries(newer), [Err(ReadErrorKind::Newer(2))]);
    for other in [line("e-1"), "tea\n".to_owned(), "{\"kind\":1}\n".to_owned()] {
        let found = entries(other.clone() + &line("e-2"));
        assert_eq!(found, [Err(ReadErrorKind::NotARecording)], "{other}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_whose_reader_is_gone_is_an_error() {
    let file = TemporaryFile::new("pipe");
    let made = std::process::Command::new("mkfifo").arg(&file.0).status();
    assert!(made.unwrap().success());
    let path = file.0.clone();
    let reader = std::thread::spawn(move || fs::File::open(path).unwrap());
    let recorder = Recorder::create(&file.0).unwrap();
    drop(reader.join().unwrap());
    recorder.record(entry("e-1"));
    let error = recorder.flush().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    let stats = recorder.stats();
    assert_eq!((stats.queued, stats.written, stats.lost), (0, 0, 1));
}

#[test]
fn a_file_without_a_header_is_not_a_recording() {
    for other in ["", "\n", "{\"kind\":\"listening\"}\n"] {
        let followed = other.to_owned()
            + if other.is_empty() {
                ""
            } else {
                "{\"kind\":\"note\"}\n"
            };
        for file in [other, &followed] {
            assert_eq!(entries(file), [Err(ReadErrorKind::NotARecording)], "{file}");
        }
    }
    assert_eq!(
        entries("\n".to_owned() + &header()),
        [Err(ReadErrorKind::NotARecording)]
    );
    assert_eq!(entries(header()), []);
}

#[test]
fn a_header_with_spaces_is_read_and_appended_to() {
    let file = TemporaryFile::new("spaces");
    let spaced = header().replace(':', ": ").replace(',', ", ");
    assert_eq!(header_version(spaced.as_bytes()), Some(1));
    fs::write(&file.0, spaced).unwrap();
    drop(Recorder::create(&file.0).unwrap());
    assert_eq!(file.entries(), []);
    assert_eq!(fs::read(&file.0).unwrap().lines().count(), 2);
}

#[test]
fn a_file_of_a_later_version_or_of_another_format_is_not_appended_to() {
    let newer = header().replace("\"version\":1", "\"version\":2");
    let other = header().replace("lark-events-recording", "tea");
    for (content, why) in [
        (
            newer,
            "the recording has version 2, and this program writes 1: choose another name, or update the program",
        ),
        (
            other,
            "the file exists and is not a recording: choose another name",
        ),
    ] {
        let file = TemporaryFile::new("later");
        fs::write(&file.0, &content).unwrap();
        assert_eq!(Recorder::create(&file.0).unwrap_err().to_string(), why);
        assert_eq!(fs::read_to_string(&file.0).unwrap(), content);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_recorder_on_the_same_file_is_an_error() {
    let file = TemporaryFile::new("two");
    let first = Recorder::create(&file.0).unwrap();
    let error = Recorder::create(&file.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "another recorder writes to the file: choose another name"
    );
    assert!(first.record(entry("e-1")));
    first.flush().await.unwrap();
    assert_eq!(file.entries(), [Ok(entry("e-1"))]);
    drop(first);
    drop(Recorder::create(&file.0).unwrap());
}

#[test]
fn a_recording_is_read_a_line_at_a_time() {
    /// As many bytes as the longest line and more, without a line break.
    struct Endless(usize);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = buffer.len().min(self.0);
            buffer[..length].fill(b'x');
            self.0 -= length;
            Ok(length)
        }
    }
    let (start, end) = (header() + &line("e-1"), "\n".to_owned() + &line("e-2"));
    let input = start
        .as_bytes()
        .chain(Endless(MAX_LINE_BYTES + 1000))
        .chain(end.as_bytes());
    let found: Vec<_> = Recording::new(BufReader::new(input))
        .map(|entry| {
            entry
                .map(|_| ())
                .map_err(|error| (error.kind(), error.line()))
        })
        .collect();
    assert_eq!(found, [Ok(()), Err((ReadErrorKind::TooLong, 3)), Ok(())]);
}

#[test]
fn an_error_says_which_line_and_what_to_do() {
    let newer = header().replace("\"version\":1", "\"version\":7");
    let error = Recording::new(newer.as_bytes())
        .next()
        .unwrap()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: the recording has version 7, and this program reads up to 1: update it"
    );
}

#[test]
fn a_clock_before_1970_is_no_panic() {
    let early = UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(
        Entry::new(early, Transport::Local).time(),
        SystemTime::UNIX_EPOCH
    );
}
