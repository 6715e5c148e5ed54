//! `tutor list`.

use super::arguments::JsonArguments;
use super::context::Context;
use super::output::{out_json, print_lines};
use crate::exit::Exit;
use crate::lesson::Lesson;
use crate::render::paint::Paint;
use crate::render::verdict::Style;
use crate::say;
use crate::store::{Progress, StepProgress};
use crate::visible::{visible_text, width};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io;

/// `tutor list`.
pub fn list(context: &Context, arguments: &JsonArguments) -> anyhow::Result<Exit> {
    let store = context.store();
    // A language may be that of translations, which are put together with their originals.
    let is_plain = context
        .wanted_language()
        .is_none_or(|language| language == "en");
    if store.is_untouched() && !arguments.json && is_plain && untouched(context)? {
        return Ok(Exit::Success);
    }
    let course = context.known_course()?;
    context.note_lacking(&course);
    let progress = |lesson| context.progress(&course, lesson);
    let lessons = course.lessons.iter();
    if arguments.json {
        let rows = lessons.map(|lesson| Ok(as_json(lesson, &progress(lesson)?)));
        let rows: anyhow::Result<Vec<Value>> = rows.collect();
        let whole = json!({ "format": 1, "title": course.title, "lessons": rows? });
        out_json(&whole)?;
        return Ok(Exit::Success);
    }
    let rows = lessons.map(|lesson| {
        let (state, style) = state(lesson, &progress(lesson)?);
        Ok(ListRow {
            stem: &lesson.stem,
            title: visible_text(&lesson.front.title),
            state: state.into(),
            style,
        })
    });
    let rows: anyhow::Result<Vec<ListRow<'_>>> = rows.collect();
    show(context, &course.title, &rows?)?;
    Ok(Exit::Success)
}

/// The list before any progress is kept. It is often the first output of `tutor`, so it reads no
/// lesson's text. False if something is wrong with the course, and nothing was printed.
fn untouched(context: &Context) -> anyhow::Result<bool> {
    let contents = context.contents()?;
    if !contents.is_whole {
        return Ok(false);
    }
    let rows = contents.lessons.iter().map(|entry| ListRow {
        stem: &entry.stem,
        title: visible_text(&entry.front.title),
        state: visible_text(entry.front.time.as_deref().unwrap_or_default()),
        style: Paint::dim,
    });
    show(context, &contents.title, &rows.collect::<Vec<_>>())?;
    Ok(true)
}

fn count(lesson: &Lesson, progress: &Progress, wanted: StepProgress) -> usize {
    let steps = lesson.steps();
    steps
        .filter(|step| progress.standing(step) == wanted)
        .count()
}

fn as_json(lesson: &Lesson, progress: &Progress) -> Value {
    json!({
        "lesson": lesson.stem,
        "name": lesson.front.name,
        "title": lesson.front.title,
        "time": lesson.front.time,
        "goals": lesson.front.goals,
        "steps": lesson.steps().map(|step| &step.id).collect::<Vec<_>>(),
        "done": count(lesson, progress, StepProgress::Done),
    })
}

/// How far a lesson is, and how that is drawn.
fn state(lesson: &Lesson, progress: &Progress) -> (String, Style) {
    let done = count(lesson, progress, StepProgress::Done);
    let changed = count(lesson, progress, StepProgress::Changed);
    let all = lesson.steps().count();
    match (done, changed) {
        (0, 0) => (say!("standing-new", count = all), Paint::dim),
        (_, 0) if done == all => (say!("standing-done", count = all), Paint::good),
        (_, 0) => {
            let text = say!("standing-here", done = done, count = all);
            (text, |_, text| text.to_owned())
        }
        _ => {
            let (done, count) = (done, all);
            let text = say!(
                "standing-changed",
                done = done,
                count = count,
                changed = changed
            );
            (text, Paint::notable)
        }
    }
}

/// A lesson in the list.
struct ListRow<'l> {
    stem: &'l str,
    title: Cow<'l, str>,
    state: Cow<'l, str>,
    style: Style,
}

/// Prints the title and a row for each lesson: the state stands below where the terminal is narrow.
fn show(context: &Context, title: &str, rows: &[ListRow<'_>]) -> io::Result<()> {
    let paint = &context.stdout;
    let widest = |cell: fn(&ListRow<'_>) -> usize| rows.iter().map(cell).max().unwrap_or(0);
    let stems = widest(|row| width(row.stem));
    let titles = widest(|row| width(&row.title));
    let mut lines = vec![paint.bold(&visible_text(title))];
    for row in rows {
        let gap = |widest: usize, cell: &str| " ".repeat(widest - width(cell));
        let stem_gap = gap(stems, row.stem);
        let lead = format!("  {}{stem_gap}  ", row.stem);
        if paint.live && width(&lead) + titles + 2 + width(&row.state) > paint.columns {
            let blank = " ".repeat(width(&lead));
            lines.extend(paint.fitted(&lead, &row.title));
            lines.extend(paint.fitted_in(row.style, &blank, &row.state));
            continue;
        }
        let title_gap = gap(titles, &row.title);
        let (stem, state) = (paint.bold(row.stem), (row.style)(paint, &row.state));
        let line = format!("  {stem}{stem_gap}  {}{title_gap}  {state}", row.title);
        lines.push(line.trim_end().to_owned());
    }
    print_lines(lines)
}
