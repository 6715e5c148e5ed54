//! `tutor review`, `accept` and `reject`: what to do with outputs that changed.

use super::arguments::{ReviewArguments, SettleArguments};
use super::context::{Context, ends};
use crate::exit::Exit;
use crate::plan::known;
use crate::render::paint::Paint;
use crate::render::verdict;
use crate::report::diff;
use crate::say;
use crate::snapshot::{Pending, Recorded, pending};
use crate::visible::visible_text;
use serde_json::json;
use std::io::{self, BufRead, IsTerminal, Write};

/// What to do with an output that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Accept,
    Reject,
}

/// `tutor accept` and `tutor reject`.
pub fn settle(
    context: &Context,
    arguments: &SettleArguments,
    choice: Choice,
) -> anyhow::Result<Exit> {
    let waiting = waiting(context, arguments.lesson.as_deref())?;
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
        // Nothing waits of a step that there is; one that there is not is a slip.
        if let (Some(lesson), Some(step)) = (&arguments.lesson, &arguments.step) {
            let course = context.load_course()?;
            let lesson = course.lesson(lesson).map_err(super::context::unusable)?;
            known(lesson, step).map_err(|error| ends(Exit::Usage, error.to_string()))?;
        }
        outln!("{}", say!("review-nothing"));
        return Ok(Exit::Success);
    }
    for found in chosen {
        do_with(found, choice)?;
    }
    Ok(Exit::Success)
}

/// `tutor review`.
pub fn review(context: &Context, arguments: &ReviewArguments) -> anyhow::Result<Exit> {
    let waiting = waiting(context, arguments.lesson.as_deref())?;
    if arguments.json {
        let rows = waiting
            .iter()
            .map(as_json)
            .collect::<anyhow::Result<Vec<_>>>()?;
        outln!("{:#}", json!({ "format": 1, "waiting": rows }));
        return Ok(Exit::Success);
    }
    if waiting.is_empty() {
        outln!("{}", say!("review-nothing"));
        return Ok(Exit::Success);
    }
    let asks = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut for_the_rest = None;
    for (index, found) in waiting.iter().enumerate() {
        show(context, found, index + 1, waiting.len())?;
        let choice = match (asks, for_the_rest) {
            (false, _) => None,
            (true, Some(choice)) => Some(choice),
            (true, None) => match ask(&context.stdout)? {
                Answer::One(choice) => choice,
                Answer::Rest(choice) => {
                    for_the_rest = Some(choice);
                    Some(choice)
                }
                Answer::Quit => return Ok(Exit::Success),
            },
        };
        if let Some(choice) = choice {
            do_with(found, choice)?;
        }
    }
    if !asks {
        context.tell(&say!("review-how", count = waiting.len()))?;
    }
    Ok(Exit::Success)
}

fn waiting(context: &Context, lesson: Option<&str>) -> anyhow::Result<Vec<Pending>> {
    let course = context.load_course()?;
    let Some(folder) = course.snapshot_dir() else {
        return Err(ends(Exit::Usage, say!("review-embedded")));
    };
    let name = match lesson {
        None => None,
        Some(key) => Some(
            &course
                .lesson(key)
                .map_err(super::context::unusable)?
                .front
                .name,
        ),
    };
    let found = pending(&folder)?;
    Ok(found
        .into_iter()
        .filter(|found| name.is_none_or(|name| found.name.lesson() == name))
        .collect())
}

fn do_with(found: &Pending, choice: Choice) -> anyhow::Result<()> {
    let (lesson, step) = (found.name.lesson(), found.name.step());
    match choice {
        Choice::Accept => {
            found.accept().map_err(super::context::with_help)?;
            outln!("{}", say!("review-accepted", lesson = lesson, step = step));
        }
        Choice::Reject => {
            found.reject().map_err(super::context::with_help)?;
            outln!("{}", say!("review-rejected", lesson = lesson, step = step));
        }
    }
    Ok(())
}

fn show(context: &Context, found: &Pending, number: usize, count: usize) -> anyhow::Result<()> {
    let paint = &context.stdout;
    let new = found.new_output().map_err(super::context::with_help)?;
    let old = found.old_output().map_err(super::context::with_help)?;
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
            print(paint.fitted_in(Paint::notable, "  ", &text))?;
            let plus = format!("    {} ", paint.good("+"));
            for line in new.text.as_str().lines() {
                print(verdict::behind_bar(&plus, 6, &visible_text(line), paint))?;
            }
        }
        Some(old) => {
            let old_place = say!("review-old", provenance = verdict::provenance(&old));
            print(paint.fitted_in(Paint::dim, "  ", &old_place))?;
            let new_place = say!("review-now", provenance = verdict::provenance(&new));
            print(paint.fitted_in(Paint::dim, "  ", &new_place))?;
            print(verdict::diff(&diff(&old.text, &new.text), paint))?;
        }
    }
    outln!("");
    Ok(())
}

fn print(lines: Vec<String>) -> io::Result<()> {
    for line in lines {
        outln!("{line}");
    }
    Ok(())
}

enum Answer {
    One(Option<Choice>),
    Rest(Choice),
    Quit,
}

fn ask(paint: &Paint) -> io::Result<Answer> {
    loop {
        let lines = paint.resized().fitted("", &say!("review-choices"));
        out!("{} ", lines.join("\n"));
        io::stdout().flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(Answer::Quit);
        }
        match line.trim() {
            "a" | "accept" => return Ok(Answer::One(Some(Choice::Accept))),
            "r" | "reject" => return Ok(Answer::One(Some(Choice::Reject))),
            "s" | "skip" | "" => return Ok(Answer::One(None)),
            "A" => return Ok(Answer::Rest(Choice::Accept)),
            "R" => return Ok(Answer::Rest(Choice::Reject)),
            "q" | "quit" => return Ok(Answer::Quit),
            _ => {}
        }
    }
}

fn as_json(found: &Pending) -> anyhow::Result<serde_json::Value> {
    let output = |recorded: &Recorded| {
        json!({
            "text": recorded.text.as_str(),
            "exit": recorded.exit,
            "environment": recorded.environment,
            "recorded": recorded.recorded,
        })
    };
    let new = found.new_output().map_err(super::context::with_help)?;
    let old = found.old_output().map_err(super::context::with_help)?;
    Ok(json!({
        "lesson": found.name.lesson(),
        "step": found.name.step(),
        "variant": found.name.variant(),
        "file": found.file(),
        "command": new.command,
        "new": output(&new),
        "old": old.as_ref().map(output),
    }))
}
