//! What a lesson says of a step that its output depends on, and whether a recorded output is of that.

use super::recorded::{Made, Recorded, is_same_script};
use crate::course::CourseMask;
use crate::lesson::{Block, Check, Compare, Lesson, Place, Step, StepKind};
use crate::say;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{self, Display, Formatter};

/// A step, with all of its lesson that its snapshot depends on.
///
/// Which files a command reads nobody can tell from its text. So each snapshot answers for what
/// stands between its step and the one above whose output is compared, and together they answer for
/// all that the lesson runs and writes. A sample, of a step whose output is not compared, answers for
/// the same; nothing shows that it holds, so what stands below it does not rest on it.
#[derive(Clone, Debug)]
pub struct Recipe<'l> {
    /// The step.
    pub step: &'l Step,
    /// Its checks, in the order of the text.
    pub checks: Vec<&'l Check>,
    above: BTreeMap<String, String>,
    own_masks: BTreeMap<String, String>,
}

/// The recipes of a lesson's steps by their ids. `masks` are those that the course declares.
pub fn recipes<'l>(
    lesson: &'l Lesson,
    masks: &BTreeMap<String, CourseMask>,
) -> HashMap<&'l str, Recipe<'l>> {
    let own_mask = |name: &String| {
        let mask = masks.get(name)?;
        let text = format!("{} {}", mask.token, mask.pattern.as_str());
        Some((name.clone(), digest(&text)))
    };
    let mut recipes: HashMap<&str, Recipe<'_>> = HashMap::new();
    let mut above: BTreeMap<String, String> = BTreeMap::new();
    for block in &lesson.blocks {
        match block {
            // An exercise runs when the learner wants it to, and no other step builds on it.
            Block::Prose(_) | Block::Clue(_) => {}
            Block::Step(step) if step.kind == StepKind::Exercise => {}
            Block::File(file) => {
                above.insert(file.path.display().to_string(), digest(&file.content));
            }
            Block::Step(step) => {
                let recipe = Recipe {
                    step,
                    checks: Vec::new(),
                    above: above.clone(),
                    own_masks: step.masks.iter().filter_map(own_mask).collect(),
                };
                recipes.entry(&step.id).or_insert(recipe);
                match step.compare {
                    Compare::Snapshot => above.clear(),
                    Compare::None => {
                        above.insert(step.id.clone(), digest(step.script.trim_end()));
                    }
                }
            }
            // A check stands below its step.
            Block::Check(check) => {
                if let Some(recipe) = recipes.get_mut(&*check.of) {
                    recipe.checks.push(check);
                }
            }
        }
    }
    recipes
}

/// The beginning of a hash: enough to tell versions of one text apart, and short in a diff.
fn digest(text: &str) -> String {
    let mut digest = tutor_files::hash(text.as_bytes()).to_string();
    digest.truncate(16);
    digest
}

impl Recipe<'_> {
    /// What a snapshot of the step notes of the lesson, but for its checks.
    pub fn made(&self) -> Made {
        Made {
            on: self.step.on,
            mask: masks(self.step),
            own_masks: self.own_masks.clone(),
            above: self.above.clone(),
            checks: BTreeMap::new(),
        }
    }
}

/// The names of a step's masks, each once, in alphabetical order: their order makes no difference.
fn masks(step: &Step) -> String {
    let names: BTreeSet<&str> = step.masks.iter().map(String::as_str).collect();
    names.into_iter().collect::<Vec<_>>().join(",")
}

/// A reason why a recorded output is not what the lesson's step prints now, or is not known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stale {
    /// The step had another command.
    Command,
    /// It ended in another way: this one, in a snapshot's words.
    Exit(String),
    /// It ran in this other place.
    On(Place),
    /// It had these other masks.
    Masks(String),
    /// A mask of the course of this name hid something else, or was declared elsewhere.
    OwnMask(String),
    /// A file, or a step that is not compared, of this name stood above it, or had another content,
    /// or none stood there.
    Above(String),
    /// A check of this name had another script, or claimed something else.
    Check(String),
    /// A check of this name was not there, or did not hold.
    CheckMissing(String),
    /// A check of this name was there.
    CheckGone(String),
    /// A step or check of this name had failed before in the same run.
    AfterFailure(String),
}

