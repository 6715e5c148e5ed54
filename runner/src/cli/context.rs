//! The context of every command: the course, the folders, how to draw, how to stop.

use super::arguments::{Global, On, RunningArguments};
use super::courses;
use super::failure::{ends, ends_with_help, unusable};
use crate::backend::Backend;
use crate::backend::host::Host;
use crate::backend::lab::{Choice, Lab};
use crate::course::{Course, Listed, TableOfContents, is_language};
use crate::diagnostic::{self, Diagnostic};
use crate::exit::Exit;
use crate::folders::Folders;
use crate::lesson::{LESSON_TIMEOUT, Lesson};
use crate::render::paint::Paint;
use crate::run::{Interrupt, KernelPlace, Moments, Options, Places};
use crate::say;
use crate::store::{self, Progress, Store};
use crate::surroundings::{Surroundings, Trust};
use crate::versioned::TooNew;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::slice;
use tutor_lab::accelerator::KvmPolicy;
use tutor_lab::cache::Cache;
use tutor_lab::guests::GuestProgress;
use tutor_lab::tidy;

/// The context that every command starts from.
pub struct Context {
    pub global: Global,
    pub folders: Folders,
    pub stdout: Paint,
    pub stderr: Paint,
}

impl Context {
    pub fn new(global: Global) -> anyhow::Result<Context> {
        let stdout = Paint::of_stream(global.color, io::stdout().is_terminal());
        let stderr = Paint::of_stream(global.color, io::stderr().is_terminal());
        Ok(Context {
            global,
            folders: Folders::of_user()?,
            stdout,
            stderr,
        })
    }

    /// A note for people, on stderr.
    pub fn note(&self, text: &str) {
        for line in self.stderr.fitted_in(Paint::dim, "", text) {
            noteln!("{line}");
        }
    }

    /// A line for people, on stdout.
    pub fn tell(&self, text: &str) -> io::Result<()> {
        for line in self.stdout.resized().fitted("", text) {
            outln!("{line}");
        }
        Ok(())
    }

    pub fn store(&self) -> Store {
        Store::new(&self.folders)
    }

    /// The course, whatever is wrong with its texts.
    pub fn load_course(&self) -> anyhow::Result<Course> {
        self.course_in(None)
    }

    /// The course in the learner's language, as far as it is translated.
    pub fn readers_course(&self) -> anyhow::Result<Course> {
        let course = self.load_course()?;
        match self.language_of(&course)? {
            Some(language) => Ok(course.in_language(&language)),
            None => Ok(course),
        }
    }

    /// The language in which the learner wants to read; nothing for that of the lessons.
    pub fn language_of(&self, course: &Course) -> anyhow::Result<Option<String>> {
        let known = course.languages();
        let asked = self.asked_language();
        match self.wanted_language() {
            Some(language) if language == course.language => Ok(None),
            Some(language) if known.contains(&&*language) => Ok(Some(language)),
            Some(language) if asked.is_some() => {
                let languages = known.join(", ");
                let message = say!("no-language", language = language, languages = languages);
                Err(ends(Exit::Usage, message))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// The language that is asked for, or else that of the locale.
    pub fn wanted_language(&self) -> Option<String> {
        let language = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        self.asked_language().or_else(|| {
            // As POSIX has them: the first that is set counts, and `zh_CN.UTF-8` is `zh`.
            let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
            let locale = names.into_iter().find_map(language)?;
            let language = locale.split(['_', '.', '@']).next()?;
            // `C` and `POSIX` are no languages.
            is_language(language).then(|| language.to_owned())
        })
    }

    fn asked_language(&self) -> Option<String> {
        let of_environment = std::env::var("TUTOR_LANG").ok();
        let asked = self.global.lang.clone().or(of_environment);
        asked.filter(|language| !language.is_empty())
    }

    /// The course in a folder, or else the one that is found.
    pub fn course_in(&self, folder: Option<&Path>) -> anyhow::Result<Course> {
        courses::load(folder.or(self.global.course.as_deref()))
    }

    /// The learner's course, for commands that show it as it is. If it is written in a format of a different
    /// `tutor`, the command ends.
    pub fn known_course(&self) -> anyhow::Result<Course> {
        let course = self.readers_course()?;
        if !course.is_of_unknown_format {
            return Ok(course);
        }
        self.note_diagnostics(&course, &course.diagnostics);
        Err(ends(Exit::Invalid, say!("course-unknown")))
    }

    /// The course's table of contents, without reading the lessons.
    pub fn contents(&self) -> anyhow::Result<TableOfContents> {
        courses::contents(self.global.course.as_deref())
    }

    pub fn note_diagnostics(&self, course: &Course, found: &[Diagnostic]) {
        if found.is_empty() {
            return;
        }
        let source = |path: &Path| course.source(path);
        note!("{}", diagnostic::render(found, source, self.stderr));
    }

    /// Shows what a list of a course's lessons lacks for an error.
    pub fn note_lacking(&self, course: &Course) {
        let lacking: Vec<Diagnostic> = course.manifest_errors().cloned().collect();
        self.note_diagnostics(course, &lacking);
    }

    /// The course, for commands that run lessons of it. Errors in `course.toml` are shown and end the command;
    /// those of a lesson keep no other one from running.
    pub fn usable_course(&self) -> anyhow::Result<Course> {
        let course = self.load_course()?;
        self.refuse(&course, course.own_errors())?;
        Ok(course)
    }

    /// The same for commands that want all of its texts to be without errors.
    pub fn sound_course(&self) -> anyhow::Result<Course> {
        let course = self.load_course()?;
        self.refuse(&course, course.errors())?;
        Ok(course)
    }

    /// The lesson of this name, whatever is wrong with its text, if there is one.
    pub fn lesson<'c>(&self, course: &'c Course, key: &str) -> anyhow::Result<&'c Lesson> {
        match course.listed(key).map_err(unusable)? {
            Listed::Lesson(lesson) => Ok(lesson),
            Listed::Absent(absent) => {
                self.note_diagnostics(course, slice::from_ref(&absent.error));
                let message = say!("lesson-absent", lesson = absent.stem.as_str());
                Err(ends(Exit::Invalid, message))
            }
        }
    }

    /// Shows errors in the texts of a course and ends the command, if there are any.
    pub fn refuse<'c>(
        &self,
        course: &Course,
        errors: impl Iterator<Item = &'c Diagnostic>,
    ) -> anyhow::Result<()> {
        let errors: Vec<Diagnostic> = errors.cloned().collect();
        if errors.is_empty() {
            return Ok(());
        }
        self.note_diagnostics(course, &errors);
        let count = errors.len();
        Err(ends(Exit::Invalid, say!("course-invalid", count = count)))
    }

