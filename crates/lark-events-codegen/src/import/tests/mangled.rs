//! Pages cut, flipped and shuffled: whatever comes of it is a fact file or a refusal, and soon.

use std::time::{Duration, Instant};

use super::super::super::spec;
use super::super::{Setting, events_of};
use super::{DOMAINS, good_pages};

/// Long before this, the import of so small a page is over.
const SOON: Duration = Duration::from_secs(2);

fn setting() -> Setting {
    let domains: toml::Table = toml::from_str(DOMAINS).unwrap();
    let listed = domains["tea"].as_array().unwrap().iter();
    let listed = listed.map(|name| (name.as_str().unwrap().to_owned(), "tea".to_owned()));
    Setting {
        domains: listed.collect(),
        ..Setting::default()
    }
}

/// Whether the page is taken. The only other end is a refusal that names a line of it.
fn is_taken(page: &[u8], setting: &Setting) -> bool {
    let start = Instant::now();
    let imported = events_of(page, setting);
    let taken = start.elapsed();
    assert!(taken < SOON, "{taken:?}: {}", String::from_utf8_lossy(page));
    match &imported {
        Ok(events) => {
            assert!(!events.is_empty());
            for event in events {
                assert!(!event.event_type.contains(['/', '\\']));
                let text = spec::canonical(&event.document);
                assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }
        Err(refusal) => {
            let lines = page.split(|byte| *byte == b'\n').count();
            assert!(refusal.line <= lines, "{refusal:?} of {lines}");
            assert!(!refusal.expected.is_empty() && refusal.expected.len() < 500);
        }
    }
    imported.is_ok()
}

/// A small generator, the same on every run: xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

#[test]
fn any_beginning_of_a_page_is_taken_or_refused() {
    let setting = setting();
    for (name, page) in good_pages() {
        let page = page.as_bytes();
        assert!(is_taken(page, &setting), "{name}");
        let step = (page.len() / 400).max(1);
        for end in (0..page.len()).step_by(step) {
            is_taken(&page[..end], &setting);
        }
    }
}

#[test]
fn a_page_with_bytes_flipped_is_taken_or_refused() {
    const MARKS: &[u8] = b"<>/\"'&;`|:{}[],\\-0129az \n\r\0";
    let setting = setting();
    let mut chance = Chance(0x1EAF);
    let mut taken = 0;
    for (_, page) in good_pages() {
        for round in 0..300 {
            let mut bytes = page.clone().into_bytes();
            for _ in 0..=chance.below(4) {
                let at = chance.below(bytes.len());
                let is_text = bytes[at].is_ascii();
                bytes[at] = match round % 3 {
                    0 => bytes[at] ^ (1 << chance.below(8)),
                    // Still UTF-8, so that it comes further.
                    _ if is_text => MARKS[chance.below(MARKS.len())],
                    _ => continue,
                };
            }
            taken += usize::from(is_taken(&bytes, &setting));
        }
    }
    assert!(taken > 100, "{taken}: hardly any came through");
}

#[test]
fn a_page_with_lines_moved_is_taken_or_refused() {
    let setting = setting();
    let mut chance = Chance(0x7EA);
    let mut taken = 0;
    for (_, page) in good_pages() {
        for _ in 0..300 {
            let mut lines: Vec<_> = page.lines().collect();
            for _ in 0..=chance.below(3) {
                let line = lines.remove(chance.below(lines.len()));
                for _ in 0..chance.below(3) {
                    lines.insert(chance.below(lines.len()), line);
                }
            }
            taken += usize::from(is_taken(lines.join("\n").as_bytes(), &setting));
        }
    }
    assert!(taken > 100, "{taken}: hardly any came through");
}
