//! `tutor show`: a lesson without running it.

use super::arguments::ShowArguments;
use super::context::Context;
use super::hint;
use super::output::{out_json, paged};
use super::scripts;
use crate::consent::asks_for;
use crate::course::Course;
use crate::exit::Exit;
use crate::highlight::Budget;
use crate::lesson::{Block, Compare, Lesson, Step};
use crate::plan::{Plan, Selection};
use crate::render::paint::Paint;
use crate::render::{command, prose, verdict};
use crate::say;
use crate::snapshot::{OfCourse, OfLesson, Recipe, SnapshotError, recipes};
use crate::visible::visible_text;
use serde_json::json;

/// `tutor show`.
pub fn show(context: &Context, arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let course = context.known_course()?;
    let named = arguments.lesson.as_deref();
    let lesson = named.map(|key| context.lesson(&course, key));
    let lesson = lesson.transpose()?;
    let Some(lesson) = lesson.filter(|_| !arguments.all) else {
        return show_all(context, arguments, &course, lesson);
    };
    if arguments.json {
        let plan = Plan::new(lesson, &Selection::All)?;
        let mut plan = scripts::plan_as_json(&plan, &course, lesson);
        plan["title"] = json!(lesson.front.title);
        out_json(&plan)?;
        return Ok(Exit::Success);
    }
    let mut exit = Exit::Success;
    let text = page(&course, lesson, &context.stdout, &mut exit);
    match arguments.no_pager {
        true => out!("{text}"),
        false => paged(&text)?,
    }
    Ok(exit)
}

/// All that a lesson, or the whole course, would run and write.
fn show_all(
    context: &Context,
    arguments: &ShowArguments,
    course: &Course,
    lesson: Option<&Lesson>,
) -> anyhow::Result<Exit> {
    if lesson.is_none() {
        context.note_lacking(course);
    }
    let all = course.lessons.iter();
    let lessons: Vec<&Lesson> = lesson.map_or_else(|| all.collect(), |lesson| vec![lesson]);
    let scripts = course.scripts(&lessons);
    if arguments.json {
        let scripts = scripts::as_json(&scripts);
        out_json(&json!({ "format": 1, "asks_for": asks_for(course), "scripts": scripts }))?;
        return Ok(Exit::Success);
    }
    let mut lines = scripts::listed(&scripts, &context.stdout);
    for ask in asks_for(course) {
        lines.push(say!("consent-asks", what = ask));
    }
    let text = lines.join("\n") + "\n";
    match arguments.no_pager {
        true => out!("{text}"),
        false => paged(&text)?,
    }
    Ok(Exit::Success)
}

/// The whole lesson with recorded outputs, labelled as recorded. One that cannot be read is named in
/// its place, and is what the process ends with.
fn page(course: &Course, lesson: &Lesson, paint: &Paint, exit: &mut Exit) -> String {
    let mut lines = vec![paint.bold(&format!(
        "{}  {}",
        lesson.stem,
        visible_text(&lesson.front.title)
    ))];
    let goals = command::goals(lesson, paint);
    if !goals.is_empty() {
        lines.push(String::new());
        lines.extend(goals);
    }
    let files = OfCourse::new(course);
    let outputs = OfLesson::of(&files, &lesson.front.name);
    let recipes = recipes(lesson, &course.masks);
    let recorded = |step: &Step| match &outputs {
        Ok(outputs) => recorded(outputs, step, recipes.get(&*step.id), paint)
            .map_err(|error| unreadable(&error, paint)),
        Err(error) => Err(unreadable(error, paint)),
    };
    let mut budget = Budget::default();
    for block in &lesson.blocks {
        lines.push(String::new());
        match block {
            Block::Prose(text) => lines.extend(prose::lines(&text.nodes, paint)),
            Block::File(file) => lines.extend(command::file(file, &mut budget, paint)),
            Block::Step(step) => {
                lines.extend(command::lines(step, paint));
                lines.extend(recorded(step).unwrap_or_else(|told| {
                    *exit = Exit::Lacking;
                    told
                }));
            }
            Block::Clue(clue) => {
                let text = say!(
                    "show-clue",
                    summary = clue.summary.as_str(),
                    command = hint::command(lesson, clue)
                );
                let lead = format!("  {} ", paint.mark("▸", ">"));
                lines.extend(paint.fitted_in(Paint::dim, &lead, &text));
            }
            Block::Check(check) => {
                let text = say!(
                    "show-check",
                    sentence = check.sentence.as_str(),
                    expect = check.expect.to_string()
                );
                let lead = format!("  {} ", paint.mark("•", "*"));
                lines.extend(paint.fitted_in(Paint::dim, &lead, &text));
            }
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn unreadable(error: &SnapshotError, paint: &Paint) -> Vec<String> {
    let mut lines = paint.fitted_in(Paint::bad, "  ", &error.to_string());
    let help = say!("help", text = error.help());
    lines.extend(paint.fitted_in(Paint::advice, "  ", &help));
    lines
}

fn recorded(
    outputs: &OfLesson<'_>,
    step: &Step,
    recipe: Option<&Recipe<'_>>,
    paint: &Paint,
) -> Result<Vec<String>, SnapshotError> {
    let Some(found) = outputs.all_variants(&step.id).into_iter().next() else {
        if step.compare == Compare::None {
            return Ok(Vec::new());
        }
        return Ok(paint.fitted_in(Paint::dim, "  ", &say!("show-unrecorded")));
    };
    let found = found?;
    let stale = recipe.map_or_else(Vec::new, |recipe| found.stale_for(recipe));
    Ok(verdict::as_recorded(&found, &stale, paint))
}
