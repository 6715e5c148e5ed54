//! A course: where it was found, what it holds, what its steps may need.

use crate::diagnostic::Diagnostic;
use crate::lesson::{Lesson, Place};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A course with its lessons parsed.
#[derive(Clone, Debug)]
pub struct Course {
    /// Where its files are.
    pub origin: Origin,
    /// Its title.
    pub title: String,
    /// Its lessons in order. A lesson with errors is here too; see `diagnostics`.
    pub lessons: Vec<Lesson>,
    /// What steps may need, by name.
    pub needs: BTreeMap<String, NeedProbe>,
    /// Facts about the environment that outputs may depend on, by name.
    pub facets: BTreeMap<String, Facet>,
    /// A command whose output lists what outlives processes on a kernel (programs, links, XDP,
    /// tc, probes, sysctls), one thing a line; lines that a lesson adds are its leftovers.
    pub inventory: Option<String>,
    /// Everything that is wrong with any of its files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where a course's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the binary.
    Embedded,
    /// In this folder, which holds `lessons/course.toml`.
    Folder(PathBuf),
}

/// How to find out whether something is there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedProbe {
    /// Where the question is asked.
    #[serde(default)]
    pub on: Place,
    /// What it is: `clang with the BPF back end`.
    pub what: String,
    /// Why a lesson wants it.
    pub why: String,
    /// A command for bash: exit status 0 is yes, and then the first version number in its output
    /// is the version; otherwise its last line is the reason.
    pub probe: String,
    /// The row of the package list that brings it.
    pub package: Option<String>,
    /// What to do about it, where no package helps.
    pub remedy: Option<String>,
}

/// A fact about the environment, recorded with snapshots.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facet {
    /// Where it is asked.
    #[serde(default)]
    pub on: Place,
    /// A command for bash; the first version number in its output is the value.
    pub probe: String,
    /// How much of the version makes a difference.
    #[serde(default)]
    pub precision: Precision,
}

/// How much of a version number makes a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `14`
    Major,
    /// `6.12`
    #[default]
    Minor,
    /// All of it.
    Full,
}
