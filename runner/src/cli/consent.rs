//! Asks before a course runs that is not `tutor`'s own, says all that it would run, and remembers the
//! answer: `tutor trust`.

use super::arguments::{On, RunningArguments, TrustArguments};
use super::context::{Context, program};
use super::failure::ends;
use super::output::{can_ask, out_json, paged};
use crate::course::asks::Network;
use crate::course::{
    Course, PartHashes, Script, ScriptKind, lesson_key, lesson_prefix, part_of, parts,
};
use crate::doctor::guard;
use crate::exit::Exit;
use crate::highlight::Budget;
use crate::lesson::{Lesson, Place};
use crate::render::paint::Paint;
use crate::say;
use crate::surroundings;
use crate::visible::visible_text;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// What the steps of a course may do besides what all steps may: a line for each thing that it asks for
/// by name. It is shown with the question, and agreed to with the rest.
pub fn asks_for(course: &Course) -> Vec<String> {
    let asks = &course.asks;
    let path = asks
        .path()
        .map(|place| say!("asks-path", place = led(place)));
    let read = asks.read().map(|place| match has_sockets(place) {
        true => say!("asks-read-and-sockets", place = led(place)),
        false => say!("asks-read", place = led(place)),
    });
    let env = asks.env().map(|name| say!("asks-env", name = name));
    let network = match &asks.network {
        Network::All(false) => None,
        Network::All(true) => Some(say!("asks-network")),
        Network::Ports(ports) => {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            Some(say!("asks-ports", ports = ports.join(", ")))
        }
    };
    let limits = asks.unusual_limits().map(|limits| {
        say!(
            "asks-limits",
            processes = limits.processes.to_string(),
            memory = (limits.memory_bytes >> 20).to_string(),
            file = (limits.file_bytes >> 20).to_string()
        )
    });
    path.chain(read)
        .chain(env)
        .chain(network)
        .chain(limits)
        .collect()
}

/// A place as a course names it, and where that leads on this machine: a link or a variable may make it
/// any folder.
fn led(place: &str) -> String {
    match surroundings::leads_to(place, &|name| std::env::var_os(name)) {
        Some(path) if path != Path::new(place) => {
            say!(
                "asks-leads-to",
                place = place,
                path = path.display().to_string()
            )
        }
        Some(_) => say!("asks-place", place = place),
        None => say!("asks-nowhere", place = place),
    }
}

/// True if a place is a socket or has some in it: whoever finds a socket can speak to who listens there.
fn has_sockets(place: &str) -> bool {
    let is_socket =
        |path: &Path| fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_socket());
    let Some(path) = surroundings::leads_to(place, &|name| std::env::var_os(name)) else {
        return false;
    };
    let Ok(path) = path.canonicalize() else {
        return false;
    };
    let within = fs::read_dir(&path).into_iter().flatten().flatten();
    is_socket(&path)
        || within
            .take(SOCKETS_SOUGHT)
            .any(|entry| is_socket(&entry.path()))
}

/// So many lines are shown with the question itself; more is shown when somebody wants to see it.
const SHORT_LINES: usize = 24;
/// So many files of a folder are looked at for sockets.
const SOCKETS_SOUGHT: usize = 10_000;
/// So many names or changes are told one by one.
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
        self.may(course, lessons, &course.scripts(lessons), arguments)
    }

    /// The same for the probes of a course alone.
    pub fn may_probe(&self, course: &Course, arguments: &RunningArguments) -> anyhow::Result<()> {
        self.may(course, &[], &course.probes(), arguments)
    }

    fn may(
        &self,
        course: &Course,
        lessons: &[&Lesson],
        scripts: &[Script<'_>],
        arguments: &RunningArguments,
    ) -> anyhow::Result<()> {
        let Some(folder) = course.foreign_folder() else {
            return Ok(());
        };
        let store = self.store();
        if arguments.yes || store.is_own(folder) {
            return Ok(());
        }
        let asks = asks_for(course);
        let mut wanted = parts(scripts);
        if !asks.is_empty() {
            wanted.insert("asks".to_owned(), part_of(&asks));
        }
        let agreed = store.agreed(folder)?;
        if wanted
            .iter()
            .all(|(key, hash)| agreed.get(key) == Some(hash))
        {
            return Ok(());
        }
        let question = Question {
            course,
            folder,
            lessons,
            scripts,
            asks: &asks,
            on_host: self.on_host(arguments)?,
            on: arguments.place(),
            is_known_of_old: agreed.is_empty() && store.was_trusted_earlier(folder),
            changes: changes(lessons, scripts, &wanted, &agreed),
        };
        if !can_ask() {
            let message = say!(
                "consent-no-terminal",
                folder = folder.display().to_string(),
                command = self.reading(lessons)
            );
            return Err(ends(Exit::Usage, message));
        }
        match self.asks(&question)? {
            true => Ok(store.agree(folder, &wanted)?),
            false => Err(ends(Exit::Usage, say!("consent-refused"))),
        }
    }

    /// What holds around the steps that run on this machine, found out by trying.
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

    fn asks(&self, question: &Question<'_>) -> anyhow::Result<bool> {
        let paint = self.stderr.resized();
        let listed = listed(question.scripts, &paint);
        let is_short = listed.len() <= SHORT_LINES;
        let mut lines = question.lines(&paint);
        match is_short {
            true => lines.extend(listed.iter().cloned()),
            false => lines.extend(paint.fitted("", &say!("consent-long", count = listed.len()))),
        }
        let title = question.course.title.as_str();
        lines.extend(paint.fitted("", &say!("consent-own", title = title)));
        noteln!("{}", lines.join("\n"));
        loop {
            let choices = paint.fitted("", &say!("consent-choices"));
            note!("{} ", choices.join("\n"));
            io::stderr().flush()?;
            let mut answer = String::new();
            if io::stdin().lock().read_line(&mut answer)? == 0 {
                noteln!("");
                return Ok(false);
            }
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

/// What is asked about.
struct Question<'q> {
    course: &'q Course,
    folder: &'q Path,
    lessons: &'q [&'q Lesson],
    scripts: &'q [Script<'q>],
    asks: &'q [String],
    on_host: String,
    on: On,
    is_known_of_old: bool,
    changes: Vec<String>,
}

