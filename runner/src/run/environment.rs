//! The environment of steps, and what a check is told of its step.

use super::places::Options;
use crate::lesson::Place;
use crate::transcript::Ending;
use std::path::{Path, PathBuf};

/// The folders that steps find programs in, after `tutor`'s own. bpftool is in an sbin folder.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The folders that steps of a place find programs in, in their order.
pub(super) fn search_path(options: &Options, place: Place) -> Vec<PathBuf> {
    let own = [Some(&options.tutor), options.programs.as_ref()];
    // The learner's surroundings are those of this machine only.
    let asked = (place == Place::Host).then_some(&options.surroundings.path);
    let own = own.into_iter().flatten().chain(asked.into_iter().flatten());
    own.cloned()
        .chain(PATH.split(':').map(PathBuf::from))
        .collect()
}

/// The whole environment of steps: the same on every machine, so that output is, but for what the
/// course asked for.
pub fn environment(options: &Options, place: Place, home: &Path) -> Vec<(String, String)> {
    let around = (place == Place::Host).then_some(&options.surroundings);
    let folders = search_path(options, place);
    let folders: Vec<String> = folders
        .iter()
        .map(|one| one.display().to_string())
        .collect();
    let pairs = [
        ("PATH", folders.join(":")),
        ("HOME", home.display().to_string()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TZ", "UTC".to_owned()),
        ("COLUMNS", "80".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("NO_COLOR", "1".to_owned()),
        ("TUTOR", "1".to_owned()),
    ];
    let asked = around.iter().flat_map(|around| &around.environment);
    let ours = pairs.map(|(name, value)| (name.to_owned(), value));
    // A course cannot ask for another value of what is the same everywhere.
    let is_ours = |name: &str| ours.iter().any(|(ours, _)| ours == name);
    let asked: Vec<_> = asked.filter(|(name, _)| !is_ours(name)).cloned().collect();
    ours.into_iter().chain(asked).collect()
}

/// A check's script with the names of its step's output in front.
pub fn with_output_of(home: &Path, step: &str, ending: &Ending, script: &str) -> String {
    let [stdout, stderr] = output_files(step).map(|name| home.join(name));
    let exit = match ending {
        Ending::Exited(code) => code.to_string(),
        Ending::Signaled(signal) => (128 + signal).to_string(),
        Ending::TimedOut(_)
        | Ending::Interrupted
        | Ending::Stopped
        | Ending::Skipped(_)
        | Ending::Broken(_) => String::new(),
    };
    format!(
        "export TUTOR_STDOUT={} TUTOR_STDERR={} TUTOR_EXIT={exit}\n{script}",
        quoted(&stdout),
        quoted(&stderr)
    )
}

/// The files of the steps' home that a step's output is put into for its checks.
pub fn output_files(step: &str) -> [String; 2] {
    ["stdout", "stderr"].map(|stream| format!(".tutor-{step}.{stream}"))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
