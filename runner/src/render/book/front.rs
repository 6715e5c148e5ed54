//! The parts of a book besides its lessons: settings, the list of pages, the first page, and the page
//! of source files.

use super::code::{CODE, Codes};
use super::html;
use super::links::{PageLinks, SOURCES};
use super::step;
use crate::course::Course;
use std::path::Path;

/// The page that a book opens with.
pub const INDEX: &str = "index.md";

/// `book.toml`: what mdBook is told.
///
/// Its own preprocessors stay off: they would read files that a recorded output names. So do the
/// extensions of Markdown that lessons do not have, and whatever asks another host.
pub fn settings(course: &Course) -> String {
    let title = toml::Value::from(course.title.as_str());
    format!(
        "# Made by `tutor book`: what is changed here is lost. The lessons are the source.\n\
         [book]\n\
         title = {title}\n\
         language = \"en\"\n\
         \n\
         [build]\n\
         create-missing = false\n\
         use-default-preprocessors = false\n\
         \n\
         [output.html]\n\
         default-theme = \"light\"\n\
         preferred-dark-theme = \"navy\"\n\
         smart-punctuation = false\n\
         definition-lists = false\n\
         admonitions = false\n\
         mathjax-support = false\n\
         additional-css = [\"assets/tutor.css\"]\n\
         additional-js = [\"assets/tutor.js\"]\n\
         \n\
         [output.html.playground]\n\
         runnable = false\n\
         copy-js = false\n"
    )
}

/// `SUMMARY.md`: the pages in order.
pub fn summary(course: &Course, links: &PageLinks<'_>) -> String {
    let mut markdown = format!("# Summary\n\n[About this book]({INDEX})\n\n");
    for lesson in &course.lessons {
        let title = html::markdown(&lesson.front.title);
        markdown.push_str(&format!("- [{title}]({}.md)\n", lesson.stem));
    }
    if links.sources().next().is_some() {
        markdown.push_str(&format!("\n[Source files]({SOURCES})\n"));
    }
    markdown
}

/// The first page: the lessons, and how to read them.
pub fn index(course: &Course) -> String {
    let mut markdown = format!("# {} {{#about}}\n\n", html::markdown(&course.title));
    for (number, lesson) in course.lessons.iter().enumerate() {
        let title = html::markdown(&lesson.front.title);
        let time = lesson.front.time.as_deref().unwrap_or_default();
        let time = match time.is_empty() {
            true => String::new(),
            false => format!(" ({})", html::markdown(time)),
        };
        let stem = &lesson.stem;
        markdown.push_str(&format!("{}. [{title}]({stem}.md){time}\n", number + 1));
        for goal in &lesson.front.goals {
            markdown.push_str(&format!("   - {}\n", html::markdown(goal)));
        }
    }
    markdown.push_str(HOW_TO_READ);
    markdown
}

const HOW_TO_READ: &str = "
## How to read it {#how-to-read-it}

Each step is a command in a frame, with its name above it.
The button at its right copies the command, and nothing else.

Below it stands what the command printed when it was recorded, on which day, and on which versions of what matters.
No output here was typed by hand.
What differs from run to run has a fixed word in its place, such as `[PID]` or `[ADDR]`.

A sentence that a machine can check is a link to its check; open that to see how it is made.
A ✓ stands only where the recorded output proves it, with what was found, when and where.

To run a lesson yourself, install `tutor`, and type the command at the beginning of its page.
";

/// The page of source files.
pub fn sources(links: &PageLinks<'_>, codes: &Codes<'_>) -> Option<String> {
    let mut markdown = String::from("# Source files {#source-files}\n");
    for (path, source) in links.sources() {
        let name = path.to_string_lossy();
        let lines = step::counted(source.text.lines().count(), "line");
        markdown.push_str(&format!(
            "\n## {} {{#{}}}\n\n<p class=\"tutor-note\">{lines}</p>\n\n{}\n",
            html::markdown(&name),
            source.id,
            codes.block(CODE, language(path), &source.text),
        ));
    }
    links.sources().next().map(|_| markdown)
}

/// The name of a language by a file's ending.
fn language(path: &Path) -> &str {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("h") => "c",
        Some(ending) => ending,
        None => "",
    }
}
