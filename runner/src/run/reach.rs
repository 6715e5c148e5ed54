//! Programs that the learner has in their `PATH`, and that steps do not find.

use super::environment::search_path;
use super::places::Options;
use crate::course::{Course, NeedProbe, Origin};
use crate::lesson::Place;
use crate::say;
use crate::surroundings::is_program;

/// Returns what to do about a need of this machine that is not met though the learner has the program
/// that its probe looks for; `otherwise` is what to do in a course that nobody here can write to.
pub fn remedy(
    course: &Course,
    options: &Options,
    need: &str,
    probe: &NeedProbe,
    otherwise: Option<&str>,
) -> Option<String> {
    if probe.on != Place::Host {
        return None;
    }
    let folders = search_path(options, Place::Host);
    let is_found = |word: &str| folders.iter().any(|folder| is_program(&folder.join(word)));
    let words = [need].into_iter().chain(words(&probe.probe));
    let mut unfound = words.filter(|word| !is_found(word));
    let (program, (folder, place)) = unfound.find_map(|word| {
        let folder = options.surroundings.folder_of(word)?;
        Some((word, folder))
    })?;
    let folder = folder.display().to_string();
    Some(match (&course.origin, otherwise) {
        (Origin::Folder(_), _) => say!(
            "need-out-of-reach",
            program = program,
            folder = folder,
            place = place
        ),
        (Origin::Embedded, otherwise) => say!(
            "need-out-of-reach-own",
            program = program,
            folder = folder,
            otherwise = otherwise.unwrap_or_default()
        ),
    })
}

/// Says which program of a need's name the learner means by it, where steps find another one.
pub fn other_than_steps(options: &Options, need: &str) -> Option<String> {
    let (yours, _) = options.surroundings.folder_of(need)?;
    let yours = yours.join(need);
    let folders = search_path(options, Place::Host).into_iter();
    let mut found = folders.map(|folder| folder.join(need));
    let theirs = found.find(|program| is_program(program))?;
    let is_another = yours.canonicalize().ok() != theirs.canonicalize().ok();
    is_another.then(|| {
        say!(
            "need-other-program",
            yours = yours.display().to_string(),
            theirs = theirs.display().to_string()
        )
    })
}

/// The words of a script that may name a program.
fn words(script: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+._-".contains(c);
    let words = script.split(move |c: char| !is_part(c));
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Interrupt;
    use crate::surroundings::{Surroundings, Trust};
    use std::time::Duration;

    #[test]
    fn the_course_in_the_binary_says_to_install_what_only_the_learner_has() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("weaver");
        std::fs::copy("/bin/sh", &program).unwrap();
        let path = |name: &str| (name == "PATH").then(|| folder.path().into());
        let around = Surroundings::new(&Default::default(), Trust::Whole, &path, Vec::new());
        let options = Options {
            timeout: None,
            lesson_timeout: Duration::ZERO,
            tutor: "/nowhere".into(),
            programs: None,
            surroundings: around,
            interrupt: Interrupt::default(),
        };
        let probe = |script: &str| NeedProbe {
            on: Place::Host,
            what: String::new(),
            why: String::new(),
            probe: script.to_owned(),
            package: None,
            remedy: None,
        };
        let course = Course::default();
        let remedy = |script| remedy(&course, &options, "loom", &probe(script), Some("buy one"));
        let said = remedy("weaver --version").expect("it is there");
        assert!(said.contains("`weaver` is in your PATH"), "{said}");
        assert!(said.ends_with("which steps do not have; buy one"), "{said}");
        assert_eq!(remedy("weavers; sh -c true"), None);
    }
}
