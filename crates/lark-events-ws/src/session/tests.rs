//! The session's answers to sequences of frames.

use super::*;

const DEADLINE: Duration = Duration::from_millis(2500);

fn session(now: Instant) -> Session {
    let limits = Limits {
        max_running: 1,
        max_bytes_in_flight: usize::MAX,
        ack_deadline: DEADLINE,
    };
    let (config, running) = (ClientConfig::default(), Running::default());
    let mut session = Session::begin(7, config, limits, running, Arc::default(), now);
    assert!(matches!(session.next_action(), Some(Action::Send(_))));
    session
}

fn event() -> Frame {
    let frame = Frame::data(7).with_header(header::TYPE, header::EVENT);
    frame.with_payload("{}")
}

/// The key of the handler to be started next.
fn started(session: &mut Session) -> Option<u64> {
    match session.next_action()? {
        Action::Start { key, .. } => Some(key),
        other => panic!("{other:?}"),
    }
}

/// The next answer, and the duration in it.
fn answered(session: &mut Session) -> Option<(Bytes, String)> {
    match session.next_action()? {
        Action::Send(message) => {
            let frame = Frame::decode(message).unwrap();
            let took = frame.header(header::BIZ_RT).unwrap().to_owned();
            Some((frame.payload.unwrap(), took))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_says_to_have_no_other_fragments_is_whole() {
    let now = Instant::now();
    for sum in ["", "0", "1"] {
        let mut session = session(now);
        let event = match sum {
            "" => event(),
            sum => event().with_header(header::SUM, sum),
        };
        session.on_message(event.encode(), now);
        assert_eq!(started(&mut session), Some(1), "sum {sum:?}");
    }
}

#[test]
fn a_card_of_the_old_scheme_is_ignored_under_its_name() {
    let card = Frame::data(7).with_header(header::TYPE, header::CARD);
    assert_eq!(Purpose::of(&card), Err("a card callback of the old scheme"));
    for (frame, kind) in [
        (Frame::control(7), header::CARD),
        (Frame::control(7), header::EVENT),
        (Frame::data(7), header::PONG),
        (Frame::data(7), "another"),
    ] {
        let frame = frame.with_header(header::TYPE, kind);
        assert_eq!(Purpose::of(&frame), Err("a frame of an unknown type"));
    }
    let now = Instant::now();
    let mut session = session(now);
    session.on_message(card.encode(), now);
    assert_eq!(session.next_action(), None);
    let stats = session.counters.stats();
    assert_eq!((stats.frames, stats.ignored, stats.events), (1, 1, 0));
}

#[test]
fn fragments_of_no_message_are_not_joined() {
    let now = Instant::now();
    let mut session = session(now);
    let fragment = |id: Option<&str>, seq| {
        let frame = event().with_header(header::SUM, "2");
        let frame = frame.with_header(header::SEQ, seq);
        match id {
            Some(id) => frame.with_header(header::MESSAGE_ID, id).encode(),
            None => frame.encode(),
        }
    };
    for id in [None, Some("")] {
        session.on_message(fragment(id, "0"), now);
        session.on_message(fragment(id, "1"), now);
        assert_eq!(session.next_action(), None);
    }
    assert_eq!(session.counters.stats().fragments_dropped, 4);
    session.on_message(fragment(Some("m"), "0"), now);
    session.on_message(fragment(Some("m"), "1"), now);
    assert_eq!(started(&mut session), Some(1));
}

#[test]
fn an_event_that_waited_to_its_deadline_is_answered_and_never_started() {
    let now = Instant::now();
    let mut session = session(now);
    session.on_message(event().encode(), now);
    session.on_message(event().encode(), now + DEADLINE / 2);
    assert_eq!(started(&mut session), Some(1));
    assert_eq!(started(&mut session), None);
    // The driver is late: the handler has ended, and the session does not know the time yet.
    let late = now + 2 * DEADLINE;
    session.on_done(1, &Done::Outcome(Outcome::Handled), late);
    let acked = (r#"{"code":200}"#.into(), "5000".to_owned());
    let failed = (r#"{"code":500}"#.into(), "3750".to_owned());
    assert_eq!(answered(&mut session), Some(acked));
    assert_eq!(answered(&mut session), Some(failed));
    assert_eq!(session.next_action(), None);
    assert!(session.is_idle());
}

#[test]
fn only_so_many_events_wait() {
    let now = Instant::now();
    let mut session = session(now);
    for _ in 0..=MAX_QUEUED {
        session.on_message(event().encode(), now);
    }
    assert_eq!(started(&mut session), Some(1));
    assert_eq!(session.next_action(), None);
    session.on_message(event().encode(), now);
    let failed = (r#"{"code":500}"#.into(), "0".to_owned());
    assert_eq!(answered(&mut session), Some(failed));
    assert_eq!(session.counters.stats().overloaded, 1);
    // At their deadline, all are answered at once.
    session.on_time(now + DEADLINE);
    for _ in 0..=MAX_QUEUED {
        let (payload, _) = answered(&mut session).unwrap();
        assert_eq!(payload, r#"{"code":500}"#);
    }
    assert_eq!(session.next_action(), None);
    assert_eq!((session.queue.len(), session.queued_bytes), (0, 0));
}

#[test]
fn a_callback_has_a_slot_when_events_have_taken_all() {
    let now = Instant::now();
    let mut session = session(now);
    let of = |event_type: &str| {
        let header = format!(r#"{{"event_type":"{event_type}"}}"#);
        let payload = format!(r#"{{"schema":"2.0","header":{header},"event":{{}}}}"#);
        event().with_payload(payload).encode()
    };
    // One runs, one waits.
    session.on_message(of("x_v1"), now);
    session.on_message(of("x_v1"), now);
    for _ in 0..=CALLBACK_SLOTS {
        session.on_message(of("card.action.trigger"), now);
    }
    assert_eq!(started(&mut session), Some(1));
    for key in 3..3 + CALLBACK_SLOTS as u64 {
        assert_eq!(started(&mut session), Some(key));
    }
    assert_eq!(session.next_action(), None, "no more slots");
    // The last callback goes before the event.
    let mut ends = |key| {
        session.on_done(key, &Done::Outcome(Outcome::Handled), now);
        assert!(answered(&mut session).is_some());
        session.next_action()
    };
    let last = 3 + CALLBACK_SLOTS as u64;
    assert!(matches!(ends(3), Some(Action::Start { key, .. }) if key == last));
    for key in (4..=last).chain([1]) {
        let next = ends(key);
        let is_event = matches!(next, Some(Action::Start { key: 2, .. }));
        assert_eq!(is_event, key == 1, "after {key}: {next:?}");
    }
    assert_eq!((session.callbacks.len(), session.queued_bytes), (0, 0));
}

#[test]
fn a_callback_that_waits_is_answered_by_its_deadline_and_when_a_drain_begins() {
    for drains in [false, true] {
        let now = Instant::now();
        let mut session = session(now);
        session.limits.max_running = 0;
        let header = r#"{"event_type":"card.action.trigger"}"#;
        let payload = format!(r#"{{"schema":"2.0","header":{header},"event":{{}}}}"#);
        for _ in 0..=CALLBACK_SLOTS {
            session.on_message(event().with_payload(payload.clone()).encode(), now);
        }
        for _ in 0..CALLBACK_SLOTS {
            assert!(started(&mut session).is_some());
        }
        if drains {
            session.drain(now);
        } else {
            session.on_time(now + DEADLINE);
        }
        assert!(answered(&mut session).is_some());
        assert_eq!((session.callbacks.len(), session.queued_bytes), (0, 0));
    }
}

#[test]
fn a_handler_cancelled_at_its_deadline_counts_as_late_however_that_is_heard_of() {
    for (done, after, late) in [
        (Done::Cancelled, DEADLINE, true),
        (Done::NotStarted, DEADLINE, true),
        (Done::Cancelled, DEADLINE / 2, false),
        (Done::NotStarted, DEADLINE / 2, false),
    ] {
        let now = Instant::now();
        let mut session = session(now);
        session.on_message(event().encode(), now);
        assert_eq!(started(&mut session), Some(1));
        session.on_done(1, &done, now + after);
        session.on_time(now + after);
        let (payload, _) = answered(&mut session).unwrap();
        assert_eq!(payload, r#"{"code":500}"#);
        assert_eq!(session.next_action(), None);
        let stats = session.counters.stats();
        let refused = !late && matches!(done, Done::NotStarted);
        let counts = (stats.failed, stats.deadline_missed, stats.overloaded);
        assert_eq!(counts, (1, u64::from(late), u64::from(refused)), "{done:?}");
    }
}

#[test]
fn an_event_given_up_leaves_its_place_to_others() {
    let now = Instant::now();
    let mut session = session(now);
    session.limits.max_bytes_in_flight = 1000;
    for seq in 0..3 {
        let frame = event()
            .with_header(header::MESSAGE_ID, "large")
            .with_header(header::SUM, "3")
            .with_header(header::SEQ, seq.to_string());
        let payload = "x".repeat(600);
        session.on_message(frame.with_payload(payload).encode(), now);
    }
    assert_eq!(session.counters.stats().fragments_dropped, 3);
    session.on_message(event().with_payload("x".repeat(900)).encode(), now);
    assert_eq!(started(&mut session), Some(1));
}
