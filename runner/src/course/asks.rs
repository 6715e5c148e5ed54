//! The rights that a course's steps ask for on the learner's machine: the table `[steps]` of
//! `course.toml`. A course that is not the learner's own gets nothing else of theirs.

use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;
use tutor_agent::confine::limits::ResourceLimits;

/// The keys of the table.
pub(super) const KEYS: [&str; 8] = [
    "path",
    "env",
    "read",
    "network",
    "processes",
    "memory-mb",
    "file-mb",
    "open-files",
];

/// The variables that are the same for all steps.
const FIXED: [&str; 8] = [
    "PATH", "HOME", "LC_ALL", "TZ", "COLUMNS", "TERM", "NO_COLOR", "TUTOR",
];

/// Those that change how bash runs every step.
const OF_BASH: [&str; 4] = ["BASH_ENV", "BASHOPTS", "POSIXLY_CORRECT", "SHELLOPTS"];

/// The rights that host steps ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Asks {
    /// Folders to find programs in.
    path: Vec<Spanned<String>>,
    /// Variables of the learner's environment, by name.
    env: Vec<Spanned<String>>,
    /// Files and folders to read.
    read: Vec<Spanned<String>>,
    /// The machine's network.
    pub network: Network,
    processes: Option<Spanned<u64>>,
    memory_mb: Option<Spanned<u64>>,
    file_mb: Option<Spanned<u64>>,
    open_files: Option<Spanned<u64>>,
}

/// How much of the machine's network steps ask for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Network {
    /// All of it, or nothing.
    All(bool),
    /// Connections to these TCP ports.
    Ports(Vec<u16>),
}

impl Default for Network {
    fn default() -> Network {
        Network::All(false)
    }
}

impl Network {
    /// True if steps ask for any of it.
    pub fn is_asked_for(&self) -> bool {
        *self != Network::All(false)
    }
}

impl Asks {
    /// The folders to find programs in.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        texts(&self.path)
    }

    /// The names of variables.
    pub fn env(&self) -> impl Iterator<Item = &str> {
        texts(&self.env)
    }

    /// The files and folders to read.
    pub fn read(&self) -> impl Iterator<Item = &str> {
        texts(&self.read)
    }

    /// The most that steps may use, from what the course says and what holds if it says nothing.
    pub fn limits(&self) -> ResourceLimits {
        let usual = ResourceLimits::default();
        let said = |number: &Option<Spanned<u64>>| number.as_ref().map(|number| *number.get_ref());
        let bytes = |number| said(number).map(|megabytes| megabytes.saturating_mul(1 << 20));
        ResourceLimits {
            processes: said(&self.processes).unwrap_or(usual.processes),
            memory_bytes: bytes(&self.memory_mb).unwrap_or(usual.memory_bytes),
            file_bytes: bytes(&self.file_mb).unwrap_or(usual.file_bytes),
            open_files: said(&self.open_files).unwrap_or(usual.open_files),
        }
    }

    /// The same, if they let steps use more than usual.
    pub fn unusual_limits(&self) -> Option<ResourceLimits> {
        let (limits, usual) = (self.limits(), ResourceLimits::default());
        let is_more = limits.processes > usual.processes
            || limits.memory_bytes > usual.memory_bytes
            || limits.file_bytes > usual.file_bytes;
        is_more.then_some(limits)
    }

    /// The faults in them, a sentence each, with their places.
    pub(super) fn faults(&self) -> Vec<(Range<usize>, String)> {
        let mut faults = Vec::new();
        for place in self.path.iter().chain(&self.read) {
            let text = place.get_ref();
            if is_home(text) {
                let fault = format!(
                    "`{text}` is the whole home folder: name what is needed of it, such as `~/.cargo`"
                );
                faults.push((place.span(), fault));
            } else if !is_place(text) {
                let fault = format!(
                    "`{text}` is no place: begin it with `/`, with `~/` for the learner's home folder, or with the name of a variable: `$CARGO_HOME`"
                );
                faults.push((place.span(), fault));
            }
        }
        for name in &self.env {
            let text = name.get_ref();
            if FIXED.contains(&text.as_str()) {
                let fault = format!(
                    "`{text}` is the same for all steps, and no course can ask for another one"
                );
                faults.push((name.span(), fault));
            } else if OF_BASH.contains(&text.as_str()) {
                let fault = format!("`{text}` would change how bash runs every step");
                faults.push((name.span(), fault));
            } else if !is_variable(text) {
                faults.push((name.span(), format!("`{text}` is no name of a variable")));
            }
        }
        for (key, value, least) in [
            ("processes", &self.processes, 16),
            ("memory-mb", &self.memory_mb, 64),
            ("file-mb", &self.file_mb, 1),
            ("open-files", &self.open_files, 64),
        ] {
            if let Some(value) = value.as_ref().filter(|value| *value.get_ref() < least) {
                let fault = format!("`{key}` is less than {least}, and a shell needs that");
                faults.push((value.span(), fault));
            }
        }
        faults
    }
}

fn texts(all: &[Spanned<String>]) -> impl Iterator<Item = &str> {
    all.iter().map(|text| text.get_ref().as_str())
}

fn is_place(place: &str) -> bool {
    let mut parts = place.split('/').skip(1);
    let is_plain = parts.all(|part| part != "..") && !place.contains(['\0', ':']);
    let head = place.split('/').next().unwrap_or_default();
    let begins_well = match head.strip_prefix('$') {
        Some(name) => is_variable(name) && !is_home(place),
        None => (head.is_empty() || head == "~") && has_parts(place),
    };
    is_plain && begins_well
}

fn is_home(place: &str) -> bool {
    let head = place.split('/').next();
    [Some("~"), Some("$HOME")].contains(&head) && !has_parts(place)
}

/// True if a place leads anywhere below its beginning.
fn has_parts(place: &str) -> bool {
    let mut below = place.split('/').skip(1);
    below.any(|part| !part.is_empty() && part != ".")
}

fn is_variable(name: &str) -> bool {
    let mut characters = name.chars();
    let first = characters.next();
    first.is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || next == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_absolute_or_of_the_learners_home_or_of_a_variable() {
        for place in [
            "/opt/llvm",
            "~/.cargo",
            "$HOME/.cargo",
            "$CARGO_HOME",
            "$CARGO_HOME/bin",
        ] {
            assert!(is_place(place), "{place}");
        }
        for place in [
            "", "/", "//", "/.", "/./", "~", "~/", "~/.", "opt", "../x", "/a/../b", "$", "$1",
            "~root/x", "/a:/b", "$HOME", "$HOME/", "$HOME/.",
        ] {
            assert!(!is_place(place), "{place}");
        }
    }
}
