//! Seeds, and whatever was found once, through the targets: in every run of the tests.

use std::fs;
use std::path::Path;

use fuzz::TARGETS;

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
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(target.name);
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            (target.open)(&fs::read(path).unwrap());
        }
    }
}
