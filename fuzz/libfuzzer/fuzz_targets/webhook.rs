//! Opening webhooks, and what is behind it.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::webhook::open(data));
