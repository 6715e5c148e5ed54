//! Whether the names of a lesson fit together: ids, checks, files and the sentences that link.

use super::fence::NamedBlock;
use super::model::{Block, Check, CheckKind, Lesson};
use crate::diagnostic::{Findings, Lines, within};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use unicode_segmentation::UnicodeSegmentation;

/// A link in the prose that binds a check or a prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The check's name, as the link says it.
    pub check: String,
    /// What it links to.
    pub kind: CheckKind,
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
    open: Vec<(String, CheckKind, Range<usize>, Range<usize>)>,
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
        let anchor = url.strip_prefix('#');
        if let Some((kind, check)) = anchor.and_then(CheckKind::of_anchor) {
            let at = self.text.len();
            self.linked = true;
            self.open.push((check.to_owned(), kind, span, at..at));
        }
    }

    /// A link ends, which need not be one to a check: links do not nest.
    pub fn end(&mut self) {
        if self.linked
            && let Some((_, _, _, part)) = self.open.last_mut()
        {
            part.end = self.text.len();
        }
        self.linked = false;
    }

    /// The paragraph ends.
    pub fn close(&mut self) {
        let text = std::mem::take(&mut self.text);
        if self.open.is_empty() {
            return;
        }
        let ends = sentence_ends(&text);
        for (check, kind, span, part) in self.open.drain(..) {
            let sentence = sentence(&text, &ends, &part);
            self.list.push(Claim {
                check,
                kind,
                span,
                sentence,
            });
        }
    }
}

/// Where the sentences of a text end; each begins where the one before it ends.
fn sentence_ends(text: &str) -> Vec<usize> {
    let pieces = text.split_sentence_bound_indices();
    let ends = pieces.flat_map(|(start, piece)| {
        sentences(piece).map(move |(offset, one)| start + offset + one.len())
    });
    ends.collect()
}

/// A paragraph without a stop is no sentence that anybody reads, and may have any number of links.
const LONGEST_SENTENCE_BYTES: usize = 1000;
/// Of a longer one, so much stays before the part that links.
const LEAD_BYTES: usize = 200;

/// The sentences of `text` that `part` touches.
fn sentence(text: &str, ends: &[usize], part: &Range<usize>) -> String {
    let first = ends.partition_point(|end| *end <= part.start);
    let start = match first.checked_sub(1) {
        Some(before) => ends[before],
        None => 0,
    };
    let end = match ends[first..].iter().find(|end| **end >= part.end) {
        Some(end) if start < part.end => *end,
        Some(_) | None => text.len().min(start.max(part.end)),
    };
    // The stop of a word such as `.text` counts as one more end of the sentence before it.
    let touched = |range: Range<usize>| {
        let trimmed = text[range].trim();
        trimmed.strip_suffix(" .").unwrap_or(trimmed).to_owned()
    };
    if end - start <= LONGEST_SENTENCE_BYTES {
        return touched(start..end);
    }
    let from = start.max(part.start.saturating_sub(LEAD_BYTES));
    let shown = within(text, &(from..end.min(from + LONGEST_SENTENCE_BYTES)));
    let more = |is_more: bool| if is_more { "…" } else { "" };
    let (before, after) = (more(shown.start > start), more(shown.end < end));
    format!("{before}{}{after}", touched(shown))
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

/// The step that a check or prediction names.
struct StepOfCheck {
    step: String,
    /// Where it is named.
    span: Range<usize>,
    /// Where the fence that names it stands.
    check: usize,
    kind: CheckKind,
}

/// Where the names of a lesson's blocks stand.
pub(crate) struct Names<'s> {
    lines: Lines<'s>,
    steps: HashMap<String, (usize, Range<usize>)>,
    checks: HashMap<String, (Range<usize>, CheckKind)>,
    /// The files, each with its language and the line where it was written first.
    files: HashMap<PathBuf, (String, usize)>,
    /// The folders above them, each with a file below it and that one's line.
    folders: HashMap<PathBuf, (PathBuf, usize)>,
    of: Vec<StepOfCheck>,
    /// Names that cannot be used, as they are written: whoever refers to them is not to blame.
    unusable: HashSet<String>,
    /// Places of the checks, in order.
    named: Vec<Range<usize>>,
}