    /// The name that a lesson of this course is remembered under.
    pub fn key(&self, course: &Course, lesson: &Lesson) -> String {
        store::key(&lesson.front.name, course.foreign_folder())
    }

    /// Where the learner is in a lesson. What they did of a step before it came here counts.
    pub fn progress(&self, course: &Course, lesson: &Lesson) -> Result<Progress, TooNew> {
        let store = self.store();
        let mut progress = store.progress(&self.key(course, lesson))?;
        let is_known = progress != Progress::default();
        let mut before: BTreeMap<&str, Progress> = BTreeMap::new();
        for step in lesson.steps() {
            let Some(was) = &step.was else { continue };
            if !before.contains_key(&*was.lesson) {
                let key = store::key(&was.lesson, course.foreign_folder());
                before.insert(&was.lesson, store.progress(&key)?);
            }
            let questions: Vec<&str> = lesson.questions(step).map(|one| &*one.name).collect();
            progress.inherit(step, &questions, was, &before[&*was.lesson]);
        }
        // A step to go on with may have left the lesson, and one that has just come be the first.
        let is_found = |next: &String| lesson.step(next).is_some();
        let is_lost = progress.next.as_ref().is_some_and(|next| !is_found(next));
        if is_lost || !is_known && !progress.done.is_empty() {
            progress.find_next(lesson);
        }
        Ok(progress)
    }

    /// The surroundings of the steps that run on this machine.
    pub fn surroundings(
        &self,
        course: &Course,
        arguments: &RunningArguments,
    ) -> anyhow::Result<Surroundings> {
        let trust = match course.foreign_folder() {
            _ if arguments.unconfined => Trust::Unguarded,
            Some(folder) if !self.store().is_own(folder) => Trust::Confined,
            Some(_) | None => Trust::Whole,
        };
        let variable = |name: &str| std::env::var_os(name);
        Ok(Surroundings::new(
            &course.asks,
            trust,
            &variable,
            vec![program()?],
        ))
    }

    /// The options of a whole run.
    pub fn options(
        &self,
        course: &Course,
        arguments: &RunningArguments,
    ) -> anyhow::Result<Options> {
        Ok(Options {
            timeout: arguments.timeout,
            lesson_timeout: LESSON_TIMEOUT,
            tutor: program()?.parent().map(Path::to_owned).unwrap_or_default(),
            programs: None,
            surroundings: self.surroundings(course, arguments)?,
            interrupt: listen_for_interrupts()?,
        })
    }

