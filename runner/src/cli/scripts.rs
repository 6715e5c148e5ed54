//! Shows all that a course would run and write, for people and for scripts.

use crate::consent::asks_for;
use crate::course::{Course, Script, ScriptKind};
use crate::highlight::Budget;
use crate::lesson::{Lesson, Place};
use crate::plan::Plan;
use crate::render::paint::Paint;
use crate::say;
use crate::visible::visible_text;
use serde_json::{Value, json};
use std::path::Path;

/// All that would run and be written, each with where and by which file.
pub fn listed(scripts: &[Script<'_>], paint: &Paint) -> Vec<String> {
    let mut lines = Vec::new();
    let mut lesson = None;
    let mut budget = Budget::default();
    for script in scripts {
        if script.lesson != lesson || lines.is_empty() {
            lesson = script.lesson;
            let path = script.path.display().to_string();
            lines.push(paint.bold(&visible_text(&path)));
        }
        let name = visible_text(&script.name);
        let place = match script.on {
            Some(Place::Host) => say!("script-on-host"),
            Some(Place::Kernel) => say!("script-on-kernel"),
            None => say!("script-written"),
        };
        let mark = paint.mark("▶", ">");
        let head = paint.bold(&format!("{mark} {} {name}", script.what.word()));
        lines.push(format!("{head}  {}", paint.dim(&place)));
        let bar = paint.dim(paint.mark("│", "|"));
        let language = match script.what {
            ScriptKind::File => budget.language(language(&script.name), script.text),
            ScriptKind::Need
            | ScriptKind::Facet
            | ScriptKind::Inventory
            | ScriptKind::Step
            | ScriptKind::Check => "sh",
        };
        let code = paint.code(language, script.text.trim_end_matches('\n'));
        lines.extend(
            code.iter()
                .map(|line| format!("  {bar} {line}").trim_end().to_owned()),
        );
    }
    lines
}

fn language(file: &str) -> &str {
    match Path::new(file)
        .extension()
        .and_then(|ending| ending.to_str())
    {
        Some("h") => "c",
        Some(ending) => ending,
        None => "",
    }
}

/// The same as JSON.
pub fn as_json(scripts: &[Script<'_>]) -> Value {
    let row = |script: &Script<'_>| {
        json!({
            "what": script.what.word(),
            "name": script.name,
            "lesson": script.lesson,
            "file": script.path,
            "on": script.on.map(|on| on.to_string()),
            "text": script.text,
        })
    };
    scripts.iter().map(row).collect()
}

/// A plan of a lesson as JSON, with all that its course would run for it and asks for besides.
pub fn plan_as_json(plan: &Plan<'_>, course: &Course, lesson: &Lesson) -> Value {
    let mut plan = plan.to_json();
    plan["format"] = json!(1);
    plan["asks_for"] = asks_for(course).into();
    plan["scripts"] = as_json(&course.scripts(&[lesson]));
    plan
}