impl<'s> Names<'s> {
    /// None yet of this text.
    pub fn of(source: &'s str) -> Self {
        Names {
            lines: Lines::of(source),
            steps: HashMap::new(),
            checks: HashMap::new(),
            files: HashMap::new(),
            folders: HashMap::new(),
            of: Vec::new(),
            unusable: HashSet::new(),
            named: Vec::new(),
        }
    }

    /// Takes note of a block's names, and says which of them are taken already.
    pub fn add(&mut self, read: &NamedBlock, findings: &mut Findings) {
        match read {
            NamedBlock::File { file, path } => {
                self.file(&file.path, &file.language, path, findings)
            }
            NamedBlock::Step { step, id } => self.step(&step.id, id, findings),
            NamedBlock::Check { check, name, of } => self.check_of(check, name, of, findings),
            NamedBlock::Quiz {
                step,
                question,
                name,
            } => {
                self.step(&step.id, name, findings);
                self.check_of(question, name, name, findings);
            }
        }
    }

    fn check_of(
        &mut self,
        check: &Check,
        name: &Range<usize>,
        of: &Range<usize>,
        findings: &mut Findings,
    ) {
        self.check(&check.name, name, check.kind(), findings);
        self.of.push(StepOfCheck {
            step: check.of.clone(),
            span: of.clone(),
            check: check.span.start,
            kind: check.kind(),
        });
        self.named.push(name.clone());
    }

    fn step(&mut self, id: &str, span: &Range<usize>, findings: &mut Findings) {
        if id.is_empty() {
            self.unusable.insert(self.as_written(span));
            return;
        }
        if let Some((_, first)) = self.steps.get(id) {
            let message = format!("a second step `{id}`");
            findings.error(span.clone(), message, self.taken(first));
            return;
        }
        self.steps.insert(id.to_owned(), (span.start, span.clone()));
    }

    fn check(&mut self, name: &str, span: &Range<usize>, kind: CheckKind, findings: &mut Findings) {
        if name.is_empty() {
            self.unusable.insert(self.as_written(span));
            return;
        }
        if let Some((first, other)) = self.checks.get(name) {
            let message = match kind == *other {
                true => format!("a second {kind} `{name}`"),
                false => format!("a {other} of this name, `{name}`, is there already"),
            };
            findings.error(span.clone(), message, self.taken(first));
            return;
        }
        self.checks.insert(name.to_owned(), (span.clone(), kind));
    }

