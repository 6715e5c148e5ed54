//! Commands that only read: `list` and `show`.

use super::arguments::{ListArguments, ShowArguments};
use super::context::Context;
use super::failure::unusable;
use super::output::{out_json, paged, print};
use super::scripts;
use crate::consent::asks_for;
use crate::course::Course;
use crate::exit::Exit;
use crate::highlight::Budget;
use crate::lesson::{Block, Compare, Lesson};
use crate::plan::{Plan, Selection};
use crate::render::paint::Paint;
use crate::render::verdict::Style;
use crate::render::{command, prose};
use crate::say;
use crate::snapshot::{OfCourse, OfLesson, SnapshotError};
use crate::store::StepProgress;
use crate::visible::visible_text;
use serde_json::json;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// `tutor list`.
pub fn list(context: &Context, arguments: &ListArguments) -> anyhow::Result<Exit> {
    let store = context.store();
    let mut out = String::new();
    if store.is_untouched() && !arguments.json {
        return untouched(context);
    }
    let course = context.known_course()?;
    if arguments.json {
        let mut rows = Vec::new();
        for lesson in &course.lessons {
            let progress = store.progress(&context.key(&course, lesson))?;
            let done = lesson
                .steps()
                .filter(|step| progress.standing(step) == StepProgress::Done)
                .count();
            rows.push(json!({
                "lesson": lesson.stem,
                "name": lesson.front.name,
                "title": lesson.front.title,
                "time": lesson.front.time,
                "goals": lesson.front.goals,
                "steps": lesson.steps().map(|step| &step.id).collect::<Vec<_>>(),
                "done": done,
            }));
        }
        let whole = json!({ "format": 1, "title": course.title, "lessons": rows });
        out_json(&whole)?;
        return Ok(Exit::Success);
    }
    let paint = &context.stdout;
    writeln!(out, "{}", paint.bold(&visible_text(&course.title)))?;
    let stems = course
        .lessons
        .iter()
        .map(|lesson| lesson.stem.width())
        .max()
        .unwrap_or(0);
    let titles = course
        .lessons
        .iter()
        .map(|lesson| visible_text(&lesson.front.title).width())
        .max()
        .unwrap_or(0);
    for lesson in &course.lessons {
        let progress = store.progress(&context.key(&course, lesson))?;
        let standing = |wanted| {
            lesson
                .steps()
                .filter(|step| progress.standing(step) == wanted)
                .count()
        };
        let (done, changed, all) = (
            standing(StepProgress::Done),
            standing(StepProgress::Changed),
            lesson.steps().count(),
        );
        let state = match (done, changed) {
            (0, 0) => (say!("standing-new", count = all), Paint::dim as Style),
            (_, 0) if done == all => (say!("standing-done", count = all), Paint::good as Style),
            (_, 0) => {
                let text = say!("standing-here", done = done, count = all);
                (text, plain as Style)
            }
            _ => {
                let text = say!(
                    "standing-changed",
                    done = done,
                    count = all,
                    changed = changed
                );
                (text, Paint::notable as Style)
            }
        };
        let (state, style) = state;
        let columns = (stems, titles);
        let cells = [&*lesson.stem, &visible_text(&lesson.front.title), &state];
        write_row(&mut out, columns, cells, style, paint)?;
    }
    print(&out)?;
    Ok(Exit::Success)
}

/// The list for somebody who has not begun: it needs no lesson's text, and is the first thing seen.
fn untouched(context: &Context) -> anyhow::Result<Exit> {
    let mut out = String::new();
    let contents = context.contents()?;
    if contents.is_of_unknown_format {
        context.known_course()?;
    }
    let paint = &context.stdout;
    writeln!(out, "{}", paint.bold(&visible_text(&contents.title)))?;
    let rows = &contents.lessons;
    let stems = rows.iter().map(|row| row.stem.width()).max().unwrap_or(0);
    let titles = rows
        .iter()
        .map(|row| visible_text(&row.front.title).width())
        .max()
        .unwrap_or(0);
    for row in rows {
        let time = visible_text(row.front.time.as_deref().unwrap_or(""));
        let cells = [&*row.stem, &visible_text(&row.front.title), &time];
        write_row(&mut out, (stems, titles), cells, Paint::dim, paint)?;
    }
    print(&out)?;
    Ok(Exit::Success)
}

fn plain(_: &Paint, text: &str) -> String {
    text.to_owned()
}

/// A row of the list: the stem, the title, and the rest below them where the terminal is narrow.
fn write_row(
    out: &mut String,
    (stems, titles): (usize, usize),
    [stem, title, rest]: [&str; 3],
    style: Style,
    paint: &Paint,
) -> std::fmt::Result {
    let stem_gap = " ".repeat(stems - stem.width());
    let lead = format!("  {stem}{stem_gap}  ");
    if paint.live && lead.width() + titles + 2 + rest.width() > paint.columns {
        for line in paint.fitted(&lead, title) {
            writeln!(out, "{line}")?;
        }
        let blank = " ".repeat(lead.width());
        for line in paint.fitted_in(style, &blank, rest) {
            writeln!(out, "{line}")?;
        }
        return Ok(());
    }
    let title_gap = " ".repeat(titles - title.width());
    let (stem, rest) = (paint.bold(stem), style(paint, rest));
    let line = format!("  {stem}{stem_gap}  {title}{title_gap}  {rest}");
    writeln!(out, "{}", line.trim_end())
}

/// `tutor show`.
pub fn show(context: &Context, arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let course = context.known_course()?;
    let named = arguments.lesson.as_deref();
    let lesson = named.map(|key| course.lesson(key).map_err(unusable));
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
    let files = OfCourse(course);
    let outputs = OfLesson::of(&files, &lesson.front.name);
    let recorded = |step: &str| match &outputs {
        Ok(outputs) => recorded(outputs, step, paint).map_err(|error| unreadable(&error, paint)),
        Err(error) => Err(unreadable(error, paint)),
    };
    let mut budget = Budget::default();
    for block in &lesson.blocks {
        lines.push(String::new());
        match block {
            Block::Prose(text) => lines.extend(prose::lines(&text.nodes, paint)),
            Block::File(file) => {
                lines.push(paint.bold(&visible_text(&file.path.display().to_string())));
                let bar = paint.dim(paint.mark("│", "|"));
                let language = budget.language(&file.language, &file.content);
                let code = paint.code(language, &file.content);
                lines.extend(
                    code.into_iter()
                        .map(|line| format!("  {bar} {line}").trim_end().to_owned()),
                );
            }
            Block::Step(step) => {
                lines.extend(command::lines(step, paint));
                if step.compare == Compare::Snapshot {
                    lines.extend(recorded(&step.id).unwrap_or_else(|told| {
                        *exit = Exit::Lacking;
                        told
                    }));
                }
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
    step: &str,
    paint: &Paint,
) -> Result<Vec<String>, SnapshotError> {
    let Some(found) = outputs.all_variants(step).into_iter().next() else {
        return Ok(paint.fitted_in(Paint::dim, "  ", &say!("show-unrecorded")));
    };
    Ok(crate::render::verdict::as_recorded(&found?, paint))
}
