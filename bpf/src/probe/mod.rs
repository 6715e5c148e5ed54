//! Finds out by trying whether a kernel feature works here, and explains why one does not.
//!
//! Nothing a probe loads, attaches or pins outlives it.

mod attempt;
mod capability;
mod diagnosis;
mod evidence;
mod failure;
mod feature;
mod reason;
mod refusal;

use crate::quiet::listening;

pub use capability::{Capabilities, Capability};
pub use evidence::{KernelEvidence, Lockdown};
pub use failure::{KernelAnswer, Phase};
pub use feature::Feature;
pub use reason::Reason;
pub use refusal::Refusal;

/// Says what worked, in a few words without numbers: "attached a kprobe program to `vfs_mkdir`".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success(String);

impl std::fmt::Display for Success {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tries `feature` in this process, now, and returns what worked or why the kernel refused.
///
/// ```
/// use tutor_bpf::probe::{Feature, probe};
///
/// if let Err(refusal) = probe(Feature::Fentry) {
///     eprintln!("error: {refusal}");
///     eprintln!("help: {}", refusal.remedy());
/// }
/// ```
pub fn probe(feature: Feature) -> Result<Success, Refusal> {
    let (outcome, heard) = listening(|| attempt::attempt(feature));
    outcome.map(Success).map_err(|failure| {
        let function = diagnosis::kernel_function(feature);
        let evidence = KernelEvidence::gather(function);
        Refusal::explain(feature, failure, &evidence).hearing(heard)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Root can be refused a feature too; what root must never get is an answer without a reason.
    #[test]
    fn every_feature_works_or_says_in_one_line_why_not() {
        for &feature in Feature::ALL {
            let line = match probe(feature) {
                Ok(finding) => finding.to_string(),
                Err(refusal) => refusal.to_string(),
            };
            assert!(!line.contains('\n'), "{feature}: {line}");
        }
    }

    #[test]
    fn a_probe_leaves_no_program_behind() {
        if !nix::unistd::geteuid().is_root() {
            println!("skipped: a_probe_leaves_no_program_behind: only root can list programs");
            return;
        }
        let ours = || {
            libbpf_rs::query::ProgInfoIter::default()
                .filter(|program| program.name == "tutor_probe")
                .count()
        };
        for &feature in Feature::ALL {
            let _ = probe(feature);
        }
        // The kernel frees a program some moments after its last user let go.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while ours() > 0 && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(ours(), 0);
    }

    #[test]
    fn root_is_not_told_to_become_root() {
        if !KernelEvidence::gather(None)
            .capabilities
            .has(Capability::SysAdmin)
        {
            println!("skipped: root_is_not_told_to_become_root: this process lacks CAP_SYS_ADMIN");
            return;
        }
        for &feature in Feature::ALL {
            if let Err(refusal) = probe(feature) {
                let missing = matches!(refusal.reason(), Reason::MissingCapability { .. });
                assert!(!missing, "{refusal}");
            }
        }
    }
}
