//! A step's command, as it stands before its output, the files of a lesson, and its goals.

use super::paint::Paint;
use crate::highlight::Budget;
use crate::lesson::{FileStep, Lesson, Place, Step, StepKind};
use crate::say;
use crate::visible::visible_text;

/// A file of more lines is named only: nobody reads it between two paragraphs.
const MOST_LINES: usize = 100;

/// What the learner can do after the lesson, and how long that takes; nothing where neither is known.
pub fn goals(lesson: &Lesson, paint: &Paint) -> Vec<String> {
    let front = &lesson.front;
    if front.goals.is_empty() {
        return Vec::new();
    }
    let time = front.time.as_ref();
    let time = time.map(|time| say!("goals-time", time = visible_text(time).into_owned()));
    let heads = time.into_iter().chain([say!("goals")]);
    let mut lines: Vec<String> = heads
        .flat_map(|head| paint.fitted_in(Paint::dim, "", &head))
        .collect();
    for goal in &front.goals {
        lines.extend(paint.fitted_in(Paint::dim, "  - ", &visible_text(goal)));
    }
    lines
}

/// A file's name, and its content behind a bar.
pub fn file(file: &FileStep, budget: &mut Budget, paint: &Paint) -> Vec<String> {
    let name = paint.bold(&visible_text(&file.path.display().to_string()));
    let count = file.content.lines().count();
    if count > MOST_LINES {
        let text = paint.dim(&say!("file-long", count = count));
        return vec![name, format!("  {text}")];
    }
    let bar = paint.dim(paint.mark("│", "|"));
    let language = budget.language(&file.language, &file.content);
    let code = paint.code(language, &file.content).into_iter();
    let code = code.map(|line| format!("  {bar} {line}").trim_end().to_owned());
    [name].into_iter().chain(code).collect()
}

/// The step's name, where it runs, and its script behind a prompt; of an exercise the name alone,
/// since how it is judged is no part of the task.
pub fn lines(step: &Step, paint: &Paint) -> Vec<String> {
    let head = format!("{} {}", paint.mark("▶", ">"), step.id);
    let place = match step.on {
        Place::Host => String::new(),
        Place::Kernel => paint.dim(&format!("  {}", say!("step-on-kernel"))),
    };
    if step.kind == StepKind::Exercise {
        let exercise = paint.dim(&format!("  {}", say!("step-exercise")));
        return vec![paint.bold(&head) + &exercise];
    }
    let script = paint.code("sh", &step.script).into_iter().enumerate();
    let script = script.map(|(number, line)| {
        let prompt = paint.dim(if number == 0 { "$" } else { " " });
        format!("  {prompt} {line}").trim_end().to_owned()
    });
    let head = paint.bold(&head) + &place;
    [head].into_iter().chain(script).collect()
}
