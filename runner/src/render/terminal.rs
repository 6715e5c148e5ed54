//! A lesson on a terminal or in a pipe: prose, code, live output, verdicts. Append-only but for
//! one line that shows that something is still running, which only a terminal gets.

use super::View;
use super::live::LiveOutput;
use super::paint::Paint;
use super::{command, counts, prose, verdict};
use crate::event::{Event, KeptYours, OfLab, TakenBack, Written};
use crate::highlight::Budget;
use crate::lesson::{Block, FileStep, Lesson, Node, Step};
use crate::report::{Item, Report, Verdict};
use crate::say;
use crate::transcript::{Leftover, RecordId, ShellFate, Skip};
use crate::visible::{visible_text, width, wrap};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Which parts of a lesson are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Everything.
    Whole,
    /// Steps and checks, no prose and no files.
    Steps,
}

/// Draws on any writer.
pub struct Terminal<W> {
    out: W,
    paint: Paint,
    detail: Detail,
    live: LiveOutput,
    spinner_shown: bool,
    fresh_line: bool,
    /// What stands before the lesson's first prose, and how that begins.
    opening: Option<(Node, Vec<String>)>,
    /// What is said before prose that speaks of something that did not happen here.
    caveat: Option<String>,
    /// The stem of the lesson.
    lesson: String,
    /// True if there are keys to press, so that advice names those.
    has_keys: bool,
    /// The first error of writing, if any: a reader that went away ends the drawing, not the run.
    error: Option<io::Error>,
}

/// A step that is silent for this long gets a line that moves.
const SILENCE: Duration = Duration::from_millis(300);

impl<W: Write> Terminal<W> {
    /// Draws on `out`.
    pub fn new(out: W, paint: Paint, detail: Detail) -> Self {
        Terminal {
            out,
            paint,
            detail,
            live: LiveOutput::default(),
            spinner_shown: false,
            fresh_line: true,
            opening: None,
            caveat: None,
            lesson: String::new(),
            has_keys: false,
            error: None,
        }
    }

    /// Names keys where it gives advice, and no commands.
    pub fn tells_keys(&mut self) {
        self.has_keys = true;
    }

    /// The first error of writing, if any.
    pub fn error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    fn write(&mut self, text: &str) {
        self.clear_spinner();
        self.put(text);
    }

    fn put(&mut self, text: &str) {
        if self.error.is_some() {
            return;
        }
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        self.error = written.err();
    }

    fn line(&mut self, text: &str) {
        self.fresh_line = text.is_empty();
        let line = format!("{text}\n");
        // A background step ended while another one is within a line.
        match self.live.at_line_start() {
            true => self.write(&line),
            false => self.live.wait(&line),
        }
    }

    /// A line of `tutor`'s own, in that style, broken between words where the terminal is narrow.
    fn note(&mut self, style: fn(&Paint, &str) -> String, lead: &str, text: &str) {
        for line in self.paint.fitted_in(style, lead, text) {
            self.line(&line);
        }
    }

    fn gap(&mut self) {
        if !self.fresh_line {
            self.line("");
        }
    }

    fn title(&mut self, lesson: &Lesson) {
        self.lesson.clone_from(&lesson.stem);
        let title = format!("{}  {}", lesson.stem, visible_text(&lesson.front.title));
        self.note(Paint::bold, "", &title);
    }

    /// A step's command, before it runs.
    fn command(&mut self, step: &Step) {
        self.gap();
        for line in command::lines(step, &self.paint) {
            self.line(&line);
        }
    }

    fn prose(&mut self, nodes: &[Node]) {
        self.gap();
        // Whoever goes on in a lesson has read it.
        let opening = self.opening.take();
        if let Some((_, lines)) = opening.filter(|(first, _)| nodes.first() == Some(first)) {
            lines.iter().for_each(|line| self.line(line));
            self.gap();
        }
        if let Some(caveat) = self.caveat.take() {
            self.note(Paint::notable, "", &caveat);
            self.gap();
        }
        for line in prose::lines(nodes, &self.paint) {
            self.line(&line);
        }
    }

    fn file(&mut self, file: &FileStep, written: Written, shown: bool) {
        let name = visible_text(&file.path.display().to_string()).into_owned();
        if shown {
            self.gap();
            for line in command::file(file, &mut Budget::default(), &self.paint) {
                self.line(&line);
            }
        }
        let text = match written {
            Written::New => say!("file-written", file = name),
            Written::Unchanged => say!("file-unchanged", file = name),
            Written::Updated => say!("file-updated", file = name),
            Written::KeptEdits if shown => say!("file-kept", file = name),
            Written::KeptEdits => {
                let lesson = self.lesson.as_str();
                say!("file-kept-unshown", file = name, lesson = lesson)
            }
            Written::KeptChanged => say!("file-changed", file = name),
        };
        let style = match written {
            Written::KeptEdits => Paint::notable,
            Written::New | Written::Unchanged | Written::Updated | Written::KeptChanged => {
                Paint::dim
            }
        };
        if shown || written == Written::KeptEdits {
            self.note(style, "  ", &text);
        }
    }

