//! Whatever comes from a guest's port is heard without a panic, and leads nowhere.
#![no_main]

#[path = "../guest.rs"]
mod guest;

libfuzzer_sys::fuzz_target!(|stream: &[u8]| guest::holds_of(stream));