impl Display for Stale {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&match self {
            Stale::Command => say!("stale-command"),
            Stale::Exit(exit) => say!("stale-exit", exit = exit.as_str()),
            Stale::On(place) => say!("stale-on", place = place.to_string()),
            Stale::Masks(masks) if masks.is_empty() => say!("stale-no-masks"),
            Stale::Masks(masks) => say!("stale-masks", masks = masks.as_str()),
            Stale::OwnMask(name) => say!("stale-own-mask", name = name.as_str()),
            Stale::Above(name) => say!("stale-above", name = name.as_str()),
            Stale::Check(name) => say!("stale-check", name = name.as_str()),
            Stale::CheckMissing(name) => say!("stale-check-missing", name = name.as_str()),
            Stale::AfterFailure(name) => say!("stale-after-failure", name = name.as_str()),
            Stale::CheckGone(name) => say!("stale-check-gone", name = name.as_str()),
        })
    }
}

/// All reasons in one sentence.
pub fn stale_words(stale: &[Stale]) -> String {
    let words: Vec<String> = stale.iter().map(Stale::to_string).collect();
    words.join(", ")
}

impl Recorded {
    /// The reasons why it is not of the step as the lesson has it now; none if it is.
    ///
    /// A snapshot of an earlier `tutor` knows less, and only what it knows is compared.
    pub fn stale_for(&self, recipe: &Recipe<'_>) -> Vec<Stale> {
        let step = recipe.step;
        let mut stale = Vec::new();
        if !is_same_script(&self.command, &step.script) {
            stale.push(Stale::Command);
        }
        if !self.ended_as_expected(step) {
            stale.push(Stale::Exit(self.exit.clone()));
        }
        stale.extend(self.after_failure.clone().map(Stale::AfterFailure));
        let Some(made) = &self.made else {
            return stale;
        };
        if made.on != step.on {
            stale.push(Stale::On(made.on));
        }
        if made.mask != masks(step) {
            stale.push(Stale::Masks(made.mask.clone()));
        }
        // One that is named now and was not is told by the masks' names.
        let is_same = |(name, hash): &(&String, &String)| {
            recipe.own_masks.get(*name).is_none_or(|now| now == *hash)
        };
        let differ = made.own_masks.iter().filter(|mask| !is_same(mask));
        stale.extend(differ.map(|(name, _)| Stale::OwnMask(name.clone())));
        let names: BTreeSet<&String> = made.above.keys().chain(recipe.above.keys()).collect();
        let differ = names
            .into_iter()
            .filter(|name| made.above.get(*name) != recipe.above.get(*name));
        stale.extend(differ.map(|name| Stale::Above(name.clone())));
        for check in &recipe.checks {
            match made.checks.get(&check.name) {
                Some(held) if held.is_of(check) => {}
                Some(_) => stale.push(Stale::Check(check.name.clone())),
                None => stale.push(Stale::CheckMissing(check.name.clone())),
            }
        }
        let names: BTreeSet<&String> = recipe.checks.iter().map(|check| &check.name).collect();
        let gone = made.checks.keys().filter(|name| !names.contains(name));
        stale.extend(gone.map(|name| Stale::CheckGone(name.clone())));
        stale
    }

    /// True if the step's author expects that end.
    fn ended_as_expected(&self, step: &Step) -> bool {
        match self.status() {
            Some(status) => step.exit.allows(status),
            None => step.background.is_some(),
        }
    }