    // A file may be written again as the lesson goes on; it stays the same kind of thing.
    fn file(&mut self, path: &Path, language: &str, span: &Range<usize>, findings: &mut Findings) {
        let shown = path.display();
        if let Some((earlier, line)) = self.files.get(path) {
            if earlier != language {
                findings.error(
                    span.clone(),
                    format!("`{shown}` is `{language}` here and `{earlier}` on line {line}"),
                    "give both fences the same language, or the files different names",
                );
            }
            return;
        }
        let above = path.ancestors().skip(1).find_map(|above| {
            let (_, line) = self.files.get(above)?;
            Some((above.to_owned(), *line))
        });
        if let Some((earlier, line)) = above.or_else(|| self.folders.get(path).cloned()) {
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
        let line = self.lines.line(span.start);
        for above in path.ancestors().skip(1) {
            if above.as_os_str().is_empty() || self.folders.contains_key(above) {
                break;
            }
            self.folders
                .insert(above.to_owned(), (path.to_owned(), line));
        }
        self.files
            .insert(path.to_owned(), (language.to_owned(), line));
    }

    /// Binds each check to its step and to its sentence.
    pub fn bind(&self, lesson: &mut Lesson, claims: &[Claim], findings: &mut Findings) {
        for of in &self.of {
            self.bind_step(of, findings);
        }
        let mut links: HashMap<&str, Vec<&Claim>> = HashMap::new();
        for claim in claims {
            self.known_check(claim, findings);
            links.entry(&claim.check).or_default().push(claim);
        }
        let checks = lesson.blocks.iter_mut().filter_map(|block| match block {
            Block::Check(check) => Some(check),
            Block::Prose(_) | Block::File(_) | Block::Step(_) | Block::Clue(_) => None,
        });
        for (check, span) in checks.zip(&self.named) {
            let kind = check.kind();
            if check.name.is_empty() || self.checks.get(&check.name) != Some(&(span.clone(), kind))
            {
                continue;
            }
            let links = links.get(check.name.as_str());
            let Some((claim, extra)) = links.and_then(|links| links.split_first()) else {
                let (message, help) = match kind {
                    CheckKind::Prediction => (
                        format!("no question links to prediction `{}`", check.name),
                        format!(
                            "link the question that it answers, above its step: `[…?](#predict-{})`",
                            check.name
                        ),
                    ),
                    CheckKind::Check => (
                        format!("no sentence links to check `{}`", check.name),
                        format!(
                            "link the words that it proves: `[…](#check-{})`",
                            check.name
                        ),
                    ),
                };
                findings.error(span.clone(), message, help);
                continue;
            };
            check.sentence.clone_from(&claim.sentence);
            if kind == CheckKind::Prediction {
                self.asked_above(&check.of, claim, findings);
            }
            for extra in extra {
                let line = self.lines.line(claim.span.start);
                findings.error(
                    extra.span.clone(),
                    format!("a second link to {kind} `{}`", check.name),
                    match kind {
                        CheckKind::Prediction => format!("a prediction answers one question, that of line {line}: take this link away"),
                        CheckKind::Check => format!("a check proves one sentence, that of line {line}: take this link away or write a check of its own"),
                    },
                );
            }
        }
    }

    /// A question is asked before its step runs.
    fn asked_above(&self, of: &str, claim: &Claim, findings: &mut Findings) {
        if let Some((step, _)) = self.steps.get(of)
            && claim.span.start > *step
        {
            let line = self.lines.line(*step);
            findings.error(
                claim.span.clone(),
                format!("this question stands below its step `{of}`"),
                format!("ask it above line {line}: whoever has seen the output predicts nothing"),
            );
        }
    }

    fn bind_step(&self, of: &StepOfCheck, findings: &mut Findings) {
        let StepOfCheck {
            step: of,
            span,
            check,
            kind,
        } = of;
        if of.is_empty() || self.unusable.contains(of.as_str()) {
            return;
        }
        match self.steps.get(of) {
            Some((place, _)) if place < check => {}
            Some((place, _)) => {
                let line = self.lines.line(*place);
                findings.error(
                    span.clone(),
                    format!("this {kind} stands before its step `{of}`"),
                    format!("move it below line {line}: a {kind} runs where it stands"),
                );
            }
            None => {
                let help = match findings
                    .guesses
                    .nearest(of, self.steps.keys().map(String::as_str))
                {
                    Some(id) => format!("did you mean `{id}`?"),
                    None => "`of` is the `id` of a step above in this lesson".to_owned(),
                };
                findings.error(span.clone(), format!("no step `{of}` in this lesson"), help);
            }
        }
    }

    fn known_check(&self, claim: &Claim, findings: &mut Findings) {
        let known = self.checks.get(&claim.check);
        if known.is_some_and(|(_, kind)| *kind == claim.kind)
            || self.unusable.contains(&claim.check)
        {
            return;
        }
        let names = self.checks.keys().map(String::as_str);
        let help = match findings.guesses.nearest(&claim.check, names) {
            Some(name) => {
                let (_, kind) = self.checks[name];
                format!("did you mean `#{}`?", kind.anchor(name))
            }
            None => {
                let rest = match claim.kind {
                    CheckKind::Check => " expect=…",
                    CheckKind::Prediction => "",
                };
                let key = claim.kind.key();
                format!("write a fence `sh {{{key}={} of=STEP{rest}}}`", claim.check)
            }
        };
        let message = format!(
            "this links to {} `{}`, which is not in the lesson",
            claim.kind, claim.check
        );
        findings.error(claim.span.clone(), message, help);
    }

    fn as_written(&self, span: &Range<usize>) -> String {
        self.lines.source()[span.clone()]
            .trim_matches('"')
            .to_owned()
    }

    fn taken(&self, first: &Range<usize>) -> String {
        let line = self.lines.line(first.start);
        format!("the first stands on line {line}: give this one a name of its own")
    }
}
