//! Why a machine ended, by what its console and QEMU said last.

use crate::machine::MachineError;
use tutor_agent::protocol::quoted;

/// Why a machine ended, by what it said.
pub fn reason(said: &str) -> MachineError {
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
    // What the agent ended by says more than the kernel that then switches off.
    let last = line_with("tutor-agent: ").or_else(|| line_with(""));
    MachineError::Ended {
        said: last.map_or_else(String::new, |line| format!(" ({line})")),
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
        let told: Vec<String> = said.iter().map(|said| reason(said).to_string()).collect();
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
