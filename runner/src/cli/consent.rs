//! Asks before a course runs that is not `tutor`'s own, and remembers the answer.

use super::arguments::{On, RunningArguments};
use super::context::{Context, program};
use super::failure::ends;
use super::output::{can_ask, paged, typed_line};
use super::scripts::listed;
use crate::consent::Proposal;
use crate::course::{Course, Script, ScriptKind};
use crate::doctor::guard;
use crate::exit::Exit;
use crate::lesson::{Lesson, Place};
use crate::render::paint::Paint;
use crate::say;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// The most lines that are shown with the question itself; a longer list is shown on request.
const SHORT_LINES: usize = 24;
/// The most changes that are named one by one.
const MOST_TOLD: usize = 12;

impl Context {
    /// Asks before lessons of a course run that is not `tutor`'s own, unless all that they would run was
    /// agreed to before.
    pub fn may_run(
        &self,
        course: &Course,
        lessons: &[&Lesson],
        arguments: &RunningArguments,
    ) -> anyhow::Result<()> {
        self.may(course, || Proposal::of_lessons(course, lessons), arguments)
    }

    /// The same for the probes of a course alone.
    pub fn may_probe(&self, course: &Course, arguments: &RunningArguments) -> anyhow::Result<()> {
        self.may(course, || Proposal::of_probes(course), arguments)
    }

    fn may<'p>(
        &self,
        course: &Course,
        proposal: impl FnOnce() -> Proposal<'p>,
        arguments: &RunningArguments,
    ) -> anyhow::Result<()> {
        let Some(folder) = course.foreign_folder() else {
            return Ok(());
        };
        let store = self.store();
        if arguments.yes || store.is_own(folder) {
            return Ok(());
        }
        let proposal = proposal();
        let agreed = store.agreed(folder)?;
        if proposal.is_agreed(&agreed) {
            return Ok(());
        }
        let question = ConsentQuestion {
            title: &course.title,
            folder,
            on_host: self.on_host(arguments)?,
            on: arguments.place(),
            is_known_of_old: agreed.is_empty() && store.was_trusted_earlier(folder),
            changes: proposal.changes(&agreed),
            proposal: &proposal,
        };
        if !can_ask() {
            let message = say!(
                "consent-no-terminal",
                folder = folder.display().to_string(),
                command = self.reading(proposal.lessons)
            );
            return Err(ends(Exit::Usage, message));
        }
        match self.asks(&question)? {
            true => Ok(store.agree(folder, &proposal.parts)?),
            false => Err(ends(Exit::Usage, say!("consent-refused"))),
        }
    }

    /// How steps that run on this machine are confined, found out by trying.
    fn on_host(&self, arguments: &RunningArguments) -> anyhow::Result<String> {
        if arguments.unconfined {
            return Ok(say!("consent-on-host"));
        }
        let folder = tempfile::tempdir()?;
        match guard::confined_by(&program()?, folder.path()) {
            Ok(parts) => Ok(say!("consent-on-host-confined", parts = parts)),
            Err(error) => Err(ends(Exit::Lacking, error)),
        }
    }

    /// The command that shows all that these lessons would run.
    fn reading(&self, lessons: &[&Lesson]) -> String {
        let mut command = "tutor show --all".to_owned();
        if let [lesson] = lessons {
            command.push_str(&format!(" {}", lesson.stem));
        }
        if let Some(course) = &self.global.course {
            let course = course.display().to_string().replace('\'', r"'\''");
            command.push_str(&format!(" --course '{course}'"));
        }
        command
    }

    fn asks(&self, question: &ConsentQuestion<'_>) -> anyhow::Result<bool> {
        let paint = self.stderr.resized();
        let listed = listed(&question.proposal.scripts, &paint);
        let is_short = listed.len() <= SHORT_LINES;
        let mut lines = question.lines(&paint);
        match is_short {
            true => lines.extend(listed.iter().cloned()),
            false => lines.extend(paint.fitted("", &say!("consent-long", count = listed.len()))),
        }
        lines.extend(paint.fitted("", &say!("consent-own", title = question.title)));
        noteln!("{}", lines.join("\n"));
        loop {
            let choices = paint.fitted("", &say!("consent-choices"));
            note!("{} ", choices.join("\n"));
            io::stderr().flush()?;
            let Some(answer) = typed_line()? else {
                noteln!("");
                return Ok(false);
            };
            match answer.trim() {
                "y" | "yes" => return Ok(true),
                "s" | "see" => match io::stdout().is_terminal() {
                    true => paged(&(listed.join("\n") + "\n"))?,
                    false => noteln!("{}", listed.join("\n")),
                },
                "" | "n" | "no" => return Ok(false),
                _ => {}
            }
        }
    }
}

