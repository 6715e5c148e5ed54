//! Scripts that bash cannot read. It says so itself: `bash -n` reads a script and runs nothing of it.

use crate::diagnostic::{Diagnostic, line_end};
use crate::lesson::{Block, Lesson};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

/// A script of a lesson.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Source<'c> {
    text: &'c str,
    /// Whether bash knows patterns such as `!(a)`, which a step can switch on for the steps after it.
    has_extglob: bool,
}

/// Something that bash says of a script.
#[derive(Clone)]
struct BashComplaint {
    /// The line, from 1.
    line: usize,
    what: BashFault,
}

#[derive(Clone)]
enum BashFault {
    /// It cannot be read, for this reason.
    Syntax(String),
    /// A here-document goes on to its end: it lacks this word.
    HereDocument(String),
}

/// What bash says of the scripts of lessons; nothing where there is no bash.
pub(super) fn faults(lessons: &[&Lesson]) -> Vec<Diagnostic> {
    let scripts = lessons.iter().flat_map(|lesson| of_lesson(lesson));
    let scripts: Vec<(&Lesson, &Block, Source<'_>)> = scripts.collect();
    let different: HashSet<Source<'_>> = scripts.iter().map(|(_, _, source)| *source).collect();
    let said = said_of(different);
    let found = scripts.into_iter().flat_map(|(lesson, block, source)| {
        let complaints = said.get(&source).into_iter().flatten();
        complaints.filter_map(move |complaint| diagnostic(lesson, block, complaint))
    });
    found.collect()
}

fn of_lesson(lesson: &Lesson) -> impl Iterator<Item = (&Lesson, &Block, Source<'_>)> {
    let has_extglob = lesson.steps().any(|step| step.script.contains("extglob"));
    lesson.blocks.iter().filter_map(move |block| {
        let text = match block {
            Block::Prose(_) | Block::File(_) | Block::Clue(_) => return None,
            Block::Step(step) => &step.script,
            Block::Check(check) => &check.script,
        };
        let source = Source { text, has_extglob };
        Some((lesson, block, source))
    })
}

/// Asks about all of them, as many at a time as there are processors.
fn said_of(scripts: HashSet<Source<'_>>) -> HashMap<Source<'_>, Vec<BashComplaint>> {
    let left = Mutex::new(scripts.into_iter());
    let next = || left.lock().ok()?.next();
    let work = || {
        let mut said = Vec::new();
        while let Some(script) = next() {
            // Without bash nothing is known, and no step runs either.
            let Some(complaints) = complaints(script) else {
                break;
            };
            said.push((script, complaints));
        }
        said
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let start = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let workers: Vec<_> = (0..workers).map_while(start).collect();
        if workers.is_empty() {
            return work().into_iter().collect();
        }
        let said = workers.into_iter().filter_map(|worker| worker.join().ok());
        said.flatten().collect()
    })
}

const NAME: &str = "/dev/stdin";

/// What bash says of a script.
fn complaints(script: Source<'_>) -> Option<Vec<BashComplaint>> {
    let mut bash = Command::new("bash");
    if script.has_extglob {
        bash.args(["-O", "extglob"]);
    }
    // No `BASH_ENV` that it would run.
    bash.args(["-n", NAME]).env_clear().env("LC_ALL", "C");
    bash.envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
    let bash = bash
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut running = bash.spawn().ok()?;
    if let Some(mut stdin) = running.stdin.take() {
        // It reads no further than to the first fault.
        let _ = stdin.write_all(script.text.as_bytes());
    }
    let output = running.wait_with_output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    Some(text.lines().filter_map(complaint).collect())
}

/// Reads `/dev/stdin: line 3: …`.
fn complaint(line: &str) -> Option<BashComplaint> {
    let rest = line.strip_prefix(NAME)?.strip_prefix(": line ")?;
    let (number, what) = rest.split_once(": ")?;
    let number = number.parse().ok()?;
    // The line itself, quoted.
    if what.starts_with('`') {
        return None;
    }
    let Some(warning) = what.strip_prefix("warning: ") else {
        let what = BashFault::Syntax(what.to_owned());
        return Some(BashComplaint { line: number, what });
    };
    let (begins, word) = warning
        .strip_prefix("here-document at line ")?
        .split_once(" delimited by end-of-file (wanted `")?;
    let what = BashFault::HereDocument(word.strip_suffix("')")?.to_owned());
    let line = begins.parse().ok()?;
    Some(BashComplaint { line, what })
}

fn diagnostic(lesson: &Lesson, block: &Block, complaint: &BashComplaint) -> Option<Diagnostic> {
    let (title, may_fail) = match block {
        Block::Prose(_) | Block::File(_) | Block::Clue(_) => return None,
        Block::Step(step) => (format!("step `{}`", step.id), !step.exit.allows(0)),
        Block::Check(check) => (format!("check `{}`", check.name), false),
    };
    let span = place(&lesson.source, &block.span(), complaint.line);
    match &complaint.what {
        // It may be what the lesson is about.
        BashFault::Syntax(_) if may_fail => None,
        BashFault::Syntax(why) => {
            let message = format!("bash cannot read {title}: {why}");
            let error = Diagnostic::error(&lesson.path, span, message);
            Some(error.help(
                "each step and check is a whole script by itself: end in it what begins in it",
            ))
        }
        BashFault::HereDocument(word) => {
            let message = format!("a here-document of {title} lacks its last line `{word}`");
            let help = format!(
                "write `{word}` on a line of its own; where a line of the text ended the fence before it, give the fence a longer row"
            );
            Some(Diagnostic::warning(&lesson.path, span, message).help(help))
        }
    }
}

/// The line of a block's script, from 1, in the source; the last line of the block for one behind it.
fn place(source: &str, block: &Range<usize>, number: usize) -> Range<usize> {
    let mut start = block.start;
    for (at, _) in source[block.clone()].match_indices('\n').take(number) {
        start = block.start + at + 1;
    }
    start..line_end(source, start).min(block.end)
}
