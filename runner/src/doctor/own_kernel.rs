//! Findings about kernels for `tutor doctor`: how far one is locked down, and whether this process may
//! load programs into this machine's own.

use super::finding::{Area, Finding, State};
use crate::backend::BackendError;
use crate::lesson::Place;
use crate::packages::Mend;
use crate::run::probes::{Answer, on_own_kernel};
use crate::say;
use tutor_bpf::errno::Errno;
use tutor_bpf::probe::{Feature, KernelEvidence, Phase, Reason};

/// Asks for the state of lockdown: the one in brackets.
const LOCKDOWN: &str = "cat /sys/kernel/security/lockdown";

/// The same in a machine of the lab, which begins without that file system and goes again.
const LOCKDOWN_IN_LAB: &str = "mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
cat /sys/kernel/security/lockdown";

/// Looks at the kernel that steps of these lessons run on, and where that is the lab's, at this
/// machine's own too. `ask` runs a probe in a place.
pub fn examine(
    lessons: &[String],
    in_lab: bool,
    ask: &mut dyn FnMut(Place, &str) -> Result<Answer, BackendError>,
) -> Vec<Finding> {
    let question = match in_lab {
        true => LOCKDOWN_IN_LAB,
        false => LOCKDOWN,
    };
    let answer = ask(Place::Kernel, question).ok();
    let mut found: Vec<Finding> = answer
        .map(|answer| lockdown(&answer, Area::Kernel, lessons))
        .into_iter()
        .collect();
    if in_lab {
        let answer = ask(Place::Host, LOCKDOWN).ok();
        found.extend(answer.map(|answer| lockdown(&answer, Area::OwnKernel, &[])));
        let lesson = lessons.first();
        found.extend(lesson.map(|lesson| privileges(lesson, &KernelEvidence::gather(None))));
    }
    found
}

/// How far a kernel is locked down, by its answer to such a question.
fn lockdown(answer: &Answer, area: Area, lessons: &[String]) -> Finding {
    let level = match answer {
        Answer::Yes(text) => text.split_once('['),
        Answer::No(_) | Answer::Unknown(_) => None,
    };
    let level = level.and_then(|(_, rest)| Some(rest.split_once(']')?.0));
    let (state, mend) = match level {
        Some("confidentiality") => (
            State::Lacks(say!("doctor-lockdown-lacks")),
            Some(say!("doctor-lockdown-mend")),
        ),
        level => (State::Has(level.map(str::to_owned)), None),
    };
    let (what, why) = (say!("doctor-lockdown"), say!("doctor-lockdown-why"));
    Finding {
        lessons: lessons.to_vec(),
        note: level.is_none().then(|| say!("doctor-lockdown-unknown")),
        mend: mend.map(Mend::Remedy),
        ..Finding::new(area, "lockdown", what, why, state)
    }
}

/// Whether this process may load programs into this machine's own kernel. `lesson` is one that would.
fn privileges(lesson: &str, evidence: &KernelEvidence) -> Finding {
    let refused = Some(Errno::EPERM);
    let reason = Reason::likely(Feature::LoadKprobe, Phase::Load, refused, evidence);
    let (state, mend) = match &reason {
        Reason::MissingCapability { .. } => (
            State::Lacks(reason.to_string()),
            Some(on_own_kernel(lesson, None)),
        ),
        Reason::UserNamespace => (State::Lacks(reason.to_string()), Some(reason.remedy())),
        _ => (State::Has(None), None),
    };
    let (what, why) = (say!("doctor-privileges"), say!("doctor-privileges-why"));
    Finding {
        mend: mend.map(Mend::Remedy),
        ..Finding::new(Area::OwnKernel, "privileges", what, why, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tutor_bpf::probe::Capabilities;

    fn locked(yes: bool, text: &str) -> Finding {
        let text = text.to_owned();
        let answer = match yes {
            true => Answer::Yes(text),
            false => Answer::No(text),
        };
        lockdown(&answer, Area::Kernel, &[])
    }

    #[test]
    fn a_kernel_that_keeps_its_memory_from_root_is_locked_down_too_far() {
        let has = |level: &str| State::Has(Some(level.to_owned()));
        let of = |text| locked(true, text).state;
        assert_eq!(of("[none] integrity confidentiality"), has("none"));
        assert_eq!(of("none [integrity] confidentiality"), has("integrity"));
        let found = locked(true, "none integrity [confidentiality]");
        assert!(matches!(found.state, State::Lacks(_)));
        assert!(found.mend.is_some());
        let found = locked(false, "cat: no such file");
        assert_eq!(found.state, State::Has(None));
        assert!(found.note.is_some());
    }

    #[test]
    fn privileges_over_the_own_kernel_are_those_of_the_first_namespace() {
        let root = KernelEvidence {
            capabilities: Capabilities::ALL,
            ..KernelEvidence::default()
        };
        assert_eq!(privileges("demo", &root).state, State::Has(None));
        let contained = KernelEvidence {
            in_user_namespace: true,
            ..root
        };
        for lacking in [contained, KernelEvidence::default()] {
            let found = privileges("demo", &lacking);
            assert!(matches!(found.state, State::Lacks(_)), "{found:?}");
            assert!(found.mend.is_some());
        }
    }
}
