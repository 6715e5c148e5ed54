//! The answers of probes, each asked once, and what they say of needs and facets. How long a probe
//! may take is up to [`Stage`](super::Stage), which runs it.

pub use crate::backend::Answer;
use crate::course::{Facet, NeedProbe, Precision};
use crate::lesson::{Need, Place};
use crate::packages::{self, Distribution, Mend};
use crate::say;
use std::collections::HashMap;
use std::sync::Mutex;

/// Answers that hold for the whole process, shared by lessons that run side by side.
#[derive(Debug, Default)]
pub struct ProbeCache {
    answers: Mutex<HashMap<(Place, String), Answer>>,
    /// The mends of needs by packages, by the need's name: to find out takes the package manager.
    mends: Mutex<HashMap<String, Option<Mend>>>,
}

impl ProbeCache {
    /// Returns the answer to a probe, asking only if it is not known.
    ///
    /// No lock is held while asking, so two lessons may ask the same thing at once.
    pub fn answer<E>(
        &self,
        place: Place,
        probe: &str,
        ask: impl FnOnce() -> Result<Answer, E>,
    ) -> Result<Answer, E> {
        let key = (place, probe.to_owned());
        let known = self
            .answers
            .lock()
            .ok()
            .and_then(|answers| answers.get(&key).cloned());
        if let Some(answer) = known {
            return Ok(answer);
        }
        let answer = ask()?;
        match (&answer, self.answers.lock()) {
            (Answer::Yes(_) | Answer::No(_), Ok(mut answers)) => {
                answers.insert(key, answer.clone());
            }
            // It may be known the next time.
            (Answer::Unknown(_), _) | (_, Err(_)) => {}
        }
        Ok(answer)
    }

    /// Returns what to do about a need that is not met, in words.
    pub fn remedy(&self, need: &Need, probe: &NeedProbe, answer: &Answer) -> Option<String> {
        let known = self.mends.lock().ok();
        let known = known.and_then(|mends| mends.get(&need.name).cloned());
        let mend = known.unwrap_or_else(|| {
            let mend = mend(probe, answer, Distribution::here());
            if let Ok(mut mends) = self.mends.lock() {
                mends.insert(need.name.clone(), mend.clone());
            }
            mend
        });
        mend.map(|mend| match mend {
            Mend::Install(words) => say!("need-install", command = packages::as_root(&words)),
            Mend::Remedy(text) => text,
        })
    }
}

/// Returns why a need is not met, if it is not.
pub fn missing(need: &Need, probe: &NeedProbe, answer: &Answer) -> Option<String> {
    let Answer::Yes(text) = answer else {
        return Some(reason(probe, answer));
    };
    let wanted = need.at_least.as_ref()?;
    match version(text) {
        Some(found) if found >= *wanted => None,
        Some(found) => Some(say!(
            "need-too-old",
            what = probe.what.as_str(),
            found = dotted(&found),
            wanted = dotted(wanted)
        )),
        None => Some(say!(
            "need-no-version",
            what = probe.what.as_str(),
            wanted = dotted(wanted)
        )),
    }
}

/// A line of a probe that begins so says what to do, better than the course can know it.
const HELP: &str = "help: ";

/// Returns what to do about something that is missing: what its probe says, else its package, else
/// what the course says.
pub fn mend(probe: &NeedProbe, answer: &Answer, distribution: Distribution) -> Option<Mend> {
    if let Answer::No(text) = answer {
        let mut lines = text.lines().map(str::trim);
        if let Some(said) = lines.find_map(|line| line.strip_prefix(HELP)) {
            return Some(Mend::Remedy(said.to_owned()));
        }
    }
    let remedy = probe.remedy.as_deref();
    match &probe.package {
        Some(package) => packages::mend(package, remedy, distribution),
        None => remedy.map(str::to_owned).map(Mend::Remedy),
    }
}

/// Returns what to do about something that this machine's own kernel lacks or refuses, as commands
/// for the learner of that lesson to type: as root, or in the lab.
pub fn on_own_kernel(lesson: &str, said: Option<&str>) -> String {
    match said {
        _ if !nix::unistd::geteuid().is_root() => say!("need-own-as-root", lesson = lesson),
        Some(said) => say!("need-own-said", said = said, lesson = lesson),
        None => say!("need-own-lab", lesson = lesson),
    }
}

/// Returns why something is missing: the last line that its probe printed.
fn reason(probe: &NeedProbe, answer: &Answer) -> String {
    let last = answer
        .text()
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty() && !line.starts_with(HELP));
    last.map_or_else(
        || say!("need-no-reason", what = probe.what.as_str()),
        str::to_owned,
    )
}

