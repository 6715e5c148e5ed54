//! `tutor hint`: one hint after the other to an exercise of a lesson, and its solution.

use super::arguments::HintArguments;
use super::context::Context;
use super::failure::ends;
use super::output::{out_json, print};
use crate::diagnostic::nearest;
use crate::exit::Exit;
use crate::highlight::Budget;
use crate::lesson::{Block, Clue, ClueKind, Lesson, Step};
use crate::render::paint::Paint;
use crate::render::{command as drawn, prose};
use crate::say;
use crate::store::{Progress, StepProgress};
use crate::visible::visible_text;
use serde_json::{Value, json};

/// `tutor hint`.
pub fn hint(context: &Context, arguments: &HintArguments) -> anyhow::Result<Exit> {
    let course = context.known_course()?;
    let lesson = context.lesson(&course, &arguments.lesson)?;
    let key = context.key(&course, lesson);
    let store = context.store();
    let mut progress = store.progress(&key)?;
    let Some(name) = &arguments.exercise else {
        return listed(context, lesson, &progress, arguments.json);
    };
    let exercise = exercise_of(lesson, name)?;
    let shown = shown(lesson, exercise, &progress, arguments);
    if shown.is_empty() {
        context.note(&say!(
            "hint-none",
            lesson = lesson.stem.as_str(),
            name = exercise.id.as_str()
        ));
    }
    match arguments.json {
        true => out_json(&json!({
            "format": 1,
            "lesson": lesson.stem,
            "exercise": exercise.id,
            "shown": shown.iter().map(|clue| as_json(lesson, clue)).collect::<Vec<_>>(),
        }))?,
        false => {
            for clue in &shown {
                print(&(lines(clue, &context.stdout).join("\n") + "\n"))?;
            }
        }
    }
    let last = shown.iter().filter_map(|clue| number(clue)).max();
    if let Some(last) = last {
        let seen = progress.hints.entry(exercise.id.clone()).or_default();
        *seen = last.max(*seen);
        store.set_progress(&key, &progress)?;
        if !arguments.json {
            let left = lesson.hints(exercise).count() - last;
            context.note(&say!(
                "hint-more",
                left = left,
                lesson = lesson.stem.as_str(),
                name = exercise.id.as_str()
            ));
        }
    }
    Ok(Exit::Success)
}

/// The command that shows a hint or a solution.
pub fn command(lesson: &Lesson, clue: &Clue) -> String {
    let (lesson, exercise) = (&lesson.stem, &clue.exercise);
    match clue.kind {
        ClueKind::Hint(_) => format!("tutor hint {lesson} {exercise}"),
        ClueKind::Solution => format!("tutor hint {lesson} {exercise} --solution"),
    }
}

/// A hint or a solution with what stands in it.
pub fn lines(clue: &Clue, paint: &Paint) -> Vec<String> {
    let mut lines = vec![paint.bold(&visible_text(&clue.summary))];
    for block in &clue.blocks {
        lines.push(String::new());
        match block {
            Block::Prose(text) => lines.extend(prose::lines(&text.nodes, paint)),
            Block::File(file) => lines.extend(drawn::file(file, &mut Budget::default(), paint)),
            Block::Step(_) | Block::Check(_) | Block::Clue(_) => {}
        }
    }
    lines
}

/// What is asked for: the hint after those that were shown, or what the options name.
fn shown<'l>(
    lesson: &'l Lesson,
    exercise: &Step,
    progress: &Progress,
    arguments: &HintArguments,
) -> Vec<&'l Clue> {
    let hints: Vec<&Clue> = lesson.hints(exercise).collect();
    if arguments.solution {
        return lesson.solution(exercise).into_iter().collect();
    }
    if arguments.all {
        return hints;
    }
    let next = progress.clone().next_hint(exercise, hints.len());
    next.map(|number| hints[number - 1]).into_iter().collect()
}

fn number(clue: &Clue) -> Option<usize> {
    match clue.kind {
        ClueKind::Hint(number) => Some(number),
        ClueKind::Solution => None,
    }
}

/// The exercises of a lesson, and how far the learner is.
fn listed(
    context: &Context,
    lesson: &Lesson,
    progress: &Progress,
    as_json: bool,
) -> anyhow::Result<Exit> {
    let rows: Vec<(&Step, usize, usize, bool)> = lesson
        .exercises()
        .map(|exercise| {
            let hints = lesson.hints(exercise).count();
            let seen = progress.hints.get(&exercise.id).copied().unwrap_or(0);
            let is_solved = progress.standing(exercise) == StepProgress::Done;
            (exercise, hints, seen.min(hints), is_solved)
        })
        .collect();
    if as_json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(exercise, hints, seen, is_solved)| {
                let starts = lesson.starts(exercise).into_iter();
                json!({
                    "exercise": exercise.id,
                    "files": starts.map(|file| &file.path).collect::<Vec<_>>(),
                    "hints": hints,
                    "seen": seen,
                    "solved": is_solved,
                })
            })
            .collect();
        out_json(&json!({ "format": 1, "lesson": lesson.stem, "exercises": rows }))?;
        return Ok(Exit::Success);
    }
    if rows.is_empty() {
        context.note(&say!("hint-no-exercise", lesson = lesson.stem.as_str()));
    }
    for (exercise, hints, seen, is_solved) in rows {
        let solved = match is_solved {
            true => say!("hint-solved"),
            false => say!("hint-open"),
        };
        outln!(
            "{}",
            say!(
                "hint-row",
                name = exercise.id.as_str(),
                solved = solved,
                hints = hints,
                seen = seen.to_string()
            )
        );
    }
    Ok(Exit::Success)
}

fn exercise_of<'l>(lesson: &'l Lesson, name: &str) -> anyhow::Result<&'l Step> {
    if let Some(exercise) = lesson.exercises().find(|one| one.id == name) {
        return Ok(exercise);
    }
    let names: Vec<&str> = lesson.exercises().map(|one| one.id.as_str()).collect();
    let stem = lesson.stem.as_str();
    let message = match (nearest(name, names.iter().copied()), names.is_empty()) {
        (_, true) => say!("hint-no-exercise", lesson = stem),
        (Some(meant), _) => say!("no-exercise-but", lesson = stem, name = name, meant = meant),
        (None, _) => say!(
            "no-exercise",
            lesson = stem,
            name = name,
            names = names.join(", ")
        ),
    };
    Err(ends(Exit::Usage, message))
}

fn as_json(lesson: &Lesson, clue: &Clue) -> Value {
    let text = |block: &Block| match block {
        Block::Prose(text) => Some(lesson.source[text.span.clone()].to_owned()),
        Block::File(_) | Block::Step(_) | Block::Check(_) | Block::Clue(_) => None,
    };
    let text: Vec<String> = clue.blocks.iter().filter_map(text).collect();
    let files = clue.files();
    json!({
        "number": number(clue),
        "summary": clue.summary,
        "text": text.join("\n\n"),
        "files": files.map(|file| json!({ "file": file.path, "content": file.content })).collect::<Vec<_>>(),
    })
}