    fn spin(&mut self, step: &Step, running: Duration, silent: Duration) {
        if !self.paint.live || silent < SILENCE || !self.live.at_line_start() {
            return;
        }
        const FRAMES: [&str; 4] = ["⠋", "⠙", "⠸", "⠴"];
        const ASCII_FRAMES: [&str; 4] = ["|", "/", "-", "\\"];
        let frames = if self.paint.unicode {
            FRAMES
        } else {
            ASCII_FRAMES
        };
        let frame = frames[(running.as_millis() / 120) as usize % frames.len()];
        let text = say!(
            "spinner",
            step = step.id.as_str(),
            seconds = running.as_secs()
        );
        // `\r` and "erase in line" (ECMA-48 EL) draw over the line.
        // One that took two rows would be cleared by half.
        let line = wrap(
            &format!("{frame} {text}"),
            self.paint.columns.saturating_sub(3),
        );
        let line = line.first().map_or("", String::as_str);
        let drawn = format!("\r\x1b[2K  {}", self.paint.dim(line));
        self.put(&drawn);
        self.spinner_shown = true;
    }

    fn clear_spinner(&mut self) {
        if self.spinner_shown {
            self.spinner_shown = false;
            self.put("\r\x1b[2K");
        }
    }

    /// Nobody prints any more.
    fn end_output(&mut self) {
        let rest = self.live.finish(&self.paint);
        if !rest.is_empty() {
            self.fresh_line = false;
            self.write(&rest);
        }
    }

    fn left_behind(&mut self, leftover: &Leftover) {
        let what = leftover.what.as_str();
        let text = match (&leftover.step, leftover.still_there) {
            (Some(step), false) => say!("leftover-ended", step = step.as_str(), what = what),
            (None, false) => say!("leftover-ended-unknown", what = what),
            (_, true) => say!("leftover-stays", what = what),
        };
        let lead = format!("{} ", self.paint.mark("⚠", "!"));
        self.note(Paint::notable, &lead, &text);
    }

    fn warn(&mut self, text: &str) {
        self.end_output();
        let lead = format!("{} ", self.paint.mark("⚠", "!"));
        self.note(Paint::notable, &lead, text);
    }

    /// Says how much was skipped since the run stopped at a failure.
    fn stopped_early(&mut self, report: &Report) {
        let mut count = 0;
        let mut at = None;
        for item in &report.items {
            if let Verdict::Skipped(Skip::StoppedEarly(step)) = &item.verdict {
                count += 1;
                at = Some(step.as_str());
            }
        }
        if let Some(step) = at {
            self.gap();
            let lead = format!("{} ", self.paint.mark("•", "-"));
            let text = say!("stopped-early", step = step, count = count);
            self.note(Paint::notable, &lead, &text);
        }
    }

    fn summary(&mut self, report: &Report) {
        self.gap();
        let lead = format!("{}:", report.stem);
        let lead = (self.paint.bold(&lead), width(&lead));
        let time = format!("  {}", verdict::duration(report.duration));
        for line in counts::fitted_counts(lead, &time, report, &self.paint) {
            self.line(&line);
        }
    }
}

