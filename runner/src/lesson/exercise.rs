//! Hints and solutions as they are written, and whether the parts of each exercise fit together.

use super::model::{Clue, ClueKind, FileStep, Lesson, Step, StepKind};
use super::values;
use crate::diagnostic::{Findings, Lines, line_end};
use regex::Regex;
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

/// The beginning of a hint or solution: `<details id="hint-NAME-1"><summary>…</summary>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClueOpening {
    pub exercise: String,
    pub kind: ClueKind,
    pub summary: String,
}

static OPENING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?is)^\s*<details\s+id\s*=\s*["'](hint|solution)-([^"'<>]*)["']\s*>(.*)$"#).ok()
});
static SUMMARY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?is)^\s*<summary>(.*)</summary>\s*$").ok());

/// Reads a block of HTML, if it begins a hint or a solution; else says why it cannot be one.
pub(super) fn opening(html: &str) -> Option<Result<ClueOpening, &'static str>> {
    let found = OPENING.as_ref()?.captures(html)?;
    let is_hint = found[1].eq_ignore_ascii_case("hint");
    let (exercise, kind) = match (is_hint, found[2].rsplit_once('-')) {
        (false, _) => (&found[2], ClueKind::Solution),
        (true, Some((exercise, number))) => match number.parse() {
            Ok(number) => (exercise, ClueKind::Hint(number)),
            Err(_) => return Some(Err(NO_NUMBER)),
        },
        (true, None) => return Some(Err(NO_NUMBER)),
    };
    let Some(summary) = SUMMARY.as_ref()?.captures(&found[3]) else {
        return Some(Err(NO_SUMMARY));
    };
    Some(Ok(ClueOpening {
        exercise: exercise.to_owned(),
        kind,
        summary: summary[1].trim().to_owned(),
    }))
}

const NO_NUMBER: &str = "give the hint the name of its exercise and a number: `hint-NAME-1`";
const NO_SUMMARY: &str =
    "write `<summary>…</summary>` behind it or on the next line, and then a blank line";

/// True for a block of HTML that ends a hint or a solution.
pub(super) fn is_end(html: &str) -> bool {
    html.trim().eq_ignore_ascii_case("</details>")
}

/// The exercises of a lesson and what belongs to them, each by its name.
struct PartsOfExercises<'l> {
    lesson: &'l Lesson,
    lines: Lines<'l>,
    exercises: HashMap<&'l str, &'l Step>,
    clues: HashMap<&'l str, Vec<&'l Clue>>,
    /// The files of the lesson, in the order of the text.
    files: HashMap<&'l Path, Vec<&'l FileStep>>,
}

/// True for a block of HTML that begins something else that folds.
pub(super) fn is_another(html: &str) -> bool {
    let start = html.trim_start().get(.."<details".len());
    start.is_some_and(|start| start.eq_ignore_ascii_case("<details"))
}

/// Says which exercises, hints and solutions do not fit together.
pub(super) fn bind(lesson: &Lesson, findings: &mut Findings) {
    let exercises = lesson.exercises();
    let mut parts = PartsOfExercises {
        lesson,
        lines: Lines::of(&lesson.source),
        exercises: exercises.map(|one| (one.id.as_str(), one)).collect(),
        clues: HashMap::new(),
        files: HashMap::new(),
    };
    for clue in lesson.clues() {
        parts.clues.entry(&clue.exercise).or_default().push(clue);
    }
    for file in lesson.files() {
        parts.files.entry(&file.path).or_default().push(file);
    }
    for clue in lesson.clues() {
        parts.bind(clue, findings);
    }
    for exercise in lesson.exercises() {
        parts.solution_of(exercise, findings);
        parts.step_before(exercise, findings);
    }
    for check in lesson.checks() {
        if parts.exercises.contains_key(check.of.as_str()) {
            findings.error(
                parts.first_line(&check.span),
                format!("`{}` belongs to an exercise", check.name),
                "an exercise is judged by its own fence alone: let that end with status 1 where it is not solved",
            );
        }
    }
}

