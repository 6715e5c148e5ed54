//! Any text is read without a panic, and every span lies in the text and on its characters.
#![no_main]

#[path = "../parse.rs"]
mod parse;

libfuzzer_sys::fuzz_target!(|source: &str| parse::holds_of(source));
