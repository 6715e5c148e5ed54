//! The explanation of a kernel's refusal.

use super::evidence::KernelEvidence;
use super::failure::{FailedAttempt, KernelAnswer};
use super::feature::Feature;
use super::reason::Reason;

/// A feature does not work here: what was tried, what the kernel answered, and why it probably did.
///
/// Its `Display` is one line:
///
/// ```text
/// cannot attach a kprobe program to `vfs_mkdir`: ENOENT (no such file or directory): this kernel was built without CONFIG_KPROBES
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {attempt}: {answer}: {reason}{}", besides(.obstacle))]
pub struct Refusal {
    attempt: Box<str>,
    answer: KernelAnswer,
    reason: Reason,
    obstacle: Option<Box<Reason>>,
    heard: Box<[String]>,
}

impl Refusal {
    pub(super) fn explain(
        feature: Feature,
        failure: FailedAttempt,
        evidence: &KernelEvidence,
    ) -> Self {
        let FailedAttempt {
            phase,
            attempt,
            answer,
        } = failure;
        let errno = match answer {
            KernelAnswer::Errno(errno) => Some(errno),
            KernelAnswer::Words(_) => None,
        };
        let reason = Reason::likely(feature, phase, errno, evidence);
        let obstacle = Reason::standing_in_the_way(feature, evidence)
            .filter(|obstacle| *obstacle != reason)
            .map(Box::new);
        Self {
            attempt: attempt.into(),
            answer,
            reason,
            obstacle,
            heard: Box::default(),
        }
    }

    pub(super) fn hearing(mut self, heard: Vec<String>) -> Self {
        self.heard = heard.into();
        self
    }

    /// Returns what was being tried, to be read after "cannot".
    pub fn attempt(&self) -> &str {
        &self.attempt
    }

    /// Returns what the kernel answered.
    pub fn answer(&self) -> &KernelAnswer {
        &self.answer
    }

    /// Returns the most likely reason.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Returns what would stand in the way even if [`Refusal::reason`] were mended.
    pub fn obstacle(&self) -> Option<&Reason> {
        self.obstacle.as_deref()
    }

    /// Returns libbpf's own words about it, line by line, for details.
    pub fn heard(&self) -> &[String] {
        &self.heard
    }

    /// Returns what to do about it. An obstacle comes first: mending the rest alone does not help.
    pub fn remedy(&self) -> String {
        match &self.obstacle {
            Some(obstacle) => format!("{}; then {}", obstacle.remedy(), self.reason.remedy()),
            None => self.reason.remedy(),
        }
    }
}

fn besides(obstacle: &Option<Box<Reason>>) -> String {
    match obstacle {
        Some(obstacle) => format!("; besides, {obstacle}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::probe::Phase;
    use crate::probe::{Capabilities, Lockdown};

    fn refused(evidence: &KernelEvidence) -> Refusal {
        let failure = FailedAttempt {
            phase: Phase::Load,
            attempt: "load a kprobe program".to_owned(),
            answer: KernelAnswer::Errno(Errno::EPERM),
        };
        Refusal::explain(Feature::Kprobe, failure, evidence)
    }

    #[test]
    fn the_line_says_what_was_tried_what_came_back_and_why() {
        assert_eq!(
            refused(&KernelEvidence::default()).to_string(),
            "cannot load a kprobe program: EPERM (operation not permitted): \
             this process lacks CAP_BPF and CAP_PERFMON"
        );
    }

    #[test]
    fn what_becoming_root_would_not_mend_is_said_too() {
        let evidence = KernelEvidence {
            has_kprobe_source: Some(false),
            ..KernelEvidence::default()
        };
        let refusal = refused(&evidence);
        assert!(
            refusal
                .to_string()
                .ends_with("; besides, this kernel was built without CONFIG_KPROBES")
        );
        assert!(
            refusal
                .remedy()
                .starts_with("boot a kernel with CONFIG_KPROBES=y")
        );
    }

    #[test]
    fn a_policy_names_what_can_be_seen_of_it() {
        let evidence = KernelEvidence {
            capabilities: Capabilities::ALL,
            lockdown: Some(Lockdown::Integrity),
            security_modules: Some("lockdown,capability,bpf".to_owned()),
            ..KernelEvidence::default()
        };
        let line = refused(&evidence).to_string();
        let seen = "(lockdown: integrity; security modules: lockdown,capability,bpf)";
        assert!(line.ends_with(seen), "{line}");
    }
}