impl<W: Write> View for Terminal<W> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Prose(_)
        | Event::StepReached(_)
        | Event::Output { .. }
        | Event::StepEnded { .. } = event
        {
            self.paint = self.paint.resized();
        }
        match event {
            Event::LessonStarted { lesson, workspace } => {
                self.title(lesson);
                let folder = say!("workspace", folder = workspace.display().to_string());
                self.note(Paint::dim, "", &folder);
                if let Some(Block::Prose(prose)) = lesson.blocks.first() {
                    let first = prose.nodes.first().cloned();
                    let goals = command::goals(lesson, &self.paint);
                    self.opening = first.map(|first| (first, goals));
                }
            }
            Event::Prose(text) if self.detail == Detail::Whole => self.prose(text),
            Event::Prose(_) => {}
            Event::File {
                file,
                written,
                shown,
            } => self.file(file, *written, *shown && self.detail == Detail::Whole),
            Event::StepReached(step) => {
                let rest = self.live.begin(&step.id, &self.paint);
                self.write(&rest);
                self.command(step);
            }
            Event::StepWaits(step) => {
                let text = say!("step-waits", step = step.id.as_str());
                self.note(Paint::dim, "  ", &text);
            }
            Event::Outdated(outdated) => {
                let (file, step) = (outdated.file.display().to_string(), outdated.step.as_str());
                let text = match self.has_keys {
                    true => say!("study-outdated", file = file, step = step),
                    false => say!(
                        "outdated",
                        file = file,
                        step = step,
                        lesson = self.lesson.as_str()
                    ),
                };
                self.note(Paint::notable, "", &text);
            }
            // Noted by whoever asked for it.
            Event::TakenBack { .. } | Event::StepStarted(_) => {}
            Event::StepTicks {
                step,
                running,
                silent,
            } => self.spin(step, *running, *silent),
            Event::Output {
                step,
                stream,
                bytes,
            } => {
                let text = self.live.push(*step, *stream, bytes, &self.paint);
                if !text.is_empty() {
                    self.fresh_line = false;
                    self.write(&text);
                }
            }
            Event::StepReady(step) => {
                let rest = self.live.end(Some(&step.id), &self.paint);
                self.write(&rest);
                self.note(
                    Paint::dim,
                    "  ",
                    &say!("step-ready", step = step.id.as_str()),
                );
            }
            Event::StepEnded { step, .. } => {
                let rest = self.live.end(Some(&step.id), &self.paint);
                self.write(&rest);
            }
            Event::CheckEnded { .. } => {}
            Event::LeftBehind(leftover) => {
                self.end_output();
                self.left_behind(leftover);
            }
            Event::KeptYours(kept) => self.warn(&kept_yours(kept)),
            Event::Unguarded(refused) => self.warn(&say!("unguarded", refused = *refused)),
            Event::OutOfMemory(process) => {
                self.warn(&say!("out-of-memory", process = *process));
            }
            Event::WrittenOver { folder, files } => self.warn(&say!(
                "written-over",
                count = files.len(),
                file = first(files),
                folder = folder.display().to_string()
            )),
            Event::KeptAside { folder, files } => self.warn(&say!(
                "kept-aside",
                count = files.len(),
                file = first(files),
                folder = folder.display().to_string()
            )),
        }
    }

    fn judged(&mut self, item: &Item) {
        if matches!(item.verdict, Verdict::Skipped(Skip::StoppedEarly(_))) {
            // One line for all of them, at the end.
            return;
        }
        if let RecordId::Step(step) = &item.id {
            let step = step.as_str();
            if matches!(item.verdict, Verdict::Skipped(_)) {
                self.caveat = Some(say!("skipped-prose", step = step));
            } else if item.verdict.is_unfinished() {
                self.caveat = Some(say!("failed-prose", step = step));
            }
        }
        for line in verdict::lines(item, &self.paint) {
            self.line(&line);
        }
        // A step that was not run here is shown as it was elsewhere.
        if let (
            Verdict::Skipped(Skip::Need { .. } | Skip::NoPlace { .. } | Skip::ByLearner),
            Some(recorded),
        ) = (&item.verdict, &item.recorded)
        {
            for line in verdict::as_recorded(recorded, &item.stale, &self.paint) {
                self.line(&line);
            }
        }
        match item.shell {
            ShellFate::Kept => {}
            ShellFate::Lost => self.note(Paint::dim, "  ", &say!("shell-lost")),
            ShellFate::New => self.note(Paint::notable, "  ", &say!("shell-new")),
        }
    }

    fn closed(&mut self, report: &Report) {
        self.end_output();
        self.stopped_early(report);
        self.summary(report);
    }
}

/// Says which file stayed as the learner changed it, and where the lab's version is.
pub fn kept_yours(kept: &KeptYours) -> String {
    let file = kept.path.display().to_string();
    match &kept.of_lab {
        OfLab::Kept(beside) => {
            let beside = beside.display().to_string();
            say!("kept-yours", file = file, beside = beside)
        }
        OfLab::Removed => say!("kept-yours-removed", file = file),
        OfLab::Lost => say!("kept-yours-lost", file = file),
    }
}

/// Says that all is as it was before a step, and what was taken back for it.
pub fn rewound(step: &Step, taken: TakenBack) -> String {
    let what = match (taken.lab, taken.shell) {
        (true, true) => say!("rewound-lab-and-shell"),
        (true, false) => say!("rewound-lab"),
        (false, true) => say!("rewound-shell"),
        (false, false) => say!("rewound-files"),
    };
    say!("rewound", step = step.id.as_str(), what = what)
}

fn first(files: &[PathBuf]) -> String {
    let file = files.first().map(|file| file.display().to_string());
    file.unwrap_or_default()
}
