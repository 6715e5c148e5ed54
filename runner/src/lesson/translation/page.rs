//! The comments of a translation's page that place something.

use crate::lesson::model::Lesson;
use crate::lesson::parse::{MarkupKind, markup};
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A comment that places something: `<!-- step: build -->`.
static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*<!--\s*(section|step|file):\s*(\S+?)(?:\s+(\S+?))?\s*-->\s*$").ok()
});

/// A comment or the beginning of a hint on the page.
pub(super) struct PlaceMark {
    pub what: PlaceKind,
    pub span: Range<usize>,
}

pub(super) enum PlaceKind {
    /// Which section begins, the hash of its original, and where that stands.
    Section(String, Option<String>, Range<usize>),
    /// Something that has its place here.
    Placed(String),
}

/// The comments and the beginnings of hints on a page, in order.
pub(super) fn place_marks(source: &str, body: usize, page: &Lesson) -> Vec<PlaceMark> {
    let mut found: Vec<PlaceMark> = Vec::new();
    for html in markup(&source[body..]) {
        if html.kind != MarkupKind::Block {
            continue;
        }
        let span = body + html.span.start..body + html.span.end;
        let mut start = span.start;
        for line in source[span].split_inclusive('\n') {
            let span = start..start + line.len();
            start = span.end;
            let Some(words) = PLACE.as_ref().and_then(|place| place.captures(line)) else {
                continue;
            };
            let name = words[2].to_owned();
            let what = match &words[1] {
                "section" => {
                    // Where there is none yet, it belongs behind the name.
                    let hash = match (words.get(3), words.get(2)) {
                        (Some(hash), _) => hash.range(),
                        (None, name) => name.map_or(0..0, |name| name.end()..name.end()),
                    };
                    let hash = span.start + hash.start..span.start + hash.end;
                    let given = words.get(3).map(|hash| hash.as_str().to_owned());
                    PlaceKind::Section(name, given, hash)
                }
                kind => PlaceKind::Placed(format!("{kind}: {name}")),
            };
            found.push(PlaceMark { what, span });
        }
    }
    found.extend(page.clues().map(|clue| PlaceMark {
        what: PlaceKind::Placed(clue.anchor()),
        span: clue.span.start..clue.span.start,
    }));
    found.sort_by_key(|mark| mark.span.start);
    found
}
