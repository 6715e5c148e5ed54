//! `tutor i18n`: how far translations are.

use super::arguments::{I18nCommand, TranslationArguments};
use super::context::Context;
use super::failure::ends;
use super::output::{out_json, print};
use crate::course::{Course, LessonTranslation, Origin};
use crate::diagnostic::nearest;
use crate::exit::Exit;
use crate::lesson::Lesson;
use crate::lesson::translation::{SectionState, TranslatedSection, section_of};
use crate::report::patch;
use crate::say;
use crate::visible::visible;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// `tutor i18n`.
pub fn i18n(context: &Context, command: &I18nCommand) -> anyhow::Result<Exit> {
    let course = context.load_course()?;
    match command {
        I18nCommand::Status(arguments) => status(context, &course, arguments.json),
        I18nCommand::Diff(arguments) => {
            let chosen = chosen(context, &course, arguments)?;
            diff(context, &course, &chosen)
        }
        I18nCommand::Accept(arguments) => {
            let chosen = chosen(context, &course, arguments)?;
            accept(context, &course, &chosen)
        }
    }
}

/// A translation, and the sections of it that a command is about.
struct Chosen<'c> {
    translation: LessonTranslation<'c>,
    sections: Vec<TranslatedSection>,
}

fn status(context: &Context, course: &Course, as_json: bool) -> anyhow::Result<Exit> {
    let lessons: Vec<&Lesson> = course.lessons.iter().collect();
    let translations = course.translations(&lessons);
    if as_json {
        let rows: Vec<Value> = translations.iter().map(row).collect();
        out_json(&json!({
            "format": 1,
            "language": course.language,
            "languages": course.languages(),
            "translations": rows,
        }))?;
        return Ok(Exit::Success);
    }
    if translations.is_empty() {
        context.note(&say!("i18n-none"));
    }
    for translation in &translations {
        let named = |state: fn(&SectionState) -> bool| {
            let sections = translation.translated.sections.iter();
            let such = sections.filter(|section| state(&section.state));
            such.map(|section| section.id.as_str()).collect::<Vec<_>>()
        };
        let current = named(|state| matches!(state, SectionState::Current(_)));
        let stale = named(|state| matches!(state, SectionState::Stale { .. }));
        let missing = named(|state| matches!(state, SectionState::Missing));
        let whole = say!(
            "i18n-row",
            lesson = translation.lesson.stem.as_str(),
            language = translation.language,
            current = current.len().to_string(),
            all = translation.translated.sections.len()
        );
        outln!("{whole}");
        for (key, ids) in [("i18n-stale", stale), ("i18n-missing", missing)] {
            if !ids.is_empty() {
                let ids = ids.join(", ");
                let line = match key {
                    "i18n-stale" => say!("i18n-stale", sections = ids),
                    _ => say!("i18n-missing", sections = ids),
                };
                outln!("  {line}");
            }
        }
    }
    let untranslated = |language: &str| -> Vec<&str> {
        let is_done = |lesson: &Lesson| {
            let mut pages = translations.iter();
            pages.any(|one| one.language == language && one.lesson.stem == lesson.stem)
        };
        let open = lessons.iter().filter(|lesson| !is_done(lesson));
        open.map(|lesson| lesson.stem.as_str()).collect()
    };
    for language in course.languages().into_iter().skip(1) {
        let open = untranslated(language);
        if !open.is_empty() {
            let lessons = open.join(", ");
            outln!(
                "{}",
                say!("i18n-open", language = language, lessons = lessons)
            );
        }
    }
    Ok(Exit::Success)
}

fn row(translation: &LessonTranslation<'_>) -> Value {
    let section = |section: &TranslatedSection| {
        let state = match section.state {
            SectionState::Missing => "missing",
            SectionState::Current(_) => "current",
            SectionState::Stale { .. } => "stale",
        };
        json!({ "section": section.id, "state": state, "hash": section.hash })
    };
    json!({
        "lesson": translation.lesson.stem,
        "language": translation.language,
        "file": translation.path,
        "sections": translation.translated.sections.iter().map(section).collect::<Vec<_>>(),
    })
}

