//! What this machine has, asked once: needs of steps, and facets of the environment.

pub use crate::backend::Answer;
use crate::course::{Facet, NeedProbe, Precision};
use crate::lesson::{Need, Place};
use crate::say;
use crate::transcript::Skip;
use std::collections::HashMap;
use std::sync::Mutex;

/// Answers that hold for the whole process, shared by lessons that run side by side.
#[derive(Debug, Default)]
pub struct Findings {
    answers: Mutex<HashMap<(Place, String), Answer>>,
}

impl Findings {
    /// Returns the answer to a probe, asking only if nobody has.
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
        if let Ok(mut answers) = self.answers.lock() {
            answers.insert(key, answer.clone());
        }
        Ok(answer)
    }
}

/// Returns why a step cannot run, if its need is not met.
pub fn missing(need: &Need, probe: &NeedProbe, answer: &Answer) -> Option<Skip> {
    let reason = if !answer.yes {
        reason(probe, answer)
    } else {
        let wanted = need.at_least.as_ref()?;
        match version(&answer.text) {
            Some(found) if found >= *wanted => return None,
            Some(found) => say!(
                "need-too-old",
                what = probe.what.as_str(),
                found = dotted(&found),
                wanted = dotted(wanted)
            ),
            None => say!(
                "need-no-version",
                what = probe.what.as_str(),
                wanted = dotted(wanted)
            ),
        }
    };
    Some(Skip::Need {
        need: need.to_string(),
        reason,
        remedy: remedy(probe, answer),
    })
}

/// A line of a probe that begins so says what to do, better than the course can know it.
const HELP: &str = "help: ";

/// Returns what to do about something that is missing: what its probe says, else the course.
pub fn remedy(probe: &NeedProbe, answer: &Answer) -> Option<String> {
    let mut lines = answer.text.lines().map(str::trim);
    let said = lines.find_map(|line| line.strip_prefix(HELP));
    said.filter(|_| !answer.yes)
        .map(str::to_owned)
        .or_else(|| probe.remedy.clone())
}

/// Returns why something is missing: the last line that its probe printed.
pub fn reason(probe: &NeedProbe, answer: &Answer) -> String {
    let last = answer
        .text
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
    if !answer.yes {
        return None;
    }
    let mut numbers = version(&answer.text)?;
    match facet.precision {
        Precision::Major => numbers.truncate(1),
        Precision::Minor => numbers.truncate(2),
        Precision::Full => {}
    }
    Some(dotted(&numbers))
}

/// Returns why the value of a facet is not known: its probe, and the last line that it printed.
pub fn facet_unknown(facet: &Facet, answer: &Answer) -> String {
    let mut lines = facet.probe.trim().lines();
    let mut probe = lines.next().unwrap_or_default().to_owned();
    if lines.next().is_some() {
        probe.push_str(" …");
    }
    let said = answer.text.lines().map(str::trim);
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
            let answer = Answer {
                yes: false,
                text: text.into(),
            };
            (reason(&probe, &answer), remedy(&probe, &answer))
        };
        let said = of("cannot load: EPERM\nhelp: become root\n");
        assert_eq!(
            said,
            ("cannot load: EPERM".into(), Some("become root".into()))
        );
        assert_eq!(of("no\n"), ("no".into(), Some("another kernel".into())));
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
        let answer = Answer {
            yes: true,
            text: "clang version 14.0.6".into(),
        };
        let Some(Skip::Need { reason, .. }) = missing(&need, &probe, &answer) else {
            panic!()
        };
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
