//! The fuzz targets, as functions that take any bytes and panic if a promise is broken. The tests
//! call them with the seeds and with earlier findings; libFuzzer, in `libfuzzer/`, calls them with
//! generated inputs.
//!
//! The targets compare results with another reader of the same bytes where there is one, as a check
//! for panics alone finds little.

// The generator's own tests run only in its package.
#![cfg(not(test))]

pub mod codegen;
mod input;
pub mod session;
pub mod webhook;

/// Something to fuzz.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What its binary, its corpus and its fixtures are called.
    pub name: &'static str,
    /// Panics where a promise is broken.
    pub open: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What is worth putting into an input, beside what the fuzzer sees compared.
    pub words: fn() -> Vec<String>,
}

/// All of them.
pub const TARGETS: [Target; 3] = [
    Target {
        name: "webhook",
        open: webhook::open,
        seeds: webhook::seeds,
        words: webhook::words,
    },
    Target {
        name: "session",
        open: session::open,
        seeds: session::seeds,
        words: session::words,
    },
    Target {
        name: "codegen",
        open: codegen::open,
        seeds: codegen::seeds,
        words: codegen::words,
    },
];
