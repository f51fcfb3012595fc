//! Feeds bytes to the compile step as a map and a scenario, and to two trials.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    evenkeel_simulator::fuzz::question(bytes);
});