/// The question, and all that it names.
struct ConsentQuestion<'q> {
    title: &'q str,
    folder: &'q Path,
    proposal: &'q Proposal<'q>,
    on_host: String,
    on: On,
    is_known_of_old: bool,
    changes: Vec<String>,
}

impl ConsentQuestion<'_> {
    /// The question, without what would run.
    fn lines(&self, paint: &Paint) -> Vec<String> {
        let folder = self.folder.display().to_string();
        let mut lines = paint.fitted("", &say!("consent-course", folder = folder));
        if self.is_known_of_old {
            lines.extend(paint.fitted("", &say!("consent-earlier")));
        }
        let lessons = self.proposal.lessons.len();
        lines.extend(paint.fitted(
            "",
            &match self.proposal.lessons {
                [] => say!("consent-probes"),
                [lesson] => say!("consent-lesson", lesson = lesson.stem.as_str()),
                [first, .., last] => say!(
                    "consent-lessons",
                    count = lessons,
                    first = first.stem.as_str(),
                    last = last.stem.as_str()
                ),
            },
        ));
        for (place, where_) in [
            (Some(Place::Host), self.on_host.clone()),
            (
                Some(Place::Kernel),
                match self.on {
                    On::Lab => say!("consent-in-lab"),
                    On::Host => say!("consent-on-kernel"),
                },
            ),
            (None, say!("consent-in-workspace")),
        ] {
            let there = self
                .proposal
                .scripts
                .iter()
                .filter(|script| script.on == place);
            if let Some(counts) = counts(there) {
                lines.extend(paint.fitted("  ", &format!("{where_}: {counts}")));
            }
        }
        for ask in &self.proposal.asks {
            let ask = say!("consent-asks", what = ask.as_str());
            lines.extend(paint.fitted("  ", &ask));
        }
        if !self.changes.is_empty() {
            lines.extend(paint.fitted("", &say!("consent-changed")));
            for change in self.changes.iter().take(MOST_TOLD) {
                lines.extend(paint.fitted("  ", change));
            }
            let more = self.changes.len().saturating_sub(MOST_TOLD);
            if more > 0 {
                lines.extend(paint.fitted("  ", &say!("consent-more", count = more)));
            }
        }
        lines
    }
}

/// How many there are of each kind: `2 steps, 1 check`.
fn counts<'s>(scripts: impl Iterator<Item = &'s Script<'s>> + Clone) -> Option<String> {
    let count = |what| scripts.clone().filter(|script| script.what == what).count();
    let told = [
        (
            count(ScriptKind::Step),
            say!("consent-steps", count = count(ScriptKind::Step)),
        ),
        (
            count(ScriptKind::Check),
            say!("consent-checks", count = count(ScriptKind::Check)),
        ),
        (
            count(ScriptKind::Need) + count(ScriptKind::Facet) + count(ScriptKind::Inventory),
            say!(
                "consent-asked",
                count = count(ScriptKind::Need)
                    + count(ScriptKind::Facet)
                    + count(ScriptKind::Inventory)
            ),
        ),
        (
            count(ScriptKind::File),
            say!("consent-files", count = count(ScriptKind::File)),
        ),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, told)| told)
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}
