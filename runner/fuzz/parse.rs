//! What holds of any text: it is read without a panic, and every span lies in the text and on its
//! characters. The fuzz target asks it of what libFuzzer thinks of, `runner/tests/cli/fuzz.rs` of its seeds.

use std::path::Path;
use tutor::diagnostic::render;
use tutor::lesson::{Included, parse};

/// Reads a text as a lesson.
pub fn holds_of(source: &str) {
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
        assert!(
            source.get(diagnostic.span.clone()).is_some(),
            "{diagnostic:?}"
        );
    }
    render(&diagnostics, |_| Some(source), true);
}