/// Returns the value of a facet, cut to the precision that makes a difference.
pub fn facet_value(facet: &Facet, answer: &Answer) -> Option<String> {
    let Answer::Yes(text) = answer else {
        return None;
    };
    let mut numbers = version(text)?;
    match facet.precision {
        Precision::Major => numbers.truncate(1),
        Precision::Minor => numbers.truncate(2),
        Precision::Full => {}
    }
    Some(dotted(&numbers))
}

/// Returns the whole word of an answer that its version stands in: `6.12.57+deb13-amd64`.
pub fn whole_version(answer: &Answer) -> Option<String> {
    let Answer::Yes(text) = answer else {
        return None;
    };
    let numbers = dotted(&version(text)?);
    let word = text
        .split_whitespace()
        .find(|word| word.contains(&numbers))?;
    let word = word
        .trim_start_matches('v')
        .trim_end_matches([',', ';', ')']);
    Some(word.trim_start_matches('(').to_owned())
}

/// Returns why the value of a facet is not known: its probe, and the last line that it printed.
pub fn facet_unknown(facet: &Facet, answer: &Answer) -> String {
    let mut lines = facet.probe.trim().lines();
    let mut probe = lines.next().unwrap_or_default().to_owned();
    if lines.next().is_some() {
        probe.push_str(" …");
    }
    let said = answer.text().lines().map(str::trim);
    match said.rev().find(|line| !line.is_empty()) {
        Some(said) => say!("facet-probe-said", probe = probe, said = said),
        None => say!("facet-probe-silent", probe = probe),
    }
}

/// The first version number of a text: digits with dots between, `14.0.6` in `clang version 14.0.6`.
pub fn version(text: &str) -> Option<Vec<u64>> {
    let mut words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    let word = words
        .clone()
        .find(|word| word.trim_matches('.').contains('.'));
    let word = word.or_else(|| words.find(|word| !word.trim_matches('.').is_empty()))?;
    let numbers: Vec<u64> = word
        .trim_matches('.')
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    (!numbers.is_empty()).then_some(numbers)
}

/// The numbers of a version as they are written.
pub fn dotted(numbers: &[u64]) -> String {
    numbers
        .iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_dotted_number_is_the_version() {
        assert_eq!(version("Debian clang version 14.0.6"), Some(vec![14, 0, 6]));
        assert_eq!(version("6.18.44-fc-v669"), Some(vec![6, 18, 44]));
        assert_eq!(
            version("bpftool v7.1.0\nusing libbpf v1.1"),
            Some(vec![7, 1, 0])
        );
        assert_eq!(
            version("GNU objdump (GNU Binutils for Debian) 2.40"),
            Some(vec![2, 40])
        );
        assert_eq!(version("version 19"), Some(vec![19]));
        assert_eq!(version("none"), None);
    }

    #[test]
    fn what_a_probe_says_of_help_goes_before_what_the_course_says() {
        let probe = NeedProbe {
            on: Place::Kernel,
            what: "kprobes".into(),
            why: String::new(),
            probe: String::new(),
            package: None,
            remedy: Some("another kernel".into()),
        };
        let of = |text: &str| {
            let answer = Answer::No(text.into());
            let mend = mend(&probe, &answer, Distribution::Other);
            (reason(&probe, &answer), mend)
        };
        let remedy = |text: &str| Some(Mend::Remedy(text.into()));
        let said = of("cannot load: EPERM\nhelp: become root\n");
        assert_eq!(said, ("cannot load: EPERM".into(), remedy("become root")));
        assert_eq!(of("no\n"), ("no".into(), remedy("another kernel")));
    }

    #[test]
    fn a_tool_that_is_too_old_is_missing_with_both_versions() {
        let need = Need {
            name: "clang".into(),
            at_least: Some(vec![16]),
        };
        let probe = NeedProbe {
            on: Place::Host,
            what: "clang".into(),
            why: String::new(),
            probe: String::new(),
            package: None,
            remedy: None,
        };
        let answer = Answer::Yes("clang version 14.0.6".into());
        let reason = missing(&need, &probe, &answer).unwrap();
        assert!(
            reason.contains("14.0.6") && reason.contains("16"),
            "{reason}"
        );
        let need = Need {
            at_least: Some(vec![14]),
            ..need
        };
        assert_eq!(missing(&need, &probe, &answer), None);
    }
}
