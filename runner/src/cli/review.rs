//! `tutor review`, `accept` and `reject`: what to do with outputs that changed.

use super::arguments::{AcceptArguments, ReviewArguments, SettleArguments};
use super::context::Context;
use super::failure::ends;
use super::output::{out_json, print_lines, typed_line};
use crate::course::Course;
use crate::diagnostic::line_column;
use crate::exit::Exit;
use crate::plan::known;
use crate::render::paint::Paint;
use crate::render::{difference, verdict};
use crate::report::diff;
use crate::say;
use crate::snapshot::{
    HeldCheck, Orphan, Owners, Pending, Recorded, SnapshotError, Stale, orphans, pending, remove,
    stale_words,
};
use crate::visible::visible_text;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

/// The decision about an output that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept(AfterFailure),
    Reject,
}

/// What becomes of outputs that were made after a failure in the same run, when others are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    LeaveAlone,
    Accept,
}

/// `tutor accept`.
pub fn accept(context: &Context, arguments: &AcceptArguments) -> anyhow::Result<Exit> {
    if arguments.prune {
        return prune(context);
    }
    let after_failure = match arguments.after_failure {
        true => AfterFailure::Accept,
        false => AfterFailure::LeaveAlone,
    };
    settle(context, &arguments.settle, Decision::Accept(after_failure))
}

/// `tutor accept --prune`. In a course with an error, a step that could not be read would look like
/// one that is gone.
fn prune(context: &Context) -> anyhow::Result<Exit> {
    let course = context.sound_course()?;
    let Some(folder) = course.snapshot_dir() else {
        return Err(ends(Exit::Usage, say!("review-embedded")));
    };
    let orphans = orphans(&folder, &Owners::of(&course))?;
    if orphans.is_empty() {
        outln!("{}", say!("prune-nothing"));
    }
    let mut exit = Exit::Success;
    for (file, orphan) in orphans {
        let (name, why) = (file.display().to_string(), orphan.to_string());
        match remove(&folder, &file) {
            Ok(()) => outln!("{}", say!("prune-removed", file = name, why = why)),
            Err(error) => exit = exit.worst(left_alone(&error)),
        }
    }
    Ok(exit)
}

/// `tutor accept` without options, and `tutor reject`.
pub fn settle(
    context: &Context,
    arguments: &SettleArguments,
    choice: Decision,
) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let owners = Owners::of(&course);
    let waiting = waiting(context, &course, &owners, arguments.lesson.as_deref())?;
    let chosen: Vec<&Pending> = waiting
        .iter()
        .filter(|found| {
            arguments
                .step
                .as_ref()
                .is_none_or(|step| found.name.step() == step)
        })
        .collect();
    if chosen.is_empty() {
        // A step without a waiting output is fine; a step that does not exist is a mistake.
        if let (Some(lesson), Some(step)) = (&arguments.lesson, &arguments.step) {
            let lesson = context.lesson(&course, lesson)?;
            known(lesson, step).map_err(|error| ends(Exit::Usage, error))?;
        }
        outln!("{}", say!("review-nothing"));
        return Ok(Exit::Success);
    }
    let mut exit = Exit::Success;
    for found in chosen {
        exit = exit.worst(do_with(&owners, found, choice)?);
    }
    Ok(exit)
}

