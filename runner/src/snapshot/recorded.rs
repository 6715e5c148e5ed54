//! An output that was accepted or waits to be.

use super::name::{Environment, SnapshotName};
use crate::lesson::{Check, Expectation, Place};
use crate::normalize::StableText;
use crate::transcript::Ending;
use crate::visible::visible_text;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// An output with its provenance, as a snapshot holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Which snapshot it is.
    pub name: SnapshotName,
    /// The output, made stable.
    pub text: StableText,
    /// The exit status, or how else it ended: `0`, `signal 9`, `stopped`.
    pub exit: String,
    /// The script that printed it.
    pub command: String,
    /// What else of the lesson it depends on; nothing in a snapshot that an earlier `tutor` wrote.
    pub made: Option<Made>,
    /// Where it was recorded: the facets by which snapshots are told apart. Of a step that runs on
    /// the host it names nothing of the kernel, unless the step varies by it.
    pub environment: Environment,
    /// The same facets with all of their versions: `kernel` → `6.12.57+deb13-amd64`.
    pub versions: Environment,
    /// The day: `2026-11-23`.
    pub recorded: Option<String>,
    /// The step or check that failed before it in the same run, which it may be spoiled by.
    pub after_failure: Option<String>,
}

/// What an output was made of, besides the command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Where the step ran.
    pub on: Place,
    /// The masks that the step named, as in its fence: `pid,time`.
    pub mask: String,
    /// Those of them that the course declares, each with a hash of what it hides.
    pub own_masks: BTreeMap<String, String>,
    /// What the lesson had between this step and the recorded one above it, files and steps that
    /// have no snapshot, each with a hash of its content.
    pub above: BTreeMap<String, String>,
    /// The checks of the step that held, by name.
    pub checks: BTreeMap<String, HeldCheck>,
}

/// How the claim of a question is called in a snapshot.
pub(super) const PREDICT: &str = "predict";

/// A check that held when an output was recorded, or the answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCheck {
    /// The script that printed the value.
    pub script: String,
    /// What the value had to be.
    pub claim: CheckClaim,
    /// What came out, made stable; the beginning of a long one.
    ///
    /// That of a check is shown and never compared: whether it is right the claim says, and one that
    /// matches a pattern or lies in a range may be another one in each run. That of a question is the
    /// right answer.
    pub value: String,
}

/// The expectation of a check, in the words of its fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckClaim {
    /// How the value is compared: `expect`, `match` or `range`; `predict` for the answer to a question.
    pub key: &'static str,
    /// With what: `104`, `^ok`, `1..5`; for a question the answers to choose from.
    pub wanted: String,
}

impl CheckClaim {
    /// What this check claims.
    pub fn of(check: &Check) -> CheckClaim {
        let (key, wanted) = match &check.expect {
            Expectation::Equals(text) => ("expect", text.trim().to_owned()),
            Expectation::Matches(pattern) => ("match", pattern.clone()),
            range @ Expectation::Range(..) => ("range", range.to_string()),
            choices @ Expectation::Answer(_) => (PREDICT, choices.to_string()),
        };
        CheckClaim { key, wanted }
    }
}

impl fmt::Display for CheckClaim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.key, self.wanted)
    }
}

/// The most characters of a check's value that are recorded.
const VALUE_CHARACTERS: usize = 200;

/// The value that a check found, or that answers a question, as a snapshot has it: without blanks
/// around it, and the beginning of a long one.
pub fn value_of(text: &StableText) -> String {
    beginning(text.sections().stdout.text().trim())
}

/// The beginning of a long value.
pub fn beginning(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARACTERS) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

impl Recorded {
    /// The file, relative to the folder of all snapshots: `hello/build.snap`.
    pub fn file(&self) -> PathBuf {
        self.name.file()
    }

    /// The value by which this output proves a check as the lesson has it now.
    pub fn proves(&self, check: &Check) -> Option<&HeldCheck> {
        let held = self.made.as_ref()?.checks.get(&check.name)?;
        held.is_of(check).then_some(held)
    }

    /// The exit status as a shell would put it; nothing where `tutor` stopped the step.
    pub fn status(&self) -> Option<i32> {
        match self.exit.strip_prefix("signal ") {
            Some(signal) => signal.parse().ok().map(|signal: i32| 128 + signal),
            None => self.exit.parse().ok(),
        }
    }
}

impl HeldCheck {
    /// True if the lesson still has that script and that claim.
    pub(super) fn is_of(&self, check: &Check) -> bool {
        let claim = CheckClaim::of(check);
        let is_wanted =
            self.claim.wanted == claim.wanted || self.claim.wanted == visible_text(&claim.wanted);
        is_wanted && self.claim.key == claim.key && is_same_script(&self.script, &check.script)
    }
}

/// How a step ended, in a snapshot's words.
pub fn ending_words(ending: &Ending) -> String {
    match ending {
        Ending::Exited(code) => code.to_string(),
        Ending::Signaled(signal) => format!("signal {signal}"),
        Ending::Stopped => "stopped".to_owned(),
        Ending::TimedOut(_) => "timed out".to_owned(),
        Ending::Skipped(_) => "skipped".to_owned(),
        Ending::Interrupted => "interrupted".to_owned(),
        Ending::Broken(_) => "broken".to_owned(),
    }
}

/// True if a recorded script is this one of the lesson. What was read from a snapshot is safe to show.
pub(super) fn is_same_script(recorded: &str, script: &str) -> bool {
    let script = script.trim_end();
    recorded.trim_end() == script || recorded == visible_text(script)
}