    /// True if it ended as a run of the step did. A background step may end by itself just before
    /// it is stopped, so that is no difference.
    pub fn ended_like(&self, status: Option<i32>, step: &Step) -> bool {
        match (self.status(), status) {
            (Some(one), Some(other)) => one == other,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => step.background.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recorded::HeldCheck;
    use super::super::tests::recorded;
    use super::*;
    use std::path::Path;

    const LESSON: &str = "---\nformat: 1\nname: hello\ntitle: Hello\n---\n\n\
        ```c {file=a.c}\nint a;\n```\n\n\
        ```sh {id=enter compare=none}\ncd src\n```\n\n\
        ```sh {id=build mask=time,pid}\nmake\n```\n\n\
        It is [104 bytes](#check-size).\n\n\
        ```sh {check=size of=build expect=104}\nwc -c < a.o\n```\n\n\
        ```sh {id=run exit=nonzero}\n./a.o\n```\n";

    fn lesson(source: &str) -> Lesson {
        let path = Path::new("lessons/lesson-2.md");
        let none = |_: &Path| Err(crate::lesson::NotIncluded::Missing);
        let (lesson, found) = crate::lesson::parse("lesson-2", path, source, &none);
        assert!(found.is_empty(), "{found:?}");
        lesson
    }

    /// The output of a step of [`LESSON`], recorded when all its checks held.
    fn of(step: &str) -> Recorded {
        let lesson = lesson(LESSON);
        let recipe = &recipes(&lesson, &BTreeMap::new())[step];
        let held = recipe.checks.iter().map(|check| {
            let held = HeldCheck {
                script: check.script.trim_end().to_owned(),
                claim: super::super::CheckClaim::of(check),
                value: "104".to_owned(),
            };
            (check.name.clone(), held)
        });
        let made = Made {
            checks: held.collect(),
            ..recipe.made()
        };
        Recorded {
            command: recipe.step.script.trim_end().to_owned(),
            exit: if step == "run" { "1" } else { "0" }.to_owned(),
            made: Some(made),
            ..recorded("hello", step, "ok\n")
        }
    }

    /// The reasons why an output is stale when the lesson is edited so.
    fn stale(recorded: &Recorded, from: &str, to: &str) -> Vec<Stale> {
        assert!(LESSON.contains(from), "{from}");
        let lesson = lesson(&LESSON.replace(from, to));
        recorded.stale_for(&recipes(&lesson, &BTreeMap::new())[recorded.name.step()])
    }

    #[test]
    fn an_output_is_of_its_step_until_something_changes_that_it_depends_on() {
        let build = |from: &str, to: &str| stale(&of("build"), from, to);
        let named = |name: &str| name.to_owned();
        assert_eq!(build("Hello", "Hi"), []);
        assert_eq!(build("make", "make all"), [Stale::Command]);
        assert_eq!(
            build("{id=build", "{id=build exit=2"),
            [Stale::Exit(named("0"))]
        );
        assert_eq!(
            build("{id=build", "{id=build on=kernel"),
            [Stale::On(Place::Host)]
        );
        assert_eq!(build("mask=time,pid", "mask=pid,time"), []);
        assert_eq!(
            build(" mask=time,pid", ""),
            [Stale::Masks(named("pid,time"))]
        );
        assert_eq!(build("int a", "int b"), [Stale::Above(named("a.c"))]);
        assert_eq!(build("cd src", "cd /"), [Stale::Above(named("enter"))]);
        assert_eq!(
            build("expect=104", "expect=105"),
            [Stale::Check(named("size"))]
        );
        assert_eq!(
            build("expect=104", "match=104"),
            [Stale::Check(named("size"))]
        );
        assert_eq!(build("wc -c", "wc  -c"), [Stale::Check(named("size"))]);
        let renamed = [
            Stale::CheckMissing(named("bytes")),
            Stale::CheckGone(named("size")),
        ];
        let lesson = lesson(
            &LESSON
                .replace("check-size", "check-bytes")
                .replace("check=size", "check=bytes"),
        );
        assert_eq!(
            of("build").stale_for(&recipes(&lesson, &BTreeMap::new())["build"]),
            renamed
        );
    }

    #[test]
    fn what_changes_is_told_of_the_next_output_only() {
        assert_eq!(stale(&of("run"), "int a", "int b"), []);
        assert_eq!(stale(&of("run"), "make", "make all"), []);
        let now_uncompared = stale(&of("run"), "{id=build", "{id=build compare=none");
        assert_eq!(now_uncompared.len(), 3, "{now_uncompared:?}");
    }

    #[test]
    fn an_output_of_an_earlier_tutor_is_judged_by_what_it_knows() {
        let old = Recorded {
            made: None,
            ..of("build")
        };
        assert_eq!(stale(&old, "int a", "int b"), []);
        assert_eq!(stale(&old, "expect=104", "expect=105"), []);
        assert_eq!(stale(&old, "make", "make all"), [Stale::Command]);
        let size = lesson(LESSON).checks().next().cloned().expect("it has one");
        assert_eq!(old.proves(&size), None);
        assert!(of("build").proves(&size).is_some());
    }

    #[test]
    fn a_status_that_its_author_does_not_expect_is_stale() {
        let run = |exit: &str| Recorded {
            exit: exit.to_owned(),
            ..of("run")
        };
        assert_eq!(stale(&run("signal 9"), "Hello", "Hello"), []);
        for exit in ["0", "stopped"] {
            let other = [Stale::Exit(exit.to_owned())];
            assert_eq!(stale(&run(exit), "Hello", "Hello"), other);
        }
        let background = "{id=run background";
        assert_eq!(stale(&run("stopped"), "{id=run", background), []);
    }
}