/// `tutor review`.
pub fn review(context: &Context, arguments: &ReviewArguments) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let owners = Owners::of(&course);
    let waiting = waiting(context, &course, &owners, arguments.lesson.as_deref())?;
    let mut exit = Exit::Success;
    if arguments.json {
        let mut rows = Vec::new();
        for found in &waiting {
            match as_json(&owners, found) {
                Ok(row) => rows.push(row),
                Err(error) => exit = exit.worst(left_alone(&error)),
            }
        }
        out_json(&json!({ "format": 1, "waiting": rows }))?;
        return Ok(exit);
    }
    if waiting.is_empty() {
        outln!("{}", say!("review-nothing"));
        return Ok(Exit::Success);
    }
    let asks = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut for_the_rest = None;
    let mut shown = 0;
    for (index, found) in waiting.iter().enumerate() {
        if let Some(orphan) = owners.orphan(&found.name, None) {
            context.tell(&of_no_step(found, orphan))?;
            continue;
        }
        if let Err(error) = show(context, &owners, found, index + 1, waiting.len())? {
            exit = exit.worst(left_alone(&error));
            continue;
        }
        shown += 1;
        let choice = match (asks, for_the_rest) {
            (false, _) => None,
            (true, Some(choice)) => Some(choice),
            (true, None) => match ask(&context.stdout)? {
                ReviewAnswer::One(choice) => choice,
                ReviewAnswer::Rest(choice) => {
                    for_the_rest = Some(choice);
                    Some(choice)
                }
                ReviewAnswer::Quit => return Ok(exit),
            },
        };
        if let Some(choice) = choice {
            exit = exit.worst(do_with(&owners, found, choice)?);
        }
    }
    if !asks && shown > 0 {
        context.tell(&say!("review-how", count = shown))?;
    }
    Ok(exit)
}

/// What waits, in the order of the course; what is of no step comes last.
fn waiting(
    context: &Context,
    course: &Course,
    owners: &Owners<'_>,
    lesson: Option<&str>,
) -> anyhow::Result<Vec<Pending>> {
    let Some(folder) = course.snapshot_dir() else {
        return Err(ends(Exit::Usage, say!("review-embedded")));
    };
    let name = match lesson {
        None => None,
        Some(key) => Some(&context.lesson(course, key)?.front.name),
    };
    let mut found = pending(&folder)?;
    found.retain(|found| name.is_none_or(|name| found.name.lesson() == name));
    let place = |found: &Pending| owners.owner(&found.name).map(|owner| owner.place);
    found.sort_by_key(|found| (place(found).is_none(), place(found)));
    Ok(found)
}

/// Settles one output. One that cannot be settled is named and left alone, and the others go on.
fn do_with(owners: &Owners<'_>, found: &Pending, choice: Decision) -> anyhow::Result<Exit> {
    let shown = shown_name(owners, found);
    let shown = shown.as_str();
    let settled = match choice {
        Decision::Accept(after_failure) => match found
            .new_output()
            .map(|new| refusal(owners, found, &new, after_failure))
        {
            Ok(None) => found.accept(owners.former(&found.name).as_ref()),
            Ok(Some(why)) => {
                noteln!("{why}");
                return Ok(Exit::Lacking);
            }
            Err(error) => Err(error),
        },
        Decision::Reject => found.reject(),
    };
    match (settled, choice) {
        (Err(error), _) => return Ok(left_alone(&error)),
        (Ok(()), Decision::Accept(_)) => {
            outln!("{}", say!("review-accepted", name = shown));
        }
        (Ok(()), Decision::Reject) => {
            outln!("{}", say!("review-rejected", name = shown));
        }
    }
    Ok(Exit::Success)
}

/// Why an output is not to be accepted, if there is a reason: it must be what a step prints now.
fn refusal(
    owners: &Owners<'_>,
    found: &Pending,
    new: &Recorded,
    after_failure: AfterFailure,
) -> Option<String> {
    if let Some(orphan) = owners.orphan(&found.name, Some(new)) {
        return Some(of_no_step(found, orphan));
    }
    // One that was made after a failure is marked, and can be accepted all the same.
    let is_of_now =
        |stale: &Stale| matches!(stale, Stale::CheckMissing(_) | Stale::AfterFailure(_));
    let mut stale = owners.stale(new);
    stale.retain(|stale| !is_of_now(stale));
    let name = shown_name(owners, found);
    let lesson = name.split('/').next().unwrap_or_default();
    if !stale.is_empty() {
        let reasons = stale_words(&stale);
        let why = say!(
            "review-stale",
            name = &*name,
            lesson = lesson,
            reasons = reasons
        );
        return Some(why);
    }
    let failed = new.after_failure.as_ref();
    let failed = failed.filter(|_| after_failure == AfterFailure::LeaveAlone);
    failed.map(|failed| {
        say!(
            "review-after-failure",
            name = &*name,
            lesson = lesson,
            failed = failed.as_str()
        )
    })
}

