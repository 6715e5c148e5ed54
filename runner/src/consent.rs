//! Consent to run a course that is not `tutor`'s own: the proposal names all that would run and be
//! written, and what the course asks for besides.

use crate::course::asks::Network;
use crate::course::{Course, PartHashes, Script, lesson_key, lesson_prefix, part_of, parts};
use crate::lesson::Lesson;
use crate::say;
use crate::surroundings;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// How many files of a folder are looked at for sockets.
const SOCKETS_SOUGHT: usize = 10_000;

/// The key of what a course asks for besides.
const ASKS: &str = "asks";

/// Lessons of a course that are about to run, or its probes alone.
pub struct Proposal<'p> {
    /// The lessons; none where probes run alone.
    pub lessons: &'p [&'p Lesson],
    /// All that would run and be written.
    pub scripts: Vec<Script<'p>>,
    /// A line for each permission that the course asks for besides.
    pub asks: Vec<String>,
    /// The parts that a yes agrees to.
    pub parts: PartHashes,
}

impl<'p> Proposal<'p> {
    /// All that these lessons would run.
    pub fn of_lessons(course: &'p Course, lessons: &'p [&'p Lesson]) -> Proposal<'p> {
        Proposal::of(course, lessons, course.scripts(lessons))
    }

    /// The probes of a course alone.
    pub fn of_probes(course: &'p Course) -> Proposal<'p> {
        Proposal::of(course, &[], course.probes())
    }

    fn of(course: &Course, lessons: &'p [&'p Lesson], scripts: Vec<Script<'p>>) -> Proposal<'p> {
        let asks = asks_for(course);
        let mut parts = parts(&scripts);
        if !asks.is_empty() {
            parts.insert(ASKS.to_owned(), part_of(&asks));
        }
        Proposal {
            lessons,
            scripts,
            asks,
            parts,
        }
    }

    /// True if all of it was agreed to.
    pub fn is_agreed(&self, agreed: &PartHashes) -> bool {
        let mut parts = self.parts.iter();
        parts.all(|(key, hash)| agreed.get(key) == Some(hash))
    }

    /// The differences from what was agreed to before, for lessons and probes that were agreed to at
    /// all.
    pub fn changes(&self, agreed: &PartHashes) -> Vec<String> {
        if agreed.is_empty() {
            return Vec::new();
        }
        let differs = |key: &str| agreed.get(key) != self.parts.get(key);
        let mut changes = Vec::new();
        let mut told = HashSet::new();
        for script in &self.scripts {
            let lesson = script.lesson.map(lesson_key);
            let is_known = lesson.is_none_or(|lesson| agreed.contains_key(&lesson));
            let key = script.key();
            if !is_known || !differs(&key) || !told.insert(key.clone()) {
                continue;
            }
            let path = script.path.display().to_string();
            let part = format!("{} `{}`", script.what.word(), script.name);
            changes.push(match agreed.contains_key(&key) {
                true => say!("consent-is-other", path = path, part = part),
                false => say!("consent-is-new", path = path, part = part),
            });
        }
        for lesson in self.lessons {
            changes.extend(self.changes_of(lesson, agreed));
        }
        if differs(ASKS) {
            changes.push(say!("consent-asks-other"));
        }
        changes
    }

    /// The differences of a lesson as a whole: it is new, parts are gone, or their order is different.
    fn changes_of(&self, lesson: &Lesson, agreed: &PartHashes) -> Vec<String> {
        let name = &*lesson.front.name;
        let (key, prefix) = (lesson_key(name), lesson_prefix(name));
        let path = lesson.path.display().to_string();
        let Some(before) = agreed.get(&key) else {
            return vec![say!("consent-lesson-new", path = path)];
        };
        let of_lesson = agreed.range(prefix.clone()..);
        let parts = of_lesson.map_while(|(key, _)| Some((key, key.strip_prefix(&prefix)?)));
        let gone = parts.filter(|(key, _)| !self.parts.contains_key(*key));
        let gone: Vec<String> = gone
            .map(|(_, part)| say!("consent-is-gone", path = path.clone(), part = part))
            .collect();
        let mut scripts = self
            .scripts
            .iter()
            .filter(|script| script.lesson == Some(name));
        let is_same = |script: &Script<'_>| {
            let key = script.key();
            agreed.get(&key) == self.parts.get(&key)
        };
        let is_reordered = self.parts.get(&key) != Some(before) && scripts.all(is_same);
        match gone.is_empty() && is_reordered {
            true => vec![say!("consent-order", path = path)],
            false => gone,
        }
    }
}

/// A line for each permission that a course asks for by name, beyond what all steps may do. The lines
/// are shown with the question, and agreed to with the rest.
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

/// True if a place is a socket or holds one: a step can talk to the program that listens there.
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
