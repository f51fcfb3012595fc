//! Feeds bytes to the reader of this document.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evenkeel_config::fuzz::agent(bytes));