fn of_no_step(found: &Pending, orphan: Orphan) -> String {
    let file = found.new_file().display().to_string();
    say!("review-no-step", file = file, why = orphan.to_string())
}

/// Says why an output is left as it is, and returns what that makes the process end with.
fn left_alone(error: &SnapshotError) -> Exit {
    noteln!("{}: {}", say!("error"), visible_text(&error.to_string()));
    noteln!("{}", say!("help", text = error.help()));
    Exit::Lacking
}

/// Shows an output beside the accepted one, or returns which of them cannot be read.
fn show(
    context: &Context,
    owners: &Owners<'_>,
    found: &Pending,
    number: usize,
    count: usize,
) -> anyhow::Result<Result<(), SnapshotError>> {
    let paint = &context.stdout;
    let old_output = || found.old_output(owners.former(&found.name).as_ref());
    let (new, old) = match found.new_output().and_then(|new| Ok((new, old_output()?))) {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    print_title(owners, found, (number, count), paint)?;
    for (line_number, line) in paint.code("sh", &new.command).into_iter().enumerate() {
        outln!(
            "  {} {line}",
            paint.dim(if line_number == 0 { "$" } else { " " })
        );
    }
    let base = match (&old, found.base_output()) {
        (None, Ok(base)) => base,
        (Some(_), _) | (None, Err(_)) => None,
    };
    let provenance = verdict::provenance;
    let beside = match (&old, &base) {
        (Some(old), _) => {
            let label = say!(
                "review-old",
                ended = ended(old),
                provenance = provenance(old)
            );
            Some((old, label))
        }
        (None, Some(base)) => {
            let label = say!(
                "review-base",
                ended = ended(base),
                provenance = provenance(base)
            );
            Some((base, label))
        }
        (None, None) => None,
    };
    match beside {
        None => {
            let label = say!(
                "review-new",
                ended = ended(&new),
                provenance = provenance(&new)
            );
            print_lines(paint.fitted_in(Paint::notable, "  ", &label))?;
            if new.text.as_str().is_empty() {
                outln!("    {}", paint.dim(&say!("review-silent")));
            }
            let plus = format!("    {} ", paint.good("+"));
            for line in new.text.as_str().lines() {
                print_lines(verdict::behind_bar(&plus, 6, &visible_text(line), paint))?;
            }
        }
        Some((beside, label)) => {
            let now = say!(
                "review-now",
                ended = ended(&new),
                provenance = provenance(&new)
            );
            print_lines(paint.fitted_in(Paint::dim, "  ", &label))?;
            print_lines(paint.fitted_in(Paint::dim, "  ", &now))?;
            if beside.text.is_same(&new.text) {
                outln!("    {}", paint.dim(&say!("review-same")));
            }
            print_lines(difference::diff(&diff(&beside.text, &new.text), paint))?;
        }
    }
    for line in check_lines(old.as_ref(), &new) {
        print_lines(paint.fitted_in(Paint::dim, "  ", &line))?;
    }
    if let Some(failed) = &new.after_failure {
        let why = say!("review-failed-before", failed = failed.as_str());
        print_lines(paint.fitted_in(Paint::notable, "  ", &why))?;
    }
    if let Some(why) = refusal(owners, found, &new, AfterFailure::Accept) {
        print_lines(paint.fitted_in(Paint::notable, "  ", &why))?;
    }
    outln!("");
    Ok(Ok(()))
}

/// Lesson and step as `tutor test` shows them, and of which environment the output is:
/// `lesson-3/large@kernel-6.1`.
fn shown_name(owners: &Owners<'_>, found: &Pending) -> String {
    let lesson = match owners.owner(&found.name) {
        Some(owner) => &*owner.lesson.stem,
        None => found.name.lesson(),
    };
    let variant = found.name.variant();
    let variant = variant.map_or_else(String::new, |variant| format!("@{variant}"));
    format!("{lesson}/{}{variant}", found.name.step())
}

fn print_title(
    owners: &Owners<'_>,
    found: &Pending,
    (number, count): (usize, usize),
    paint: &Paint,
) -> io::Result<()> {
    let of = format!("({number}/{count})");
    let place = match owners.owner(&found.name) {
        Some(owner) => {
            let lesson = owner.lesson;
            let (line, _) = line_column(&lesson.source, owner.step.span.start);
            format!("{}:{line} {of}", lesson.path.display())
        }
        None => of,
    };
    let name = paint.bold(&shown_name(owners, found));
    outln!("{name} {}", paint.dim(&place));
    Ok(())
}

/// How a step ended, in words.
fn ended(recorded: &Recorded) -> String {
    match recorded.exit.parse::<i32>() {
        Ok(status) => say!("review-exit", status = status),
        Err(_) => recorded.exit.clone(),
    }
}

/// What was checked, and which checks are gone.
fn check_lines(old: Option<&Recorded>, new: &Recorded) -> Vec<String> {
    let of = |recorded: &'_ Recorded| recorded.made.clone().unwrap_or_default().checks;
    let (old, new) = (old.map(of).unwrap_or_default(), of(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let line = |name: &&String| match new.get(*name) {
        Some(check) => {
            let (value, claim) = (check.value.as_str(), check.claim.to_string());
            say!(
                "review-check",
                name = name.as_str(),
                value = value,
                claim = claim
            )
        }
        None => say!("review-check-gone", name = name.as_str()),
    };
    names.iter().map(line).collect()
}

enum ReviewAnswer {
    One(Option<Decision>),
    Rest(Decision),
    Quit,
}

fn ask(paint: &Paint) -> io::Result<ReviewAnswer> {
    loop {
        let lines = paint.resized().fitted("", &say!("review-choices"));
        out!("{} ", lines.join("\n"));
        io::stdout().flush()?;
        let Some(line) = typed_line()? else {
            return Ok(ReviewAnswer::Quit);
        };
        match line.trim() {
            // Who answers has just read that it was made after a failure.
            "a" | "accept" => {
                let accept = Decision::Accept(AfterFailure::Accept);
                return Ok(ReviewAnswer::One(Some(accept)));
            }
            "r" | "reject" => return Ok(ReviewAnswer::One(Some(Decision::Reject))),
            "s" | "skip" | "" => return Ok(ReviewAnswer::One(None)),
            "A" => {
                let accept = Decision::Accept(AfterFailure::LeaveAlone);
                return Ok(ReviewAnswer::Rest(accept));
            }
            "R" => return Ok(ReviewAnswer::Rest(Decision::Reject)),
            "q" | "quit" => return Ok(ReviewAnswer::Quit),
            _ => {}
        }
    }
}

fn as_json(owners: &Owners<'_>, found: &Pending) -> Result<serde_json::Value, SnapshotError> {
    let output = |recorded: &Recorded| {
        json!({
            "text": recorded.text.as_str(),
            "exit": recorded.exit,
            "environment": recorded.environment,
            "recorded": recorded.recorded,
            "checks": recorded.made.as_ref().map(|made| {
                let check = |(name, check): (&String, &HeldCheck)| {
                    let value = json!({ "claim": check.claim.to_string(), "value": check.value });
                    (name.clone(), value)
                };
                made.checks.iter().map(check).collect::<serde_json::Map<_, _>>()
            }),
        })
    };
    let new = found.new_output()?;
    let old = found.old_output(owners.former(&found.name).as_ref())?;
    Ok(json!({
        "lesson": found.name.lesson(),
        "step": found.name.step(),
        "variant": found.name.variant(),
        "file": found.file(),
        "command": new.command,
        "new": output(&new),
        "old": old.as_ref().map(output),
        "after_failure": new.after_failure,
        "left_alone": refusal(owners, found, &new, AfterFailure::LeaveAlone),
    }))
}
