//! Allocations of each case: those of the strings that a handler is given, and few more. `cargo xtask
//! bench` reads the lines that this prints.

use allocation_counter::measure;
use benches::{Case, Size};

/// Beyond those of what the handler is given: the decrypted bytes and their owner, the handler's
/// future, and room for change.
const MAX_OTHERS: u64 = 6;

/// The header's strings are all given to the handler: id, type, time, app and tenant.
const HEADER_STRINGS: u64 = 5;

fn allocations(case: Case, size: Size) -> u64 {
    let mut workload = case.workload(size);
    // What is made once, such as the tables of base64, is not counted.
    workload();
    let count = measure(workload).count_total;
    println!("allocations {}/{} {count}", case.name(), size.name());
    count
}

#[test]
fn few_allocations_are_not_of_what_the_handler_is_given() {
    for size in Size::ALL {
        let of = |case| allocations(case, size);
        let given = of(Case::Lenient) + HEADER_STRINGS;
        let encrypted = of(Case::Encrypted);
        assert!(
            encrypted <= given + MAX_OTHERS,
            "{encrypted}, {given} of them given"
        );
        let plain = of(Case::Plain);
        assert!(
            plain < encrypted,
            "{plain} of {encrypted}, without what is decrypted"
        );
        assert!(of(Case::Unrouted) < HEADER_STRINGS + MAX_OTHERS);
        assert_eq!(
            of(Case::Of250),
            encrypted,
            "however many handlers there are"
        );
        assert_eq!(of(Case::Forged), 0, "a rejected request is not decrypted");
        for case in [Case::Floor, Case::LongConnection, Case::Strict] {
            of(case);
        }
    }
}
