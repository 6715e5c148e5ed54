//! `tutor review`, `accept` and `reject`: what to do with outputs that changed.

use super::arguments::{ReviewArguments, SettleArguments};
use super::context::Context;
use super::failure::{ends, unusable};
use super::output::{out_json, print_lines};
use crate::course::Course;
use crate::exit::Exit;
use crate::plan::known;
use crate::render::paint::Paint;
use crate::render::{difference, verdict};
use crate::report::diff;
use crate::say;
use crate::snapshot::{self, Owners, Pending, Recorded, SnapshotError, pending};
use crate::visible::visible_text;
use serde_json::json;
use std::io::{self, BufRead, IsTerminal, Write};

/// The decision about an output that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Accept,
    Reject,
}

/// `tutor accept` and `tutor reject`.
pub fn settle(
    context: &Context,
    arguments: &SettleArguments,
    choice: Decision,
) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    let waiting = waiting(&course, arguments.lesson.as_deref())?;
    let owners = Owners::of(&course);
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
            let lesson = course.lesson(lesson).map_err(unusable)?;
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
    let waiting = waiting(&course, arguments.lesson.as_deref())?;
    let owners = Owners::of(&course);
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
        if owners.step(&found.name).is_none() {
            context.tell(&no_step(found))?;
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

fn waiting(course: &Course, lesson: Option<&str>) -> anyhow::Result<Vec<Pending>> {
    let Some(folder) = course.snapshot_dir() else {
        return Err(ends(Exit::Usage, say!("review-embedded")));
    };
    let name = match lesson {
        None => None,
        Some(key) => Some(&course.lesson(key).map_err(unusable)?.front.name),
    };
    let found = pending(&folder)?;
    Ok(found
        .into_iter()
        .filter(|found| name.is_none_or(|name| found.name.lesson() == name))
        .collect())
}

/// Settles one output. One that cannot be settled is named and left alone, and the others go on.
fn do_with(owners: &Owners<'_>, found: &Pending, choice: Decision) -> anyhow::Result<Exit> {
    let (lesson, step) = (found.name.lesson(), found.name.step());
    let settled = match choice {
        Decision::Accept => match refusal(owners, found) {
            Ok(None) => found.accept(),
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
        (Ok(()), Decision::Accept) => {
            outln!("{}", say!("review-accepted", lesson = lesson, step = step));
        }
        (Ok(()), Decision::Reject) => {
            outln!("{}", say!("review-rejected", lesson = lesson, step = step));
        }
    }
    Ok(Exit::Success)
}

/// Why an output is not to be accepted, if there is a reason: it must be what a step prints now.
fn refusal(owners: &Owners<'_>, found: &Pending) -> Result<Option<String>, SnapshotError> {
    let Some(step) = owners.step(&found.name) else {
        return Ok(Some(no_step(found)));
    };
    let (lesson, id) = (found.name.lesson(), found.name.step());
    let is_old = !snapshot::is_of_now(step, &found.new_output()?);
    Ok(is_old.then(|| say!("review-old-command", lesson = lesson, step = id)))
}

fn no_step(found: &Pending) -> String {
    let file = found.new_file().display().to_string();
    say!("review-no-step", file = file)
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
    let read = || {
        Ok((
            found.new_output()?,
            found.old_output()?,
            refusal(owners, found)?,
        ))
    };
    let (new, old, refusal) = match read() {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let title = format!("{} / {}", found.name.lesson(), found.name.step());
    let title = match found.name.variant() {
        None => title,
        Some(variant) => format!("{title} @ {variant}"),
    };
    outln!(
        "{} {}",
        paint.bold(&title),
        paint.dim(&format!("({number}/{count})"))
    );
    for (line_number, line) in paint.code("sh", &new.command).into_iter().enumerate() {
        outln!(
            "  {} {line}",
            paint.dim(if line_number == 0 { "$" } else { " " })
        );
    }
    match old {
        None => {
            let text = say!("review-new", provenance = verdict::provenance(&new));
            print_lines(paint.fitted_in(Paint::notable, "  ", &text))?;
            let plus = format!("    {} ", paint.good("+"));
            for line in new.text.as_str().lines() {
                print_lines(verdict::behind_bar(&plus, 6, &visible_text(line), paint))?;
            }
        }
        Some(old) => {
            let old_place = say!("review-old", provenance = verdict::provenance(&old));
            print_lines(paint.fitted_in(Paint::dim, "  ", &old_place))?;
            let new_place = say!("review-now", provenance = verdict::provenance(&new));
            print_lines(paint.fitted_in(Paint::dim, "  ", &new_place))?;
            print_lines(difference::diff(&diff(&old.text, &new.text), paint))?;
        }
    }
    if let Some(why) = refusal {
        print_lines(paint.fitted_in(Paint::notable, "  ", &why))?;
    }
    outln!("");
    Ok(Ok(()))
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
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(ReviewAnswer::Quit);
        }
        match line.trim() {
            "a" | "accept" => return Ok(ReviewAnswer::One(Some(Decision::Accept))),
            "r" | "reject" => return Ok(ReviewAnswer::One(Some(Decision::Reject))),
            "s" | "skip" | "" => return Ok(ReviewAnswer::One(None)),
            "A" => return Ok(ReviewAnswer::Rest(Decision::Accept)),
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
        })
    };
    let new = found.new_output()?;
    let old = found.old_output()?;
    Ok(json!({
        "lesson": found.name.lesson(),
        "step": found.name.step(),
        "variant": found.name.variant(),
        "file": found.file(),
        "command": new.command,
        "new": output(&new),
        "old": old.as_ref().map(output),
        "left_alone": refusal(owners, found)?,
    }))
}
