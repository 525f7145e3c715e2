//! The programs of the guide's pages, run; and the pages have them to the letter.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod actix;
mod lambda;
mod observability;
mod programs;
mod support;

/// The text of a program after its comment about itself.
fn program(file: &str) -> &str {
    let (about, program) = file.split_once("\n\n").unwrap();
    assert!(about.starts_with("//! "), "{about}");
    program
}

#[test]
fn the_pages_have_the_programs_that_are_tested() {
    let servers = include_str!("../../guide/other-servers.md");
    let observability = include_str!("../../guide/observability.md");
    for (page, file) in [
        (servers, include_str!("programs/actix.rs")),
        (servers, include_str!("programs/actix_service.rs")),
        (servers, include_str!("programs/lambda.rs")),
        (observability, include_str!("../spans/program.rs")),
    ] {
        let program = program(file);
        let blocks = page.split("```rust").skip(1);
        let mut blocks = blocks.filter_map(|rest| rest.split_once('\n')?.1.split("```").next());
        assert!(
            blocks.any(|block| block == program),
            "no page has this program:\n{program}"
        );
    }
}