impl PartsOfExercises<'_> {
    /// Whether there is an exercise that the hint or solution belongs to, and whether its files are
    /// those of the task.
    fn bind(&self, clue: &Clue, findings: &mut Findings) {
        let (what, name) = (title(clue.kind), clue.exercise.as_str());
        let Some(exercise) = self.exercises.get(name) else {
            let known = self.exercises.keys().copied();
            let help = match findings.guesses.nearest(name, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!(
                    "write what judges it into a fence `sh {{exercise={}}}`",
                    name_or(name)
                ),
            };
            let message = format!("this {what} belongs to no exercise of the lesson: `{name}`");
            findings.error(self.first_line(&clue.span), message, help);
            return;
        };
        if clue.kind != ClueKind::Solution {
            return;
        }
        if clue.files().next().is_none() {
            findings.error(
                self.first_line(&clue.span),
                format!("the solution of exercise `{name}` has no file"),
                "write the solved file into it, by a fence such as `c {file=hello.bpf.c}`",
            );
        }
        for file in clue.files() {
            self.file_of_solution(exercise, file, findings);
        }
    }

    fn file_of_solution(&self, exercise: &Step, file: &FileStep, findings: &mut Findings) {
        let path = file.path.display();
        let of_path = self.files.get(&*file.path).map_or(&[][..], Vec::as_slice);
        let above = of_path.partition_point(|one| one.span.end <= exercise.span.start);
        let Some(start) = above.checked_sub(1).map(|last| of_path[last]) else {
            findings.error(
                self.first_line(&file.span),
                format!(
                    "the lesson writes no `{path}` above exercise `{}`",
                    exercise.id
                ),
                format!(
                    "write what the learner begins with there, by a fence with `{{file={path}}}`"
                ),
            );
            return;
        };
        if start.content == file.content {
            let line = self.lines.line(start.span.start);
            findings.error(
                self.first_line(&file.span),
                format!("this solution is what the learner begins with on line {line}"),
                "leave something to do: take a part out of the file above the exercise",
            );
        }
    }

    /// Whether what runs before an exercise is judged is a step above it.
    fn step_before(&self, exercise: &Step, findings: &mut Findings) {
        let Some(name) = &exercise.after else { return };
        let is_known = |step: &&Step| {
            step.kind == StepKind::Plain
                && step.background.is_none()
                && step.span.start < exercise.span.start
        };
        let mut known = self.lesson.steps().filter(is_known);
        if known.any(|step| step.id == *name) {
            return;
        }
        let known = self.lesson.steps().filter(is_known);
        let help = match findings.guesses.nearest(name, known.map(|step| &*step.id)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!(
                "write what is to be done first into a fence `sh {{id={}}}` above it",
                name_or(name)
            ),
        };
        findings.error(
            self.first_line(&exercise.span),
            format!(
                "above exercise `{}` there is no step `{name}` that ends",
                exercise.id
            ),
            help,
        );
    }

    /// Whether an exercise has one solution, below it, and its hints stand in order above that.
    fn solution_of(&self, exercise: &Step, findings: &mut Findings) {
        let id = name_or(&exercise.id);
        let clues = self.clues.get(exercise.id.as_str());
        let clues = clues.map_or(&[][..], Vec::as_slice);
        let is_solution = |clue: &&&Clue| clue.kind == ClueKind::Solution;
        let mut solutions = clues.iter().filter(is_solution);
        let Some(solution) = solutions.next() else {
            findings.error(
                self.first_line(&exercise.span),
                format!("exercise `{id}` has no solution"),
                format!("write it between `<details id=\"solution-{id}\"><summary>A solution</summary>` and `</details>`: the tests run it"),
            );
            return;
        };
        for second in solutions {
            findings.error(
                self.first_line(&second.span),
                format!("a second solution of exercise `{id}`"),
                "keep one: a task that has two good answers is judged by what they do",
            );
        }
        if solution.span.start < exercise.span.start {
            findings.error(
                self.first_line(&solution.span),
                format!("the solution stands above its exercise `{id}`"),
                "move it below the fence that judges it",
            );
        }
        let hints = clues.iter().filter_map(|clue| match clue.kind {
            ClueKind::Hint(number) => Some((number, clue)),
            ClueKind::Solution => None,
        });
        for (place, (number, hint)) in hints.enumerate() {
            let next = place + 1;
            if number != next {
                findings.error(
                    self.first_line(&hint.span),
                    format!(
                        "hint {number} of exercise `{id}` stands where its hint {next} belongs"
                    ),
                    format!("number hints in the order of the text: `hint-{id}-{next}`"),
                );
            }
            if hint.span.start > solution.span.start {
                findings.error(
                    self.first_line(&hint.span),
                    format!("hint {number} of exercise `{id}` stands below its solution"),
                    "move it above: whoever has read the solution needs no hint",
                );
            }
        }
    }

    fn first_line(&self, span: &Range<usize>) -> Range<usize> {
        span.start..line_end(&self.lesson.source, span.start)
    }
}

fn title(kind: ClueKind) -> &'static str {
    match kind {
        ClueKind::Hint(_) => "hint",
        ClueKind::Solution => "solution",
    }
}

/// The name, or what stands for one where that cannot be used.
fn name_or(name: &str) -> &str {
    match values::name(name) {
        Ok(_) => name,
        Err(_) => "NAME",
    }
}
