//! Whether the names of a lesson fit together: ids, checks, files and the sentences that link.

use super::fence::Read;
use super::{Block, Lesson};
use crate::diagnostic::{Findings, line_column, nearest};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use unicode_segmentation::UnicodeSegmentation;

/// A link in the prose that binds a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The check's name, as the link says it.
    pub check: String,
    /// Where the link stands.
    pub span: Range<usize>,
    /// The sentence around it.
    pub sentence: String,
}

/// Collects the claims of one paragraph after the other.
#[derive(Default)]
pub(crate) struct Claims {
    pub list: Vec<Claim>,
    text: String,
    open: Vec<(String, Range<usize>, Range<usize>)>,
    /// True inside a link to a check.
    linked: bool,
}

impl Claims {
    /// Adds plain text of the paragraph.
    pub fn text(&mut self, piece: &str) {
        self.text.push_str(piece);
    }

    /// A link begins; `span` is its place in the source.
    pub fn begin(&mut self, url: &str, span: Range<usize>) {
        if let Some(check) = url.strip_prefix("#check-") {
            let at = self.text.len();
            self.linked = true;
            self.open.push((check.to_owned(), span, at..at));
        }
    }

    /// A link ends, which need not be one to a check: links do not nest.
    pub fn end(&mut self) {
        if self.linked
            && let Some((_, _, part)) = self.open.last_mut()
        {
            part.end = self.text.len();
        }
        self.linked = false;
    }

    /// The paragraph ends.
    pub fn close(&mut self) {
        let text = std::mem::take(&mut self.text);
        for (check, span, part) in self.open.drain(..) {
            let sentence = sentence(&text, &part);
            self.list.push(Claim {
                check,
                span,
                sentence,
            });
        }
    }
}

/// The sentences of `text` that `part` touches.
fn sentence(text: &str, part: &Range<usize>) -> String {
    let touched: String = text
        .split_sentence_bound_indices()
        .flat_map(|(start, piece)| sentences(piece).map(move |(offset, one)| (start + offset, one)))
        .filter(|(start, sentence)| *start < part.end && part.start < start + sentence.len())
        .map(|(_, sentence)| sentence)
        .collect();
    // The stop of a word such as `.text` counts as one more end of the sentence before it.
    let trimmed = touched.trim();
    trimmed.strip_suffix(" .").unwrap_or(trimmed).to_owned()
}

/// Parts a text after each stop that a blank follows: UAX #29 does not before a lower-case word,
/// and names such as `xlated` begin sentences here.
fn sentences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let stop = rest.find(". ").or_else(|| rest.find(".\n"));
        let end = stop.map_or(rest.len(), |stop| stop + 2);
        let found = (start, &rest[..end]);
        start += end;
        Some(found)
    })
}

/// Where the names of a lesson's blocks stand.
#[derive(Default)]
pub(crate) struct Names {
    steps: HashMap<String, (usize, Range<usize>)>,
    checks: HashMap<String, Range<usize>>,
    files: Vec<(PathBuf, String, Range<usize>)>,
    of: Vec<(String, Range<usize>, usize)>,
    /// Names that cannot be used, as they are written: whoever refers to them is not to blame.
    unusable: HashSet<String>,
    /// Places of the checks, in order.
    named: Vec<Range<usize>>,
}

impl Names {
    /// Takes note of a block's names, and says which of them are taken already.
    pub fn add(&mut self, read: &Read, source: &str, findings: &mut Findings) {
        match read {
            Read::File { file, path } => {
                self.file(&file.path, &file.language, path, source, findings);
            }
            Read::Step { step, id } => self.step(&step.id, id, source, findings),
            Read::Check { check, name, of } => {
                self.check(&check.name, name, source, findings);
                self.of
                    .push((check.of.clone(), of.clone(), check.span.start));
                self.named.push(name.clone());
            }
        }
    }

    fn step(&mut self, id: &str, span: &Range<usize>, source: &str, findings: &mut Findings) {
        if id.is_empty() {
            self.unusable.insert(as_written(source, span));
            return;
        }
        if let Some((_, first)) = self.steps.get(id) {
            let message = format!("a second step `{id}`");
            findings.error(span.clone(), message, taken(source, first));
            return;
        }
        self.steps.insert(id.to_owned(), (span.start, span.clone()));
    }

    fn check(&mut self, name: &str, span: &Range<usize>, source: &str, findings: &mut Findings) {
        if name.is_empty() {
            self.unusable.insert(as_written(source, span));
            return;
        }
        if let Some(first) = self.checks.get(name) {
            let message = format!("a second check `{name}`");
            findings.error(span.clone(), message, taken(source, first));
            return;
        }
        self.checks.insert(name.to_owned(), span.clone());
    }