impl Question<'_> {
    /// The question, without what would run.
    fn lines(&self, paint: &Paint) -> Vec<String> {
        let folder = self.folder.display().to_string();
        let mut lines = paint.fitted("", &say!("consent-course", folder = folder));
        if self.is_known_of_old {
            lines.extend(paint.fitted("", &say!("consent-earlier")));
        }
        let lessons = self.lessons.len();
        lines.extend(paint.fitted(
            "",
            &match self.lessons {
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
            let there = self.scripts.iter().filter(|script| script.on == place);
            if let Some(counts) = counts(there) {
                lines.extend(paint.fitted("  ", &format!("{where_}: {counts}")));
            }
        }
        for ask in self.asks {
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

/// What is other than what was agreed to, of lessons and probes that were agreed to before.
fn changes(
    lessons: &[&Lesson],
    scripts: &[Script<'_>],
    wanted: &PartHashes,
    agreed: &PartHashes,
) -> Vec<String> {
    if agreed.is_empty() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let mut told = HashSet::new();
    // Lessons of which a part is new or another one.
    let mut differ = HashSet::new();
    for script in scripts {
        let is_known = script
            .lesson
            .is_none_or(|lesson| agreed.contains_key(&lesson_key(lesson)));
        let key = script.key();
        if agreed.get(&key) != wanted.get(&key) {
            differ.insert(script.lesson);
        }
        if !is_known || agreed.get(&key) == wanted.get(&key) || !told.insert(key.clone()) {
            continue;
        }
        let path = script.path.display().to_string();
        let part = format!("{} `{}`", script.what.word(), script.name);
        changes.push(match agreed.contains_key(&key) {
            true => say!("consent-is-other", path = path, part = part),
            false => say!("consent-is-new", path = path, part = part),
        });
    }
    for lesson in lessons {
        let (key, prefix) = (
            lesson_key(&lesson.front.name),
            lesson_prefix(&lesson.front.name),
        );
        let path = lesson.path.display().to_string();
        let Some(before) = agreed.get(&key) else {
            changes.push(say!("consent-lesson-new", path = path));
            continue;
        };
        let of_lesson = agreed.range(prefix.clone()..);
        let of_lesson = of_lesson.take_while(|(key, _)| key.starts_with(&prefix));
        let gone: Vec<&String> = of_lesson
            .map(|(key, _)| key)
            .filter(|key| !wanted.contains_key(*key))
            .collect();
        for key in &gone {
            let part = key.strip_prefix(&prefix).unwrap_or(key);
            changes.push(say!("consent-is-gone", path = path.clone(), part = part));
        }
        let all_same = !differ.contains(&Some(&*lesson.front.name));
        if wanted.get(&key) != Some(before) && all_same && gone.is_empty() {
            changes.push(say!("consent-order", path = path));
        }
    }
    if wanted.get("asks") != agreed.get("asks") {
        changes.push(say!("consent-asks-other"));
    }
    changes
}

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

/// The same for scripts.
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

/// `tutor trust`.
pub fn trust(context: &Context, arguments: &TrustArguments) -> anyhow::Result<Exit> {
    let store = context.store();
    if let Some(folder) = &arguments.revoke {
        let shown = folder.display().to_string();
        let text = match store.revoke(folder)? {
            true => say!("trust-revoked", folder = shown),
            false => return Err(ends(Exit::Usage, say!("trust-unknown", folder = shown))),
        };
        context.tell(&text)?;
        return Ok(Exit::Success);
    }
    if arguments.list || arguments.json {
        let consents = store.consents()?;
        if arguments.json {
            let agreed = consents.agreed.iter();
            let agreed = agreed.map(|(folder, parts)| {
                json!({ "folder": folder, "parts": parts.keys().collect::<Vec<_>>() })
            });
            let agreed: Vec<Value> = agreed.collect();
            out_json(&json!({ "format": 1, "own": consents.own, "agreed": agreed }))?;
            return Ok(Exit::Success);
        }
        for folder in &consents.own {
            let folder = folder.display().to_string();
            context.tell(&say!("trust-own", folder = folder))?;
        }
        for (folder, parts) in &consents.agreed {
            let lessons: Vec<&str> = parts
                .keys()
                .filter_map(|key| key.strip_prefix("lesson "))
                .collect();
            let folder = folder.display().to_string();
            let lessons = lessons.join(", ");
            context.tell(&say!("trust-agreed", folder = folder, lessons = lessons))?;
        }
        if consents.own.is_empty() && consents.agreed.is_empty() {
            context.tell(&say!("trust-none"))?;
        }
        return Ok(Exit::Success);
    }
    let course = context.course_in(arguments.folder.as_deref())?;
    let Some(folder) = course.foreign_folder() else {
        context.tell(&say!("trust-embedded"))?;
        return Ok(Exit::Success);
    };
    store.own(folder)?;
    let shown = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    context.tell(&say!("trust-now", folder = shown.display().to_string()))?;
    Ok(Exit::Success)
}
