//! A step's command, as it stands before its output.

use super::paint::Paint;
use crate::lesson::{Place, Step};
use crate::say;

/// The step's name, where it runs, and its script behind a prompt.
pub fn lines(step: &Step, paint: &Paint) -> Vec<String> {
    let head = format!("{} {}", paint.mark("▶", ">"), step.id);
    let place = match step.on {
        Place::Host => String::new(),
        Place::Kernel => paint.dim(&format!("  {}", say!("step-on-kernel"))),
    };
    let script = paint.code("sh", &step.script).into_iter().enumerate();
    let script = script.map(|(number, line)| {
        let prompt = paint.dim(if number == 0 { "$" } else { " " });
        format!("  {prompt} {line}").trim_end().to_owned()
    });
    let head = paint.bold(&head) + &place;
    [head].into_iter().chain(script).collect()
}
