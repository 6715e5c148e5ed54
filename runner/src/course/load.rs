//! Loads a course, each file read once.

use super::files::{CourseFiles, MANIFEST, Origin};
use super::find::find;
use super::keys::quoted;
use super::languages::{ORIGINAL, is_language};
use super::manifest::{self, Manifest};
use super::model::{AbsentLesson, Course, CourseError, LessonEntry, TableOfContents};
use crate::diagnostic::{Diagnostic, Guesses};
use crate::lesson::parse::{self, Reading};
use crate::lesson::{
    ALWAYS_MASKED, MASK_NAMES, MOST_INCLUDED_BYTES, Mention, Mentioned, NotIncluded,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// The name that every course has: the kernel's `trace_pipe`.
const TRACE: &str = "trace";

impl Course {
    /// Loads the course that `choice` (`--course`) names, or else `env` (`TUTOR_COURSE`), or else
    /// the nearest one upward from `cwd`, or else the one in the binary.
    pub fn load(
        choice: Option<&Path>,
        env: Option<&OsStr>,
        cwd: &Path,
    ) -> Result<Course, CourseError> {
        Course::from(find(choice, env, cwd)?)
    }

    /// The lessons of the course that [`Course::load`] would load, by their front matter alone:
    /// a list of them need not wait until all pages are read.
    ///
    /// Lessons that cannot be read are left out, and what is wrong is left to [`Course::load`].
    pub fn contents(
        choice: Option<&Path>,
        env: Option<&OsStr>,
        cwd: &Path,
    ) -> Result<TableOfContents, CourseError> {
        let origin = find(choice, env, cwd)?;
        let files = CourseFiles::of(&origin);
        let path = Path::new(MANIFEST);
        let source = files
            .read(path)
            .map_err(|source| unreadable(&origin, source))?;
        let mut diagnostics = Vec::new();
        let source = files.text(path, source.unwrap_or_default(), &mut diagnostics);
        let manifest = manifest::read(path, &source);
        diagnostics.extend(manifest.diagnostics);
        let listed = manifest.lessons.len();
        let entries = manifest.lessons.into_iter().filter_map(|lesson| {
            let path = PathBuf::from(format!("lessons/{}.md", lesson.text));
            let bytes = files.read(&path).ok()??;
            let source = String::from_utf8_lossy(&bytes);
            Some(LessonEntry {
                front: parse::front_matter(&lesson.text, &source),
                stem: lesson.text,
            })
        });
        let lessons: Vec<LessonEntry> = entries.collect();
        Ok(TableOfContents {
            title: manifest.title,
            is_whole: diagnostics.is_empty() && lessons.len() == listed,
            lessons,
        })
    }

    fn from(origin: Origin) -> Result<Course, CourseError> {
        let files = CourseFiles::of(&origin);
        let path = Path::new(MANIFEST);
        let Some(source) = files
            .read(path)
            .map_err(|source| unreadable(&origin, source))?
        else {
            return Ok(Course::default());
        };
        let mut diagnostics = Vec::new();
        let source = files.text(path, source, &mut diagnostics);
        let manifest = manifest::read(path, &source);
        diagnostics.extend(manifest.diagnostics.iter().cloned());
        let broken = manifest.broken.iter().cloned().collect();
        let mut loader = Loader {
            files,
            manifest,
            guesses: Guesses::default(),
            included_bytes: 0,
            broken,
            diagnostics,
            absent: Vec::new(),
            lints: Vec::new(),
            names: HashMap::new(),
            lessons: Vec::new(),
            pages: BTreeMap::new(),
        };
        loader.lessons();
        loader.translations();
        let sources = loader.files.sources.into_inner();
        Ok(Course {
            origin,
            title: loader.manifest.title,
            language: loader
                .manifest
                .language
                .unwrap_or_else(|| ORIGINAL.to_owned()),
            pages: loader.pages,
            lessons: loader.lessons,
            needs: loader.manifest.needs,
            facets: loader.manifest.facets,
            masks: loader.manifest.masks,
            inventory: loader.manifest.inventory,
            asks: loader.manifest.asks,
            is_of_unknown_format: loader.manifest.is_of_unknown_format,
            diagnostics: loader.diagnostics,
            absent: loader.absent,
            lints: loader.lints,
            sources,
        })
    }
}

fn unreadable(origin: &Origin, source: io::Error) -> CourseError {
    let path = match origin {
        Origin::Embedded => PathBuf::from(MANIFEST),
        Origin::Folder(root) => root.join(MANIFEST),
    };
    CourseError::Unreadable { path, source }
}

struct Loader {
    files: CourseFiles,
    manifest: Manifest,
    diagnostics: Vec<Diagnostic>,
    /// Those about lessons that cannot be read.
    absent: Vec<AbsentLesson>,
    lints: Vec<Diagnostic>,
    guesses: Guesses,
    /// How much the lessons include.
    included_bytes: usize,
    /// Names of needs, facets and masks that are declared in a way that cannot be read.
    broken: HashSet<String>,
    /// The lessons' permanent names, each with its lesson's path.
    names: HashMap<String, PathBuf>,
    lessons: Vec<crate::lesson::Lesson>,
    pages: BTreeMap<(String, String), PathBuf>,
}

impl Loader {
    fn lessons(&mut self) {
        for entry in std::mem::take(&mut self.manifest.lessons) {
            let path = PathBuf::from(format!("lessons/{}.md", entry.text));
            let (why, help) = match self.files.read(&path) {
                Ok(Some(bytes)) => {
                    let source = self.files.text(&path, bytes, &mut self.diagnostics);
                    self.lesson(&entry.text, &path, &source);
                    continue;
                }
                Ok(None) => (
                    "is not there".to_owned(),
                    format!("write it, or begin it with `tutor new {}`", entry.text),
                ),
                Err(error) => (
                    format!("cannot be read: {error}"),
                    "make it a file of text that can be read".to_owned(),
                ),
            };
            let message = format!(
                "lesson `{}` is listed, but `{}` {why}",
                entry.text,
                path.display()
            );
            let missing = Diagnostic::error(Path::new(MANIFEST), entry.span, message);
            self.absent.push(AbsentLesson {
                stem: entry.text,
                error: missing.help(help),
            });
        }
        let errors = self.absent.iter().map(|absent| absent.error.clone());
        self.diagnostics.extend(errors);
    }

    /// Reads the pages of translations, without looking at what they say.
    fn translations(&mut self) {
        let stems: HashSet<&str> = self.lessons.iter().map(|lesson| &*lesson.stem).collect();
        for name in self.files.names(Path::new("lessons")) {
            let page = name
                .strip_suffix(".md")
                .and_then(|page| page.split_once('.'));
            let Some((stem, language)) = page.filter(|(_, language)| is_language(language)) else {
                continue;
            };
            let path = Path::new("lessons").join(&name);
            if stems.contains(stem)
                && let Ok(Some(bytes)) = self.files.read(&path)
            {
                self.files.text(&path, bytes, &mut self.diagnostics);
                self.pages
                    .insert((stem.to_owned(), language.to_owned()), path);
            }
        }
    }

    fn lesson(&mut self, stem: &str, path: &Path, source: &str) {
        let is_full = self.included_bytes > MOST_INCLUDED_BYTES;
        let reading = parse::read(stem, path, source, &|path| match is_full {
            true => Err(NotIncluded::TooMuch),
            false => self.files.include(path),
        });
        self.included_bytes += reading.included_bytes;
        self.diagnostics.extend(reading.diagnostics.iter().cloned());
        self.lints.extend(reading.lints.iter().cloned());
        self.unique_name(&reading);
        for mention in &reading.mentions {
            self.known(path, mention);
        }
        self.lessons.push(reading.lesson);
    }

    fn unique_name(&mut self, reading: &Reading) {
        let name = &reading.lesson.front.name;
        let path = &reading.lesson.path;
        if let Some(first) = self.names.get(name) {
            let message = format!("a second lesson named `{name}`");
            let twice = Diagnostic::error(path, reading.name.clone(), message);
            self.diagnostics.push(twice.help(format!(
                "`{}` has that name: snapshots go by it, so give this one another",
                first.display()
            )));
            return;
        }
        self.names.insert(name.clone(), path.clone());
    }

    fn known(&mut self, path: &Path, mention: &Mention) {
        let name = mention.name.text.as_str();
        let manifest = &self.manifest;
        let (what, is_declared, declare) = match mention.what {
            Mentioned::Need => {
                let is_declared = manifest.needs.contains_key(name);
                ("need", is_declared, format!("under `[needs.{name}]`"))
            }
            Mentioned::Facet => {
                let is_declared = manifest.facets.contains_key(name);
                ("facet", is_declared, format!("under `[facets.{name}]`"))
            }
            Mentioned::Mask => {
                let is_declared = manifest.masks.contains_key(name);
                let others = quoted(&MASK_NAMES);
                let declare = format!("under `[masks.{name}]`; every course has {others}");
                ("mask", is_declared, declare)
            }
            Mentioned::Exclusive => {
                let is_declared = name == TRACE || manifest.exclusive.iter().any(|one| one == name);
                let declare = format!("in the list `exclusive = [\"{name}\"]`");
                ("exclusive name", is_declared, declare)
            }
        };
        // A declaration that cannot be read is no slip of this lesson.
        if is_declared || self.broken.contains(name) {
            return;
        }
        let guesses = &mut self.guesses;
        let meant = match mention.what {
            Mentioned::Need => guesses.nearest(name, manifest.needs.keys().map(String::as_str)),
            Mentioned::Facet => guesses.nearest(name, manifest.facets.keys().map(String::as_str)),
            Mentioned::Mask => {
                let declared = manifest.masks.keys().map(String::as_str);
                guesses.nearest(name, declared.chain(MASK_NAMES).chain(ALWAYS_MASKED))
            }
            Mentioned::Exclusive => {
                let declared = manifest.exclusive.iter().map(String::as_str);
                guesses.nearest(name, declared.chain([TRACE]))
            }
        };
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("declare it in `{MANIFEST}` {declare}"),
        };
        let unknown = Diagnostic::error(
            path,
            mention.name.span.clone(),
            format!("unknown {what} `{name}`"),
        );
        self.diagnostics.push(unknown.help(help));
    }
}
