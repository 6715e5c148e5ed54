//! Any text is read without a panic, and every span lies in the text and on its characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tutor::diagnostic::render;
use tutor::lesson::{Included, parse};

fuzz_target!(|source: &str| {
    // Whatever is included is the page itself, so that its text is tried as a C file too.
    let includes = |_: &Path| -> Included { Ok(source.to_owned()) };
    let (lesson, diagnostics) = parse("fuzz", Path::new("lessons/fuzz.md"), source, &includes);
    let mut end = 0;
    for block in &lesson.blocks {
        let span = block.span();
        assert!(source.get(span.clone()).is_some(), "{block:?}");
        assert!(end <= span.start, "blocks overlap: {block:?}");
        end = span.end;
    }
    for diagnostic in &diagnostics {
        assert!(source.get(diagnostic.span.clone()).is_some(), "{diagnostic:?}");
    }
    render(&diagnostics, |_| Some(source), true);
});
