//! A session of the long connection.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::session::open(data));