    // A file may be written again as the lesson goes on; it stays the same kind of thing.
    fn file(
        &mut self,
        path: &Path,
        language: &str,
        span: &Range<usize>,
        source: &str,
        findings: &mut Findings,
    ) {
        for (earlier, earlier_language, place) in &self.files {
            let line = line_column(source, place.start).0;
            let shown = path.display();
            if earlier == path && earlier_language != language {
                findings.error(
                    span.clone(),
                    format!(
                        "`{shown}` is `{language}` here and `{earlier_language}` on line {line}"
                    ),
                    "give both fences the same language, or the files different names",
                );
                return;
            }
            if earlier != path && (earlier.starts_with(path) || path.starts_with(earlier)) {
                findings.error(
                    span.clone(),
                    format!(
                        "`{shown}` and `{}` of line {line} cannot both be there",
                        earlier.display()
                    ),
                    "one would be a file and a folder at once: rename one of them",
                );
                return;
            }
        }
        self.files
            .push((path.to_owned(), language.to_owned(), span.clone()));
    }

    /// Binds each check to its step and to its sentence.
    pub fn bind(&self, lesson: &mut Lesson, claims: &[Claim], findings: &mut Findings) {
        for (of, span, at) in &self.of {
            self.bind_step(of, span, *at, &lesson.source, findings);
        }
        let mut links: HashMap<&str, Vec<&Claim>> = HashMap::new();
        for claim in claims {
            self.known_check(claim, findings);
            links.entry(&claim.check).or_default().push(claim);
        }
        let checks = lesson.blocks.iter_mut().filter_map(|block| match block {
            Block::Check(check) => Some(check),
            Block::Prose(_) | Block::File(_) | Block::Step(_) => None,
        });
        for (check, span) in checks.zip(&self.named) {
            if check.name.is_empty() || self.checks.get(&check.name) != Some(span) {
                continue;
            }
            let links = links.get(check.name.as_str());
            let Some((claim, extra)) = links.and_then(|links| links.split_first()) else {
                findings.error(
                    span.clone(),
                    format!("no sentence links to check `{}`", check.name),
                    format!(
                        "link the words that it proves: `[…](#check-{})`",
                        check.name
                    ),
                );
                continue;
            };
            check.sentence.clone_from(&claim.sentence);
            for extra in extra {
                let line = line_column(&lesson.source, claim.span.start).0;
                findings.error(
                    extra.span.clone(),
                    format!("a second link to check `{}`", check.name),
                    format!("a check proves one sentence, that of line {line}: take this link away or write a check of its own"),
                );
            }
        }
    }

    fn bind_step(
        &self,
        of: &str,
        span: &Range<usize>,
        check: usize,
        source: &str,
        findings: &mut Findings,
    ) {
        if of.is_empty() || self.unusable.contains(of) {
            return;
        }
        match self.steps.get(of) {
            Some((place, _)) if *place < check => {}
            Some((place, _)) => {
                let line = line_column(source, *place).0;
                findings.error(
                    span.clone(),
                    format!("this check stands before its step `{of}`"),
                    format!("move it below line {line}: a check runs where it stands"),
                );
            }
            None => {
                let help = match nearest(of, self.steps.keys().map(String::as_str)) {
                    Some(id) => format!("did you mean `{id}`?"),
                    None => "`of` is the `id` of a step above in this lesson".to_owned(),
                };
                findings.error(span.clone(), format!("no step `{of}` in this lesson"), help);
            }
        }
    }

    fn known_check(&self, claim: &Claim, findings: &mut Findings) {
        if self.checks.contains_key(&claim.check) || self.unusable.contains(&claim.check) {
            return;
        }
        let help = match nearest(&claim.check, self.checks.keys().map(String::as_str)) {
            Some(name) => format!("did you mean `#check-{name}`?"),
            None => format!(
                "write a fence `sh {{check={} of=STEP expect=…}}`",
                claim.check
            ),
        };
        let message = format!(
            "this links to check `{}`, which is not in the lesson",
            claim.check
        );
        findings.error(claim.span.clone(), message, help);
    }
}

fn as_written(source: &str, span: &Range<usize>) -> String {
    source[span.clone()].trim_matches('"').to_owned()
}

fn taken(source: &str, first: &Range<usize>) -> String {
    let line = line_column(source, first.start).0;
    format!("the first stands on line {line}: give this one a name of its own")
}
