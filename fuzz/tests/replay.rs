//! Seeds, and whatever was found once, through the targets: in every run of the tests.

use std::fs;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;
use fuzz::codegen::{self, Ended};

#[test]
fn every_seed_keeps_the_promises() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(seeds.len() >= 10, "{}: {}", target.name, seeds.len());
        for seed in seeds {
            (target.open)(&seed);
        }
    }
}

#[test]
fn every_beginning_of_a_small_seed_keeps_the_promises() {
    for target in TARGETS {
        let small = (target.seeds)().into_iter().filter(|seed| seed.len() < 400);
        for seed in small.take(20) {
            for end in 0..seed.len() {
                (target.open)(&seed[..end]);
            }
        }
    }
}

#[test]
fn what_was_found_once_is_not_found_again() {
    for folder in entries("fixtures") {
        let target = TARGETS.iter().find(|target| folder.ends_with(target.name));
        let target = target.unwrap_or_else(|| panic!("no target of {}", folder.display()));
        for path in entries(&folder) {
            println!("{}", path.display());
            (target.open)(&fs::read(path).unwrap());
        }
    }
}

#[test]
fn most_seeds_of_codegen_become_code() {
    let seeds = codegen::seeds();
    let ended = seeds.iter().map(|seed| codegen::ended(seed));
    let generated = ended.filter(|&it| it == Ended::Generated).count();
    assert!(
        generated > seeds.len() / 2,
        "{generated} of {}",
        seeds.len()
    );
}

#[test]
fn every_good_page_is_imported() {
    for path in entries("../crates/lark-events-codegen/fixtures/pages") {
        let page = [b"p", &fs::read(&path).unwrap()[..]].concat();
        assert_ne!(codegen::ended(&page), Ended::Refused, "{}", path.display());
    }
}

/// What is in a folder, which may be named from the package's own.
fn entries(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).expect("a folder of the repository");
    entries
        .map(|entry| entry.expect("its entry").path())
        .collect()
}
