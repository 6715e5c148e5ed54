//! The fuzz targets, asked of their seeds and of the lessons: so they still compile, and what was
//! found once stays mended.

#[path = "../../fuzz/guest.rs"]
mod guest;
#[path = "../../fuzz/parse.rs"]
mod parse;

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join(folder)).expect(folder);
    let files: Vec<PathBuf> = entries.map(|entry| entry.expect(folder).path()).collect();
    assert!(!files.is_empty(), "{folder}");
    files
}

#[test]
fn what_the_fuzzer_asks_holds_of_its_seeds_and_of_the_lessons() {
    for folder in ["runner/fuzz/seeds/parse", "lessons"] {
        for path in files(folder) {
            if let Ok(text) = fs::read_to_string(path) {
                parse::holds_of(&text);
            }
        }
    }
}

#[test]
fn what_the_fuzzer_asks_of_guests_holds_of_its_seeds_and_of_what_is_like_them() {
    for path in files("runner/fuzz/seeds/guest") {
        let stream = fs::read(&path).expect("a seed");
        guest::holds_of(&stream);
        // Cut short, and with one byte another, at places all over.
        for at in (0..stream.len()).step_by(1 + stream.len() / 200) {
            guest::holds_of(&stream[..at]);
            let mut other = stream.clone();
            for byte in [0, 0xff, b'9', other[at] ^ 1] {
                other[at] = byte;
                guest::holds_of(&other);
            }
        }
    }
}
