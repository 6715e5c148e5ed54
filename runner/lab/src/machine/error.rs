//! Why a machine failed; where it ended, by what its console and QEMU said last.

use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tutor_agent::protocol::{VERSION, quoted};

/// A machine did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The process could not be started.
    #[error("cannot start `{program}`: {error}")]
    Start {
        /// Which program.
        program: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The system does not let a program make code and run it.
    #[error("this system forbids QEMU memory that is both written and executed: {said}")]
    ExecutableMemory {
        /// QEMU's words.
        said: String,
    },
    /// The guest's kernel panicked.
    #[error("the guest's kernel panicked: {said}")]
    Panic {
        /// The kernel's words.
        said: String,
    },
    /// The machine ended.
    #[error("the virtual machine ended{said}")]
    Ended {
        /// The last that was said, in parentheses, or nothing.
        said: String,
    },
    /// The agent in it said nothing for long.
    #[error("the guest did not answer within {} seconds while {doing}", .seconds)]
    Silent {
        /// The action that was waited for.
        doing: &'static str,
        /// The time that was waited.
        seconds: u64,
    },
    /// The agent speaks another protocol.
    #[error("the guest's agent speaks version {found} of the protocol, and not {VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// The monitor refused something.
    #[error("cannot {doing}: {error}")]
    Monitor {
        /// The action that failed.
        doing: &'static str,
        /// The cause.
        error: io::Error,
    },
    /// The guest said what no agent of ours says. The machine is ended by then.
    #[error("the guest broke the protocol: {what}")]
    Broke {
        /// Its offense.
        what: String,
    },
    /// The agent refused something.
    #[error("the guest cannot {doing}: {what}")]
    Refused {
        /// The action that failed.
        doing: &'static str,
        /// The cause.
        what: String,
    },
}

impl MachineError {
    /// The guest did not answer for so long.
    pub fn silent(doing: &'static str, patience: Duration) -> MachineError {
        let seconds = patience.as_secs();
        MachineError::Silent { doing, seconds }
    }

    /// Returns why a machine ended, by what it said.
    pub fn from_last_words(said: &str) -> MachineError {
        let line_with = |word: &str| {
            let mut lines = said.lines().map(str::trim);
            let line = lines.rfind(|line| !line.is_empty() && line.contains(word))?;
            // The guest's console is the guest's to write.
            Some(quoted(line.to_owned()))
        };
        if let Some(said) = line_with("Kernel panic") {
            let said = match said.split_once("Kernel panic - ") {
                Some((_, what)) => what.to_owned(),
                None => said,
            };
            return MachineError::Panic { said };
        }
        let of_translator = ["translator buffer", "jit memory", "jit buffer"];
        if let Some(said) = of_translator.into_iter().find_map(line_with) {
            return MachineError::ExecutableMemory { said };
        }
        // The agent's last words say more than those of the kernel, which then switches off.
        let last = line_with("tutor-agent: ").or_else(|| line_with(""));
        MachineError::Ended {
            said: last.map_or_else(String::new, |line| format!(" ({line})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_for_an_end_is_what_was_said_last() {
        let said = [
            "",
            "qemu-system-x86_64: -machine x: unsupported machine type\n",
            "[    1.2] sysrq: Trigger a crash\r\n[    1.3] Kernel panic - not syncing: sysrq triggered crash\r\n[    1.4] ---[ end ]---\r\n",
            "qemu-system-x86_64: Could not allocate dynamic translator buffer\nqemu: exiting\n",
            "tutor-agent: no port appeared\r\n[   31.7] reboot: Power down\r\n",
        ];
        let told: Vec<String> = said
            .iter()
            .map(|said| MachineError::from_last_words(said).to_string())
            .collect();
        assert_eq!(
            told,
            [
                "the virtual machine ended",
                "the virtual machine ended (qemu-system-x86_64: -machine x: unsupported machine type)",
                "the guest's kernel panicked: not syncing: sysrq triggered crash",
                "this system forbids QEMU memory that is both written and executed: qemu-system-x86_64: Could not allocate dynamic translator buffer",
                "the virtual machine ended (tutor-agent: no port appeared)",
            ]
        );
    }
}
