//! The generator of the event crates.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::codegen::open(data));
