//! What a kernel refuses even to root, and what this machine's own permits, for `tutor doctor`.

use super::{Area, Finding, State};
use crate::packages::Mend;
use crate::run::findings::{Answer, on_own_kernel};
use crate::say;
use tutor_bpf::errno::Errno;
use tutor_bpf::probe::{Evidence, Feature, Phase, Reason};

/// Asks for the state of lockdown: the one in brackets.
pub const LOCKDOWN: &str = "cat /sys/kernel/security/lockdown";

/// The same in a machine of the lab, which begins without that file system and goes again.
pub const LOCKDOWN_IN_LAB: &str = "mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
cat /sys/kernel/security/lockdown";

/// How far a kernel is locked down, by what such a question was answered with there.
pub fn lockdown(answer: &Answer, area: Area, lessons: &[String]) -> Finding {
    let level = answer.text.split_once('[').filter(|_| answer.yes);
    let level = level.and_then(|(_, rest)| Some(rest.split_once(']')?.0));
    let (state, mend) = match level {
        Some("confidentiality") => (
            State::Lacks(say!("doctor-lockdown-lacks")),
            Some(say!("doctor-lockdown-mend")),
        ),
        level => (State::Has(level.map(str::to_owned)), None),
    };
    Finding {
        name: "lockdown".to_owned(),
        what: say!("doctor-lockdown"),
        why: say!("doctor-lockdown-why"),
        lessons: lessons.to_vec(),
        area,
        state,
        note: level.is_none().then(|| say!("doctor-lockdown-unknown")),
        packages: Vec::new(),
        mend: mend.map(Mend::Remedy),
    }
}

/// Whether this process may load programs into this machine's own kernel. `lesson` is one that would.
pub fn privileges(lesson: &str, evidence: &Evidence) -> Finding {
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
    Finding {
        name: "privileges".to_owned(),
        what: say!("doctor-privileges"),
        why: say!("doctor-privileges-why"),
        lessons: Vec::new(),
        area: Area::OwnKernel,
        state,
        note: None,
        packages: Vec::new(),
        mend: mend.map(Mend::Remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tutor_bpf::probe::Capabilities;

    fn locked(yes: bool, text: &str) -> Finding {
        let text = text.to_owned();
        lockdown(&Answer { yes, text }, Area::Kernel, &[])
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
        let root = Evidence {
            capabilities: Capabilities::ALL,
            ..Evidence::default()
        };
        assert_eq!(privileges("demo", &root).state, State::Has(None));
        let contained = Evidence {
            in_user_namespace: true,
            ..root
        };
        for lacking in [contained, Evidence::default()] {
            let found = privileges("demo", &lacking);
            assert!(matches!(found.state, State::Lacks(_)), "{found:?}");
            assert!(found.mend.is_some());
        }
    }
}