    /// Where steps may run.
    pub fn backends(
        &self,
        course: &Course,
        arguments: &RunningArguments,
    ) -> anyhow::Result<Backends> {
        let kernel = arguments.kernel.as_deref();
        let wants_lab = place(arguments.on, kernel)? == Some(On::Lab);
        let kernel = kernel.unwrap_or("default");
        let around = self.surroundings(course, arguments)?;
        let backends = self.backends_with(kernel, arguments.place(), around)?;
        // A learner who asks for the lab by name does not want a run without it.
        if wants_lab && let Err(error) = backends.lab.make_ready() {
            let message = say!("lab-unusable", reason = error.to_string());
            return Err(ends_with_help(Exit::Lacking, message, error.help()));
        }
        Ok(backends)
    }

    /// The same, whether there is such a kernel or not.
    pub fn backends_with(
        &self,
        kernel: &str,
        on: On,
        around: Surroundings,
    ) -> anyhow::Result<Backends> {
        Ok(Backends {
            host: Host::new(&program()?, around),
            lab: self.lab(kernel)?,
            on,
        })
    }

    /// The moments that runs of a lesson in the lab can be taken back to.
    pub fn moments(&self, key: &str) -> anyhow::Result<Moments> {
        let cache = Cache::below(&self.folders.cache);
        Ok(Moments::open(
            &cache.folder().join(tidy::CHECKPOINTS).join(key),
        )?)
    }

    /// Which guests the lab with one of its kernels makes.
    pub fn lab_choice(&self, kernel: &str) -> anyhow::Result<Choice> {
        let accelerator = std::env::var_os("TUTOR_LAB_ACCEL").unwrap_or_default();
        let accelerator = match accelerator.to_string_lossy().as_ref() {
            "" => KvmPolicy::Best,
            "tcg" => KvmPolicy::Tcg,
            "kvm" => KvmPolicy::Kvm,
            value => {
                let message = say!("lab-bad-accelerator", value = value);
                return Err(ends(Exit::Usage, message));
            }
        };
        Ok(Choice {
            cache: Cache::below(&self.folders.cache),
            kernel: kernel.to_owned(),
            accelerator,
            tutor: program()?,
        })
    }

    /// The lab with one of its kernels.
    pub fn lab(&self, kernel: &str) -> anyhow::Result<Lab> {
        let paint = self.stderr;
        Ok(Lab::new(self.lab_choice(kernel)?, move |progress| {
            let line = match progress {
                GuestProgress::TriesKvm => say!("lab-tries-kvm"),
                GuestProgress::Refused { file, error } => say!(
                    "lab-state-refused",
                    file = file.display().to_string(),
                    error = error
                ),
                GuestProgress::Boots => say!("lab-boots"),
                GuestProgress::NotKept { folder, error } => say!(
                    "lab-not-kept",
                    folder = folder.display().to_string(),
                    error = error
                ),
            };
            for line in paint.fitted_in(Paint::dim, "", &line) {
                noteln!("{line}");
            }
        }))
    }
}

/// The place that was asked for, if any: a kernel is always one of the lab.
pub fn place(on: Option<On>, kernel: Option<&str>) -> anyhow::Result<Option<On>> {
    match (on, kernel) {
        (Some(On::Host), Some(_)) => Err(ends(Exit::Usage, say!("kernel-of-lab"))),
        (on, None) => Ok(on),
        (Some(On::Lab) | None, Some(_)) => Ok(Some(On::Lab)),
    }
}

/// Where steps may run.
pub struct Backends {
    host: Host,
    lab: Lab,
    on: On,
}

impl Backends {
    /// Begins what takes a while before the first step can run.
    pub fn get_ready(&self) {
        self.host.get_ready();
    }

    /// The places of a run.
    pub fn places(&self) -> Places<'_> {
        let kernel: &dyn Backend = match self.on {
            On::Host => &self.host,
            On::Lab => &self.lab,
        };
        Places {
            host: &self.host,
            kernel: KernelPlace::Backend(kernel),
        }
    }
}

/// This program, which steps call too and which becomes the agent.
pub fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context(say!("no-own-path"))
}

/// The program ends itself at the press after these, if no press was heeded: it may hang while it
/// prints to a reader that does not read.
const LAST_PRESS: usize = 2;

/// Counts Ctrl-C (and a polite TERM or HUP) instead of dying of it, so that what runs is ended first.
pub fn listen_for_interrupts() -> anyhow::Result<Interrupt> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let interrupt = Interrupt::default();
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])
        .context(say!("no-signals"))?;
    let presses = interrupt.clone();
    let heeded = std::thread::Builder::new().spawn(move || {
        for _ in signals.forever() {
            presses.press();
            if presses.presses() > LAST_PRESS {
                // Nothing listened. The agents end their shells when this process is gone.
                std::process::exit(Exit::Interrupted.code().into());
            }
        }
    });
    heeded.context(say!("no-thread"))?;
    Ok(interrupt)
}

/// As many as were asked for, else as many as this machine has processors.
pub fn jobs(asked: Option<NonZeroUsize>) -> usize {
    asked
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get)
}
