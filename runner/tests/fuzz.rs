//! What the fuzz target `parse` asks, of its seeds and of the lessons: so it still compiles, and what
//! was found once stays mended.

#[path = "../fuzz/parse.rs"]
mod parse;

use std::fs;
use std::path::Path;

#[test]
fn what_the_fuzzer_asks_holds_of_its_seeds_and_of_the_lessons() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut asked = 0;
    for folder in ["runner/fuzz/seeds", "lessons"] {
        for entry in fs::read_dir(root.join(folder)).expect(folder) {
            let path = entry.expect(folder).path();
            if let Ok(text) = fs::read_to_string(path) {
                parse::holds_of(&text);
                asked += 1;
            }
        }
    }
    assert!(asked > 0);
}