/// The translation that is asked for, with the sections that are named, or else all that are stale.
fn chosen<'c>(
    context: &Context,
    course: &'c Course,
    arguments: &TranslationArguments,
) -> anyhow::Result<Chosen<'c>> {
    let lesson = context.lesson(course, &arguments.lesson)?;
    let asked = context.language_of(course)?;
    let mut translations = course.translations(&[lesson]);
    translations.retain(|one| asked.as_ref().is_none_or(|asked| one.language == asked));
    let stem = lesson.stem.as_str();
    let translation = match translations.len() {
        1 => translations.remove(0),
        0 => {
            return Err(ends(
                Exit::Usage,
                say!("i18n-not-translated", lesson = stem),
            ));
        }
        _ => return Err(ends(Exit::Usage, say!("i18n-which", lesson = stem))),
    };
    let all = &translation.translated.sections;
    if arguments.sections.is_empty() {
        let stale =
            |section: &&TranslatedSection| matches!(section.state, SectionState::Stale { .. });
        let sections = all.iter().filter(stale).cloned().collect();
        return Ok(Chosen {
            translation,
            sections,
        });
    }
    let mut sections = Vec::new();
    for id in &arguments.sections {
        let Some(found) = all.iter().find(|section| section.id == *id) else {
            let ids = || all.iter().map(|section| section.id.as_str());
            let message = match nearest(id, ids()) {
                Some(meant) => say!(
                    "no-section-but",
                    lesson = stem,
                    section = id.as_str(),
                    meant = meant
                ),
                None => say!(
                    "no-section",
                    lesson = stem,
                    section = id.as_str(),
                    sections = ids().collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(ends(Exit::Usage, message));
        };
        if found.state == SectionState::Missing {
            let message = say!("i18n-section-missing", section = id.as_str());
            return Err(ends(Exit::Different, message));
        }
        sections.push(found.clone());
    }
    Ok(Chosen {
        translation,
        sections,
    })
}

/// Shows what changed in each original, where git still has the text that was translated; else the
/// original as it is.
fn diff(context: &Context, course: &Course, chosen: &Chosen<'_>) -> anyhow::Result<Exit> {
    if chosen.sections.is_empty() {
        context.note(&say!("i18n-nothing-stale"));
    }
    let lesson = chosen.translation.lesson;
    for section in &chosen.sections {
        let now = &lesson.source[section.original.clone()];
        let SectionState::Stale { hash, .. } = &section.state else {
            context.note(&say!("i18n-current", section = section.id.as_str()));
            continue;
        };
        let given = &chosen.translation.source[hash.clone()];
        let then = earlier(course, lesson, &section.id, given);
        let text = match &then {
            Some(then) => patch(
                &format!("{}#{}", lesson.path.display(), section.id),
                then,
                now,
            ),
            None => {
                context.note(&say!("i18n-no-earlier", section = section.id.as_str()));
                now.to_owned()
            }
        };
        print(&format!("{}\n", visible(text.as_bytes()).trim_end()))?;
    }
    Ok(Exit::Success)
}

/// So many commits back an earlier original is looked for.
const MOST_COMMITS: usize = 200;

/// The text of a section that has this hash, from the history that git keeps of the lesson.
fn earlier(course: &Course, lesson: &Lesson, id: &str, hash: &str) -> Option<String> {
    let Origin::Folder(root) = &course.origin else {
        return None;
    };
    let git = |arguments: &[&str]| {
        let ran = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(arguments)
            .output()
            .ok()?;
        ran.status.success().then_some(ran.stdout)
    };
    let path = lesson.path.to_str()?;
    let most = format!("-n{MOST_COMMITS}");
    let commits = String::from_utf8(git(&["log", "--format=%H", &most, "--", path])?).ok()?;
    commits.lines().find_map(|commit| {
        let text = git(&["show", &format!("{commit}:./{path}")])?;
        let text = String::from_utf8(text).ok()?;
        let (found, text) = section_of(&lesson.stem, &text, id)?;
        (found == hash).then_some(text)
    })
}

/// Writes the hashes of the originals into the page.
fn accept(context: &Context, course: &Course, chosen: &Chosen<'_>) -> anyhow::Result<Exit> {
    let Origin::Folder(root) = &course.origin else {
        return Err(ends(Exit::Usage, say!("i18n-embedded")));
    };
    let translation = &chosen.translation;
    let mut page = translation.source.to_owned();
    let mut accepted = Vec::new();
    // From the end, so that places before stay what they are.
    let mut sections: Vec<&TranslatedSection> = chosen.sections.iter().collect();
    sections.sort_by_key(|section| std::cmp::Reverse(section.original.start));
    for section in sections {
        if let SectionState::Stale { hash, .. } = &section.state {
            let is_there = !hash.is_empty();
            let text = match is_there {
                true => section.hash.clone(),
                false => format!(" {}", section.hash),
            };
            page.replace_range(hash.clone(), &text);
            accepted.push(section.id.as_str());
        }
    }
    if accepted.is_empty() {
        context.note(&say!("i18n-nothing-stale"));
        return Ok(Exit::Success);
    }
    write(&root.join(translation.path), &page)?;
    accepted.reverse();
    let sections = accepted.join(", ");
    let file = translation.path.display().to_string();
    context.tell(&say!("i18n-accepted", file = file, sections = sections))?;
    Ok(Exit::Success)
}

/// Writes a page beside itself and renames it, so that it is never half there.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = || say!("i18n-unwritable", file = path.display().to_string());
    let new = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    fs::write(new.path(), text).with_context(failed)?;
    let mode = fs::metadata(path).with_context(failed)?.permissions();
    fs::set_permissions(new.path(), mode).with_context(failed)?;
    new.persist(path).with_context(failed)?;
    Ok(())
}
